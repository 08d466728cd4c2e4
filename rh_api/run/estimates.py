"""What a run of a program usually takes and costs, by the runs that the journal remembers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ..journal import OrderRow


@dataclass(frozen=True, slots=True)
class Estimate:
    """Medians; None where nothing is known. `runs`: how many it is told from."""

    runs: int = 0
    seconds: float | None = None
    coins: str | None = None
    money: str | None = None


def estimate(times: Sequence[float], done: Sequence[OrderRow]) -> Estimate:
    """`times`: seconds of past runs; `done`: past orders that succeeded."""
    return Estimate(
        runs=max(len(times), len(done)),
        seconds=round(statistics.median(times), 1) if times else None,
        coins=_median(order.coins for order in done),
        money=_median(order.money for order in done),
    )


def _median(costs: Iterable[str | None]) -> str | None:
    """The middle one of the costs that are numbers; None where there is none or it is nothing."""
    numbers = [number for number in map(_number, costs) if number is not None]
    middle = statistics.median_low(numbers) if numbers else Decimal(0)
    return f"{middle:f}" if middle else None


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
