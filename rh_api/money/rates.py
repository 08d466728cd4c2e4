"""Rates: the cost of a second of running time, and the seconds that an amount buys."""

from __future__ import annotations

from collections.abc import Iterable

from .amounts import COINS, MICRO, charged, micros

COINS_A_SECOND = {"default": 200_000, "plus": 400_000, "ultra": 600_000}
"""Millionths of a coin, by instance. Undocumented: public clients measured it on the
website (28 s: 6 coins, 67 s: 14, on the larger instance 195 s: 78)."""

CANCEL_SECONDS = 5
"""Seconds that a task may run on after its time limit, until the cancel takes effect."""


LONG = 30
"""Seconds from which on rounding to whole coins hardly affects a run's rate."""


def rate_of_runs(unit: str, runs: Iterable[tuple[str | None, str | None]]) -> int | None:
    """Maximum rate of past runs in millionths a second; `runs`: cost and seconds of each, as the
    service prints them. None if no run is usable."""
    rates: list[int] = []
    for paid, ran in runs:
        cost, seconds = micros(paid) or 0, (micros(ran) or 0) // MICRO
        if unit == COINS and seconds < LONG:
            cost -= MICRO  # at most one coin of it is rounding
        if cost > 0 and seconds > 0:
            rates.append(-(-cost // seconds))
    return max(rates) if rates else None


def rate_of(unit: str, instance: str, learnt: int | None) -> int | None:
    """Millionths a second: the higher of the published observation and `learnt`, None if none."""
    observed = COINS_A_SECOND.get(instance) if unit == COINS else None
    rates = [rate for rate in (observed, learnt) if rate]
    return max(rates) if rates else None


def cost_of(unit: str, rate: int, seconds: float, retained: int = 0) -> int:
    """Upper bound in millionths of a run of `seconds`, CANCEL_SECONDS and `retained` included."""
    billed = int(-(-seconds // 1)) + CANCEL_SECONDS + retained
    return charged(unit, rate * billed)


def seconds_of(unit: str, rate: int, amount: int, retained: int = 0) -> int:
    """Whole seconds that `amount` surely pays for, beside CANCEL_SECONDS and `retained`; or 0."""
    billed = (amount // MICRO * MICRO if unit == COINS else amount) // rate
    return max(0, billed - CANCEL_SECONDS - retained)
