"""A marked part of the graph runs on RunningHub, and looks as if it had run here."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import requests
from PIL import Image

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas

_colors = itertools.count(0x123456, 0x010203)


def inverting(canvas: Canvas) -> tuple[str, str, str]:
    """A picture in a colour that no run had before, turned round, and saved."""
    canvas.clear()
    source = canvas.add("EmptyImage", 60, 160)
    canvas.set_widget(source, "width", 64)
    canvas.set_widget(source, "height", 48)
    canvas.set_widget(source, "color", next(_colors))
    inverted = canvas.add("ImageInvert", 420, 160)
    saver = canvas.add("SaveImage", 700, 160)
    canvas.connect(source, "IMAGE", inverted, "image")
    canvas.connect(inverted, "IMAGE", saver, "images")
    return source, inverted, saver


def pixels(canvas: Canvas, prompt_id: str, node_id: str) -> np.ndarray:
    """What a saver saved in a run."""
    (entry,) = canvas.finished(prompt_id)["outputs"][node_id]["images"]
    answer = requests.get(f"{canvas.host.url}/view", params=entry, timeout=10)
    with Image.open(io.BytesIO(answer.content)) as picture:
        return np.asarray(picture.convert("RGB"))


def mark_of(canvas: Canvas, node_id: str) -> str | None:
    return canvas.node(node_id)["properties"].get("runninghub", {}).get("segment")


def by_shortcut(canvas: Canvas, node_id: str) -> None:
    canvas.select(node_id)
    canvas.press("Alt+r")


def by_command(canvas: Canvas, node_id: str) -> None:
    canvas.select(node_id)
    canvas.command("runninghub.segments.mark")


def by_toolbox(canvas: Canvas, node_id: str) -> None:
    canvas.select(node_id)
    canvas.page.locator(".selection-toolbox .pi-cloud-upload").first.click()


def by_menu(canvas: Canvas, node_id: str) -> None:
    canvas.menu_entry(node_id, "Run on RunningHub")


@pytest.mark.parametrize("mark", [by_shortcut, by_command, by_toolbox, by_menu])
def test_every_way_of_marking_marks(canvas: Canvas, mark: Callable[[Canvas, str], None]) -> None:
    _, inverted, _ = inverting(canvas)
    mark(canvas, inverted)
    canvas.wait_for(
        """(id) => app.graph.nodes.find((one) => String(one.id) === id)
            .properties.runninghub?.segment""",
        inverted,
    )
    canvas.picture("marked")


def test_a_marked_node_runs_there_and_unmarked_here_with_the_same_picture(
    either: Canvas, emulator: Emulator
) -> None:
    source, inverted, saver = inverting(either)
    here = pixels(either, either.run(), saver)
    assert emulator.tasks == {}
    by_command(either, inverted)
    either.set_widget(source, "color", next(_colors))
    emulator.run_seconds = 2
    either.watch_progress()
    prompt_id = either.start()
    either.finished(prompt_id)
    either.shows_picture(saver)
    either.picture("ran there")
    there = pixels(either, prompt_id, saver)
    (task,) = emulator.tasks.values()
    assert task.order.inline
    assert inverted in either.progressed()
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}
    either.select(inverted)
    either.command("runninghub.segments.unmark")
    again = pixels(either, either.run(), saver)
    assert np.array_equal(there, again)
    assert not np.array_equal(here, there)
    assert len(emulator.tasks) == 1


def test_marks_survive_saving_copying_and_undo(either: Canvas) -> None:
    _, inverted, _ = inverting(either)
    by_command(either, inverted)
    name = mark_of(either, inverted)
    assert name
    either.load(either.workflow())
    assert mark_of(either, inverted) == name
    either.settle()
    either.select(inverted)
    either.press("Control+c")
    either.press("Control+v")
    either.wait_for("() => app.graph.nodes.length === 4")
    (copy,) = set(either.nodes("ImageInvert")) - {inverted}
    assert mark_of(either, copy) == name
    either.settle()
    either.select(inverted)
    either.command("runninghub.segments.unmark")
    assert mark_of(either, inverted) is None
    either.settle()
    either.command("Comfy.Undo")
    either.wait_for(
        """(id) => app.graph.nodes.find((one) => String(one.id) === id)
            .properties.runninghub?.segment""",
        inverted,
    )
    either.picture("undone")


def test_the_whole_graph_is_marked_and_unmarked_at_once(canvas: Canvas) -> None:
    nodes = inverting(canvas)
    canvas.command("runninghub.segments.whole")
    (name,) = {mark_of(canvas, node) for node in nodes}
    assert name
    canvas.picture("all marked")
    canvas.command("runninghub.segments.unmark_all")
    assert {mark_of(canvas, node) for node in nodes} == {None}


def test_a_marked_group_means_its_members(canvas: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(canvas)
    canvas.run_js(
        """(id) => {
            const node = app.graph.nodes.find((one) => String(one.id) === id);
            const group = new LiteGraph.LGraphGroup("there");
            app.graph.add(group);
            group.pos = [node.pos[0] - 20, node.pos[1] - 60];
            group.size = [node.size[0] + 40, node.size[1] + 100];
            app.canvas.deselectAll();
            app.canvas.selectItems([group]);
        }""",
        inverted,
    )
    canvas.command("runninghub.segments.mark")
    canvas.picture("marked")
    canvas.run()
    canvas.shows_picture(saver)
    (task,) = emulator.tasks.values()
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}


def test_a_marked_subgraph_means_all_inside(canvas: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(canvas)
    canvas.select(inverted)
    canvas.command("Comfy.Graph.ConvertToSubgraph")
    canvas.wait_for("() => app.graph.nodes.some((one) => one.subgraph)")
    outer = canvas.run_js("() => String(app.graph.nodes.find((one) => one.subgraph).id)")
    by_command(canvas, outer)
    canvas.picture("marked")
    canvas.run()
    canvas.shows_picture(saver)
    (task,) = emulator.tasks.values()
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}


def test_what_would_run_is_explained_before(canvas: Canvas, emulator: Emulator) -> None:
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    canvas.command("runninghub.segments.explain")
    canvas.dialog.get_by_text("Goes up").wait_for()
    canvas.picture("explained")
    assert emulator.tasks == {}
    canvas.page.keyboard.press("Escape")
