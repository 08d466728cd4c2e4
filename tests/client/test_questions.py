"""An order whose reply was lost is a question, and is not sent again by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rh_api.client import Client, Job, Stage
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.accounts import example_key
from rh_api.errors import BadReply, Fate, KeyRefused, RunningHubError, Uncertain
from tests.client.conftest import MakeClient
from tests.support.jobs import PAINTER, invert, paint, paint_by_model
from tests.support.service import CREATE
from tests.support.waiting import begun

STATUS = "/openapi/v2/queue/status"
WELCOME = "<!doctype html><title>Welcome</title>"


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        (Fault(CREATE, "lost_reply"), 1),
        (Fault(CREATE, "html"), 0),
        (Fault(CREATE, "status", value=500), 0),
        (Fault(CREATE, "code", value=1000), 0),
        (Fault(CREATE, "code", value=500), 0),
        (Fault(CREATE, "code", value=7777), 0),
        (Fault(CREATE, "null_data"), 1),
        (Fault(CREATE, "empty"), 0),
        (Fault(CREATE, "body", value="<html>"), 0),
    ],
    ids=lambda value: f"{value.kind}-{value.value}" if isinstance(value, Fault) else None,
)
async def test_an_order_without_a_task_id_is_uncertain_and_not_sent_again(
    client: Client, emulator: Emulator, fault: Fault, orders: int
) -> None:
    emulator.faults.append(fault)
    with pytest.raises(Uncertain, match="may be running") as caught:
        await client.run(paint())
    assert caught.value.fate is Fate.UNKNOWN
    assert "before" in str(caught.value)
    assert emulator.counters.requests[CREATE] == 1
    assert emulator.counters.orders == orders


async def test_tasks_before_a_lost_order_count_what_was_ordered_since_they_were_read(
    client: Client, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    placed = asyncio.Event()
    first = asyncio.ensure_future(
        client.run(paint(), lambda news: placed.set() if news.stage is Stage.RUNNING else None)
    )
    await placed.wait()
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    emulator.run_seconds = 60  # it still runs when the tasks are counted
    with pytest.raises(Uncertain) as caught:
        await client.run(invert())
    emulator.hold_at = None
    await first
    assert (caught.value.params["before"], caught.value.params["now"]) == (1, 2)
    assert "Tasks of the account: 1 before the order, 2 now." in str(caught.value)


async def test_tasks_of_an_account_that_cannot_be_read_are_told_without_a_number(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults += [Fault(CREATE, "lost_reply"), Fault(STATUS, "status", value=500, count=None)]
    for _ in range(2):  # the second time it is a question of before
        with pytest.raises(Uncertain, match="before is not known") as caught:
            await client.run(paint())
        assert "?" not in str(caught.value)


async def test_an_uncertain_order_stops_its_twin_even_after_a_restart_until_told_again(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(Uncertain):
        await make_client().run(paint())
    with pytest.raises(Uncertain, match="not sent again"):
        await make_client().run(paint())
    assert emulator.counters.orders == 1
    await make_client().run(paint(again=True))
    assert emulator.counters.orders == 2


@pytest.mark.parametrize(
    "kind", ["half_json", "truncated", "wrong_types", "drip", "quoted", "doubled"]
)
async def test_a_task_id_in_a_damaged_answer_is_kept(
    client: Client, emulator: Emulator, kind: str
) -> None:
    value = {"half_json": 0.9, "truncated": 0.9, "drip": 20_000}.get(kind)
    emulator.faults.append(Fault(CREATE, kind, value=value))  # type: ignore[arg-type]
    outcome = await client.run(paint())
    assert outcome.task_id in emulator.tasks
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("kind", ["quoted", "doubled"])
async def test_a_task_id_in_a_damaged_answer_of_a_model_is_kept(
    make_client: MakeClient, emulator: Emulator, kind: str
) -> None:
    client = make_client(RUNNINGHUB_API_KEY=example_key("shared"))
    emulator.faults.append(Fault(f"/openapi/v2/{PAINTER}", kind))  # type: ignore[arg-type]
    assert (await client.run(paint_by_model())).task_id in emulator.tasks
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(CREATE, "redirect", value="/done", status=303, processed=True),
        Fault(CREATE, "redirect", value="/done", status=302, processed=True),
        Fault(CREATE, "body", value="", status=408, processed=True),
        Fault(CREATE, "html", value=200, processed=True),
        Fault(CREATE, "html", value=502, processed=True),
        *(
            Fault(CREATE, "body", value=f'{{"code": {code}}}', status=200, processed=True)
            for code in (0, 500, 1000, 1012, 4711)
        ),
    ],
    ids=["303", "302", "408", "page", "502", "no data", "500", "1000", "1012", "4711"],
)
async def test_an_answer_that_may_be_of_a_started_task_leaves_a_question(
    client: Client, emulator: Emulator, fault: Fault
) -> None:
    emulator.faults.append(replace(fault))
    with pytest.raises(Uncertain):
        await client.run(paint())
    with pytest.raises(Uncertain):
        await client.run(paint())
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_firewalls_page_in_place_of_the_answer_sends_nothing_again(
    client: Client, emulator: Emulator, status: int
) -> None:
    emulator.faults.append(Fault(CREATE, "html", value=status, processed=True, count=None))
    with pytest.raises(BadReply) as caught:
        await client.run(paint())
    assert caught.value.key == "error.page"
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("status", [404, 301])
async def test_a_path_that_is_missing_leaves_a_question_where_orders_were_taken(
    client: Client, emulator: Emulator, status: int
) -> None:
    def fault() -> Fault:
        return Fault(CREATE, "body", value="<html>", status=status)

    emulator.faults.append(fault())
    with pytest.raises(RunningHubError) as caught:
        await client.run(paint())
    assert not isinstance(caught.value, Uncertain)
    assert caught.value.fate is Fate.NOT_STARTED
    await client.run(paint())  # nothing blocks the next try
    emulator.faults.append(fault())
    with pytest.raises(Uncertain):
        await client.run(paint("a dog"))
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, WELCOME) for status in (200, 301, 403, 404, 405, 421)),
        *((status, '{"code": 40400, "msg": "no such route"}') for status in (403, 404, 405, 410)),
    ],
)
async def test_a_wrong_base_url_leaves_no_question(
    make_client: MakeClient, emulator: Emulator, status: int, body: str
) -> None:
    """A site that answers everything alike, and a graph that nobody has to be asked for."""
    emulator.faults.append(Fault("/", "body", None, value=body, status=status))
    client = make_client()
    graph = {"1": {"class_type": "EmptyLatentImage", "inputs": {"width": 64}}}
    with pytest.raises(RunningHubError) as caught:
        await client.run(Job(graph=graph))
    assert caught.value.fate is Fate.NOT_STARTED
    assert not await client.open_orders()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", ["", '{"code": 40101, "msg": "bad token", "data": null}'])
async def test_a_wrong_key_leaves_no_question(
    client: Client, emulator: Emulator, status: int, body: str
) -> None:
    await client.run(paint())
    emulator.faults.append(Fault(CREATE, "body", value=body, status=status))
    with pytest.raises(KeyRefused) as caught:
        await client.run(paint("a dog"))
    assert caught.value.fate is Fate.NOT_STARTED
    assert "othing was started" in str(caught.value)
    assert not await client.open_orders()
    assert emulator.counters.requests[CREATE] == 2


async def test_a_task_that_is_another_order_s_is_nobody_else_s(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client()
    first = await client.run(paint())
    emulator.told_task_id = first.task_id
    with pytest.raises(
        Uncertain, match=rf"task {first.task_id} for order 2.* of order 1"
    ) as caught:
        await client.run(paint("a dog"))
    assert caught.value.order == 2
    emulator.told_task_id = None
    with pytest.raises(Uncertain):
        await make_client().run(paint("a dog"))
    assert (await make_client().run(paint())).task_id == first.task_id
    assert emulator.counters.orders == 2
    assert emulator.counters.cancels == 0


async def test_stop_does_not_cancel_a_task_that_is_another_order_s(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 5
    running = await begun(client, paint())
    (task_id,) = emulator.tasks
    emulator.told_task_id = task_id
    emulator.faults.append(Fault(CREATE, "delay", value=0.3))
    stopped = await begun(client, paint("a dog"), Stage.ORDERING)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    emulator.run_seconds = 0.05
    await running
    assert emulator.counters.cancels == 0
