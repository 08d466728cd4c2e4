"""Stop stops the bill, at whatever moment it comes."""

from __future__ import annotations

import asyncio

import pytest
from unit.run.world import (
    RUNNING,
    SOCKET,
    SUCCESS,
    TASK,
    Answer,
    code,
    frame,
    now,
    state,
    taken,
    until,
)

from rh_api.errors import (
    Detached,
    Fate,
    NoOutput,
    StoreUnavailable,
    TaskCancelled,
    Unreachable,
)
from rh_api.journal import State
from rh_api.run.cancellation import CONFIRM, TRIES
from rh_api.run.orders import Order
from rh_api.run.progress import Stopped
from rh_api.run.report_query import UNKNOWN_SECONDS
from rh_api.run.results import Outcome
from rh_api.wire.call import Response
from tests.unit.run.engine_world import (
    CANCELLED,
    LOST,
    ORDER,
    fails,
    play,
    run,
    stop_at,
    stopped,
    stopped_until_asked,
)

UNKNOWN = {"query": [until(5, code(1004))], "outputs": [code(807)]}


def test_what_a_stopped_task_cost_is_told(make):
    cancelled = state("CANCEL", usage={"consumeCoins": "3", "taskCostTime": "30"})
    world = make(query=[until(30.7, cancelled)])
    stop_at(world, 30)
    (stopped,) = world.stops
    assert (stopped.usage.coins, stopped.too_late) == ("3", False)


def test_a_stop_that_could_be_neither_confirmed_nor_written_says_so(make):
    refused = StoreUnavailable(folder="x", reason="full", fate=Fate.UNKNOWN)

    def spoil(_: object) -> Answer:
        world.rows.fail(refused)
        return RUNNING

    world = make(query=[spoil], cancel=[LOST])
    stop_at(world, 30)
    (stopped,) = world.stops
    assert (stopped.confirmed, stopped.is_recorded) == (False, False)
    world.rows.fail(None)
    assert world.state() is not State.CANCELLED


def test_a_cancel_that_never_left_is_not_logged_as_if_nothing_ran(make, caplog):
    caplog.set_level("INFO", "runninghub")
    away = Unreachable(host="x", reason="refused", fate=Fate.NOT_STARTED)
    world = make(query=[RUNNING], cancel=[away, code(301, "PARAMS_INVALID"), LOST])
    stop_at(world, 30)
    logged = [message for message in caplog.messages if message.startswith("cancelling task")]
    assert len(logged) == 3
    assert "othing was started" not in " ".join(logged)


def test_a_stop_is_written_once_the_disk_has_room_again(make):
    refused = StoreUnavailable(folder="x", reason="full", fate=Fate.UNKNOWN)

    def spoil(_: object) -> Answer:
        world.rows.fail(refused)
        return RUNNING

    def heal(_: object) -> Answer:
        world.rows.fail(None)
        return LOST

    world = make(query=[spoil, RUNNING], cancel=[heal])
    stop_at(world, 30)
    (stopped,) = world.stops
    assert (stopped.confirmed, stopped.is_recorded) == (False, True)
    (row,) = world.rows.store.unfinished()
    assert row.cancel == "wanted"


def test_a_stopped_create_that_was_refused_leaves_nothing(make):
    async def refused(_: object) -> Answer:
        await asyncio.sleep(8)
        return code(416)

    world = make(create=[refused])
    stop_at(world, 3)
    assert world.state() is None
    assert world.stops == []


@pytest.mark.parametrize("steps", range(12))
def test_a_stop_right_behind_a_refusal_leaves_no_question(make, steps: int):
    replied: asyncio.Event

    async def refuse(_: object) -> Answer:
        replied.set()
        return code(416)

    world = make(create=[refuse])

    async def story() -> None:
        nonlocal replied
        replied = asyncio.Event()
        job = asyncio.ensure_future(world.run())
        await replied.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.wait((job,))

    play(world, story)
    assert world.state() is None


def test_after_a_stop_no_create_is_sent_any_more(make):
    slow = Response(429, b"", {"retry-after": "50"})
    world = make(create=[slow, taken()])
    stop_at(world, 10)
    assert len(world.service.times("create")) == 1
    assert world.state() is None


