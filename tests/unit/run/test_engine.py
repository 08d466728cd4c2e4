"""An order from its row to its results: one click is one order, and stop stops the bill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from unit.run.world import (
    PICTURE,
    QUEUED,
    RUNNING,
    SUCCESS,
    TASK,
    Answer,
    Files,
    SameThreadBook,
    Service,
    VirtualClock,
    Watcher,
    code,
    load,
    now,
    state,
    taken,
    until,
    virtually,
)

from rh_api.errors import (
    BadInput,
    ContentRefused,
    Detached,
    DiskFull,
    Fate,
    GraphRejected,
    KeyRefused,
    NoBalance,
    NoOutput,
    ResultUnavailable,
    RunningHubError,
    StoreUnavailable,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    TimeLimit,
    Uncertain,
    Unreachable,
)
from rh_api.run.caller import Caller
from rh_api.run.desk import Desk
from rh_api.run.engine import Engine
from rh_api.run.orders import Order, Outcome
from rh_api.run.ports import Stopped
from rh_api.run.questions import Questions
from rh_api.run.transfers import Transfers
from rh_api.store import Identity, OrderRow, State
from rh_api.wire.call import Request, Response
from rh_api.wire.orders import NodeInfo

T = TypeVar("T")

ORDER = Order("1900000000000000101", inputs={"6.text": "a cat"}, titles={"9": "Save"})
DAY = 24 * 3600.0
LOST = Unreachable(host="x", reason="the line broke")  # after the request left
DONE_AT_10: list[Answer] = [until(10, SUCCESS)]


class World:
    """An engine over a scripted service and a real store; `restart` forgets all but the store."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder = folder
        self.service = service
        self.files = Files()
        self.watcher = Watcher()
        self.prepared = 0
        self.told: list[Stopped] = []
        self.book = SameThreadBook(folder)
        self.restart()

    def restart(self) -> None:
        caller = Caller(self.service, VirtualClock())
        transfers = Transfers(self.files, caller, self.book, "https://x", "account")
        desk = Desk(caller, self.book, "https://x", "account", stopped=self.told.append)
        self.engine = Engine.of(desk, transfers, self.folder)

    async def prepare(self) -> tuple[NodeInfo, ...]:
        self.prepared += 1
        return (NodeInfo("6", "text", "a cat"),)

    async def run(self, order: Order = ORDER, **more: Any) -> Outcome:
        return await self.engine.run(order, self.prepare, self.watcher, **more)

    def row(self, order: Order = ORDER) -> OrderRow | None:
        identity = Identity("https://x", "account", order.program, "", order.inputs_hash, 0)
        return self.book.store.find(identity.digest)

    def state(self, order: Order = ORDER) -> State | None:
        row = self.row(order)
        return None if row is None else row.state


@pytest.fixture
def make(tmp_path: Path):
    """A world for a service; `play` runs a story in it in virtual time."""
    worlds: list[World] = []

    def build(**answers: Any) -> World:
        answers.setdefault("create", [taken()])
        answers.setdefault("query", list(DONE_AT_10))
        worlds.append(World(tmp_path, Service(**answers)))
        return worlds[-1]

    yield build
    for world in worlds:
        world.book.store.close()


