"""The promises about money and results, one by one, as a person would put them to the test."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest

from rh_api.client import Client, State, Stopped
from rh_api.emulator import Emulator, Fault
from rh_api.errors import Detached, Fate, RunningHubError, TaskNotFound, Uncertain
from tests.campaign.process import Driver
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint
from tests.support.waiting import begun, until

CREATE = "/task/openapi/create"
CANCEL = "/task/openapi/cancel"
UPLOAD = "/openapi/v2/media/upload"


# 1. One click, one order


@pytest.mark.parametrize("kind", ["lost_reply", "half_json", "truncated", "null_data", "empty"])
async def test_promise_1_one_click_one_order(
    make_client: MakeClient, emulator: Emulator, kind: str
) -> None:
    processed = kind == "empty"
    emulator.faults.append(Fault(CREATE, kind, processed=processed))  # type: ignore[arg-type]
    for _ in range(4):
        # A cut reply may still name its task, which is then followed to its end.
        with contextlib.suppress(Uncertain):
            await make_client().run(paint())
    assert emulator.counters.orders == 1


async def test_promise_1_an_uncertain_order_is_settled_by_its_task_id(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(Uncertain):
        await make_client().run(paint())
    client = make_client()
    with pytest.raises(Uncertain) as caught:
        await client.run(paint())
    order = caught.value.order
    assert order is not None
    (open_order,) = await client.open_orders()
    assert (open_order.order, open_order.is_uncertain) == (order, True)
    assert (await client.inspect_uncertain(order)).before == 0
    with pytest.raises(TaskNotFound):
        await client.settle_uncertain(order, task_id="1900000000000000001")
    (task_id,) = emulator.tasks
    await client.settle_uncertain(order, task_id=task_id)
    assert (await client.run(paint())).task_id == task_id
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("pages", "after", "answers"),
    [(0, 0, True), (1, 0, True), (None, 1, True), (None, 0, False)],
    ids=["else it answers", "it answers again", "it did answer", "nothing answers"],
)
async def test_promise_1_a_page_in_place_of_the_first_ticket_is_not_sent_again_by_itself(
    client: Client, emulator: Emulator, pages: int | None, after: int, answers: bool
) -> None:
    """Where the whole address gives pages it is a wrong one; it may be a gateway that is ill."""
    emulator.faults.append(Fault(CREATE, "html", count=None, value=200, processed=True))
    queue = Fault("/openapi/v2/queue/status", "html", count=pages, after=after, value=200)
    emulator.faults.append(queue)
    with pytest.raises(RunningHubError) as caught:
        await client.run(paint())
    assert emulator.counters.orders == 1
    assert (caught.value.fate is Fate.UNKNOWN) is answers


async def test_promise_1_equal_orders_of_several_processes_at_a_full_account_are_one(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.account.limit, emulator.run_seconds = 1, 0.3
    clients = [make_client() for _ in range(4)]
    before = [
        asyncio.ensure_future(client.run(paint(f"boat {number}")))
        for number, client in enumerate(clients)
    ]
    await until(lambda: emulator.counters.orders == 1)
    outcomes = await asyncio.gather(*(client.run(paint()) for client in clients))
    await asyncio.gather(*before)
    assert len({outcome.task_id for outcome in outcomes}) == 1
    assert emulator.counters.orders == len(clients) + 1


async def test_promise_1_who_says_that_it_did_not_start_orders_once_more(
    client: Client, emulator: Emulator
) -> None:
    # A proxy's page: the service itself was never asked.
    emulator.faults.append(Fault(CREATE, "html"))
    with pytest.raises(Uncertain) as caught:
        await client.run(paint())
    assert caught.value.order is not None
    await client.settle_uncertain(caught.value.order, not_started=True)
    assert (await client.run(paint())).results
    assert emulator.counters.orders == 1


async def test_promise_1_two_processes_on_one_book_place_one_order(
    emulator: Emulator, base_url: str, tmp_path: Path
) -> None:
    emulator.run_seconds = 0.5
    emulator.faults.append(Fault(CREATE, "delay", value=0.5))  # so that both are there meanwhile
    driver = Driver(base_url, emulator.default_key, tmp_path / "state")
    jobs = [{"workflow": paint().workflow, "fields": dict(paint().fields)}]
    both = await asyncio.gather(*(driver.run(jobs, pace=4.0) for _ in range(2)))
    assert [end["task_id"] for (end,) in both] == [*emulator.tasks, *emulator.tasks]
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("size", [4000, 0], ids=["half of it", "other bytes"])
async def test_promise_1_a_damaged_book_asks_before_anything_is_ordered(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path, size: int
) -> None:
    emulator.run_seconds = 30
    client = make_client()
    await begun(client, paint())
    await client.leave()
    book = tmp_path / "state" / "orders.sqlite3"
    book.write_bytes(book.read_bytes()[:size] or b"no journal")
    after = make_client()
    with pytest.raises(Uncertain, match=r"orders\.damaged-1\.sqlite3") as caught:
        await after.run(paint())
    assert caught.value.order is None
    assert emulator.counters.orders == 1
    (tmp_path / "state" / "orders.damaged-1.sqlite3").unlink()
    emulator.run_seconds = 0.05
    await after.run(paint())
    assert emulator.counters.orders == 2


async def test_promise_1_one_answer_is_asked_for(client: Client) -> None:
    with pytest.raises(ValueError, match="one answer"):
        await client.settle_uncertain(1)


async def test_promise_1_a_task_that_is_not_known_yet_is_followed(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.unknown_seconds = 0.5  # half a minute by the client's clock
    assert (await make_client(pace=60.0).run(paint())).results
    assert emulator.counters.orders == 1


async def test_promise_1_a_task_that_is_not_known_yet_is_waited_for_by_its_id(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.unknown_seconds = 3600
    first = make_client()
    ordering = await begun(first, paint())
    (task,) = emulator.tasks.values()
    await first.leave()
    await asyncio.wait((ordering,))
    waiting = asyncio.ensure_future(make_client().task(task.id).wait())
    requests = emulator.counters.requests["/task/openapi/outputs"]
    await until(
        lambda: emulator.counters.requests["/task/openapi/outputs"] > requests or waiting.done()
    )
    emulator.unknown_seconds = 0.0
    assert (await waiting).results


async def test_promise_1_a_task_that_stays_unknown_is_a_question_until_it_is_known(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.unknown_seconds = 3600
    client = make_client(pace=60.0)
    with pytest.raises(Uncertain, match="may be running") as caught:
        await client.run(paint())
    (task_id,) = emulator.tasks
    assert caught.value.task_id == task_id
    (question,) = await client.open_orders()
    assert (question.order, question.is_uncertain) == (caught.value.order, True)
    emulator.unknown_seconds = 0.0
    assert (await client.run(paint())).task_id == task_id
    assert emulator.counters.orders == 1


# 2. Stop stops the bill


async def test_promise_2_stop_stops_the_bill(make_client: MakeClient, emulator: Emulator) -> None:
    # How soon is counted in tests/faults, by a clock that a busy machine does not hurry.
    emulator.run_seconds = 3600
    client = make_client()
    job = await begun(client, paint())
    job.cancel()
    await client.close()
    assert emulator.counters.cancels == 1
    assert not emulator.open_tasks(emulator.default_key)


async def test_promise_2_a_cancel_without_proof_is_repeated_at_the_next_start(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    down = Fault(CANCEL, "status", count=None)
    emulator.faults.append(down)
    client = make_client(pace=50.0)
    job = await begun(client, paint())
    job.cancel()
    await client.close()
    assert len(emulator.open_tasks(emulator.default_key)) == 1
    emulator.faults.remove(down)
    after = make_client()
    (order,) = await after.open_orders()
    assert order.cancelling
    await after.close()
    assert not emulator.open_tasks(emulator.default_key)


@pytest.mark.parametrize("seconds", [0.0, 1.0], ids=["at once", "after a while"])
async def test_promise_2_a_task_that_is_not_known_yet_is_stopped_once_it_is(
    make_client: MakeClient, emulator: Emulator, seconds: float
) -> None:
    emulator.run_seconds, emulator.unknown_seconds = 3600, 3600
    emulator.cancel_seconds = seconds
    stops: list[Stopped] = []
    client = make_client(pace=60.0, stopped=stops.append)
    job = await begun(client, paint())
    job.cancel()
    await until(lambda: stops)
    assert not stops[0].confirmed
    (order,) = await client.open_orders()
    assert order.cancelling
    emulator.unknown_seconds = 0.0
    await until(lambda: len(stops) > 1)
    assert stops[1].confirmed
    assert not emulator.open_tasks(emulator.default_key)
    assert await client.open_orders() == []


async def test_promise_2_a_process_that_ends_cancels_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 1.0
    client = make_client()
    job = await begun(client, paint())
    await client.leave()
    assert job.cancelled()
    assert emulator.counters.cancels == 0
    after = make_client()
    (order,) = await after.open_orders()
    assert (order.task_id, order.state) == (next(iter(emulator.tasks)), State.RUNNING)
    assert (await after.run(paint())).task_id == order.task_id
    assert emulator.counters.orders == 1


async def test_promise_2_a_task_of_before_is_cancelled_by_its_id(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    client = make_client()
    await begun(client, paint())
    await client.leave()
    after = make_client()
    (order,) = await after.open_orders()
    assert await after.task(order.task_id).cancel()
    assert await after.open_orders() == []
    assert not emulator.open_tasks(emulator.default_key)
    emulator.run_seconds = 0.05
    assert (await after.run(paint())).task_id != order.task_id


async def test_promise_2_detach_stops_waiting_and_keeps_the_order(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.6
    job = await begun(client, paint())
    (task_id,) = emulator.tasks
    assert client.task(task_id).detach()
    with pytest.raises(Detached, match=task_id):
        await job
    assert (await client.run(paint())).task_id == task_id
    assert (emulator.counters.orders, emulator.counters.cancels) == (1, 0)


# 3. Rejoin, not re-run


@pytest.mark.parametrize("moment", ["placed", "running", "downloading"])
async def test_promise_3_rejoin_after_a_kill(
    emulator: Emulator, base_url: str, tmp_path: Path, moment: str
) -> None:
    emulator.run_seconds = 0.5
    driver = Driver(base_url, emulator.default_key, tmp_path / "state")
    jobs = [{"workflow": paint().workflow, "fields": dict(paint().fields)}]
    running = await driver.start(jobs, pace=4.0)
    await running.heard(moment)
    running.kill(signal.SIGKILL)
    await running.ended()
    (again,) = await driver.run(jobs, pace=4.0)
    assert again["results"]
    assert [again["task_id"]] == list(emulator.tasks)
    assert emulator.counters.orders == 1


async def test_promise_3_a_batch_is_rejoined_item_by_item(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.6
    batch = [paint(f"number {number}") for number in range(3)]
    await make_client().run(batch[0])  # one is here, one runs, one was never ordered
    client = make_client()
    await begun(client, batch[1])
    await client.leave()
    outcomes = await make_client().run_all(batch)
    assert [outcome.kept for outcome in outcomes] == [True, False, False]
    assert [outcome.task_id for outcome in outcomes] == list(emulator.tasks)
    assert emulator.counters.orders == 3


async def test_promise_3_a_workflow_that_has_changed_is_a_new_order(
    make_client: MakeClient, emulator: Emulator
) -> None:
    job = paint()
    await make_client().run(job)
    stored = emulator.workflows[job.workflow]
    stored.graph["3"]["inputs"]["steps"] = 4
    assert not (await make_client().run(job)).kept
    assert emulator.counters.orders == 2


async def test_promise_3_a_result_that_is_here_costs_nothing_across_restarts(
    make_client: MakeClient, emulator: Emulator
) -> None:
    first = await make_client().run(paint())
    second = await make_client().run(paint())
    assert second.kept
    assert second.results == first.results
    assert (await make_client().run(paint("another cat"))).task_id != first.task_id
    assert (await make_client().run(paint(again=True))).task_id != first.task_id
    assert emulator.counters.orders == 3


@pytest.mark.parametrize("end", ["failed", "stopped"])
async def test_promise_3_an_order_anew_that_came_to_nothing_hides_no_result(
    make_client: MakeClient, emulator: Emulator, end: str
) -> None:
    first = await make_client().run(paint())
    client = make_client()
    if end == "failed":
        emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    else:
        emulator.run_seconds = 60.0
    running = asyncio.ensure_future(client.run(paint(again=True)))
    if end == "stopped":
        await until(lambda: bool(emulator.open_tasks(emulator.default_key)))
        running.cancel()
    with contextlib.suppress(RunningHubError, asyncio.CancelledError):
        await running
    await client.close()
    orders = emulator.counters.orders

    outcome = await make_client().run(paint())
    assert outcome.kept
    assert outcome.results == first.results
    assert emulator.counters.orders == orders


# 7. Whole or not at all


@pytest.mark.parametrize("kind", ["truncated", "reset", "html", "empty"])
async def test_promise_7_whole_or_not_at_all(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path, kind: str
) -> None:
    fault = Fault("/results/", kind, count=None)  # type: ignore[arg-type]
    emulator.faults.append(fault)
    with pytest.raises(RunningHubError):
        await make_client(pace=200.0).run(paint())
    results = tmp_path / "state" / "runninghub-results"
    assert [p for p in results.rglob("*") if p.is_file() and ".part" not in p.name] == []
    emulator.faults.clear()
    outcome = await make_client().run(paint())
    assert [p.name for p in results.rglob("*") if p.is_file()] == ["0000.png"]
    path = outcome.results[0].path
    assert path is not None
    assert path.stat().st_size == outcome.results[0].size
    assert emulator.counters.orders == 1


async def test_promise_7_two_that_fetch_the_same_result_do_not_spoil_it(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.3
    client = make_client()
    await begun(client, paint())
    await client.leave()
    emulator.faults.append(Fault("/results/", "drip", value=40_000, count=2))
    both = await asyncio.gather(*(make_client().run(paint()) for _ in range(2)))
    (path,) = {outcome.results[0].path for outcome in both}
    assert path is not None
    assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert emulator.counters.orders == 1


# 8. Same bytes once


async def test_promise_8_same_bytes_once(make_client: MakeClient, emulator: Emulator) -> None:
    names = [f"name {number}" for number in range(4)]
    first = make_client()
    await asyncio.gather(*(first.run(invert(7, **{"13__filename_prefix": n})) for n in names[:2]))
    for name in names[2:]:
        await make_client().run(invert(7, **{"13__filename_prefix": name}))
    assert emulator.counters.under(UPLOAD) == 1
    assert emulator.counters.orders == 4
