"""Several orders as one: overlap, order, partial failure, Stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from rh_api.client import Client, Job, LazySource, Progress, Source, Stage
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BadField, BadInput, BatchFailed, Fate, Uncertain
from rh_api.run.batch import STARTED_TOGETHER, UNDER_WAY, BatchProgress, side_by_side
from rh_api.run.progress import unwatched
from rh_api.run.results import Outcome
from rh_api.texts import english
from rh_api.wire.filetypes import Kind
from rh_api.wire.orders import Tips
from rh_api.wire.tasks import Usage
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint, picture

CREATE, UPLOAD = "/task/openapi/create", "/openapi/v2/media/upload/binary"


def batch(count: int) -> list[Job]:
    return [paint(f"number {number}") for number in range(count)]


async def test_outcomes_come_in_the_jobs_order_up_to_the_limit_at_once(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 3
    emulator.run_seconds = 0.6
    outcomes = await client.run_all(batch(6))
    begun = sorted(task.created for task in emulator.tasks.values())
    ended = sorted(task.ended for task in emulator.tasks.values() if task.ended is not None)
    assert begun[2] < ended[0]  # three side by side,
    assert ended[0] < begun[3]  # and no fourth before one of them was over
    sent = {task.id: task for task in emulator.tasks.values()}
    texts = [
        next(i["fieldValue"] for i in sent[o.task_id].node_info if i["fieldName"] == "text")
        for o in outcomes
    ]
    assert texts == [f"number {number}" for number in range(6)]


async def test_what_equal_jobs_cost_counts_once(client: Client, emulator: Emulator) -> None:
    twice, other = paint("twice"), paint("other")
    outcomes = await client.run_all([twice, other, twice, twice])
    assert emulator.counters.orders == 2
    assert sorted(outcome.task_id for outcome in outcomes if outcome.is_paid) == sorted(
        emulator.tasks
    )
    again = await client.run_all([twice, other, twice])
    assert not any(outcome.is_paid for outcome in again)
    assert emulator.counters.orders == 2


def broken(news: Progress) -> None:
    raise ValueError(f"key-1234 {news.stage}")


async def test_a_watcher_that_fails_ends_no_order_and_is_told_of_once(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    (outcome,) = await client.run_all([paint("alone")], broken)
    assert outcome.task_id in emulator.tasks
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["progress cannot be told (ValueError); the order goes on"]
    assert len(await client.run_all(batch(2), broken)) == 2
    again = await client.task(outcome.task_id).wait(broken)
    assert again.task_id == outcome.task_id
    assert emulator.counters.orders == 3


async def test_a_watcher_that_fails_ends_the_order_of_no_other_waiter(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.5
    waiters = [client.run(paint("one"), watch) for watch in (broken, unwatched)]
    first, second = await asyncio.gather(*waiters)
    assert first.task_id == second.task_id
    assert emulator.counters.orders == 1


async def test_a_batch_larger_than_what_is_begun_at_once_comes_whole(
    client: Client, emulator: Emulator
) -> None:
    jobs = [*[paint("the same")] * (UNDER_WAY + 50), paint("another")]
    outcomes = await client.run_all(jobs)
    assert [outcome.task_id for outcome in (outcomes[0], outcomes[-1])] == list(emulator.tasks)
    assert len({outcome.task_id for outcome in outcomes[:-1]}) == 1
    assert len(outcomes) == len(jobs)


async def test_what_an_order_cost_is_told_to_who_still_waits(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.3
    placed = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.stage is Stage.RUNNING:
            placed.set()

    leaves = asyncio.ensure_future(client.run(paint(), watch))
    stays = asyncio.ensure_future(client.run(paint()))
    await placed.wait()
    leaves.cancel()
    assert (await stays).is_paid
    assert emulator.counters.orders == 1


async def test_equal_items_of_a_new_run_are_one_order_however_late_their_files_are(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 1
    is_made = asyncio.Event()

    async def late() -> Source:
        await is_made.wait()
        return picture()

    def watch(news: Progress) -> None:
        if news.params.get("done") == 1:
            is_made.set()

    for orders in (1, 2):
        is_made.clear()
        # A source that was read keeps its content, so that either item could be first.
        fields = [{"10.image": picture()}, {"10.image": LazySource(Kind.IMAGE, late)}]
        jobs = [Job(catalog.INVERT, its, again=True) for its in fields]
        first, second = await client.run_all(jobs, watch)
        assert first.task_id == second.task_id
        assert emulator.counters.orders == orders
        assert (first.is_paid, second.is_paid) == (True, False)


async def test_progress_of_a_batch_is_one_line(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 0.2
    news: list[Progress] = []
    await client.run_all(batch(3), news.append)
    assert {item.stage for item in news} == {Stage.BATCH}
    assert [item.params["done"] for item in news][-1] == 3
    shares = [item.overall for item in news]
    assert shares == sorted(shares)


async def test_when_some_fail_they_are_named_and_only_they_are_ordered_again(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 1  # one after the other, so that the second is the one to fail
    emulator.faults.append(Fault(CREATE, "code", value=433, after=1))
    with pytest.raises(BatchFailed) as caught:
        await client.run_all(batch(4))
    assert list(caught.value.errors) == [1]
    assert "1 of 4 items" in str(caught.value)
    assert "Item 2:" in str(caught.value)
    assert "The others cost 3 coins." in str(caught.value)
    assert emulator.counters.orders == 3
    outcomes = await client.run_all(batch(4))
    assert len(outcomes) == 4
    assert emulator.counters.orders == 4


async def test_when_some_fail_with_new_seeds_it_is_told_that_the_next_run_orders_all(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 1
    emulator.faults.append(Fault(CREATE, "code", value=433, after=1))
    jobs = [paint(f"number {number}", reroll_seeds=True) for number in range(3)]
    with pytest.raises(BatchFailed) as caught:
        await client.run_all(jobs)
    assert "only the failed ones" not in str(caught.value)
    assert "orders all items anew" in str(caught.value)
    assert "Item 2:" in str(caught.value)
    await client.run_all(jobs)
    assert emulator.counters.orders == 2 + 3


async def test_one_uncertain_item_makes_the_batch_uncertain(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(BatchFailed) as caught:
        await client.run_all(batch(3))
    assert caught.value.fate is Fate.UNKNOWN
    assert isinstance(next(iter(caught.value.errors.values())), Uncertain)
    assert emulator.counters.orders == 3


async def test_a_bad_item_refuses_the_whole_batch_before_anything_is_ordered(
    client: Client, emulator: Emulator
) -> None:
    with pytest.raises(BadField):
        await client.run_all([*batch(3), Job(paint().workflow, {"6.nothing": 1})])
    assert emulator.counters.orders == 0


async def test_what_runs_is_counted_before_its_first_node_is_done(
    client: Client, emulator: Emulator
) -> None:
    emulator.hold_at = "4"  # the cloud loads a model, which may take minutes
    counts: list[object] = []

    def watch(news: Progress) -> None:
        counts.append(news.params["running"])
        if news.params["running"] == 3:
            emulator.hold_at = None

    await asyncio.wait_for(client.run_all(batch(3), watch), 60)
    assert 3 in counts
    assert counts[-1] == 0


async def test_what_goes_up_is_counted_beside_what_runs(client: Client, emulator: Emulator) -> None:
    emulator.faults.append(Fault(UPLOAD, "delay", value=0.3, count=None))
    lines: list[str] = []

    def watch(news: Progress) -> None:
        lines.append(english(news.stage.value, news.params))

    await client.run_all([invert(1), invert(2), invert(3)], watch)
    assert "0 of 3 done, 0 running, 3 uploading" in lines
    assert lines[-1] == "3 of 3 done, 0 running"
    first = next(line for line in lines if "1 running" in line or "2 running" in line)
    assert "3 uploading" not in first


async def test_stop_cancels_all(make_client: MakeClient, emulator: Emulator) -> None:
    emulator.run_seconds = 30
    client = make_client()
    begun = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.params["running"] == 3:
            begun.set()

    running = asyncio.ensure_future(client.run_all(batch(3), watch))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await client.close()
    assert emulator.counters.cancels == 3


def inverting_lazily(make: Callable[[], Awaitable[Source]]) -> Job:
    return Job(catalog.INVERT, {"10.image": LazySource(Kind.IMAGE, make)})


async def test_later_files_are_made_while_earlier_ones_are_on_their_way(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.3

    async def first() -> Source:
        return picture(1)

    async def second() -> Source:
        while not emulator.uploads:  # noqa: ASYNC110 - the emulator has no event for it
            await asyncio.sleep(0.01)
        return picture(2)

    await client.run_all([inverting_lazily(first), inverting_lazily(second)])
    assert len(emulator.uploads) == 2


async def test_a_file_that_orders_share_is_made_once(client: Client, emulator: Emulator) -> None:
    calls: list[int] = []

    async def make() -> Source:
        calls.append(1)
        await asyncio.sleep(0)
        return picture()

    lazy_source = LazySource(Kind.IMAGE, make)
    jobs = [
        Job(catalog.INVERT, {"10.image": lazy_source, "12.scale_by": scale}) for scale in (1, 2, 3)
    ]
    await client.run_all(jobs)
    assert len(calls) == 1
    assert emulator.counters.orders == 3


async def test_no_file_is_made_for_a_job_that_is_refused(client: Client) -> None:
    async def make() -> Source:
        raise AssertionError

    wrong = Job(catalog.INVERT, {"10.image": LazySource(Kind.IMAGE, make), "12.nothing": 1})
    with pytest.raises(BadField):
        await client.run_all([inverting_lazily(make), wrong])


async def test_a_file_that_cannot_be_made_fails_its_own_item(
    client: Client, emulator: Emulator
) -> None:
    async def good() -> Source:
        return picture()

    async def bad() -> Source:
        raise BadInput("error.file_empty", name="x.png")

    with pytest.raises(BatchFailed) as caught:
        await client.run_all([inverting_lazily(good), inverting_lazily(bad)])
    assert list(caught.value.errors) == [1]
    assert emulator.counters.orders == 1


async def test_several_uploads_come_in_their_order_and_as_one_progress(
    client: Client, emulator: Emulator
) -> None:
    async def last() -> Source:
        return picture(3)

    news: list[Progress] = []
    sources = [picture(1), picture(2), picture(1), LazySource(Kind.IMAGE, last)]
    names = [upload.name for upload in await client.uploads.send_all(sources, news.append)]
    assert names[0] == names[2]
    assert set(names) == set(emulator.uploads)
    assert len(emulator.uploads) == 3
    shares = [item.overall for item in news]
    assert shares == sorted(shares)


async def test_equal_items_are_one_order(client: Client, emulator: Emulator) -> None:
    outcomes = await client.run_all([paint("same"), paint("same")])
    assert len(outcomes) == 2
    assert emulator.counters.orders == 1


async def test_the_check_of_many_jobs_leaves_the_loop_its_turns(
    client: Client, emulator: Emulator
) -> None:
    """Thousands took seconds, in which nothing else of the process went on."""
    await client.program(paint())  # from here on no check waits for an answer
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    turn()
    jobs = [paint(f"cat {n}") for n in range(200)]
    with pytest.raises(BadField):
        await client.run_all([*jobs, Job(catalog.TEXT_TO_IMAGE, {"99.text": "x"})])
    assert turns >= 200
    assert emulator.counters.orders == 0


async def test_few_orders_of_a_batch_begin_in_one_turn_of_the_loop() -> None:
    turn, begun, loop = 0, Counter[int](), asyncio.get_running_loop()

    def count() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(count)

    async def begin() -> Outcome:
        begun[turn] += 1
        await asyncio.sleep(0)
        return Outcome("1", (), Usage(), Tips(), 0.0)

    count()
    await side_by_side((begin() for _ in range(200)), lambda _: lambda _: None)
    assert begun.total() == 200
    assert max(begun.values()) <= STARTED_TOGETHER


def test_a_batch_counts_its_orders_as_they_go_on() -> None:
    news: list[Progress] = []
    batch = BatchProgress(3, news.append)
    watches = [batch.watch_of(index) for index in range(3)]
    watches[0](Progress(Stage.UPLOADING, 0.5))
    watches[0](Progress(Stage.RUNNING, 0.5))
    watches[0](Progress(Stage.QUEUED))  # nothing goes back
    watches[1](Progress(Stage.RUNNING, 0.0))
    shares = [round(progress.fraction or 0.0, 4) for progress in news]
    assert shares == [0.0167, 0.175, 0.175, 0.2083]
    # One that runs and has told of no node yet runs all the same.
    assert [progress.params["running"] for progress in news] == [0, 1, 1, 2]
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        for index in range(3):
            order = loop.create_future()
            order.set_exception(BatchFailed()) if index == 1 else order.set_result(None)
            batch.ended(index)(order)
    assert news[-1].fraction == 1.0
    assert english(news[-1].stage.value, news[-1].params) == "2 of 3 done, 1 failed, 0 running"
