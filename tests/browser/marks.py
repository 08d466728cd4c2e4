"""Marks on the canvas: a graph to mark, ways to mark it, what is marked."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tests.browser.canvas import Canvas

if TYPE_CHECKING:
    from playwright.sync_api import Locator

colors = itertools.count(0x123456, 0x010203)


def inverting(canvas: Canvas) -> tuple[str, str, str]:
    """A picture in a colour that no run had before, turned round, and saved."""
    canvas.clear()
    source = canvas.add("EmptyImage", 60, 160)
    canvas.set_widget(source, "width", 64)
    canvas.set_widget(source, "height", 48)
    canvas.set_widget(source, "color", next(colors))
    inverted = canvas.add("ImageInvert", 420, 160)
    saver = canvas.add("SaveImage", 700, 160)
    canvas.connect(source, "IMAGE", inverted, "image")
    canvas.connect(inverted, "IMAGE", saver, "images")
    return source, inverted, saver


def mark_of(canvas: Canvas, node_id: str) -> str | None:
    return canvas.node(node_id)["properties"].get("runninghub", {}).get("segment")


def by_command(canvas: Canvas, node_id: str, on: bool = True) -> None:
    canvas.select(node_id)
    canvas.command(f"runninghub.segments.{'mark' if on else 'unmark'}")


def menu_of(canvas: Canvas, node_id: str, title: str) -> Locator:
    """A node's context menu, opened by a right click."""
    if not canvas.classic:
        canvas.shown(node_id).get_by_text(title).first.click(button="right")
        return canvas.page.get_by_role("menu").filter(has_text="RunningHub")
    x, y = canvas.run_js(
        """(id) => {
            const { pos } = app.canvas.graph.nodes.find((node) => String(node.id) === id);
            const [x, y] = app.canvas.ds.convertOffsetToCanvas([pos[0] + 40, pos[1] - 12]);
            const box = app.canvas.canvas.getBoundingClientRect();
            return [box.x + x, box.y + y];
        }""",
        node_id,
    )
    canvas.page.mouse.click(x, y, button="right")
    return canvas.page.locator(".litecontextmenu")
