"""Waiting for a place on the account, and giving it back."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from typing import Any

import pytest
from unit.run.world import (
    RUNNING,
    SUCCESS,
    TASK,
    Answer,
    Files,
    code,
    each_taken,
    load,
    now,
    taken,
    until,
)

from rh_api.errors import RateLimited
from rh_api.journal import State
from rh_api.run.orders import Order
from rh_api.wire.call import Request, Response
from tests.unit.run.engine_world import fails, play, run

FULL = [code(421), code(415), code(1520), code(814)]


@pytest.mark.parametrize("full", FULL, ids=str)
def test_a_full_account_is_waited_for(make, full: Answer):
    world = make(create=[full] * 7 + [taken()], query=[SUCCESS])
    assert run(world).task_id == TASK
    gaps = [b - a for a, b in pairwise(world.service.times("create"))]
    assert min(gaps) > 0
    assert max(gaps) <= 8, "a place that another client freed is soon taken"
    assert "WAITING_FOREIGN" in world.watcher.stages
    assert world.state() is State.DONE


def orders(count: int) -> list[Order]:
    return [Order("1", inputs={"n": number}) for number in range(count)]


def test_when_an_order_of_ours_ends_the_refused_one_tries_at_once(make):
    world = make(create=[taken(), lambda _: code(421) if now() < 41.5 else taken("2")])
    world.engine.submitter.chance = random.Random(0)  # its own wait would end after that
    world.service.query = [until(41.5, SUCCESS)]

    async def story() -> None:
        first, second = orders(2)
        await asyncio.gather(world.run(first), world.run(second))

    play(world, story)
    ended = next(at for at, news in world.watcher.seen if news.stage.name == "DOWNLOADING")
    assert ended < world.service.times("create")[-1] + 0.001
    assert world.service.times("create")[-1] == pytest.approx(ended, abs=0.01)


def test_refused_orders_do_not_wake_each_other(make):
    take = each_taken()
    world = make(create=[lambda r: code(421) if now() < 100 else take(r)], queue=[load(None)])
    world.service.query = [until(120, SUCCESS)]

    async def story() -> None:
        await asyncio.gather(*(world.run(order) for order in orders(4)))

    play(world, story)
    assert len([at for at in world.service.times("create") if at < 100]) < 4 * 100 / 4


def test_a_limit_that_cannot_be_read_holds_nothing_up(make):
    world = make(queue=[code(500)])
    assert run(world).task_id == TASK


def test_a_pace_of_more_than_150_seconds_is_an_error_that_says_when(make):
    world = make(create=[Response(429, b"", {"retry-after": "151"}), taken()], query=[SUCCESS])
    assert "Run again in 3 minutes" in str(fails(world, RateLimited))
    assert world.service.times("create") == [0]


def test_a_place_is_free_again_while_results_are_fetched(make):
    world = make(query=[SUCCESS], queue=[load(1)])

    async def slow_download(*arguments: Any) -> Any:
        assert world.engine.submitter.limiter.used == 0
        return await Files().download(*arguments)

    world.files.download = slow_download
    run(world)


def test_two_processes_keep_the_places_of_an_account_filled_and_neither_starves(make):
    places, share, chance = 3, 25, random.Random(3)
    lengths = [chance.uniform(6, 14) for _ in range(2 * share)]
    ends: dict[str, float] = {}

    def create(_: object) -> Answer:
        if sum(end > now() for end in ends.values()) >= places:
            return code(421)
        ends[str(len(ends) + 1)] = now() + lengths[len(ends)]
        return taken(str(len(ends)))

    def query(request: Request) -> Answer:
        return SUCCESS if ends[str((request.body or {})["taskId"])] <= now() else RUNNING

    queue = [lambda _: load(places)]
    worlds = [make(create=[create], query=[query], queue=queue) for _ in range(2)]
    for number, world in enumerate(worlds):
        world.engine.submitter.chance = random.Random(number)
    done: list[list[float]] = [[], []]

    async def run_one(process: int, number: int) -> None:
        await worlds[process].run(Order("1", inputs={"process": process, "n": number}))
        done[process].append(now())

    async def story() -> None:
        every = (run_one(process, number) for process in range(2) for number in range(share))
        await asyncio.gather(*every)
        await worlds[1].engine.close()

    play(worlds[0], story)
    assert max(map(max, done)) <= 1.15 * sum(lengths) / places
    first, last = sorted(done, key=max)
    assert sum(end <= max(first) for end in last) >= share / 3
