"""One click is one order: a create is sent once, and what is not known is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from unit.run.world import PICTURE, RUNNING, SUCCESS, TASK, Answer, code, load, now, state, taken

from rh_api.errors import (
    ContentRefused,
    Fate,
    GraphRejected,
    KeyRefused,
    NoBalance,
    ResultUnavailable,
    RunningHubError,
    StoreUnavailable,
    TaskNotFound,
    Uncertain,
    Unreachable,
)
from rh_api.groups.history import PastOrder
from rh_api.journal import Identity, State
from rh_api.journal.history import Query
from rh_api.run.results import Outcome
from rh_api.wire.call import Response
from rh_api.wire.orders import NodeInfo
from tests.unit.run.engine_world import DAY, LOST, ORDER, fails, play, run


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


def test_an_order_whose_task_nobody_knows_is_a_question_and_found_again(make):
    world = make(query=[RUNNING, code(1004)], outputs=[code(807)])
    error = fails(world, Uncertain)
    assert (error.key, error.task_id, error.fate) == ("error.task_lost", TASK, Fate.UNKNOWN)
    assert world.state() is State.UNCERTAIN
    assert fails(world, Uncertain).key == "error.uncertain_before"
    world.service.query = [SUCCESS]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 1
    (summary,) = world.rows.store.history.page(Query(), None, None, 9)
    # Ordered again, it goes by the route that it went by.
    assert not PastOrder.of(summary, ("", "")).is_native


def test_an_order_of_days_ago_whose_task_nobody_knows_is_over(make):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.rows.later(2 * DAY)
    world.service.query, world.service.outputs = [code(1004)], [code(807)]
    fails(world, TaskNotFound)
    assert world.state() is State.FAILED


def test_what_is_not_known_of_the_load_is_not_made_up(make):
    world = make(create=[LOST], queue=[load(3, running=1), LOST])
    error = fails(world, Uncertain)
    assert (error.params["before"], error.params["now"]) == (1, None)


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


def test_who_says_again_orders_equal_items_of_one_run_once(make):
    world = make(query=[SUCCESS])
    run(world)
    for task in ("2", "3"):
        world.service.create = [taken(task)]
        in_one_run = replace(ORDER, scope=f"prompt {task}")
        outcomes = [run(world, order=in_one_run, again=True) for _ in range(2)]
        assert [outcome.task_id for outcome in outcomes] == [task, task]
        assert [outcome.kept for outcome in outcomes] == [False, True]
    assert len(world.service.times("create")) == 3


def test_who_says_again_with_new_seeds_orders_each_item_of_a_run(make):
    world = make(query=[SUCCESS])
    for task in ("2", "3"):
        world.service.create = [taken(task)]
        in_one_run = replace(ORDER, scope="prompt")
        assert run(world, order=in_one_run, again=True, serve=False).task_id == task


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
    world.rows.fail(StoreUnavailable(folder="x", reason="full"))
    fails(world, StoreUnavailable)
    assert world.service.times("create") == []


def test_a_book_that_fails_later_loses_no_task(make):
    def spoil(_: object) -> Answer:
        world.rows.fail(StoreUnavailable(folder="x", reason="full", fate=Fate.UNKNOWN))
        return taken()

    world = make(create=[spoil])
    assert run(world).task_id == TASK


def test_an_order_that_another_process_is_placing_is_left_to_it(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program_key, "", ORDER.inputs_hash, 0)

    async def prepare() -> tuple[NodeInfo, ...]:
        world.rows.store.intend(identity, instance="default", what={})
        return ()

    async def story() -> None:
        with pytest.raises(Uncertain) as caught:
            await world.engine.run(ORDER, prepare, world.watcher)
        assert caught.value.key == "error.uncertain_before"

    play(world, story)
    assert world.service.times("create") == []


def test_an_order_that_another_process_places_meanwhile_is_followed(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program_key, "", ORDER.inputs_hash, 0)
    store = world.rows.store

    async def story() -> Outcome:
        row = store.intend(identity, instance="default", what={})
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(20)
        store.set_placed(row, TASK)
        return await job

    assert play(world, story).task_id == TASK
    assert world.service.times("create") == []
    assert world.prepared == 0


def test_when_the_other_process_was_refused_this_one_orders(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program_key, "", ORDER.inputs_hash, 0)
    store = world.rows.store

    async def story() -> Outcome:
        row = store.intend(identity, instance="default", what={})
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(20)
        store.drop(row)
        return await job

    assert play(world, story).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_another_process_is_not_waited_for_without_end(make):
    world = make()
    identity = Identity("https://x", "account", ORDER.program_key, "", ORDER.inputs_hash, 0)
    row = world.rows.store.intend(identity, instance="default", what={"before": 2})

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
    assert f"settle order {row.id}" in str(error)


# A journal that was set aside


@pytest.fixture
def lost_journal(tmp_path: Path) -> Path:
    path = tmp_path / "orders.damaged-1.sqlite3"
    path.write_bytes(b"no journal any more")
    return path


def test_what_a_lost_journal_may_hold_is_asked_about_first(make, lost_journal: Path):
    world = make()
    error = fails(world, Uncertain)
    assert error.key == "error.book_set_aside"
    assert str(lost_journal) in str(error)
    assert world.service.sent == []
    assert run(world, again=True).task_id == TASK
    assert run(world).kept  # from now on the order is known


def test_a_lost_journal_that_was_removed_asks_nothing(make, lost_journal: Path):
    world = make()
    lost_journal.unlink()
    assert run(world).task_id == TASK


def test_a_lost_journal_of_yesterday_asks_nothing(make, lost_journal: Path):
    world = make()
    world.rows.later(25 * 3600)
    assert run(world).task_id == TASK
