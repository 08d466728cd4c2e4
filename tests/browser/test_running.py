"""While it runs, when it fails, and when the page or the server goes away meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST
from tests.browser.hosts import running

SAMPLER = "3"  # of catalog.TEXT_TO_IMAGE


def test_a_run_shows_where_it_is(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, preview = either.painting()
    emulator.hold_at = SAMPLER
    prompt_id = either.start()
    either.says(node, "KSampler")
    either.picture("running")
    emulator.hold_at = None
    either.finished(prompt_id)
    either.shows_picture(preview)
    either.picture("done")


def test_stop_stops_the_task(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    emulator.hold_at = SAMPLER
    prompt_id = canvas.start()
    canvas.says(node, "KSampler")
    canvas.command("Comfy.Interrupt")
    canvas.finished(prompt_id)
    (task,) = emulator.tasks.values()
    # ComfyUI ends the prompt at once; the cancel is under way.
    canvas.until(lambda: task.status == "CANCEL")


def test_waiting_is_stopped_and_the_task_goes_on(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    emulator.hold_at = SAMPLER
    prompt_id = canvas.start()
    canvas.says(node, "KSampler")
    canvas.command("runninghub.tasks.open")
    canvas.dialog.get_by_text("waited for here").wait_for()
    canvas.picture("waited for")
    canvas.press_button("Stop waiting, keep the task")
    canvas.finished(prompt_id)
    canvas.dialog.get_by_role("button", name="Follow").wait_for()
    canvas.picture("left")
    (task,) = emulator.tasks.values()
    assert task.status == "RUNNING"
    canvas.press_button("Cancel")
    canvas.press_button("Really cancel?")
    canvas.dialog.get_by_text("No task is open.").wait_for()
    assert task.status == "CANCEL"


def test_a_failed_remote_node_is_named_with_its_message(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    emulator.fail_next = {
        "node_id": "3",
        "exception_type": "RuntimeError",
        "exception_message": "the sampler is out of <b>memory</b> at a lighthouse at dusk",
    }
    canvas.run("execution_error")
    said = canvas.page.get_by_text("the sampler is out of <b>memory</b>").first
    said.wait_for()
    canvas.picture("failed")
    canvas.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    canvas.page.get_by_role("button", name="Copy report").click()
    canvas.page.get_by_text("Copied").wait_for()
    report = canvas.run_js("() => navigator.clipboard.readText()")
    assert "out of" in report
    assert emulator.default_key not in report
    assert "lighthouse" not in report
    canvas.page.get_by_role("button", name="Copy with my texts").click()
    canvas.wait_for("async () => (await navigator.clipboard.readText()).includes('lighthouse')")
    assert canvas.node(node)["widgets"]["6.text"] == "a lighthouse at dusk"


def test_a_page_that_is_reloaded_meanwhile_gets_its_picture(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    node, preview = canvas.painting()
    canvas.settle()
    emulator.hold_at = SAMPLER
    prompt_id = canvas.start()
    canvas.says(node, "KSampler")
    canvas.open()
    canvas.wait_for("() => app.graph.nodes.length === 2")
    canvas.picture("reloaded")
    emulator.hold_at = None
    canvas.finished(prompt_id)
    canvas.shows_picture(preview)
    assert len(emulator.tasks) == 1


def test_two_tabs_keep_to_themselves(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    _, preview = canvas.painting()
    other = canvas.second_tab("other tab")
    other.clear()
    theirs = other.program(catalog.TEXT_TO_IMAGE)
    shown = other.add("PreviewImage", 800, 150)
    other.connect(theirs, "out_1", shown, "images")
    other.set_widget(theirs, "6.text", "what the other tab asks for")
    canvas.run()
    canvas.shows_picture(preview)
    assert other.node(shown)["images"] == 0
    other.run()
    other.shows_picture(shown)
    assert len(emulator.tasks) == 2
    assert other.troubles == []


def test_a_server_that_is_gone_is_said_and_harms_nothing(
    tmp_path: Path, opened: Callable[..., Canvas], cloud: tuple[Emulator, str], emulator: Emulator
) -> None:
    known = {"RUNNINGHUB_BASE_URL": cloud[1], "RUNNINGHUB_API_KEY": emulator.default_key}
    with running("stage", NEWEST, tmp_path, known) as host:
        canvas = opened(host)
        canvas.clear()
        canvas.painting()
        before = canvas.prompt()
        host.stop()
        node = canvas.add("RunningHubRemoteWorkflow", 100, 500)
        canvas.type_into(node, "workflow", catalog.INVERT)
        canvas.page.get_by_text("does not answer").first.wait_for()
        canvas.picture("offline")
        after = canvas.prompt()
        assert {i: n for i, n in after.items() if i != node} == before
        canvas.forgive(r"ERR_CONNECTION_REFUSED|WebSocket|Failed to fetch|ERR_EMPTY|reconnect")
