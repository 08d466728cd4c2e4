"""While it runs, when it fails, and when the page or the server goes away meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, catalog
from rh_api.emulator.faults import Fault
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST
from tests.browser.hosts import running
from tests.browser.tab import GONE
from tests.support.graphs import node

if TYPE_CHECKING:
    from playwright.sync_api import Route


CHECKPOINT, SAMPLER = "4", "3"  # of catalog.TEXT_TO_IMAGE
WAYS = ("reloaded", "reopened")  # in which a page comes back


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


def line_at(canvas: Canvas, node: str) -> str:
    """What stands on a node after its run: the line in it, or else the label above it."""
    line = canvas.node(node)["widgets"].get("$$node-text-preview")
    return line or " ".join(canvas.painted())


def progress_of(canvas: Canvas, node: str) -> float:
    """How far its bar is, 0 to 1, as the front end has it."""
    return canvas.run_js(
        "(id) => app.canvas.graph.nodes.find((node) => String(node.id) === id)?.progress ?? 0", node
    )


def is_shown_whole(canvas: Canvas, node: str) -> None:
    """A run under way on its node: line, bar, the sampler's preview; and Stop is offered."""
    canvas.says(node, "KSampler")
    canvas.until(lambda: progress_of(canvas, node) > 0)
    canvas.wait_for("() => Object.keys(app.nodePreviewImages ?? {}).length > 0")


