"""What passes side by side on a line where each request takes a while, in virtual time."""

from __future__ import annotations

import asyncio
import json

import pytest
from unit.run.world import PICTURE, SUCCESS, load, state, taken, until

from rh_api.errors import BadInput
from rh_api.run.orders import Order
from rh_api.wire.orders import NodeInfo
from tests.unit.run.engine_world import ORDER, World, play, run

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
    assert world.service.expected[0] == (0.0, 1)


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


def test_no_connection_is_opened_for_an_order_that_has_to_wait_for_a_place(make):
    world = make(queue=[load(1)])

    async def story() -> None:
        running = asyncio.ensure_future(world.run(Order("1")))
        await asyncio.sleep(5)
        opened = len(world.service.expected)
        await asyncio.gather(running, world.run(Order("2")))
        assert len(world.service.expected) == opened

    play(world, story)


def test_an_upload_that_fails_leaves_nothing_under_way(make):
    world = far(make)

    async def refused() -> tuple[NodeInfo, ...]:
        raise BadInput("error.file_empty", name="a.png")

    async def story() -> None:
        with pytest.raises(BadInput):
            await world.engine.run(ORDER, refused, world.watcher)

    play(world, story)
    assert world.service.times("create") == []


def test_where_results_came_from_is_connected_to_while_the_next_task_runs(make):
    tips = json.dumps({"outputs_to_execute": ["9", "12"]})
    second = {"taskId": "1900000000000000009", "taskStatus": "RUNNING", "promptTips": tips}
    world = make(create=[taken(), {"code": 0, "data": second}])
    pictures = [PICTURE, {**PICTURE, "nodeId": "12"}]
    world.service.query = [until(10, SUCCESS), until(30, state("SUCCESS", pictures))]
    run(world)
    assert world.files.expected == []  # nobody knows yet where
    world.restart()
    run(world, order=Order("2"))
    ended = next(at for at, news in world.watcher.seen[::-1] if news.stage.name == "RUNNING")
    at, url, count = world.files.expected[0]
    assert (url, count) == (PICTURE["url"], 2)
    assert at <= ended