def play(world: World, story: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        try:
            return await story()
        finally:
            await world.engine.desk.settle()
            assert world.engine.placing.slots.used == 0

    return virtually(main())


def run(world: World, **more: Any) -> Outcome:
    return play(world, lambda: world.run(**more))


def fails(world: World, kind: type[RunningHubError], **more: Any) -> Any:
    with pytest.raises(RunningHubError) as caught:
        run(world, **more)
    assert type(caught.value) is kind
    return caught.value


def test_an_order_goes_from_its_row_to_its_file(make):
    world = make(query=[QUEUED, until(10, SUCCESS)], create=[taken(status="QUEUED")])
    outcome = run(world)
    (result,) = outcome.results
    assert outcome.task_id == TASK
    assert result.path is not None
    assert result.path.read_bytes() == PICTURE["url"].encode()
    assert world.watcher.stages == ["ORDERING", "QUEUED", "RUNNING", "DOWNLOADING"]
    row = world.row()
    assert row is not None
    assert (row.state, row.task_id) == (State.DONE, TASK)
    (kept,) = world.book.store.results(row.id)
    assert kept.path is not None
    assert (world.folder / kept.path).samefile(result.path)
    (sent,) = [sent for sent in world.service.sent if sent.path == "create"]
    assert sent.fresh
    assert sent.body["nodeInfoList"] == [
        {"nodeId": "6", "fieldName": "text", "fieldValue": "a cat"}
    ]


def test_the_row_is_written_before_the_request_leaves(make):
    seen: list[State | None] = []

    def look(_: object) -> Answer:
        seen.append(world.state())
        return taken()

    world = make(create=[look])
    run(world)
    assert seen == [State.INTENDED]


def test_the_task_s_id_is_written_before_it_is_followed(make):
    seen: list[tuple[State | None, str | None]] = []

    def look(_: object) -> Answer:
        row = world.row()
        seen.append((row and row.state, row and row.task_id))
        return SUCCESS

    world = make(query=[look])
    run(world)
    assert seen == [(State.RUNNING, TASK)]


# One click, one order


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        Response(502, b"<html>"),
        Response(200, b'{"code":0,"data":{"taskId":"19000'),
        Response(200, b""),
        code(500),
        code(1000),
        code(1012),
        code(4711),
        {"code": 0, "data": None},
    ],
    ids=str,
)
def test_a_create_whose_reply_is_lost_is_uncertain_and_never_sent_again(make, reply: Answer):
    world = make(create=[reply], queue=[load(3, running=1), load(3, running=2)])
    error = fails(world, Uncertain)
    assert error.fate is Fate.UNKNOWN
    assert (error.params["before"], error.params["now"]) == (1, 2)
    assert world.state() is State.UNCERTAIN

    world.restart()
    again = fails(world, Uncertain)
    assert again.key == "error.uncertain_before"
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1


def test_what_is_not_known_of_the_load_is_not_made_up(make):
    world = make(create=[LOST], queue=[load(3, running=1), LOST])
    error = fails(world, Uncertain)
    assert (error.params["before"], error.params["now"]) == (1, "?")


def test_who_says_again_orders_again_after_an_uncertain_one(make):
    world = make(create=[LOST, taken()])
    fails(world, Uncertain)
    assert run(world, again=True).task_id == TASK
    assert len(world.service.times("create")) == 2


def test_who_says_again_after_an_end_orders_again(make):
    world = make(query=[state("SUCCESS", [PICTURE])])
    world.files.failing = ResultUnavailable(reason="offline")
    fails(world, ResultUnavailable)
    world.files.failing = None
    run(world, again=True)
    assert len(world.service.times("create")) == 2


def test_who_says_again_while_it_runs_joins_it(make):
    world = make(query=[RUNNING, RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query = [SUCCESS]
    assert run(world, again=True).task_id == TASK
    assert len(world.service.times("create")) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (code(802), KeyRefused),
        (code(416), NoBalance),
        (code(433, "bad graph"), GraphRejected),
        (code(1501, "no"), ContentRefused),
        (Unreachable(host="x", reason="refused", fate=Fate.NOT_STARTED), Unreachable),
    ],
)
def test_a_refused_order_leaves_no_question(make, reply: Answer, kind: type[RunningHubError]):
    world = make(create=[reply])
    fails(world, kind)
    assert world.state() is None
    world.service.create = [taken()]
    assert run(world).task_id == TASK


def test_a_create_that_never_left_is_sent_again(make):
    refused = Unreachable(host="x", reason="refused", fate=Fate.NOT_STARTED)
    world = make(create=[refused, refused, taken()])
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 3
    assert all(sent.fresh for sent in world.service.sent if sent.path == "create")


def test_without_a_book_nothing_is_ordered(make):
    world = make()
    world.book.broken = StoreUnavailable(folder="x", reason="full")
    fails(world, StoreUnavailable)
    assert world.service.times("create") == []


def test_a_book_that_fails_later_loses_no_task(make):
    def spoil(_: object) -> Answer:
        world.book.broken = StoreUnavailable(folder="x", reason="full", fate=Fate.UNKNOWN)
        return taken()

    world = make(create=[spoil])
    assert run(world).task_id == TASK


