"""Orders that nobody knows the fate of, tasks from before a restart, new runs and kept results."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.faults import Kind
from tests.browser.canvas import Canvas, is_prompt
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host
from tests.browser.tab import GONE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

CREATE = "/task/openapi/create"
SAMPLER = "3"  # of catalog.TEXT_TO_IMAGE


def notices(canvas: Canvas) -> Locator:
    return canvas.page.locator(".runninghub-notices").get_by_role("alert")


def failed(canvas: Canvas) -> Locator:
    """Runs into an error; the notice of it."""
    canvas.run("execution_error")
    alert = notices(canvas)
    alert.get_by_text(re.compile("not sent again")).wait_for()
    return alert


def lost(canvas: Canvas, emulator: Emulator, fault: Kind = "lost_reply") -> Locator:
    """Orders, and nobody knows whether it was taken; the question about it,
    in the list of tasks."""
    emulator.faults.append(Fault(CREATE, fault))
    return question(canvas, failed(canvas))


def question(canvas: Canvas, alert: Locator) -> Locator:
    """Where a notice leads to; it is put away."""
    (order,) = set(re.findall(r"order (\d+)", alert.inner_text()))
    alert.get_by_role("button", name="Answer the question").click()
    place = card(canvas, f"order {order} ")
    place.wait_for()
    return place


def card(canvas: Canvas, facts: str) -> Locator:
    """One task in the list that is open."""
    return canvas.dialog.locator("section").filter(has_text=facts)


def leave(canvas: Canvas) -> None:
    """Closes the list; the notice that led to it went with the answer."""
    canvas.press_button("Close")
    canvas.dialog.wait_for(state="detached")
    notices(canvas).wait_for(state="detached")


def test_an_order_whose_reply_was_lost_is_a_question_and_not_sent_again(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    canvas.painting()
    emulator.hold_at = SAMPLER
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    alert = failed(canvas)
    alert.get_by_text("no task id came back").wait_for()
    alert.get_by_text(re.compile(r"Tasks of the account: \d+ before the order, 1 now")).wait_for()
    canvas.until(lambda: any("may be running" in line for line in canvas.painted()))
    assert not any(line.startswith("ordering") for line in canvas.painted())
    canvas.picture("told")
    alert.get_by_role("button", name="Close").click()
    alert = failed(canvas)
    alert.get_by_text("may be running or billed already").wait_for()
    assert emulator.counters.orders == 1

    place = question(canvas, alert)
    place.get_by_role("button", name="Look again").click()
    place.get_by_text(re.compile(r"now: 1; known here: \d+\. Before this order: \d+")).wait_for()
    canvas.picture("seen")
    place.get_by_label("Task id from the site").fill("1999999999999999999")
    place.get_by_label("Task id from the site").press("Enter")  # as good as the button
    place.get_by_text("does not know this task").wait_for()
    canvas.forgive("api/runninghub/tasks/settle")
    (task,) = emulator.tasks.values()
    place.get_by_label("Task id from the site").fill(task.id)
    place.get_by_role("button", name="It is this task").click()
    task_card = card(canvas, f"task {task.id}")
    task_card.get_by_role("button", name="Cancel task").click()
    canvas.picture("known")
    task_card.get_by_role("button", name="Really cancel?").click()
    task_card.wait_for(state="detached")
    assert task.status == "CANCEL"
    assert emulator.counters.orders == 1


def test_each_answer_about_a_lost_order_leads_to_a_picture(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    node, _ = canvas.painting()

    place = lost(canvas, emulator)
    (task_id,) = emulator.tasks
    place.get_by_label("Task id from the site").fill(task_id)
    place.get_by_role("button", name="It is this task").click()
    card(canvas, f"task {task_id}").wait_for()
    leave(canvas)
    canvas.run()
    canvas.shows_picture(node)
    canvas.until(lambda: any("it was ordered before" in text for text in canvas.painted()))
    assert emulator.counters.orders == 1

    canvas.ask_anew(node)
    # Nothing was booked, but a broken server cannot be believed.
    place = lost(canvas, emulator, "status")
    assert not any(text.startswith("done in") for text in canvas.painted())
    place.get_by_role("button", name="It did not start").click()
    place.get_by_role("button", name="Are you sure that it did not start?").click()
    place.wait_for(state="detached")
    leave(canvas)
    assert emulator.counters.orders == 1
    canvas.run()
    assert emulator.counters.orders == 2

    canvas.ask_anew(node)
    place = lost(canvas, emulator)
    place.get_by_role("button", name="Send again").click()
    canvas.picture("may cost twice")
    place.get_by_role("button", name="It may cost twice. Send again?").click()
    place.wait_for(state="detached")
    leave(canvas)
    assert emulator.counters.orders == 3
    canvas.run()
    assert emulator.counters.orders == 4


def test_tasks_from_before_a_restart_are_told_once_and_taken_up(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
) -> None:
    host = new_host(**account)
    canvas = opened(host)
    canvas.clear()
    nodes = [canvas.painting(y)[0] for y in (100, 700)]
    emulator.hold_at = SAMPLER
    canvas.start()
    for node in nodes:
        canvas.says(node, "KSampler")
    workflow = canvas.workflow()
    host.stop()
    canvas.forgive(GONE)

    canvas = opened(new_host(**account))
    notice = canvas.page.get_by_role("status").filter(
        has_text="Tasks that this ComfyUI does not wait for"
    )
    notice.get_by_text("2 RunningHub tasks are still running.").wait_for()
    canvas.picture("told")
    notice.get_by_role("button", name="Look at them").click()
    first, second = emulator.tasks
    for task_id in (first, second):
        task_card = card(canvas, f"task {task_id}")
        task_card.get_by_text(f"Workflow {catalog.TEXT_TO_IMAGE}").wait_for()
        for name in ("Follow", "Fetch results", "Cancel task"):
            task_card.get_by_role("button", name=name).wait_for()
    canvas.picture("listed")
    canvas.open()

    canvas.clear()
    canvas.command("runninghub.tasks.open")
    task_card = card(canvas, f"task {first}")
    task_card.get_by_role("button", name="Fetch results").click()
    task_card.get_by_text("not finished yet").wait_for()
    # Told once: by now it would have come again.
    assert notice.count() == 0
    canvas.forgive("api/runninghub/tasks/fetch")
    task_card.get_by_role("button", name="Follow").click()
    canvas.wait_for("() => app.graph.nodes.length === 1")
    (follower,) = canvas.nodes("RunningHubTask")
    canvas.says(follower, "running")
    emulator.hold_at = None
    canvas.shows_picture(follower)
    canvas.picture("followed")
    canvas.command("runninghub.tasks.open")
    card(canvas, f"task {second}").get_by_role("button", name="Fetch results").click()
    canvas.dialog.get_by_text("There are no open tasks.").wait_for()
    canvas.picture("fetched")
    canvas.press_button("Close")
    canvas.load(workflow)
    canvas.run()
    for node in nodes:
        canvas.shows_picture(node)
    assert emulator.counters.orders == 2


@pytest.mark.parametrize("classic", [False, True])
def test_a_page_that_stays_open_is_told_of_them_when_comfyui_is_back(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    frontend = OLDEST if classic else NEWEST
    host = new_host(frontend, **account)
    canvas = opened(host, classic=classic)
    canvas.clear()
    node, _ = canvas.painting()
    emulator.hold_at = SAMPLER
    canvas.start()
    canvas.says(node, "KSampler")
    host.stop()
    canvas.forgive(GONE)
    new_host(frontend, port=int(host.url.rpartition(":")[2]), **account)
    notice = canvas.page.get_by_role("status").filter(
        has_text="此 ComfyUI 没有在等待的任务"
        if classic
        else "Tasks that this ComfyUI does not wait for"
    )
    notice.wait_for()
    canvas.picture("told")
    # Nothing says any more that it is waited for.
    canvas.until(lambda: not any("KSampler ·" in line for line in canvas.painted()))
    assert "$$node-text-preview" not in canvas.node(node)["widgets"]
    canvas.until(lambda: canvas.node(node)["images"] == 0)  # the sampler's last preview
    notice.get_by_role("button", name="查看" if classic else "Look at them").click()
    (task_id,) = emulator.tasks
    card(canvas, task_id).wait_for()
    assert emulator.counters.orders == 1


def test_run_again_orders_anew_and_what_is_kept_is_emptied_at_a_word(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    canvas.run()
    with canvas.page.expect_response(is_prompt) as answer:
        canvas.menu_entry(node, "Run again")
    canvas.finished(answer.value.json()["prompt_id"])
    assert emulator.counters.orders == 2
    canvas.run()
    assert emulator.counters.orders == 2

    page = canvas.settings("Keys and sites")
    page.get_by_text(re.compile(r"Results kept on this machine: [\d.,]+ [kM]B")).wait_for()
    canvas.picture("kept")
    page.get_by_role("button", name="Empty").click()
    canvas.picture("asked")
    page.get_by_role("button", name="Really delete them?").click()
    page.get_by_text("Results kept on this machine: 0 B").wait_for()
    canvas.picture("emptied")


def test_open_tasks_are_told_by_one_notice_however_often_the_server_came_back(
    canvas: Canvas,
) -> None:
    told = canvas.page.locator(".runninghub-notices").get_by_role("status")
    tasks = [{"order": 1, "uncertain": False, "over": False}]
    canvas.change_page().route(
        "**/runninghub/tasks", lambda route: route.fulfill(json={"tasks": tasks})
    )
    for count in (2, 3, 4):
        tasks.append({**tasks[0], "order": count})
        canvas.run_js("() => window.comfyAPI.api.api.socket.close()")
        told.filter(has_text=f"{count} RunningHub tasks are still running").wait_for()
    assert told.count() == 1