@pytest.mark.parametrize("steps", range(40))
def test_stop_at_any_step_leaves_no_task_running_unasked(make, steps: int):
    world = make(query=[RUNNING])
    placed = False

    def start(_: object) -> Answer:
        nonlocal placed
        placed = True
        return taken()

    world.service.create = [start]
    world.service.cancel = [lambda _: world.service.query.__setitem__(0, CANCELLED) or code(0)]

    async def story() -> None:
        job = asyncio.ensure_future(world.run())
        for _ in range(steps):
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    play(world, story)
    assert placed or steps < 39  # the last of them come after the reply
    assert bool(world.service.times("cancel")) is placed
    assert world.state() is (State.CANCELLED if placed else None)


@pytest.mark.parametrize("unknown", [code(807), code(423)], ids=str)
@pytest.mark.parametrize("query", [RUNNING, code(503)], ids=str)
def test_a_task_that_the_cancel_alone_does_not_know_may_run_on(make, unknown: Answer, query):
    world = make(query=[until(5, query)], cancel=[unknown])
    stop_at(world, 5)
    row = world.row()
    assert row is not None
    assert (row.state, row.cancel) == (State.RUNNING, "wanted")
    assert world.stops == [Stopped(TASK, confirmed=False)]


def test_a_stop_while_the_service_is_away_is_confirmed_once_it_is_back(make):
    world = make(query=[RUNNING], cancel=[LOST])

    async def story() -> None:
        await stopped(world, 5)
        assert world.stops == [Stopped(TASK, confirmed=False)]
        world.service.query[0], world.service.cancel[0] = CANCELLED, code(0)
        await asyncio.sleep(20)

    play(world, story)
    assert world.stops[1:] == [Stopped(TASK, confirmed=True)]
    assert world.state() is State.CANCELLED


def test_a_task_that_a_later_run_took_up_is_not_cancelled_any_more(make):
    world = make(query=[RUNNING], cancel=[LOST])

    async def story() -> Outcome:
        await stopped(world, 5)
        cancels = len(world.service.times("cancel"))
        later = asyncio.ensure_future(world.run())
        await asyncio.sleep(60)
        assert len(world.service.times("cancel")) == cancels
        world.service.query[0] = SUCCESS
        return await later

    assert play(world, story).task_id == TASK


def test_a_task_that_another_process_took_up_is_not_cancelled_any_more(make):
    world = make(query=[RUNNING], cancel=[LOST])

    async def story() -> None:
        await stopped(world, 5)
        cancels = len(world.service.times("cancel"))
        row = await world.engine.context.journal(
            world.engine.context.journal.store.of_task, *world.engine.context.journal.owner, TASK
        )
        await world.engine.context.journal.record_cancel_withdrawn(row.id)
        await asyncio.sleep(600)
        assert len(world.service.times("cancel")) == cancels

    play(world, story)


def test_a_stop_from_outside_is_tried_again_while_the_order_is_still_waited_for(make):
    world = make(query=[RUNNING], cancel=[LOST])

    async def story() -> None:
        waiting = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        assert not await world.engine.canceller.cancel_task(TASK)
        world.service.query, world.service.cancel = [until(40, CANCELLED)], [code(0)]
        with pytest.raises(TaskCancelled):
            await waiting
        await asyncio.sleep(20)

    play(world, story)
    assert world.stops == [Stopped(TASK, confirmed=True)]
    assert world.state() is State.CANCELLED


def test_whoever_only_looks_on_does_not_call_a_stop_off(make):
    world = make(query=[RUNNING], cancel=[LOST])

    async def story() -> None:
        await stopped(world, 5)
        looking = asyncio.ensure_future(world.engine.fetch(TASK, world.watcher, wait=True))
        world.service.query, world.service.cancel = [until(40, CANCELLED)], [code(0)]
        with pytest.raises(TaskCancelled):
            await looking

    play(world, story)
    assert len(world.service.times("cancel")) > TRIES