def test_an_order_that_another_process_is_placing_is_left_to_it(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program, "", ORDER.inputs_hash, 0)

    async def prepare() -> tuple[NodeInfo, ...]:
        world.book.store.intend(identity, instance="default", what={})
        return ()

    async def story() -> None:
        with pytest.raises(Uncertain) as caught:
            await world.engine.run(ORDER, prepare, world.watcher)
        assert caught.value.key == "error.uncertain_before"

    play(world, story)
    assert world.service.times("create") == []


def test_an_order_that_another_process_places_meanwhile_is_followed(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program, "", ORDER.inputs_hash, 0)
    store = world.book.store

    async def story() -> Outcome:
        row = store.intend(identity, instance="default", what={})
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(20)
        store.placed(row, TASK)
        return await job

    assert play(world, story).task_id == TASK
    assert world.service.times("create") == []
    assert world.prepared == 0


def test_when_the_other_process_was_refused_this_one_orders(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program, "", ORDER.inputs_hash, 0)
    store = world.book.store

    async def story() -> Outcome:
        row = store.intend(identity, instance="default", what={})
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(20)
        store.dropped(row)
        return await job

    assert play(world, story).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_another_process_is_not_waited_for_without_end(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program, "", ORDER.inputs_hash, 0)
    row = world.book.store.intend(identity, instance="default", what={"before": 2})

    async def story() -> float:
        with pytest.raises(Uncertain) as caught:
            await world.run()
        assert caught.value.order == row
        assert caught.value.params["before"] == 2
        return now()

    assert 60 < play(world, story) < 120


def test_a_question_names_its_order_in_the_book(make):
    world = make(create=[LOST])
    error = fails(world, Uncertain)
    row = world.row()
    assert row is not None
    assert error.order == row.id
    assert f"order {row.id} of the book" in str(error)


# A book that was set aside


@pytest.fixture
def lost_book(tmp_path: Path) -> Path:
    path = tmp_path / "orders.damaged-1.sqlite3"
    path.write_bytes(b"no book any more")
    return path


def test_what_a_lost_book_may_hold_is_asked_about_first(make, lost_book: Path):
    world = make()
    error = fails(world, Uncertain)
    assert error.key == "error.book_set_aside"
    assert str(lost_book) in str(error)
    assert world.service.sent == []
    assert run(world, again=True).task_id == TASK
    assert run(world).kept  # from now on the order is known


def test_a_lost_book_that_was_removed_asks_nothing(make, lost_book: Path):
    world = make()
    lost_book.unlink()
    assert run(world).task_id == TASK


def test_a_lost_book_of_yesterday_asks_nothing(make, lost_book: Path):
    world = make()
    world.book.later(25 * 3600)
    assert run(world).task_id == TASK


# Waiting for a place


FULL = [code(421), code(415), code(1520), code(814)]


@pytest.mark.parametrize("full", FULL, ids=str)
def test_a_full_account_is_waited_for_longer_each_time(make, full: Answer):
    world = make(create=[full] * 7 + [taken()], query=[SUCCESS])
    assert run(world).task_id == TASK
    times = world.service.times("create")
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == [2, 4, 8, 16, 30, 30, 30]
    assert "WAITING_FOREIGN" in world.watcher.stages
    assert world.state() is State.DONE


def orders(count: int) -> list[Order]:
    return [Order("1", inputs={"n": number}) for number in range(count)]


def test_when_an_order_of_ours_ends_the_refused_one_tries_at_once(make):
    world = make(create=[taken(), lambda _: code(421) if now() < 40 else taken("2")])
    world.service.query = [until(41.5, SUCCESS)]

    async def story() -> None:
        first, second = orders(2)
        await asyncio.gather(world.run(first), world.run(second))

    play(world, story)
    ended = next(at for at, news in world.watcher.seen if news.stage.name == "DOWNLOADING")
    assert ended < world.service.times("create")[-1] + 0.001
    assert world.service.times("create")[-1] == pytest.approx(ended, abs=0.01)


