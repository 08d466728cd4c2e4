"""What passes side by side on a line where each request takes a while, in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from unit.run.world import SUCCESS, load, until

from rh_api.errors import BadInput
from rh_api.run.orders import Order
from rh_api.wire.orders import NodeInfo
from tests.unit.run.engine_world import ORDER, World, play

ROUND_TRIP = 1.0
UPLOAD = 5.0


def going_up(world: World):
    async def prepare() -> tuple[NodeInfo, ...]:
        await asyncio.sleep(UPLOAD)
        return await world.prepare()

    return prepare


def far(make, **answers: object) -> World:
    world = make(**answers)
    world.service.latency = ROUND_TRIP
    return world


def test_an_order_leaves_as_soon_as_its_files_are_up(make):
    world = far(make)
    play(world, lambda: world.engine.run(ORDER, going_up(world), world.watcher))
    assert world.service.times("queue")[0] == 0.0
    assert world.service.times("create") == [UPLOAD]


def test_the_limit_holds_whatever_goes_up_meanwhile(make):
    world = far(make, queue=[load(1)])
    world.service.query = [until(20, SUCCESS), until(60, SUCCESS)]

    async def story() -> None:
        orders = [Order("1", inputs={"n": number}) for number in range(2)]
        prepare = going_up(world)
        await asyncio.gather(*(world.engine.run(o, prepare, world.watcher) for o in orders))

    play(world, story)
    first, second = world.service.times("create")
    assert first == UPLOAD
    assert second > 20
    assert len(world.service.times("queue")) == 1


def test_an_upload_that_fails_leaves_nothing_under_way(make):
    world = far(make)

    async def refused() -> tuple[NodeInfo, ...]:
        raise BadInput("error.file_empty", name="a.png")

    async def story() -> None:
        with pytest.raises(BadInput):
            await world.engine.run(ORDER, refused, world.watcher)

    play(world, story)
    assert world.service.times("create") == []
