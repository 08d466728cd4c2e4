"""A program was named and is still being read: neither a step of undo, nor a file, nor a run
mixes what the node was with what it will be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.test_models import KLING, PAINTER, built, model

if TYPE_CHECKING:
    from playwright.sync_api import Route

OTHER = "kling-v3.0-std/image-to-video"


pytestmark = pytest.mark.usefixtures("models_account")


@contextlib.contextmanager
def nothing_is_read(canvas: Canvas) -> Iterator[Callable[[], bool]]:
    """Questions for a program wait until this is left; tells whether one does."""
    waiting: list[Route] = []
    is_asked = "**/runninghub/program"

    def hold(route: Route) -> None:
        waiting.append(route)

    canvas.change_page().route(is_asked, hold)
    try:
        yield lambda: bool(waiting)
    finally:
        for route in waiting:
            route.continue_()
        canvas.page.unroute(is_asked)


def shown_form(canvas: Canvas, node: str) -> str:
    return canvas.node(node)["properties"]["runninghub"]["form"]["id"]


def wait_for_form(canvas: Canvas, node: str, program: str) -> None:
    canvas.wait_for(
        """([id, program]) => app.graph.nodes.find((node) => String(node.id) === id)
            ?.properties.runninghub.form.id === program""",
        [node, program],
    )


def test_another_model_is_one_step_of_undo_however_long_it_is_looked_up(either: Canvas) -> None:
    either.clear()
    node = model(either, KLING)
    either.set_widget(node, "negativePrompt", "fog")
    either.settle()
    before = either.prompt()
    with nothing_is_read(either) as is_waiting:
        either.set_widget(node, "model", OTHER)
        either.until(is_waiting)
        either.settle()  # a person pauses while it is looked up
        file = either.workflow()
    built(either, node, OTHER)
    either.settle()
    after = either.prompt()
    either.command("Comfy.Undo")
    wait_for_form(either, node, KLING)
    assert either.prompt() == before
    either.command("Comfy.Redo")
    wait_for_form(either, node, OTHER)
    assert either.prompt() == after

    # What was saved meanwhile is the former model, whole.
    either.load(file)
    assert (shown_form(either, node), either.prompt()) == (KLING, before)


def test_a_file_that_names_one_model_and_shows_another_is_what_it_shows(either: Canvas) -> None:
    """As an older version saved it."""
    either.clear()
    node = model(either, KLING)
    before = either.prompt()
    file = either.workflow()
    for saved in file["nodes"]:
        values = saved["widgets_values"]
        saved["widgets_values"] = [PAINTER if value == KLING else value for value in values]
    assert PAINTER in file["nodes"][0]["widgets_values"]
    either.load(file)
    assert either.node(node)["widgets"]["model"] == KLING
    assert either.prompt() == before


@pytest.mark.parametrize("named_by", ["model", "workflow"])
def test_a_run_while_another_program_is_looked_up_is_refused(
    either: Canvas, emulator: Emulator, named_by: str
) -> None:
    either.clear()
    if named_by == "model":
        node, named = model(either, PAINTER), KLING
        either.set_widget(node, "prompt", "a boat")
    else:
        node, _ = either.painting()
        named = catalog.INVERT
    with nothing_is_read(either) as is_waiting:
        either.set_widget(node, named_by, named)
        either.until(is_waiting)
        refused = either.refused()
    assert named in str(refused["node_errors"])
    assert emulator.counters.orders == 0