def test_refused_orders_do_not_wake_each_other(make):
    world = make(create=[lambda _: code(421) if now() < 100 else taken()], queue=[load(None)])
    world.service.query = [until(120, SUCCESS)]

    async def story() -> None:
        await asyncio.gather(*(world.run(order) for order in orders(4)))

    play(world, story)
    assert len([at for at in world.service.times("create") if at < 100]) == 4 * 7


def test_orders_that_come_together_keep_to_the_limit(make):
    running = most = 0

    def start(_: object) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        return taken()

    def poll(_: object) -> Answer:
        nonlocal running
        running -= 1
        return SUCCESS

    world = make(create=[start], query=[poll], queue=[load(3)])
    world.service.latency = 0.1

    async def story() -> None:
        await asyncio.gather(*(world.run(order) for order in orders(6)))

    play(world, story)
    assert most == 3
    assert len(world.service.times("create")) == 6
    assert len(world.service.times("queue")) == 1


def test_a_limit_that_cannot_be_read_holds_nothing_up(make):
    world = make(queue=[code(500)])
    assert run(world).task_id == TASK


def test_a_pace_that_is_asked_for_is_kept_by_the_next_create(make):
    slow = Response(429, b"", {"retry-after": "100"})
    world = make(create=[slow, taken()], query=[SUCCESS])
    assert run(world).task_id == TASK
    first, second = world.service.times("create")
    assert second >= first + 100


def test_a_place_is_free_again_while_results_are_fetched(make):
    world = make(query=[SUCCESS], queue=[load(1)])

    async def slow_download(*arguments: Any) -> Any:
        assert world.engine.placing.slots.used == 0
        return await Files().download(*arguments)

    world.files.download = slow_download
    run(world)


# Stop


def stop_at(world: World, seconds: float, order: Order = ORDER, **more: Any):
    async def story() -> float:
        job = asyncio.ensure_future(world.run(order, **more))
        await asyncio.sleep(seconds)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        left = now()
        await world.engine.desk.settle()
        return left

    return play(world, story)


CANCELLED = state("CANCEL")


def test_stop_while_it_runs_cancels_and_sees_that_it_did(make):
    world = make(query=[until(30.7, CANCELLED)])
    assert stop_at(world, 30) == 30
    assert world.service.times("cancel") == [30]
    assert world.state() is State.CANCELLED
    assert world.told == [Stopped(TASK, confirmed=True)]


def test_stop_between_the_create_and_its_reply_cancels_when_the_id_is_known(make):
    async def late(_: object) -> Answer:
        await asyncio.sleep(8)
        return taken()

    world = make(create=[late], query=[until(8.5, CANCELLED)])
    assert stop_at(world, 3) == 3
    assert world.service.times("cancel") == [8]
    assert world.state() is State.CANCELLED


def test_a_stopped_create_that_got_no_task_leaves_its_question(make):
    async def lost(_: object) -> Answer:
        await asyncio.sleep(8)
        return LOST

    world = make(create=[lost])
    stop_at(world, 3)
    assert world.state() is State.UNCERTAIN
    assert world.service.times("cancel") == []
    assert world.told == [Stopped("", confirmed=False)]


def test_a_stopped_create_that_was_refused_leaves_nothing(make):
    async def refused(_: object) -> Answer:
        await asyncio.sleep(8)
        return code(416)

    world = make(create=[refused])
    stop_at(world, 3)
    assert world.state() is None
    assert world.told == []


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


@pytest.mark.parametrize("seconds", [1, 3])
def test_stop_while_waiting_for_a_place_costs_nothing(make, seconds: float):
    world = make(create=[code(421)])
    stop_at(world, seconds)
    assert world.state() is None
    assert world.service.times("cancel") == []


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


def test_a_cancel_that_cannot_be_confirmed_is_repeated_and_stays_wanted(make):
    world = make(query=[RUNNING], cancel=[code(500)])
    stop_at(world, 5)
    assert len(world.service.times("cancel")) == 3
    row = world.row()
    assert row is not None
    assert (row.state, row.cancel) == (State.RUNNING, "wanted")
    assert world.told == [Stopped(TASK, confirmed=False)]


@pytest.mark.parametrize("gone", [code(807), code(423)], ids=str)
def test_a_task_that_is_gone_needs_no_confirmation(make, gone: Answer):
    world = make(query=[RUNNING], cancel=[gone])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED
    assert len(world.service.times("cancel")) == 1


