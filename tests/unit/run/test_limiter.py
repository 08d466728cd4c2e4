"""Places are fair, never too many, and survive a stop at any moment."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.run.world import now, virtually

from rh_api.run.limiter import Limiter
from tests.support.clocks import LoopClock


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(1, 4),
    orders=st.integers(1, 20),
    changes=st.lists(st.integers(1, 5), max_size=3),
)
def test_random_orders_with_random_stops(seed: int, limit: int, orders: int, changes: list[int]):
    chance = random.Random(seed)
    limiter = Limiter(limit)
    running = 0
    admitted: list[int] = []
    stopped: set[int] = set()

    async def order(number: int) -> None:
        nonlocal running
        await limiter.acquire()
        admitted.append(number)
        running += 1
        assert limiter.limit is not None
        assert running <= max([limit, *changes])
        assert limiter.used >= running
        try:
            await asyncio.sleep(chance.choice([0, 0, 1, 3]))
        finally:
            running -= 1
            limiter.release()

    async def main() -> None:
        tasks = []
        for number in range(orders):
            tasks.append(asyncio.ensure_future(order(number)))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0.5]))
            if chance.random() < 0.4:
                victim = chance.randrange(len(tasks))
                stopped.add(victim)
                tasks[victim].cancel()
            if changes and chance.random() < 0.2:
                limiter.set_limit(chance.choice(changes))
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled():
                task.result()

    virtually(main())
    assert limiter.used == 0
    assert not limiter.would_wait()
    if limit == 1 and not changes:  # else several get a place at once
        assert admitted == sorted(admitted)
    assert set(range(orders)) - stopped <= set(admitted)


def test_a_place_that_comes_with_the_stop_is_given_on():
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        first = asyncio.ensure_future(limiter.acquire())
        second = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release()  # the place is the first one's
        first.cancel()  # who leaves before it could look
        await asyncio.wait((first, second), timeout=1)
        assert first.cancelled()
        assert second.done()
        assert limiter.used == 1

    virtually(main())


def test_nobody_passes_those_who_wait():
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        waiting = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        limiter.set_limit(2)
        assert limiter.would_wait() is True
        await waiting
        assert limiter.used == 2

    virtually(main())


def test_a_running_task_has_its_place_whoever_waits():
    async def main() -> None:
        limiter = Limiter(1)
        limiter.occupy()
        assert limiter.would_wait()
        limiter.occupy()
        assert limiter.used == 2
        limiter.release()
        assert limiter.would_wait()
        limiter.release()
        assert not limiter.would_wait()

    virtually(main())


def test_an_unknown_limit_holds_nobody_up():
    async def main() -> None:
        limiter = Limiter()
        for _ in range(100):
            await limiter.acquire()
        limiter.set_limit(3)
        assert limiter.would_wait()
        waiting = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        limiter.set_limit(None)
        await waiting

    virtually(main())


@pytest.mark.parametrize(("end", "waited"), [(3.0, 3.0), (60.0, 10.0)])
def test_after_a_refusal_an_end_of_ours_wakes_at_once(end: float, waited: float):
    async def main() -> float:
        limiter = Limiter(3)
        await limiter.acquire()
        asyncio.get_running_loop().call_later(end, limiter.release)
        await limiter.wait_for_end(limiter.ends, 10.0, LoopClock())
        return now()

    assert virtually(main()) == waited


def test_an_end_while_the_refusal_was_on_its_way_is_not_missed():
    async def main() -> float:
        limiter = Limiter(3)
        await limiter.acquire()
        ends = limiter.ends
        limiter.release()
        await limiter.wait_for_end(ends, 10.0, LoopClock())
        return now()

    assert virtually(main()) == 0


def test_an_end_wakes_the_order_that_was_refused_first_and_no_other():
    async def main() -> list[float]:
        limiter, woken = Limiter(3), list[float]()

        async def refused() -> None:
            await limiter.wait_for_end(limiter.ends, 10.0, LoopClock())
            woken.append(now())

        for second in (1.0, 2.0):
            asyncio.get_running_loop().call_later(second, limiter.release)
        await asyncio.gather(*(refused() for _ in range(3)))
        return woken

    assert virtually(main()) == [1.0, 2.0, 10.0]
