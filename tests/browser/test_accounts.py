"""Keys on the canvas: none yet, a wrong one, and never one in the browser."""

from __future__ import annotations

from collections.abc import Callable

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.hosts import Host

REFUSED = r"api/runninghub/.*|status of 40[03]"


def test_without_a_key_the_sandbox_runs_a_sample(
    new_host: Callable[..., Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", "1900000000000000101")
    canvas.dialog.get_by_text("Start the sandbox").wait_for()
    canvas.picture("offer")
    canvas.press_button("Start the sandbox")
    canvas.dialog.get_by_text("Text to image", exact=True).wait_for()
    canvas.picture("samples")
    canvas.press_button("Text to image")
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    assert canvas.node(node)["widgets"]["profile"] == "sandbox"
    canvas.run()
    canvas.shows_picture(preview)
    canvas.picture("ran")
    canvas.forgive(REFUSED)


def test_a_key_entered_where_it_was_missed_leads_on_to_the_fields(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.dialog.get_by_label("Site").select_option(label="Another address")
    canvas.dialog.get_by_label("Another address", exact=True).fill(cloud[1])
    canvas.dialog.get_by_label("API key").fill(emulator.default_key)
    canvas.dialog.get_by_label("API key").press("Enter")
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    assert "6.text" in canvas.node(node)["widgets"]
    canvas.forgive(REFUSED)


def test_a_key_is_entered_tested_and_not_seen_again(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    host = new_host()
    canvas = opened(host)
    page = canvas.settings("Keys and sites")
    page.get_by_label("Site").select_option(label="Another address")
    page.get_by_label("Another address", exact=True).fill(cloud[1])
    page.get_by_label("API key").fill(emulator.default_key)
    with canvas.page.expect_response("**/runninghub/profiles/save") as saved:
        page.get_by_label("API key").press("Enter")
    assert emulator.default_key not in saved.value.text()
    with canvas.page.expect_response("**/runninghub/profiles/test") as tested:
        page.get_by_role("button", name="Test").click()
    assert emulator.default_key not in tested.value.text()
    page.get_by_text("It works").wait_for()
    page.get_by_text("Results kept on this machine: 0 B").wait_for()
    canvas.picture("tested")
    seen = canvas.run_js("async () => (await fetch('/api/runninghub/settings')).text()")
    assert emulator.default_key not in seen
    assert emulator.default_key[-4:] in seen
    canvas.page.keyboard.press("Escape")
    page.wait_for(state="detached")
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    assert canvas.node(node)["widgets"]["6.text"] == "a lighthouse at dusk"


def test_a_wrong_key_is_said_where_one_looks(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], cloud: tuple[Emulator, str]
) -> None:
    canvas = opened(new_host(RUNNINGHUB_BASE_URL=cloud[1], RUNNINGHUB_API_KEY="f" * 32))
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.page.get_by_text("key").first.wait_for()
    canvas.dialog.get_by_text("key").first.wait_for()
    canvas.picture("told")
    assert "6.text" not in canvas.node(node)["widgets"]
    canvas.forgive(REFUSED)