@pytest.mark.parametrize("reply", [code(0), code(807)], ids=str)
def test_a_stop_that_came_too_late_keeps_the_result_that_is_paid_for(make, reply: Answer):
    world = make(query=[until(5, SUCCESS)], cancel=[reply])
    stop_at(world, 5)
    assert world.state() is State.DONE
    assert run(world).results
    assert len(world.service.times("create")) == 1


def test_where_the_new_route_is_refused_the_old_one_confirms_a_cancel(make):
    running = {"code": 804, "data": None}
    world = make(query=[code(412)], outputs=[until(5.2, code(805), running)])
    stop_at(world, 5)
    assert world.state() is State.CANCELLED


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
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        job.cancel()
        await asyncio.wait((job,))
        await world.engine.desk.settle()
        return now()

    assert play(world, hang) <= 5 + 30
    assert world.told == [Stopped(TASK, confirmed=False)]


def test_running_again_right_after_a_stop_is_a_new_order(make):
    def poll(request: Request) -> Answer:
        asked = (request.body or {})["taskId"]
        return SUCCESS if asked == "2" else CANCELLED if now() > 6 else RUNNING

    world = make(create=[taken("1"), taken("2")], query=[poll])

    async def story() -> Outcome:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        job.cancel()
        await asyncio.sleep(0)
        return await world.run()

    assert play(world, story).task_id == "2"


def test_at_the_time_limit_the_task_is_cancelled(make):
    world = make(query=[RUNNING])
    world.service.cancel = [lambda _: world.service.query.__setitem__(0, CANCELLED) or code(0)]
    limited = Order(ORDER.program, inputs=ORDER.inputs, time_limit=20.0)
    fails(world, TimeLimit, order=limited)
    assert world.service.times("cancel") == [20]
    assert world.state(limited) is State.CANCELLED


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


def test_a_client_that_leaves_cancels_nothing(make):
    world = make(query=[RUNNING])

    async def story() -> None:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        world.engine.desk.leaving = True
        job.cancel()
        await asyncio.wait((job,))

    play(world, story)
    assert world.service.times("cancel") == []
    assert world.state() is State.RUNNING


def test_whoever_detaches_leaves_the_task_running_and_may_come_back(make):
    world = make(query=[until(50, SUCCESS)])

    async def story() -> Outcome:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        assert world.engine.detach(TASK)
        with pytest.raises(Detached, match=TASK):
            await job
        assert now() < 5.1
        assert not world.engine.detach(TASK)
        assert world.state() is State.RUNNING
        return await world.run()

    assert play(world, story).task_id == TASK
    assert len(world.service.times("create")) == 1
    assert world.service.times("cancel") == []


# After a restart


