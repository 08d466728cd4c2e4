"""A wall clock without its jumps, and ages that are safe against clock errors.

A clock may be wrong, and be set while we run. An order that is mistaken for old is deleted, and
paid for again. So an age is computed only from a date from 2025 on, and never across a jump.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

EARLIEST = 1_735_689_600.0  # 2025: an earlier clock is not set
SET_BACK = 300.0  # seconds that a correction may set the clock back
SLEPT = 7 * 86_400.0  # seconds that a machine may have slept, while `count` stood still


@dataclass(slots=True)
class SteadyClock:
    """Unix seconds that ignore jumps of the wall clock beyond -SET_BACK and SLEPT."""

    wall: Callable[[], float] = time.time
    count: Callable[[], float] = time.monotonic
    _at: float = field(init=False)
    _counted: float = field(init=False)

    def __post_init__(self) -> None:
        self._at, self._counted = self.wall(), self.count()

    def __call__(self) -> float:
        wall, counted = self.wall(), self.count()
        steady = self._at + counted - self._counted
        # A jump is followed only from an implausible date.
        if self._at >= EARLIEST and not -SET_BACK <= wall - steady <= SLEPT:
            return steady
        self._at, self._counted = wall, counted
        return wall


def age(since: float, now: float) -> float | None:
    """Seconds from `since` to `now`; None if `since` is implausible: before 2025 or to come."""
    return now - since if EARLIEST <= since <= now + SET_BACK else None