def test_stop_says_what_became_of_the_money(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    emulator.hold_at = CHECKPOINT
    prompt_id = either.start()
    either.says(node, "Checkpoint")
    emulator.hold_at = SAMPLER
    is_shown_whole(either, node)
    either.command("Comfy.Interrupt")
    either.finished(prompt_id)
    (task,) = emulator.tasks.values()
    either.until(lambda: task.status == "CANCEL")
    coins = f"{task.coins} RH币" if either.classic else f"{task.coins} coin"
    ending = ("云端任务已取消 · " if either.classic else "cancelled in the cloud · ") + coins
    either.until(lambda: ending in line_at(either, node))
    progress = "运行中 KSampler" if either.classic else "running KSampler"
    assert progress not in line_at(either, node)
    # The half picture would look like a result.
    either.wait_for("() => Object.keys(app.nodePreviewImages ?? {}).length === 0")
    either.until(lambda: either.node(node)["images"] == 0)
    if not either.classic:
        either.shown(node).locator("img").wait_for(state="detached")
    either.picture("stopped")


def test_a_stop_that_nobody_confirmed_stays_in_sight(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    emulator.hold_at = SAMPLER
    prompt_id = either.start()
    either.says(node, "KSampler")
    emulator.faults.append(Fault("/", "reset", count=None))
    either.command("Comfy.Interrupt")
    either.finished(prompt_id)
    open_end = "未获确认" if either.classic else "not confirmed: the task may run and cost"
    either.until(lambda: open_end in line_at(either, node))
    alert = either.page.locator(".runninghub-notices [role=alert]")
    again = alert.get_by_role("button", name="再次取消" if either.classic else "Cancel again")
    again.wait_for()
    either.picture("not confirmed")

    # Not before the press: what asks again by itself would take the button away.
    def answer_again(route: Route) -> None:
        emulator.faults.clear()
        route.continue_()

    either.change_page().route("**/runninghub/tasks/cancel", answer_again)
    again.click()
    alert.wait_for(state="detached")
    ending = "云端任务已取消 · " if either.classic else "cancelled in the cloud · "
    either.until(lambda: ending in line_at(either, node))
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


def test_a_served_result_never_looks_paid_again(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    # Another page of another language was here last.
    language = "en" if either.classic else "zh"
    either.run_js(
        """(locale) => fetch("/api/runninghub/session", {method: "POST",
            headers: {"Content-Type": "application/json"}, body: JSON.stringify({locale})})""",
        language,
    )
    either.run()
    paid = "用时" if either.classic else "done in"
    either.until(lambda: paid in line_at(either, node))
    either.picture("paid")
    either.run()
    served = "本次未付费" if either.classic else "nothing was paid: kept"
    either.until(lambda: served in line_at(either, node))
    assert paid not in line_at(either, node)
    either.picture("kept")
    assert len(emulator.tasks) == 1


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
    canvas.press_button("Cancel task")
    canvas.press_button("Really cancel?")
    canvas.dialog.get_by_text("There are no open tasks.").wait_for()
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
    message = canvas.page.get_by_text("the sampler is out of <b>memory</b>").first
    message.wait_for()
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
    emulator.hold_at = SAMPLER
    prompt_id = canvas.start()
    canvas.says(node, "KSampler")
    canvas.reload()
    canvas.wait_for("() => app.graph.nodes.length === 2")
    canvas.picture("reloaded")
    emulator.hold_at = None
    canvas.finished(prompt_id)
    canvas.shows_picture(preview)
    assert len(emulator.tasks) == 1


def test_a_run_under_way_is_drawn_again(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, preview = either.painting()
    either.settle()
    # The sampler's preview is sent once: who listens by then gets it.
    emulator.hold_at = CHECKPOINT
    prompt_id = either.start()
    either.says(node, "Checkpoint")
    emulator.hold_at = SAMPLER
    is_shown_whole(either, node)
    for way in WAYS:
        either.come_back(way)
        is_shown_whole(either, node)
        either.picture(way)
    emulator.hold_at = None
    either.finished(prompt_id)
    either.shows_picture(preview)
    paid = "用时" if either.classic else "done in"
    either.until(lambda: paid in line_at(either, node))
    assert len(emulator.tasks) == 1


def test_a_result_that_was_paid_and_did_not_come_is_said_on_the_node(
    either: Canvas, emulator: Emulator
) -> None:
    savers = {"5": "first", "6": "second"}
    graph = {"4": node("EmptyImage", width=8, height=8, batch_size=1, color=1)} | {
        node_id: node("SaveImage", images=["4", 0], filename_prefix=name)
        for node_id, name in savers.items()
    }
    lost = Fault("/results/", "status", value=404, count=1)
    either.clear()
    remote = either.program(emulator.add_workflow(graph))
    either.settle()
    emulator.faults.append(lost)
    either.run()
    in_part, lost_words, fetch, brought = (
        ("结果不全 · 用时", "未能取得", "取回结果", "结果已取回")
        if either.classic
        else (
            "some results are missing",
            "could not be fetched",
            "Fetch results",
            "The results are here",
        )
    )
    either.until(lambda: in_part in line_at(either, remote))
    card = either.page.locator(".runninghub-notices").get_by_role("alert")
    card.get_by_text(lost_words).wait_for()
    either.picture("one lost")
    card.get_by_role("button", name=fetch).click()
    either.page.get_by_text(brought).first.wait_for()
    card.wait_for(state="detached")
    either.come_back("reloaded")
    either.until(lambda: in_part in line_at(either, remote))
    assert (lost.struck, emulator.counters.orders) == (1, 1)


@pytest.mark.parametrize("way", WAYS)
def test_stop_works_on_a_page_that_came_later(either: Canvas, emulator: Emulator, way: str) -> None:
    either.clear()
    node, _ = either.painting()
    either.settle()
    emulator.hold_at = SAMPLER
    prompt_id = either.start()
    either.says(node, "KSampler")
    either.come_back(way)
    either.says(node, "KSampler")
    # ComfyUI's own, with the mouse: it is offered while something runs.
    stop = "取消当前任务" if either.classic else "Cancel current run"
    either.page.get_by_role("button", name=stop).click()
    either.finished(prompt_id)
    ending = "云端任务已取消 · " if either.classic else "cancelled in the cloud · "
    either.until(lambda: ending in line_at(either, node))


def test_what_a_run_cost_stands_on_a_page_that_came_later(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node, _ = either.painting()
    either.settle()
    either.run()
    paid = "用时" if either.classic else "done in"
    either.until(lambda: paid in line_at(either, node))
    coin = "1 RH币" if either.classic else "1 coin"
    for way in WAYS:
        either.come_back(way)
        either.until(lambda: paid in line_at(either, node) and coin in line_at(either, node))
        either.wait_for(
            """(id) => Object.keys(document.querySelector("#vue-app").__vue_app__.config
                .globalProperties.$pinia._s.get("nodeOutput").nodeOutputs).includes(id)""",
            node,
        )
        either.picture(way)
    # Of another program nothing is told.
    either.paste(node, catalog.INVERT)
    either.primary()
    either.settle()
    for way in WAYS:
        either.come_back(way)
        assert paid not in line_at(either, node)


def test_what_a_marked_part_cost_stands_on_a_reloaded_page(
    either: Canvas, emulator: Emulator
) -> None:
    *_, shown = either.marked_part(84)
    either.run()
    either.shows_picture(shown)
    paid = "用时" if either.classic else "done in"

    def stands() -> bool:
        nodes = [either.node(node_id) for node_id in either.nodes("EmptyImage")]
        lines = [view["widgets"].get("$$node-text-preview") or "" for view in nodes]
        return any(line.startswith(paid) for line in (*lines, *either.painted()))

    either.until(stands)
    # What comes back is all that is loaded: no node of ours, whose coming would be a sign.
    either.reload()
    either.wait_for("() => app.graph.nodes.length === 3")
    either.until(stands)
    either.picture("reloaded")


def test_two_tabs_keep_to_themselves(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    _, preview = canvas.painting()
    second = canvas.second_tab("other tab")
    second.clear()
    theirs = second.program(catalog.TEXT_TO_IMAGE)
    shown = second.add("PreviewImage", 800, 150)
    second.connect(theirs, "out_1", shown, "images")
    second.set_widget(theirs, "6.text", "what the other tab asks for")
    canvas.run()
    canvas.shows_picture(preview)
    assert second.node(shown)["images"] == 0
    second.run()
    second.shows_picture(shown)
    assert len(emulator.tasks) == 2
    assert second.troubles == []


def test_a_server_that_is_gone_is_said_and_harms_nothing(
    tmp_path: Path, opened: Callable[..., Canvas], account: dict[str, str], emulator: Emulator
) -> None:
    with running("stage", NEWEST, tmp_path, account) as host:
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
        canvas.forgive(GONE)
