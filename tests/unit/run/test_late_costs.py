"""What an order did cost is asked for until it is told, whatever else ends meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from unit.run.world import SUCCESS, TASK, now, state, virtually

from rh_api.errors import TaskFailed
from rh_api.run.watcher import ASK_AGAIN
from rh_api.wire.call import Request
from tests.unit.run.engine_world import DAY, ORDER, World

FAILED = state("FAILED", errorCode="805")


def busy_for(world: World, seconds: int) -> None:
    """One order that fails at once, and then another each second."""

    async def story() -> None:
        for number in range(seconds):
            with contextlib.suppress(TaskFailed):
                await world.run(replace(ORDER, item=number))
            await asyncio.sleep(1)
        await world.engine.close()

    virtually(story())


def asked_about(world: World, task: str) -> list[float]:
    return [request.at for request in world.service.sent if request.body.get("taskId") == task]


def test_orders_that_end_put_off_no_question_about_another(make) -> None:
    world = make(query=[FAILED])
    busy_for(world, 60)
    times = asked_about(world, TASK)  # the first of them was told of its end
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == [0.5, 2.0, 8.0, 30.0]


def test_a_cost_told_after_a_minute_is_booked_although_others_end_all_the_while(make) -> None:
    with_cost = state("FAILED", errorCode="805", usage={"consumeCoins": "7"})

    def answer(request: Request) -> Any:
        is_first = (request.body or {})["taskId"] == TASK
        return with_cost if is_first and now() > 60 else FAILED

    world = make(query=[answer])
    busy_for(world, 200)
    row = world.row(replace(ORDER, item=0))
    assert row is not None
    assert row.coins == "7"


@pytest.mark.parametrize(
    ("since", "pauses"),
    [
        (60.0, list(ASK_AGAIN)),
        (3600.0, [0.5, 480.0]),
        (7 * DAY, []),
    ],
)
def test_the_next_start_asks_as_often_as_that_may_help(
    make, since: float, pauses: list[float]
) -> None:
    world = make(query=[SUCCESS])

    async def story() -> float:
        await world.run(ORDER)
        await world.engine.close()
        world.rows.later(since)
        world.restart()
        started = now()
        world.engine.watcher.ended()
        await asyncio.sleep(2 * sum(ASK_AGAIN))
        await world.engine.close()
        return started

    started = virtually(story())
    times = [at for at in asked_about(world, TASK) if at > started]
    assert [later - earlier for earlier, later in pairwise([started, *times])] == pauses
