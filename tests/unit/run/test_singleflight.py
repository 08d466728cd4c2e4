"""Equal work under way at once is done once, for as long as somebody waits for it."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.run.world import Watcher, virtually

from rh_api.errors import NoBalance
from rh_api.run.progress import Progress, Stage, Watch, unwatched
from rh_api.run.singleflight import SingleFlight

NEWS = Progress(Stage.QUEUED)


def test_equal_work_is_done_once_and_everybody_sees_it():
    async def main() -> None:
        flights: SingleFlight[str] = SingleFlight()
        started = 0

        async def work(show: Watch) -> str:
            nonlocal started
            started += 1
            show(NEWS)
            await asyncio.sleep(1)
            show(Progress(Stage.RUNNING))
            return "done"

        early, late = Watcher(), Watcher()
        first = asyncio.ensure_future(flights.join("a", work, early))
        await asyncio.sleep(0.5)
        second = asyncio.ensure_future(flights.join("a", work, late))
        assert await asyncio.gather(first, second) == ["done", "done"]
        assert started == 1
        assert early.stages == late.stages == ["QUEUED", "RUNNING"]
        assert await flights.join("a", work, unwatched) == "done"
        assert started == 2

    virtually(main())


def test_a_failure_reaches_everybody_who_waits():
    async def main() -> None:
        flights: SingleFlight[str] = SingleFlight()

        async def work(_: Watch) -> str:
            await asyncio.sleep(1)
            raise NoBalance(remote="empty")

        waiters = [flights.join("a", work, unwatched) for _ in range(3)]
        ends = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(end) for end in ends] == [NoBalance] * 3

    virtually(main())


def test_the_work_stops_with_the_last_who_waits_and_not_before():
    async def main() -> None:
        flights: SingleFlight[str] = SingleFlight()
        stopped: list[str] = []

        async def work(_: Watch) -> str:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                stopped.append("stopped")
                await asyncio.sleep(5)  # cleaning up takes its time
                stopped.append("cleaned")
                raise
            return "done"

        waiters = [asyncio.ensure_future(flights.join("a", work, unwatched)) for _ in range(2)]
        await asyncio.sleep(1)
        waiters[0].cancel()
        await asyncio.sleep(1)
        assert stopped == []
        waiters[1].cancel()
        await asyncio.sleep(1)
        assert waiters[1].done()
        assert stopped == ["stopped"]
        await flights.wait_until_idle()
        assert stopped == ["stopped", "cleaned"]

    virtually(main())


def test_work_on_its_way_out_is_not_joined():
    async def main() -> None:
        flights: SingleFlight[int] = SingleFlight()
        started = 0

        async def work(_: Watch) -> int:
            nonlocal started
            started += 1
            number = started
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await asyncio.sleep(10)
                raise
            return number

        gone = asyncio.ensure_future(flights.join("a", work, unwatched))
        await asyncio.sleep(1)
        gone.cancel()
        await asyncio.sleep(1)
        assert await flights.join("a", work, unwatched) == 2
        await flights.wait_until_idle()

    virtually(main())


def test_other_keys_are_other_work():
    async def main() -> None:
        flights: SingleFlight[int] = SingleFlight()

        async def first(_: Watch) -> int:
            return 1

        async def second(_: Watch) -> int:
            return 2

        joined = (flights.join("a", first, unwatched), flights.join("b", second, unwatched))
        assert await asyncio.gather(*joined) == [1, 2]

    virtually(main())


def test_a_watcher_that_fails_on_arrival_stops_nothing_for_the_others():
    async def main() -> None:
        flights: SingleFlight[str] = SingleFlight()

        async def work(show: Watch) -> str:
            show(NEWS)
            await asyncio.sleep(2)
            show(NEWS)
            return "done"

        def broken(_: Progress) -> None:
            raise ValueError

        first = asyncio.ensure_future(flights.join("a", work, unwatched))
        await asyncio.sleep(1)
        with pytest.raises(ValueError):  # noqa: PT011
            await flights.join("a", work, broken)
        assert await first == "done"

    virtually(main())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 15))
def test_random_waiters_with_random_stops(seed: int, waiters: int):
    chance = random.Random(seed)
    flights: SingleFlight[str] = SingleFlight()
    working = {"a": 0, "b": 0}
    cancelled = 0

    async def work(key: str) -> str:
        nonlocal cancelled
        working[key] += 1
        assert working[key] == 1
        try:
            await asyncio.sleep(chance.choice([0, 1, 2]))
        except asyncio.CancelledError:
            cancelled += 1
            raise
        finally:
            working[key] -= 1
        return key

    async def main() -> None:
        tasks: list[asyncio.Task[str]] = []
        keys: list[str] = []
        for _ in range(waiters):
            key = chance.choice("ab")
            keys.append(key)
            tasks.append(
                asyncio.ensure_future(flights.join(key, lambda _, key=key: work(key), unwatched))
            )
            await asyncio.sleep(chance.choice([0, 0.5, 1]))
            if chance.random() < 0.4:
                chance.choice(tasks).cancel()
                await asyncio.sleep(0.01)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for key, task, end in zip(keys, tasks, ends, strict=True):
            assert task.cancelled() or end == key
        await flights.wait_until_idle()

    virtually(main())
    assert working == {"a": 0, "b": 0}