@pytest.mark.parametrize("end", [CANCELLED, SUCCESS], ids=["cancelled", "too late"])
def test_a_stopped_task_that_became_a_question_is_settled_by_its_cancel(make, end: Answer):
    world = make(**UNKNOWN, cancel=[code(807)])
    world.service.query[0] = code(1004)

    async def story() -> None:
        await stopped_until_asked(world)
        assert world.state() is State.UNCERTAIN
        world.service.query = [end]
        await asyncio.sleep(300)

    play(world, story)
    assert len(world.service.times("create")) == 1
    if end is SUCCESS:
        assert run(world).results
        assert len(world.service.times("create")) == 1
    else:
        assert world.state() is State.CANCELLED


def test_a_task_that_was_unknown_for_a_moment_is_cancelled_all_the_same(make):
    world = make(query=[until(9, CANCELLED)], cancel=[code(807), code(0)])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED
    assert world.stops[0].confirmed


def test_a_task_that_both_polls_have_lost_is_over(make):
    world = make(**UNKNOWN, cancel=[lambda _: world.rows.later(UNKNOWN_SECONDS) or code(807)])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED
    assert len(world.service.times("cancel")) == 1


def test_a_new_task_that_no_cancel_reached_is_not_taken_for_stopped(make):
    world = make(**UNKNOWN, cancel=[code(807)])

    async def story() -> None:
        await stopped(world, 5)
        assert world.stops == [Stopped(TASK, confirmed=False)]
        row = world.row()
        assert row is not None
        assert (row.state, row.cancel) == (State.RUNNING, "wanted")
        world.service.query, world.service.cancel = [until(40, CANCELLED)], [code(0)]
        await asyncio.sleep(60)

    play(world, story)
    assert world.stops[1:] == [Stopped(TASK, confirmed=True)]
    assert world.state() is State.CANCELLED


@pytest.mark.parametrize("steps", range(5))
def test_tries_to_cancel_end_with_the_client_at_whatever_step(make, steps: int):
    world = make(query=[RUNNING], cancel=[LOST])
    leaving: list[asyncio.Task[float]] = []
    polls = 0

    async def leave() -> float:
        for _ in range(steps):
            await asyncio.sleep(0)
        await world.engine.close()
        return now()

    def leave_at_the_last(_: object) -> Answer:
        nonlocal polls
        polls += 1
        if polls == TRIES * len(CONFIRM):
            leaving.append(asyncio.ensure_future(leave()))
        return RUNNING

    async def story() -> float:
        await stopped(world, 5)
        world.service.query = [leave_at_the_last]
        await asyncio.sleep(60)
        return await leaving[0]

    assert play(world, story) < 60


@pytest.mark.parametrize("reply", [code(0), code(807)], ids=str)
def test_a_stop_that_came_too_late_keeps_the_result_that_is_paid_for(make, reply: Answer):
    world = make(query=[until(5, SUCCESS)], cancel=[reply])
    stop_at(world, 5)
    assert world.state() is State.DONE
    assert run(world).results
    assert len(world.service.times("create")) == 1


def test_a_success_that_lists_nothing_yet_when_stop_comes_is_not_paid_again(make):
    world = make(query=[until(5, state("SUCCESS", []))])
    stop_at(world, 5)
    (stopped,) = world.stops
    assert (stopped.confirmed, stopped.too_late) == (True, True)
    world.service.query = [SUCCESS]
    assert run(world).results
    assert len(world.service.times("create")) == 1


@pytest.mark.parametrize("lists", [[SUCCESS], [until(9, state("SUCCESS", []), SUCCESS)]])
def test_with_new_seeds_too_a_success_that_listed_nothing_at_stop_is_not_paid_again(make, lists):
    world = make(query=[until(5, state("SUCCESS", []))])
    stop_at(world, 5)
    world.service.query = lists
    assert run(world, serve=False).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_a_success_without_results_is_no_reason_to_order_nothing_with_new_seeds(make):
    world = make(query=[state("SUCCESS", [])])
    fails(world, NoOutput)
    world.service.query = [SUCCESS]
    world.service.create = [taken("2")]
    assert run(world, serve=False).task_id == TASK  # they were late
    assert run(world, serve=False).task_id == "2"
    world.service.query = [state("SUCCESS", [])]
    for number, task in enumerate("34", start=3):
        world.service.create = [taken(task)]
        assert fails(world, NoOutput, serve=False).task_id == task
        assert len(world.service.times("create")) == number


