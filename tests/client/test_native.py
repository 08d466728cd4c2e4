"""The native route: the same orders, kept and delivered like any other, under a prompt's id."""

from __future__ import annotations

import asyncio
import contextlib
import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from rh_api.client import Client, Job, Outcome, Progress, Stage, State, Stopped
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    BadInput,
    CostLimit,
    GraphRejected,
    KeyRefused,
    NotFound,
    Refused,
    RunningHubError,
    TaskCancelled,
    TaskFailed,
    Uncertain,
    WorkflowNotFound,
)
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.support.graphs import node
from tests.support.jobs import picture
from tests.support.service import uploads
from tests.support.waiting import begun

PROMPT, QUEUE, CREATE = "/proxy/{key}/prompt", "/proxy/{key}/queue", "/task/openapi/create"
INTERRUPT = "/proxy/{key}/interrupt"
UPLOAD, ACCOUNT = "/openapi/v2/media/upload/binary", "/uc/openapi/accountStatus"


def inverting(red: int = 10, *, route: str = "native", **more: Any) -> Job:
    graph = {
        "1": node("LoadImage", image="here.png"),
        "7:2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["7:2", 0], filename_prefix="sub/out"),
        "4": node("PreviewAny", source="a text"),
    }
    return Job(graph=graph, fields={"1.image": picture(red)}, route=route, **more)


@pytest.mark.parametrize("ids", ["own", "given"])
@pytest.mark.parametrize("socket", ["1011", "ok"])
async def test_a_graph_gives_the_same_results_as_by_a_task(
    make_client: MakeClient, emulator: Emulator, ids: Any, socket: Any
) -> None:
    emulator.native_prompt_id, emulator.native_socket = ids, socket
    outcome = await make_client("one").run(inverting())
    by_task = await make_client("two").run(inverting(route="task"))

    results = {result.node_id: result for result in outcome.results}
    assert (sorted(results), results["4"].text) == (["3", "4"], "a text")
    picture_ = results["3"]
    assert picture_.path is not None
    assert (picture_.name, picture_.path.suffix) == ("out_00001_.png", ".png")
    with Image.open(io.BytesIO(picture_.path.read_bytes())) as shown:
        assert shown.convert("RGB").getpixel((3, 3)) == (245, 235, 225)
    same = [(r.node_id, r.text, r.type) for r in by_task.results]
    assert same == [(r.node_id, r.text, r.type) for r in outcome.results]
    assert outcome.task_id.startswith("native-")
    assert emulator.counters.requests[PROMPT] == 1


async def test_the_bigger_machine_has_a_path_of_its_own(client: Client, emulator: Emulator) -> None:
    outcome = await client.run(inverting(options=TaskOptions(instance="plus")))
    assert outcome.task_id.startswith("native-plus-")
    assert emulator.counters.requests["/proxy-plus/{key}/prompt"] == 1


async def test_what_was_paid_by_one_route_is_not_ordered_by_the_other(
    client: Client, emulator: Emulator
) -> None:
    await client.run(inverting(1))
    assert (await client.run(inverting(1, route="task"))).kept
    assert emulator.counters.orders == 1


async def test_results_are_fetched_by_the_tasks_id_later(
    make_client: MakeClient, emulator: Emulator
) -> None:
    task_id = (await make_client("one").run(inverting())).task_id
    fetched = await make_client("two").task(task_id).fetch()
    assert sorted(result.node_id for result in fetched.results) == ["3", "4"]


@pytest.mark.parametrize("kind", ["lost_reply", "half_json", "truncated", "empty", "html"])
async def test_a_prompt_whose_reply_was_lost_is_found_by_its_id(
    client: Client, emulator: Emulator, kind: Any
) -> None:
    emulator.faults.append(Fault(PROMPT, kind, processed=True))
    assert (await client.run(inverting())).results
    assert emulator.counters.orders == 1


