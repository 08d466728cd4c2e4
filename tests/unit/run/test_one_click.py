"""One click is one order: a create is sent once, and what is not known is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from unit.run.world import PICTURE, RUNNING, SUCCESS, TASK, code, load, now, state

from rh_api.errors import (
    ResultUnavailable,
    TaskNotFound,
    Uncertain,
    Unreachable,
)
from rh_api.journal import Identity, State
from rh_api.run.results import Outcome
from rh_api.wire.orders import NodeInfo
from tests.unit.run.engine_world import DAY, LOST, ORDER, fails, play, run


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
