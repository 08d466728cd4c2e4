"""The switch beside Run: the whole graph runs here, or all of it that can go on RunningHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.browser.marks import by_command, colors, inverting, mark_of
from tests.browser.test_segments import within_subgraph

if TYPE_CHECKING:
    from playwright.sync_api import Locator

WHOLE = "() => app.rootGraph.extra.runninghub?.whole ?? null"


def switch(canvas: Canvas, there: bool) -> Locator:
    """The button of that side."""
    here = "本机" if canvas.classic else "Here"
    buttons = canvas.bar.locator("button")
    return buttons.filter(has_text="RunningHub" if there else here).first


def is_chosen(canvas: Canvas, there: bool) -> bool:
    button = switch(canvas, there)
    said = "已选择" if canvas.classic else "Chosen"
    chosen = "runninghub-chosen" in (button.get_attribute("class") or "")
    assert chosen == (said in (button.get_attribute("aria-label") or ""))
    return chosen


def sent(emulator: Emulator) -> list[list[str]]:
    """The classes of each order so far."""
    return [
        [node["class_type"] for node in task.order.graph.values()]
        for task in emulator.tasks.values()
    ]


def tells_end(canvas: Canvas) -> bool:
    """Whether a node says how its last run ended: on a chip, or in a line of its own."""
    done = "用时" if canvas.classic else "done in"
    is_painted = any(done in text for text in canvas.painted())
    return is_painted or canvas.page.get_by_text(done).count() > 0


def press_run(canvas: Canvas) -> None:
    canvas.page.locator("[data-testid=queue-button]").first.click()


def test_all_that_can_go_goes_and_comes_back_with_the_marks(
    either: Canvas, emulator: Emulator
) -> None:
    source, inverted, saver = inverting(either)
    by_command(either, inverted)
    switch(either, False).wait_for()
    assert is_chosen(either, False)
    switch(either, True).click()
    either.until(lambda: is_chosen(either, True))
    assert not is_chosen(either, False)
    line = "3 个节点中的 3 个" if either.classic else "3 of 3 nodes"
    either.page.get_by_text(line).first.wait_for()
    either.picture("switched over")
    # What is added later goes too, and what is inside a subgraph.
    within_subgraph(either, inverted)
    extra = either.add("ImageInvert", 420, 420)
    shown = either.add("PreviewImage", 760, 420)
    either.connect(source, "IMAGE", extra, "image")
    either.connect(extra, "IMAGE", shown, "images")
    either.settle()
    line = "5 个节点中的 5 个" if either.classic else "5 of 5 nodes"
    either.page.get_by_text(line).first.wait_for()
    either.picture("with more")
    either.run()
    either.shows_picture(saver)
    either.shows_picture(shown)
    (order,) = sent(emulator)
    assert order.count("ImageInvert") == 2
    assert {"EmptyImage", "SaveImage"} <= set(order)
    either.until(lambda: tells_end(either))
    either.picture("done")
    # Undone and done again with the graph, saved with it.
    either.settle()
    switch(either, False).click()
    either.until(lambda: either.run_js(WHOLE) is None)
    # What was told of that run is over.
    either.until(lambda: not tells_end(either))
    either.picture("switched back")
    either.settle()
    either.command("Comfy.Undo")
    either.until(lambda: either.run_js(WHOLE) == {})
    either.until(lambda: is_chosen(either, True))
    either.command("Comfy.Redo")
    either.until(lambda: is_chosen(either, False))
    # The mark, which did not count meanwhile, is there again.
    either.set_widget(source, "color", next(colors))
    either.run()
    either.until(lambda: len(emulator.tasks) == 2)
    either.shows_picture(saver)
    assert sent(emulator)[1].count("ImageInvert") == 1


def test_a_graph_that_arrives_switched_over_asks_once(either: Canvas, emulator: Emulator) -> None:
    source, inverted, saver = inverting(either)
    graph: dict[str, Any] = either.workflow()
    graph["id"] = f"0a0a0a0a-0000-4000-8000-{next(colors):012x}"
    graph["extra"] = {**graph.get("extra", {}), "runninghub": {"whole": {}}}
    either.load(graph)
    either.until(lambda: is_chosen(either, True))
    press_run(either)
    title = "已切换到 RunningHub" if either.classic else "switched to RunningHub"
    either.dialog.get_by_text(title).wait_for()
    either.dialog.get_by_text("1 个任务" if either.classic else "1 order").wait_for()
    either.picture("asked")
    assert not emulator.tasks
    either.press_button("取消" if either.classic else "Cancel")
    press_run(either)
    either.primary()
    either.shows_picture(saver)
    assert len(emulator.tasks) == 1
    either.set_widget(source, "color", next(colors))
    either.run()
    assert len(emulator.tasks) == 2
    assert either.dialog.count() == 0
    assert mark_of(either, inverted) is None


@pytest.mark.later("gives a copy of a workflow an id of its own")
def test_the_line_beside_it_opens_what_would_run_and_a_copy_is_switched_over_too(
    either: Canvas, emulator: Emulator
) -> None:
    _, _, saver = inverting(either)
    switch(either, True).click()
    line = "3 个节点中的 3 个" if either.classic else "3 of 3 nodes"
    either.bar.get_by_text(line).click()
    title = "哪些会在 RunningHub 上运行" if either.classic else "What would run on RunningHub"
    either.dialog.get_by_role("heading", name=title).wait_for()
    either.dialog.locator("button.node").first.wait_for()
    either.picture("what would run")
    either.page.keyboard.press("Escape")
    either.settle()

    original = either.graph_id()
    either.command("Comfy.DuplicateWorkflow")
    either.until(lambda: either.graph_id() != original)
    either.until(lambda: is_chosen(either, True))
    assert either.run_js(WHOLE) == {}
    # A copy is a graph of its own, which asks once.
    press_run(either)
    either.primary()
    either.shows_picture(saver)
    (order,) = sent(emulator)
    assert {"EmptyImage", "ImageInvert", "SaveImage"} <= set(order)
