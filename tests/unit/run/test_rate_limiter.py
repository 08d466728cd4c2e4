"""An endpoint is never asked more often than it allows, and nobody waits for nothing."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.run.world import now, virtually

from rh_api.run.rate_limiter import MARGIN, RateLimiter
from tests.support.clocks import LoopClock


@given(
    requests=st.integers(1, 5),
    pauses=st.lists(st.sampled_from([0.0, 0.125, 5.0, 20.0, 61.0, 500.0]), max_size=40),
)
def test_no_span_of_a_minute_sees_more_than_allowed(requests: int, pauses: list[float]) -> None:
    pace, time, turns = RateLimiter(requests), 0.0, []
    for pause in pauses:
        time += pause
        wait = pace.wait(time)
        assert wait >= 0
        turns.append(time + wait)
    assert turns == sorted(turns)
    for first, later in zip(turns, turns[requests:], strict=False):
        assert later - first >= 60.0


def test_those_within_the_limit_do_not_wait() -> None:
    pace = RateLimiter(20)
    assert [pace.wait(0.0) for _ in range(20)] == [0.0] * 20
    assert pace.wait(10.0) == pytest.approx(50.0 + MARGIN)


def test_a_burst_is_served_in_order_and_as_early_as_allowed() -> None:
    async def main() -> list[tuple[int, float]]:
        pace, clock = RateLimiter(20), LoopClock()
        served: list[tuple[int, float]] = []

        async def ask(number: int) -> None:
            await pace.acquire(clock)
            served.append((number, now()))

        await asyncio.gather(*(ask(number) for number in range(45)))
        return served

    served = sorted(virtually(main()))
    assert [time for _, time in served[:20]] == [0.0] * 20
    assert [time for _, time in served[20:40]] == [60.0 + MARGIN] * 20
    assert [time for _, time in served[40:]] == [120.0 + 2 * MARGIN] * 5
