"""The RunningHub Task node in a real ComfyUI: tasks that were ordered elsewhere or before."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.tasks.task import Task
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import decoded, looks, mark, remote, save
from tests.support.cloud import order_elsewhere
from tests.support.graphs import node
from tests.support.service import asked
from tests.support.waiting import until

pytestmark = pytest.mark.comfy

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"


def task(task_id: str, **inputs: Any) -> dict[str, Any]:
    return node("RunningHubTask", task_id=task_id, **inputs)


def ordered_elsewhere(
    emulator: Emulator, workflow: str = catalog.TEXT_TO_IMAGE, key: str = ""
) -> Task:
    """A task that this machine's journal does not know."""
    return emulator.tasks[order_elsewhere(emulator, workflow, key)]


async def over(ordered: Task) -> str:
    await until(lambda: ordered.is_over, 10)
    return ordered.id


async def test_a_finished_task_is_fetched_shown_and_handed_on(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    task_id = await over(ordered_elsewhere(emulator))
    result = await comfyui.queue(
        {"1": task(task_id), "2": save(["1", 0]), "3": looks("1", 6), "4": looks("1", 7)}
    )

    assert result.outcome == "success"
    (shown,) = result.outputs["1"]["images"]
    (saved,) = result.outputs["2"]["images"]
    assert (await decoded(comfyui, shown)).shape == (await decoded(comfyui, saved)).shape
    assert task_id in result.outputs["3"]["text"][0]
    assert emulator.counters.orders == 1


async def test_a_running_task_is_followed_to_its_results(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    ordered = ordered_elsewhere(emulator)
    queued = await comfyui.submit({"1": task(ordered.id)})
    await comfyui.event(
        lambda event: event.type == "progress_text" and event.data["text"].startswith("running")
    )
    emulator.hold_at = None
    result = await comfyui.finish(queued)

    assert result.outcome == "success"
    assert len(result.outputs["1"]["images"]) == 1
    assert emulator.counters.orders == 1


async def test_stop_ends_the_waiting_and_not_the_task(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    ordered = ordered_elsewhere(emulator)
    queued = await comfyui.submit({"1": task(ordered.id)})
    await comfyui.event(
        lambda event: event.type == "progress_text" and event.data["text"].startswith("running")
    )

    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"
    assert "goes on in the cloud" in result.texts("1")[-1]
    assert ordered.id in result.texts("1")[-1]
    assert ordered.status == "RUNNING"
    assert emulator.counters.cancels == 0


async def test_a_task_that_was_ordered_here_is_watched_too_and_stays_its_node_s(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 2
    queued = await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    await until(lambda: bool(emulator.tasks), 10)
    (task_id,) = emulator.tasks
    watching = await comfyui.queue({"1": task(task_id)})
    first = await comfyui.finish(queued)

    assert (first.outcome, watching.outcome) == ("success", "success")
    assert await comfyui.view(first.outputs["1"]["images"][0]) == await comfyui.view(
        watching.outputs["1"]["images"][0]
    )
    assert emulator.counters.orders == 1


async def test_what_was_fetched_is_served_again_without_the_service(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    paid = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    assert paid.outcome == "success"
    (task_id,) = emulator.tasks
    emulator.tasks.clear()
    emulator.results.clear()
    result = await comfyui.queue({"1": task(task_id)})

    assert result.outcome == "success"
    assert len(result.outputs["1"]["images"]) == 1


async def test_several_ids_are_joined(comfyui: ComfyClient, emulator: Emulator) -> None:
    ordering = {
        "1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()}),
        "2": task(["1", 6]),  # type: ignore[arg-type]
        "3": looks("2", 6),
    }
    result = await comfyui.queue(ordering)

    assert result.outcome == "success"
    (task_id,) = emulator.tasks
    assert task_id in result.outputs["3"]["text"][0]


async def test_texts_and_chosen_outputs_come_as_from_a_workflow(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    task_id = await over(ordered_elsewhere(emulator, catalog.TEXT_OUT))
    result = await comfyui.queue({"1": task(task_id), "2": looks("1", 4)})

    assert result.outcome == "success"
    assert result.outputs["2"]["text"]


async def test_a_failed_task_says_why(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    task_id = await over(ordered_elsewhere(emulator))
    result = await comfyui.queue({"1": task(task_id)})

    assert result.outcome == "error"
    message = result.failure["exception_message"]
    assert "out of memory" in message
    assert task_id in message


async def test_an_id_that_nobody_knows_is_said_so(comfyui: ComfyClient, emulator: Emulator) -> None:
    result = await comfyui.queue({"1": task("1900000000000000999")})

    assert result.outcome == "error"
    assert "does not know this task" in result.failure["exception_message"]


async def test_a_task_of_another_account_is_not_shown(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    key = next(key for key, account in emulator.accounts.items() if account.kind == "SHARED")
    task_id = await over(ordered_elsewhere(emulator, key=key))
    result = await comfyui.queue({"1": task(task_id)})

    assert result.outcome == "error"
    assert "this key's account" in result.failure["exception_message"]
    assert not result.outputs


async def test_results_that_are_purged_are_said_so(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    task_id = await over(ordered_elsewhere(emulator))
    emulator.results.clear()
    result = await comfyui.queue({"1": task(task_id)})

    assert result.outcome == "error"
    assert task_id in result.failure["exception_message"]


async def test_what_can_be_no_id_is_refused_before_anything_runs(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    for text in ("", "https://example.com/1", "../1"):
        result = await comfyui.queue({"1": task(text)})
        assert result.status == 400
        assert "is not a task id" in result.refusal
    assert not asked(emulator)


async def test_a_standard_model_s_task_is_fetched_by_the_recommended_route(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    task_id = await over(ordered_elsewhere(emulator))
    emulator.faults.append(Fault(OUTPUTS, "code", value=807, count=None))  # it knows no models
    result = await comfyui.queue({"1": task(task_id)})

    assert result.outcome == "success"
