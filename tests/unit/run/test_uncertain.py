"""Answers to an order of which nobody knows whether it was placed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from unit.run.world import (
    PICTURE,
    RUNNING,
    SUCCESS,
    TASK,
    code,
    state,
    taken,
    until,
)

from rh_api.errors import BadInput, Fate, RunningHubError, Uncertain, Unreachable
from rh_api.journal import State
from tests.unit.run.engine_world import (
    CANCELLED,
    LOST,
    ORDER,
    World,
    fails,
    play,
    questions,
    run,
)


def uncertain_order(world: World) -> int:
    world.service.create = [LOST]
    order = fails(world, Uncertain).order
    assert order is not None
    world.service.create = [taken("2")]
    world.restart()
    return order


@pytest.mark.parametrize("look", [RUNNING, state("SUCCESS", [{"url": PICTURE["url"]}])])
def test_the_task_of_a_graph_is_taken_up_though_no_node_of_its_results_is_named(make, look):
    graph = {"9": {"class_type": "SaveImage", "inputs": {}}}
    order = replace(ORDER, graph=json.dumps(graph), own_values={"graph": graph})
    world = make(create=[LOST], query=[look, SUCCESS])
    number = fails(world, Uncertain, order=order).order
    play(world, lambda: questions(world).settle_as_task(number, TASK))
    assert run(world, order=order).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_a_question_waits_while_the_equal_order_that_was_placed_instead_runs(make):
    world = make(query=[until(10, SUCCESS)])
    order = uncertain_order(world)

    async def story() -> None:
        instead = asyncio.ensure_future(world.run(again=True))
        await asyncio.sleep(5.0)
        with pytest.raises(BadInput, match="cannot be settled now"):
            await questions(world).settle_as_task(order, TASK)
        assert (await instead).task_id == "2"
        await questions(world).settle_as_task(order, TASK)

    play(world, story)
    (row,) = world.rows.store.unfinished()
    assert (row.id, row.task_id) == (order, TASK)


@pytest.mark.parametrize(
    "answer",
    [
        code(301, "PARAMS_INVALID"),
        code(416, "no coins"),
        code(421, "full"),
        code(1003, "slower"),
        Unreachable(host="x", reason="refused", fate=Fate.NOT_STARTED),
    ],
    ids=["refused", "no balance", "queue full", "too fast", "never left"],
)
def test_a_look_that_fails_is_never_said_to_have_started_nothing(make, answer):
    world = make()
    order = uncertain_order(world)
    world.service.query, world.service.outputs = [answer], [answer]
    with pytest.raises(RunningHubError) as caught:
        play(world, lambda: questions(world).settle_as_task(order, TASK))
    assert caught.value.fate is Fate.UNKNOWN
    assert "othing was started" not in str(caught.value)
    assert world.state() is State.UNCERTAIN


def test_a_stop_that_was_never_sent_is_not_said_to_be_sent_again(make, caplog):
    world = make()
    order = uncertain_order(world)
    world.service.query = [RUNNING]
    world.service.cancel = [lambda _: world.service.query.__setitem__(0, CANCELLED) or code(0)]

    async def story() -> None:
        await world.engine.context.journal.record_cancel_wanted(order)
        await questions(world).settle_as_task(order, TASK)

    play(world, story)
    assert len(world.service.times("cancel")) == 1
    assert world.state() is State.CANCELLED
    assert f"task {TASK} was to be stopped" in caplog.text
    assert "again" not in caplog.text


def test_an_answer_is_not_taken_back_while_its_task_is_followed(make):
    world = make(query=[until(10, SUCCESS)])
    order = uncertain_order(world)

    async def story() -> None:
        await questions(world).settle_as_task(order, TASK)
        following = asyncio.ensure_future(world.run())
        await asyncio.sleep(5.0)
        with pytest.raises(BadInput, match="cannot be settled now"):
            await questions(world).settle_as_task(order, "3")
        assert (await following).task_id == TASK

    play(world, story)


def test_what_another_process_saw_running_did_start(make):
    world = make(query=[RUNNING, until(10, SUCCESS)])
    order = uncertain_order(world)

    async def story() -> None:
        await questions(world).settle_as_task(order, TASK)
        following = asyncio.ensure_future(world.run())
        await asyncio.sleep(5.0)
        world.restart()
        with pytest.raises(BadInput, match=f"did start if it is task {TASK}"):
            await questions(world).settle_as_not_started(order)
        assert (await following).task_id == TASK

    play(world, story)
    assert (world.state(), len(world.service.times("create"))) == (State.DONE, 1)


def test_an_order_that_is_on_its_way_is_no_question_yet(make):
    world = make()
    world.service.create = [lambda _: asyncio.sleep(200.0)]

    async def story() -> None:
        sending = asyncio.ensure_future(world.run())
        await asyncio.sleep(5.0)
        for answer in (
            questions(world).settle_as_not_started(1),
            questions(world).settle_as_task(1, TASK),
        ):
            with pytest.raises(BadInput, match="being sent"):
                await answer
        assert world.state() is State.INTENDED
        world.rows.later(90.0)  # longer than any create lasts: its process has died
        await questions(world).settle_as_not_started(1)
        assert world.state() is None
        sending.cancel()
        await asyncio.wait((sending,))

    play(world, story)
