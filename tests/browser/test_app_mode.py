"""The front end's App mode: a workflow as a form of chosen fields, ours among them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas, is_prompt
from tests.browser.frontends import NEWEST
from tests.browser.hosts import Host

TEXT = "a boat, 木刻"


@pytest.mark.parametrize("chinese", [False, True], ids=["english", "chinese"])
def test_app_mode_shows_our_fields_runs_them_and_shows_the_picture(
    kind: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
    chinese: bool,
) -> None:
    canvas = opened(hosts(kind, NEWEST), classic=chinese)
    page = canvas.page
    tour = page.get_by_role("button", name="跳过" if chinese else "Skip", exact=True)
    page.add_locator_handler(tour, lambda: tour.click())
    canvas.clear()
    node, preview = canvas.painting()
    canvas.set_widget(node, "6.text", "as it was")
    workflow = canvas.workflow()
    # As the front end's own builder of apps saves what was chosen in it.
    fields = [[node, "6.text"], [node, "3.seed"]]
    workflow["extra"]["linearData"] = {"inputs": fields, "outputs": [preview]}
    canvas.load(workflow)
    canvas.command("Comfy.ToggleLinear")

    page.get_by_text("Positive", exact=True).last.wait_for()
    page.get_by_text("seed · KSampler", exact=True).last.wait_for()
    page.locator("textarea:visible").last.fill(TEXT)
    canvas.until(lambda: canvas.prompt()[node]["inputs"]["6.text"] == TEXT)
    seed = canvas.node(node)["widgets"]["3.seed"]
    canvas.picture("fields")
    with page.expect_response(is_prompt) as answer:
        page.get_by_role("button", name="运行" if chinese else "Run", exact=True).last.click()
    assert answer.value.status == 200
    canvas.finished(answer.value.json()["prompt_id"])

    (task,) = emulator.tasks.values()
    assert task.graph["6"]["inputs"]["text"] == TEXT
    assert task.graph["3"]["inputs"]["seed"] == seed
    page.wait_for_function(
        """() => [...document.images].some((image) =>
            image.src.includes("/view?") && image.naturalWidth > 0 && image.checkVisibility())"""
    )
    canvas.picture("made")
