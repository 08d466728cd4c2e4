"""Scripts of other packs that change the same methods of ComfyUI's page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.browser.canvas import Canvas
from tests.browser.test_models import SEVERAL, items, model

if TYPE_CHECKING:
    from playwright.sync_api import Route

SCRIPT = "/extensions/other-pack/hooks.js"
# As rgthree-comfy has it, before any extension of ours is set up.
DOES_NOT_WAIT = """
    import { app } from "../../scripts/app.js";
    const { loadApiJson } = app;
    app.loadApiJson = async function () { loadApiJson.apply(app, arguments); };
"""


def install(canvas: Canvas, script: str) -> None:
    """Loads the page anew with a script of another pack, which ComfyUI lists first."""

    def listed(route: Route) -> None:
        route.fulfill(json=[SCRIPT, *route.fetch().json()])

    canvas.change_page().route("**/api/extensions", listed)
    canvas.change_page().route(
        f"**{SCRIPT}", lambda route: route.fulfill(content_type="text/javascript", body=script)
    )
    with canvas.page.expect_response(f"**{SCRIPT}"):
        canvas.open()


def test_a_prompt_is_whole_though_another_pack_does_not_wait_for_it(
    canvas: Canvas, models_account: None
) -> None:
    install(canvas, DOES_NOT_WAIT)
    canvas.clear()
    node = model(canvas, SEVERAL, 700, 60)
    for number in (1, 2):
        loader = canvas.add("LoadImage", 60, 380 * number - 320)
        canvas.connect(loader, "IMAGE", node, f"imageUrls.{number}")
        canvas.until(lambda sockets=number + 1: len(items(canvas, node, "imageUrls")) == sockets)
    before = canvas.prompt()
    canvas.clear()
    canvas.drop("api.json", "application/json", json.dumps(before).encode())
    canvas.wait_for("() => app.graph.nodes.length === 3")
    canvas.would_send(before)
    assert len(items(canvas, node, "imageUrls")) == 3  # one of them free
    assert canvas.dialog.count() == 0
