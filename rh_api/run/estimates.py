"""Median duration and cost of a program's runs, from the journal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ..journal import OrderRow


@dataclass(frozen=True, slots=True)
class Estimate:
    """Medians; None if unknown. `runs`: sample size. Costs are decimal strings."""

    runs: int = 0
    seconds: float | None = None
    coins: str | None = None
    money: str | None = None


def estimate(times: Sequence[float], done: Sequence[OrderRow]) -> Estimate:
    """Return the medians. `times`: seconds of past runs; `done`: past orders that succeeded."""
    return Estimate(
        runs=max(len(times), len(done)),
        seconds=round(statistics.median(times), 1) if times else None,
        coins=_median(order.coins for order in done),
        money=_median(order.money for order in done),
    )


def _median(costs: Iterable[str | None]) -> str | None:
    """Return the low median of the costs that parse; None if there is none or it is zero."""
    numbers = [number for number in map(_number, costs) if number is not None]
    middle = statistics.median_low(numbers) if numbers else Decimal(0)
    return f"{middle:f}" if middle else None


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
