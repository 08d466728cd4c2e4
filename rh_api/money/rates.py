"""What a second of running costs, and how many a sum buys."""

from __future__ import annotations

from collections.abc import Iterable

from .amounts import COINS, MICRO, micros, whole_coins

COINS_A_SECOND = {"default": 200_000, "plus": 400_000, "ultra": 600_000}
"""Millionths of a coin, by machine. Nothing documents it: public clients measured it on the
website (28 s: 6 coins, 67 s: 14, on the larger machine 195 s: 78)."""

CANCEL_SECONDS = 5
"""That a task may run on after its time is over, until it has stopped."""


LONG = 30
"""Seconds of a run of which the rounding of its cost says little about the rate."""


def rate_of_runs(unit: str, runs: Iterable[tuple[str | None, str | None]]) -> int | None:
    """Millionths a second at most, by past runs: their cost and their seconds, as the service
    prints them. None where no run of some length tells."""
    rates: list[int] = []
    for paid, ran in runs:
        cost, seconds = micros(paid) or 0, (micros(ran) or 0) // MICRO
        if unit == COINS and seconds < LONG:
            cost -= MICRO  # a whole coin was taken for the last part of one
        if cost > 0 and seconds > 0:
            rates.append(-(-cost // seconds))
    return max(rates) if rates else None


def rate_of(unit: str, instance: str, learnt: int | None) -> int | None:
    """Millionths a second: the observed rate, or a dearer one that own runs have shown."""
    observed = COINS_A_SECOND.get(instance) if unit == COINS else None
    rates = [rate for rate in (observed, learnt) if rate]
    return max(rates) if rates else None


def cost_of(unit: str, rate: int, seconds: float, retained: int = 0) -> int:
    """Millionths that a run of at most so many seconds costs, its cancel included, rounded up."""
    billed = int(-(-seconds // 1)) + CANCEL_SECONDS + retained
    cost = rate * billed
    return whole_coins(cost) if unit == COINS else cost


def seconds_of(unit: str, rate: int, amount: int, retained: int = 0) -> int:
    """Whole seconds of running that a sum surely buys, its cancel included; 0 for none."""
    billed = (amount // MICRO * MICRO if unit == COINS else amount) // rate
    return max(0, billed - CANCEL_SECONDS - retained)