async def test_a_prompt_that_is_not_seen_is_a_question_and_never_a_second_order(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.native_prompt_id = "own"
    emulator.faults.append(Fault(PROMPT, "lost_reply"))
    for route in ("native", "native", "task", "auto"):
        with pytest.raises(Uncertain):
            await make_client().run(inverting(route=route))
    assert emulator.counters.orders == 1


async def test_a_prompt_that_is_seen_later_is_taken_up(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(PROMPT, "lost_reply"))
    emulator.native_forgets = True
    with pytest.raises(Uncertain):
        await make_client().run(inverting())
    emulator.native_forgets = False
    # Seen, it is not ordered anew even for who asks for that.
    assert (await make_client().run(inverting(again=True))).results
    assert emulator.counters.orders == 1


async def test_a_prompt_that_vanishes_while_it_is_followed_is_a_question_until_it_is_seen(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 60
    client = make_client(pace=400.0)
    running = await begun(client, inverting())
    emulator.native_forgets = True
    with pytest.raises(Uncertain, match="lists this prompt neither") as caught:
        await running
    (question,) = await client.open_orders()
    assert (question.order, question.state, question.is_uncertain) == (
        caught.value.order,
        State.UNCERTAIN,
        True,
    )
    emulator.native_forgets = False
    again = await begun(client, inverting())
    again.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await again
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("reading", ["code", "400"])
async def test_a_graph_that_cannot_run_names_its_node_and_costs_nothing(
    client: Client, emulator: Emulator, reading: Any
) -> None:
    emulator.native_invalid = reading
    graph = {
        "1": node("LoadImage", image="no.png"),
        "3": node("SaveImage", images=["1", 0], filename_prefix="x"),
    }
    with pytest.raises(GraphRejected) as caught:
        await client.run(Job(graph=graph, route="native"))
    assert caught.value.node_id == "1"
    assert not await client.open_orders()


@pytest.mark.parametrize(("reading", "words"), [("empty", "history is empty"), ("told", "too big")])
async def test_a_failure_is_told_as_far_as_the_route_tells_it(
    client: Client, emulator: Emulator, reading: Any, words: str
) -> None:
    emulator.native_failure = reading
    emulator.fail_next = {"node_id": "7:2", "exception_message": "too big"}
    with pytest.raises(TaskFailed, match=words):
        await client.run(inverting())


async def test_stop_takes_a_prompt_out_of_the_queue(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.queue_seconds = 60
    stopped: list[Stopped] = []
    client = make_client(stopped=stopped.append)
    await stop(client, Stage.QUEUED)
    assert [(end.confirmed, end.too_late) for end in stopped] == [(True, False)]
    assert emulator.counters.requests[INTERRUPT] == 0
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


@pytest.mark.parametrize("core", ["old", "silent", "new"])
async def test_stop_interrupts_the_prompt_that_runs_and_no_other(
    make_client: MakeClient, emulator: Emulator, core: Any
) -> None:
    emulator.native_core, emulator.run_seconds, emulator.native_failure = core, 60, "told"
    stopped: list[Stopped] = []
    client = make_client(stopped=stopped.append)
    await stop(client)
    assert [end.confirmed for end in stopped] == [True]
    assert emulator.counters.requests[INTERRUPT] == 1


@pytest.mark.parametrize(("core", "stops"), [("old", False), ("silent", False), ("new", True)])
async def test_what_might_stop_anothers_prompt_is_not_asked_for(
    make_client: MakeClient, emulator: Emulator, core: Any, stops: bool
) -> None:
    emulator.native_core, emulator.run_seconds, emulator.native_failure = core, 60, "told"
    other = await begun(make_client("other"), inverting(99))
    stopped: list[Stopped] = []
    client = make_client(stopped=stopped.append)
    await stop(client)
    first, second = emulator.tasks.values()
    assert (first.status, second.status) == ("RUNNING", "CANCEL" if stops else "RUNNING")
    assert [end.confirmed for end in stopped] == [stops]
    other.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await other


# What it cost


async def test_what_it_cost_is_not_told_and_not_made_up(client: Client, emulator: Emulator) -> None:
    def told(outcome: Outcome) -> list[str]:
        return [notice.key for notice in outcome.notices if "cost" in notice.key]

    outcome = await client.run(inverting())
    assert (outcome.usage.coins, told(outcome)) == (None, ["progress.cost_untold"])
    (past,) = (await client.history()).orders
    assert past.usage.coins is None
    assert sum(day.untold for day in await client.spent()) == 1
    again = await client.run(inverting())
    assert (again.kept, told(again)) == (True, [])
    assert told(await client.run(inverting(2, route="task"))) == []


async def test_another_way_of_ordering_leaves_what_runs_as_it_is(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(pace=1.0)
    emulator.hold_at = "7:2"
    running = await begun(client, inverting(1, route=""))
    client.adopt(replace(client.settings, route="native"))
    (order,) = await client.open_orders(followed=True)
    assert (order.followed, order.from_before) == (True, False)
    emulator.hold_at = None
    assert not (await running).task_id.startswith("native-")
    assert (await client.run(inverting(2, route=""))).task_id.startswith("native-")


async def test_without_an_upload_nothing_is_ordered(client: Client, emulator: Emulator) -> None:
    emulator.faults.append(Fault(UPLOAD, "html", count=None, value=404))
    with pytest.raises(NotFound):
        await client.run(inverting())
    assert (emulator.counters.orders, await client.open_orders()) == (0, [])


async def stop(client: Client, stage: Stage = Stage.RUNNING) -> None:
    """Order, wait until it is there, stop, and wait until that is done."""
    running = await begun(client, inverting(5), stage)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, TaskCancelled):
        await running
    await client.close()


# auto


async def test_auto_takes_the_native_route_when_the_placeholder_is_refused_and_says_so(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.accepts_placeholder_workflow = False
    news: list[Progress] = []
    client = make_client(RUNNINGHUB_SEGMENT_WORKFLOW="")
    outcome = await client.run(inverting(route="auto"), news.append)
    assert outcome.task_id.startswith("native-")
    stages = [progress.stage for progress in news]
    last = len(stages) - 1 - stages[::-1].index(Stage.ORDERING)
    assert stages.index(Stage.NATIVE_TAKEN) < last
    keys = [notice.key for notice in outcome.notices]
    assert keys == ["progress.native_taken", "progress.cost_untold"]
    assert uploads(emulator) == 1


async def test_auto_is_a_task_where_the_placeholder_is_taken(
    client: Client, emulator: Emulator
) -> None:
    outcome = await client.run(inverting(route="auto"))
    assert not outcome.task_id.startswith("native-")
    assert emulator.counters.requests[PROMPT] == 0


@pytest.mark.parametrize("why", ["ultra", "limit", "named", "option"])
async def test_auto_stays_with_the_refusal_where_the_native_route_is_not_for_it(
    make_client: MakeClient, emulator: Emulator, why: str
) -> None:
    emulator.accepts_placeholder_workflow = False
    variables = {"RUNNINGHUB_SEGMENT_WORKFLOW": ""}
    if why == "limit":
        variables["RUNNINGHUB_MAX_COST_ORDER"] = "50 coins"
    options = TaskOptions(
        instance="ultra" if why == "ultra" else "default", personal_queue=why == "option"
    )
    job = inverting(
        route="auto", options=options, workflow="1900000000000000999" if why == "named" else ""
    )
    with pytest.raises(WorkflowNotFound):
        await make_client(**variables).run(job)
    assert emulator.counters.requests[PROMPT] == 0


async def test_auto_pays_no_second_time_for_a_task_that_failed_over_a_workflow_s_id(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.fail_next = {"error_code": 301, "error_message": "the node wants a workflowId"}
    with pytest.raises(TaskFailed, match="cost 1 coin"):
        await make_client(RUNNINGHUB_SEGMENT_WORKFLOW="").run(inverting(route="auto"))
    assert emulator.counters.orders == 1


# The settings' word, where a job says none


@pytest.mark.parametrize(("route", "is_native"), [("", True), ("task", False), ("auto", False)])
async def test_the_settings_say_the_route_of_a_graph_that_does_not(
    make_client: MakeClient, emulator: Emulator, route: str, is_native: bool
) -> None:
    outcome = await make_client(RUNNINGHUB_ROUTE="native").run(inverting(route=route))
    assert outcome.task_id.startswith("native-") is is_native
    assert (await make_client(RUNNINGHUB_ROUTE="native").run(Job(catalog.TEXT_TO_IMAGE))).results


@pytest.mark.parametrize("why", ["ultra", "option", "order", "day", "rule"])
async def test_by_the_settings_nothing_goes_natively_that_the_route_is_not_for(
    make_client: MakeClient, emulator: Emulator, why: str
) -> None:
    variables = {"RUNNINGHUB_ROUTE": "native"}
    if why in ("order", "day"):
        variables[f"RUNNINGHUB_MAX_COST_{why.upper()}"] = "50 coins"
    client = make_client(**variables)
    if why == "rule":
        await client.costs.set_rule("day", "50 coins")
    options = TaskOptions(
        instance="ultra" if why == "ultra" else "default", personal_queue=why == "option"
    )
    outcome = await client.run(inverting(route="", options=options))
    assert not outcome.task_id.startswith("native-")
    assert (emulator.counters.requests[PROMPT], emulator.counters.orders) == (0, 1)


# Refused before anything is paid


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (inverting(options=TaskOptions(instance="ultra")), "24 and 48 GB"),
        (inverting(options=TaskOptions(personal_queue=True)), "personal_queue"),
        (inverting(options=TaskOptions(retain_seconds=20)), "retain_seconds"),
        (Job(catalog.INVERT, route="native"), "whole graphs"),
        (
            Job(
                graph={"5": node("EmptyLatentImage", width=64, height=64, batch_size=3)},
                route="native",
            ),
            "batch of 3",
        ),
    ],
    ids=["ultra", "queue", "retain", "workflow", "batch"],
)
async def test_what_the_route_cannot_do_is_refused_before_any_cost(
    client: Client, emulator: Emulator, job: Job, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        await client.run(job)
    assert (uploads(emulator), emulator.counters.requests[PROMPT]) == (0, 0)


async def test_no_order_goes_by_it_under_a_limit_of_cost(
    make_client: MakeClient, emulator: Emulator
) -> None:
    with pytest.raises(CostLimit, match="no cost"):
        await make_client(RUNNINGHUB_MAX_COST_DAY="50 coins").run(inverting())
    assert (uploads(emulator), emulator.counters.requests[PROMPT]) == (0, 0)


async def test_a_site_without_the_route_is_told_before_any_upload(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/proxy/", "html", count=None, value=404))
    with pytest.raises(Refused, match="no native route"):
        await client.run(inverting())
    assert (uploads(emulator), await client.open_orders()) == (0, [])


async def test_a_key_that_is_not_taken_is_told_before_any_upload(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.enabled = False
    with pytest.raises(KeyRefused):
        await client.run(inverting())
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)


async def test_the_key_never_goes_over_a_plain_line(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_BASE_URL="http://studio.lan")
    with pytest.raises(RunningHubError, match="over https only"):
        await client.run(inverting())
    assert emulator.counters.total == 0