def test_the_time_limit_counts_what_ran_before_the_restart(make):
    limited = Order(ORDER.program, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.book.later(700)  # of its running time, without us
    world.service.query = [lambda _: CANCELLED if world.service.times("cancel") else RUNNING]
    fails(world, TimeLimit, order=limited)
    assert 250 < world.service.times("cancel")[0] < 310
    assert world.state(limited) is State.CANCELLED


def dated(answer: Answer, ahead: float) -> Answer:
    """An answer with a Date header, by the clock of a service that nobody sets."""

    def reply(_: Request) -> Response:
        date = formatdate(SERVICE_BEGAN + now() + ahead, usegmt=True)
        return Response(200, json.dumps(answer).encode(), {"date": date})

    return reply


SERVICE_BEGAN = 1_900_000_000.0


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_clock_that_was_set_meanwhile_does_not_end_a_task_at_its_limit(make, seconds: float):
    limited = Order(ORDER.program, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(create=[dated(taken(), 0)], query=[dated(RUNNING, 0), LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.book.later(seconds)
    away = 700.0
    world.service.query = [dated(RUNNING, away)] * 3 + [dated(SUCCESS, away)]
    assert run(world, order=limited).task_id == TASK
    assert world.service.times("cancel") == []


def test_by_the_service_s_clock_the_limit_is_kept_whatever_this_machine_s_says(make):
    limited = Order(ORDER.program, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(create=[dated(taken(), 0)], query=[dated(RUNNING, 0), LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.book.later(-DAY)
    away = 700.0  # of its running time, when we are back
    world.service.query = [
        lambda request: (
            CANCELLED if world.service.times("cancel") else dated(RUNNING, away)(request)
        )  # type: ignore[operator]
    ]
    fails(world, TimeLimit, order=limited)
    assert 250 < world.service.times("cancel")[0] < 310


def test_time_in_the_queue_does_not_count_after_a_restart(make):
    limited = Order(ORDER.program, inputs=ORDER.inputs, time_limit=100.0)
    world = make(create=[taken(status="QUEUED")], query=[QUEUED, LOST])
    fails(world, Unreachable, order=limited)
    assert world.state(limited) is State.PLACED
    world.restart()
    world.book.later(7000)
    world.service.query = [QUEUED, QUEUED, RUNNING, SUCCESS]
    assert run(world, order=limited).task_id == TASK


def stopped_without_proof(world: World) -> None:
    """Stop is pressed, and the service is not heard of."""
    world.service.query = [RUNNING]
    world.service.cancel = [code(500)]
    stop_at(world, 5)
    row = world.row()
    assert row is not None
    assert row.cancel == "wanted"
    world.service.sent.clear()
    world.told.clear()
    world.restart()


def questions(world: World) -> Questions:
    return Questions(world.engine, world.book.store.last_order())


def test_a_cancel_that_could_not_be_confirmed_is_repeated_at_the_next_start(make, caplog):
    world = make()
    stopped_without_proof(world)
    (left,) = play(world, questions(world).open_orders)
    assert left.cancelling
    world.service.cancel = [lambda _: world.service.query.__setitem__(0, CANCELLED) or code(0)]
    play(world, questions(world).cancel_again)
    assert len(world.service.times("cancel")) == 1
    assert world.state() is State.CANCELLED
    assert world.told == [Stopped(TASK, confirmed=True, from_before=True)]
    assert TASK in caplog.text


def test_what_still_cannot_be_cancelled_is_taken_up_when_it_is_wanted_again(make):
    world = make()
    stopped_without_proof(world)
    world.service.query = [until(3, SUCCESS)]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 0


def test_what_turns_out_to_be_cancelled_is_ordered_anew(make):
    world = make()
    stopped_without_proof(world)
    world.service.create = [taken("2")]

    def poll(request: Request) -> Answer:
        return SUCCESS if (request.body or {})["taskId"] == "2" else CANCELLED

    world.service.query = [poll]
    assert run(world).task_id == "2"
    assert len(world.service.times("create")) == 1


def test_open_orders_are_those_of_before_that_nobody_waits_for(make):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query = [until(30, SUCCESS)]
    before = questions(world)

    async def story() -> None:
        (left,) = await before.open_orders()
        assert (left.task_id, left.state, left.program) == (TASK, State.RUNNING, ORDER.program)
        assert left.inputs == ORDER.inputs
        assert not left.is_uncertain
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        assert await before.open_orders() == []
        await job
        assert await before.open_orders() == []

    play(world, story)


@pytest.mark.parametrize(
    ("last", "left"),
    [(state("FAILED", errorCode="805"), State.FAILED), (CANCELLED, State.CANCELLED)],
)
def test_a_look_at_a_task_that_has_failed_closes_its_order(make, last: Answer, left: State):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query = [last]
    play(world, lambda: world.engine.report(TASK))
    assert world.state() is left
    assert play(world, questions(world).open_orders) == []


def test_an_order_of_this_start_is_open_too_and_told_from_those_of_before(make):
    world = make(create=[LOST])
    before = questions(world)
    fails(world, Uncertain)
    (left,) = play(world, before.open_orders)
    assert (left.is_uncertain, left.from_before) == (True, False)
    world.restart()
    (left,) = play(world, questions(world).open_orders)
    assert left.from_before


def test_an_order_that_is_being_placed_is_no_open_one(make):
    world = make(create=[LOST], query=[SUCCESS])
    world.service.latency = 5.0
    before = questions(world)

    async def story() -> None:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(8)  # between the limit's answer and the create's
        assert world.state() is State.INTENDED
        assert await before.open_orders() == []
        await asyncio.wait((job,))
        job.exception()

    play(world, story)


# Answers to an uncertain order


def uncertain_order(world: World) -> int:
    world.service.create = [LOST]
    order = fails(world, Uncertain).order
    assert order is not None
    world.service.create = [taken("2")]
    world.restart()
    return order


def test_an_uncertain_order_whose_task_is_named_is_taken_up(make):
    world = make(query=[SUCCESS])
    order = uncertain_order(world)
    play(world, lambda: questions(world).is_task(order, TASK))
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_a_task_that_the_service_does_not_know_is_no_answer(make):
    world = make()
    order = uncertain_order(world)
    world.service.query, world.service.outputs = [code(1004)], [code(807)]
    with pytest.raises(TaskNotFound):
        play(world, lambda: questions(world).is_task(order, TASK))
    assert world.state() is State.UNCERTAIN


def test_the_task_of_another_order_is_no_answer(make):
    world = make(create=[taken()], query=[SUCCESS])
    run(world, order=Order("1"))
    order = uncertain_order(world)
    with pytest.raises(BadInput, match="another order"):
        play(world, lambda: questions(world).is_task(order, TASK))
    assert world.state() is State.UNCERTAIN


def test_an_uncertain_order_that_did_not_start_is_ordered_when_it_is_run_again(make):
    world = make(query=[SUCCESS])
    order = uncertain_order(world)
    play(world, lambda: questions(world).not_started(order))
    assert run(world).task_id == "2"
    with pytest.raises(BadInput, match="no open question"):
        play(world, lambda: questions(world).not_started(order))


def test_a_look_at_an_uncertain_order_tells_what_can_be_seen_and_settles_nothing(make):
    world = make(queue=[load(3, running=1), load(3, running=1, queued=1)])
    order = uncertain_order(world)
    seen = play(world, lambda: questions(world).look_again(order))
    assert (seen.before, seen.now, seen.ours) == (1, 2, 0)
    world.service.queue = [LOST]
    assert play(world, lambda: questions(world).look_again(order)).now is None
    assert world.state() is State.UNCERTAIN


def test_a_task_that_was_left_running_is_taken_up_and_not_ordered_again(make):
    world = make(query=[RUNNING, RUNNING, LOST])
    fails(world, Unreachable)  # sight is lost after ten minutes; as good as a crash
    assert world.state() is State.RUNNING
    world.restart()
    world.service.query = [SUCCESS]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1
    # When it started was not seen, so its length says nothing.
    assert world.book.store.memory.run_times(ORDER.program, "default") == []


def test_results_that_did_not_arrive_are_fetched_without_an_order(make):
    text = {"nodeId": "10", "text": "a caption", "outputType": "txt"}
    pictures = [{**PICTURE, "nodeId": "12"}, text, PICTURE]
    usage = {"consumeCoins": "17", "taskCostTime": "83"}
    world = make(query=[state("SUCCESS", pictures, usage=usage)])
    world.files.failing = ResultUnavailable(reason="offline")
    error = fails(world, ResultUnavailable)
    assert error.task_id == TASK
    world.files.failing = None
    world.restart()
    outcome = run(world)
    assert [result.node_id for result in outcome.results] == ["12", "10", "9"]
    assert outcome.results[1].text == "a caption"
    assert (outcome.usage.coins, outcome.usage.seconds) == ("17", "83")
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1


def test_results_that_are_here_are_served_for_nothing(make):
    world = make(query=[SUCCESS])
    first = run(world)
    world.restart()
    second = run(world)
    assert second.kept
    assert not first.kept
    assert [r.path for r in second.results] == [r.path for r in first.results]
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1


@pytest.mark.parametrize("wish", [{"again": True}, {"serve": False}])
def test_a_new_run_is_ordered_when_asked_for(make, wish: dict[str, bool]):
    world = make(query=[SUCCESS])
    run(world)
    assert not run(world, **wish).kept
    assert len(world.service.times("create")) == 2


def test_results_that_were_deleted_here_are_fetched_again(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1


def test_results_that_are_gone_everywhere_are_ordered_anew(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.book.later(25 * 3600)
    world.files.refuse = gone
    world.service.outputs = [code(807)]
    world.service.create = [lambda _: setattr(world.files, "refuse", lambda _: None) or taken("2")]

    def poll(request: Request) -> Answer:
        return SUCCESS if (request.body or {})["taskId"] == "2" else code(1004)

    world.service.query = [poll]
    assert run(world).task_id == "2"
    assert len(world.service.times("create")) == 2


def test_a_clock_that_was_set_forward_gives_up_no_results(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.book.later(3 * DAY)
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1


def test_a_clock_that_was_set_back_pays_for_nothing_twice(make):
    world = make(query=[SUCCESS])
    run(world)
    world.book.later(-DAY)
    assert run(world).kept
    assert len(world.service.times("create")) == 1


def test_results_that_may_come_back_stay_owed_while_the_order_is_young(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.book.later(-DAY)
    world.files.refuse = gone
    fails(world, ResultUnavailable)
    assert len(world.service.times("create")) == 1


def gone(_: str) -> ResultUnavailable:
    error = ResultUnavailable(reason="HTTP 404")
    error.status = 404
    return error


def signed(sign: str) -> Answer:
    return state("SUCCESS", [{**PICTURE, "url": f"{PICTURE['url']}?sign={sign}"}])


def expired(url: str) -> ResultUnavailable | None:
    if "sign=old" not in url:
        return None
    error = ResultUnavailable(reason="HTTP 403")
    error.status = 403
    return error


def test_a_result_whose_address_has_expired_is_fetched_by_a_new_one(make):
    world = make(query=[signed("old"), signed("new")])
    world.files.refuse = expired
    (result,) = run(world).results
    assert result.url.endswith("sign=new")
    assert len(world.service.times("query")) == 2


def test_where_there_is_no_other_address_the_result_stays_owed(make):
    world = make(query=[signed("old")])
    world.files.refuse = expired
    fails(world, ResultUnavailable)
    assert len(world.service.times("query")) == 2
    world.service.query = [signed("new")]
    assert run(world).results[0].url.endswith("sign=new")
    assert len(world.service.times("create")) == 1


def test_a_full_disk_keeps_the_task_and_goes_on_when_there_is_room(make):
    world = make(query=[SUCCESS])
    world.files.failing = DiskFull(folder="x")
    assert fails(world, DiskFull).task_id == TASK
    assert world.state() is State.DONE
    world.files.failing = None
    world.restart()
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1


# Ends


@pytest.mark.parametrize(
    ("last", "kind", "left"),
    [
        (state("FAILED", errorCode="805"), TaskFailed, State.FAILED),
        (state("CANCEL"), TaskCancelled, State.CANCELLED),
        (state("SUCCESS", []), NoOutput, State.DONE),
    ],
)
def test_every_end_is_in_the_book_and_names_the_task(
    make, last: Answer, kind: type[RunningHubError], left: State
):
    world = make(query=[RUNNING, last])
    assert fails(world, kind).task_id == TASK
    assert world.state() is left
    assert world.service.times("cancel") == []


def tips(outputs: list[str]) -> Answer:
    node = {"errors": [{"message": "Value not in list"}], "class_type": "Loader"}
    told = {"outputs_to_execute": outputs, "node_errors": {"4": node}}
    return {"code": 0, "data": {"taskId": TASK, "taskStatus": "RUNNING", "promptTips": told}}


def test_an_order_of_which_nothing_will_run_is_cancelled_and_refused(make):
    world = make(create=[tips([])], query=[CANCELLED])
    error = fails(world, GraphRejected)
    assert (error.node_id, error.task_id) == ("4", TASK)
    assert len(world.service.times("cancel")) == 1
    assert world.state() is State.CANCELLED


def test_an_order_of_which_a_part_runs_is_followed(make):
    world = make(create=[tips(["9"])])
    outcome = run(world)
    assert outcome.tips.outputs == ("9",)
    assert list(outcome.tips.node_errors) == ["4"]


def test_run_times_are_remembered_for_the_next(make):
    world = make(query=[until(10, SUCCESS)])
    run(world)
    (seconds,) = world.book.store.memory.run_times(ORDER.program, "default")
    assert 5 <= seconds <= 15