def test_where_the_new_route_is_refused_the_old_one_confirms_a_cancel(make):
    running = {"code": 804, "data": None}
    world = make(query=[code(412)], outputs=[until(5.2, code(805), running)])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED


@pytest.mark.parametrize("name", ["CANCELLED", "Canceled"])
def test_a_cancel_of_another_name_is_confirmed_where_the_old_route_is_gone(make, name: str):
    world = make(query=[until(5, state(name))], outputs=[Response(404, b"<html>")])
    stop_at(world, 5)
    assert world.stops == [Stopped(TASK, confirmed=True)]


def test_a_task_that_the_poll_does_not_find_any_more_is_over(make):
    world = make(query=[until(5, code(1004))], outputs=[code(807)])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED


def test_a_task_that_one_endpoint_has_lost_is_not_taken_for_stopped(make):
    running = {"code": 804, "data": None}
    world = make(query=[code(1004)], outputs=[until(9, code(805), running)])
    world.service.cancel = [code(500)]
    stop_at(world, 5)
    assert len(world.service.times("cancel")) > 1
    assert world.state() is State.CANCELLED


def test_a_cancel_that_hangs_is_given_up_in_bounded_time(make):
    world = make(query=[RUNNING], cancel=[lambda _: asyncio.sleep(10_000)])

    async def hang() -> float:
        await stopped(world, 5)
        return now()

    assert play(world, hang) <= 5 + 30
    assert world.stops == [Stopped(TASK, confirmed=False)]


def test_running_again_before_a_stopped_create_is_refused_orders_once_that_is_known(make):
    async def refused(_: object) -> Answer:
        await asyncio.sleep(8)
        return code(416)

    world = make(create=[refused, taken("2")], query=[SUCCESS])

    async def story() -> Outcome:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(3)
        job.cancel()
        await asyncio.sleep(0)
        return await world.run()

    assert play(world, story).task_id == "2"


def test_a_cancel_that_takes_long_holds_up_no_other_order(make):
    second = Order(ORDER.program_id, inputs={"6.text": "a dog"})
    world = make(create=[taken("1"), taken("2")], query=[RUNNING])
    world.service.cancel = [lambda _: asyncio.sleep(10_000)]

    async def story() -> int:
        stopped, running = (asyncio.ensure_future(world.run(order)) for order in (ORDER, second))
        await asyncio.sleep(5)
        stopped.cancel()
        await asyncio.sleep(1)
        joining = asyncio.ensure_future(world.run(second))
        await asyncio.sleep(1)
        watching = len(world.engine.context.followers["2"])
        world.service.query = [SUCCESS]
        await asyncio.gather(running, joining)
        return watching

    assert play(world, story) == 2


def test_a_stop_that_a_crash_overtakes_is_in_the_book_before_the_reply(make):
    seen: list[str] = []

    async def late(_: object) -> Answer:
        await asyncio.sleep(8)
        row = world.row()
        assert row is not None
        seen.append(row.cancel)
        return taken()

    world = make(create=[late], query=[until(8.5, CANCELLED)])
    stop_at(world, 3)
    assert seen == ["wanted"]


def test_what_a_socket_says_while_whoever_follows_leaves_is_not_shown_for_ever(make):
    said = frame("progress", node="9", value=1, max=60)
    socket = [(5.0, said), *[(0.0, said)] * 50, (10_000.0, "")]
    world = make(create=[taken(socket=SOCKET)], query=[until(50, SUCCESS)], sockets=[socket])

    async def story() -> None:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        assert world.engine.context.detach(TASK)
        with pytest.raises(Detached):
            await job
        await asyncio.sleep(1)
        (left,) = await world.engine.recovery.open_orders()
        assert left.news is None  # so the panel asks the service

    play(world, story)
