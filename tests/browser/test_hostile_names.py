"""Names of strangers in menus: options of an app, and the marked part of a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.canvas import EMPTY, Canvas
from tests.browser.frontends import NEWEST, OLDEST, UNSAFE
from tests.browser.hosts import Host
from tests.browser.marks import menu_of

ATTACK = "<img src=x onerror='window.attacked = true'>Part"
FORM = {
    "v": 1,
    "kind": "app",
    "id": "1900000000000000201",
    "name": ATTACK,
    "fields": [
        {
            "name": "4.style",
            "kind": "STRING",
            "label": "style",
            "stored": "plain",
            "options": ["plain", ATTACK],
        }
    ],
}


TEXTS = """() => app.extensions.some((of) =>
    of.getNodeMenuItems?.(app.graph.nodes[0]).some((entry) => entry?.content.includes("RunningHub")))"""


def node(number: int, kind: str, mark: dict[str, Any]) -> dict[str, Any]:
    place = {"pos": [400 * number, 200], "size": [340, 120]}
    return {"id": number, "type": kind, **place, "properties": {"runninghub": mark}}


PART = node(1, "ImageInvert", {"segment": ATTACK})
HOSTILE = {**EMPTY, "nodes": [PART, node(2, "RunningHubAIApp", {"form": FORM})]}


def is_attacked(canvas: Canvas) -> bool:
    # Whatever a menu loads has been loaded two frames later.
    return canvas.run_js(
        """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
            () => done(Boolean(window.attacked)))))"""
    )


@pytest.mark.parametrize(
    ("frontend", "classic"), [(OLDEST, True), (OLDEST, False), (NEWEST, True), (NEWEST, False)]
)
def test_a_hostile_name_in_a_menu_runs_nothing(
    kind: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    frontend: str,
    classic: bool,
) -> None:
    canvas = opened(hosts(kind, frontend), classic=classic)
    canvas.load(HOSTILE)
    if classic:
        canvas.page.mouse.click(*canvas.widget_at("2", "4.style"))
    else:
        # On the oldest its label is the name of nothing.
        canvas.shown("2").get_by_text("plain", exact=True).click()
    option = canvas.page.get_by_text(ATTACK, exact=True).last
    option.wait_for()
    canvas.picture("list of options")
    assert not is_attacked(canvas)
    option.click()
    canvas.until(lambda: canvas.node("2")["widgets"]["4.style"] == ATTACK)
    canvas.wait_for(TEXTS)
    menu_of(canvas, "1", "Invert")
    words = "哪些会在 RunningHub 上运行" if classic else "What would run on RunningHub"
    canvas.page.get_by_text(words).wait_for()
    canvas.picture("menu of a part")
    assert not is_attacked(canvas)


def test_where_menus_run_what_a_name_says_nothing_of_ours_is_on_the_page(
    kind: str, hosts: Callable[[str, str], Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(hosts(kind, UNSAFE), classic=True)
    canvas.load(HOSTILE)
    notice = canvas.page.locator(".runninghub-notices").get_by_role("alert")
    notice.get_by_text("1.39.19").wait_for()
    assert UNSAFE in notice.inner_text()
    menu = menu_of(canvas, "1", "Invert")
    menu.wait_for()
    canvas.picture("menu")
    assert not is_attacked(canvas)
    assert "RunningHub" not in menu.inner_text()
    assert "4.style" not in canvas.node("2")["widgets"]
