"""Webhooks of own orders, in virtual time: asked at once when one comes, seldom before."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from unit.run.world import QUEUED, RUNNING, SUCCESS, Answer, now, taken, until

from rh_api.journal import token_hash
from rh_api.journal.webhooks import touch_heartbeat
from rh_api.run.orders import Order
from rh_api.run.poll_schedule import CONFIRM, PROMISED_LONGEST, PROMISED_QUEUE_LONGEST, PollSchedule
from rh_api.run.webhook_deliveries import JOURNAL_POLL_SECONDS, Deliveries
from rh_api.wire.orders import TaskOptions
from rh_api.wire.webhooks import PATH
from tests.support.clocks import LoopClock
from tests.unit.run.engine_world import ORDER, World, play, run

TUNNEL = "https://tunnel.example"
OTHER = Order(ORDER.program_id, inputs={"6.text": "a dog"})


@pytest.fixture
def world(make, tmp_path: Path) -> World:
    """Orders carry addresses, and a listener is there."""
    listening: World = make()
    carrying(listening)
    touch_heartbeat(tmp_path)
    return listening


def carrying(world: World) -> None:
    journal = world.rows.journal
    world.engine.context.deliveries = Deliveries(TUNNEL, journal, LoopClock())


def address(world: World, number: int = -1) -> str:
    """What the latest create carried."""
    creates = [sent.body for sent in world.service.sent if sent.path == "create"]
    return str(creates[number].get("webhookUrl", ""))


async def deliver(world: World) -> None:
    """What a listener does with a call to the latest order's address."""
    token = urlsplit(address(world)).path.removeprefix(PATH)
    expected = world.rows.store.webhooks.expected(token_hash(token))
    assert expected is not None
    world.rows.store.webhooks.hear([expected.order])


async def ending(world: World, seconds: float, order: Order = ORDER) -> tuple[float, int]:
    """Run an order whose task ends after `seconds` and then calls; seconds until its results are
    there, and polls."""
    begin, before = now(), len(world.service.times("query"))
    world.service.query = [until(begin + seconds, SUCCESS)]
    job = asyncio.ensure_future(world.run(order))
    await asyncio.sleep(seconds)
    await deliver(world)
    await job
    return now() - begin, len(world.service.times("query")) - before


def test_each_order_carries_an_address_of_its_own(world: World) -> None:
    run(world)
    run(world, order=OTHER)
    addresses = [address(world, 0), address(world, 1)]
    assert all(url.startswith(TUNNEL + PATH) and len(url) > 60 for url in addresses)
    assert len(set(addresses)) == 2


def test_an_address_of_the_persons_own_stays(world: World) -> None:
    own = TaskOptions(webhook_url="https://example.com/mine")
    run(world, order=Order(ORDER.program_id, inputs=ORDER.inputs, options=own))
    assert address(world) == "https://example.com/mine"


def test_a_module_of_quick_create_has_no_address(world: World) -> None:
    deliveries = world.engine.context.deliveries
    assert deliveries is not None
    quick = Order("1/002", example="{}")
    assert deliveries.addressed(quick) == (quick, None)


def test_a_delivery_is_a_reason_to_ask_at_once(world: World) -> None:
    took, _ = play(world, lambda: ending(world, 100.0))
    assert took < 100.0 + 2 * JOURNAL_POLL_SECONDS


def test_polls_are_rare_once_a_delivery_came(world: World) -> None:
    async def story() -> tuple[tuple[float, int], tuple[float, int]]:
        first = await ending(world, 200.0)
        return first, await ending(world, 200.0, OTHER)

    (_, before), (took, after) = play(world, story)
    assert took < 200.0 + 2 * JOURNAL_POLL_SECONDS
    assert before > 3 * after


def test_a_delivery_that_is_lost_is_found_by_polls(world: World) -> None:
    async def story() -> float:
        await ending(world, 200.0)
        begin = now()
        world.service.query = [until(begin + 200.0, SUCCESS)]
        await world.run(OTHER)
        return now() - begin

    assert play(world, story) < 200.0 + PROMISED_LONGEST


def test_polls_are_as_before_when_nobody_listens(world: World, tmp_path: Path) -> None:
    async def story() -> tuple[int, int]:
        _, first = await ending(world, 200.0)
        (tmp_path / "webhooks.alive").unlink()
        return first, (await ending(world, 200.0, OTHER))[1]

    before, after = play(world, story)
    assert after > before / 2


def test_a_call_before_the_end_changes_nothing_but_a_few_polls(world: World) -> None:
    """A repeated or a lying one is none of the truth: the task runs until the service says else."""

    async def story() -> float:
        begin = now()
        world.service.query = [until(begin + 300.0, SUCCESS)]
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(50.0)
        await deliver(world)
        await deliver(world)
        await job
        return now() - begin

    assert 300.0 <= play(world, story) < 320.0
    soon = [at for at in world.service.times("query") if 50.0 <= at <= 55.0]
    assert len(soon) <= len(CONFIRM)


def test_limits_of_time_are_watched_as_before(world: World) -> None:
    """They count from when the task was seen to begin, so a queue is asked as often as ever."""

    async def story() -> list[float]:
        await ending(world, 200.0)
        begin = now()
        world.service.create = [taken("1900000000000000777", "QUEUED")]
        answers: Answer = until(begin + 400.0, SUCCESS, until(begin + 300.0, RUNNING, QUEUED))
        world.service.query = [lambda request: _unfold(answers, request)]
        await world.run(Order(ORDER.program_id, inputs={"6.text": "c"}, time_limit=1000.0))
        return [at - begin for at in world.service.times("query") if at > begin]

    times = play(world, story)
    assert len([at for at in times if at < 300.0]) > 30


def _unfold(answer: object, request: object) -> object:
    while callable(answer):
        answer = answer(request)
    return answer


def test_a_restart_takes_the_promise_up(world: World, tmp_path: Path) -> None:
    async def story() -> tuple[float, int]:
        await ending(world, 200.0)
        begin = now()
        world.service.query = [until(begin + 400.0, SUCCESS)]
        job = asyncio.ensure_future(world.run(OTHER))
        await asyncio.sleep(100.0)
        world.engine.context.leaving = True
        job.cancel()
        await asyncio.wait([job])
        world.restart()
        carrying(world)
        before = len(world.service.times("query"))
        again = asyncio.ensure_future(world.run(OTHER))
        await asyncio.sleep(300.0)
        await deliver(world)
        await again
        return now() - begin, len(world.service.times("query")) - before

    os.utime(tmp_path / "webhooks.alive")
    took, polls = play(world, story)
    assert took < 400.0 + 2 * JOURNAL_POLL_SECONDS
    assert polls < 10
    assert len(world.service.times("create")) == 2


@pytest.mark.parametrize("history", [[], [100.0], [200.0, 205.0, 190.0]])
def test_promised_polls_stay_within_bounds(history: list[float]) -> None:
    plan = PollSchedule(history, promised=True)
    now, gaps = plan.next_at(0.0), list[float]()
    while now < 300.0:
        plan.asked(now)
        gaps.append(plan.next_at(now) - now)
        now += gaps[-1]
    assert max(gaps) == pytest.approx(PROMISED_QUEUE_LONGEST)
    plan.running(now)
    for _ in range(20):
        plan.asked(now)
        due = plan.next_at(now)
        assert 0 < due - now <= PROMISED_LONGEST
        now = due
