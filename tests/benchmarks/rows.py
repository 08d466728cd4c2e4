"""One line of the benchmark's table, and how two ways of doing a thing are timed fairly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is ours to the rival's in the same run, and must not be above `goal`."""

    name: str
    measured: str
    against: str
    ratio: float
    goal: float
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.ratio <= self.goal


def median_of(times: Sequence[float]) -> float:
    return statistics.median(times)


def paired(
    ours: Callable[[], object], theirs: Callable[[], object], runs: int = 7
) -> tuple[float, float]:
    """Median seconds of both, taken in turn so that a busy machine slows both alike."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for spent, work in zip(times, (ours, theirs), strict=True):
            start = time.perf_counter()
            work()
            spent.append(time.perf_counter() - start)
    return median_of(times[0]), median_of(times[1])
