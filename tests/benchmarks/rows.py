"""One line of the benchmark's table, and how two ways of doing a thing are timed fairly."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

YARD = 0.008  # seconds of `_yard` on the machine that goals in seconds are meant for
_PICTURE = np.linspace(0, 1, 512 * 512 * 3, dtype=np.float32)


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


def timed(
    name: str,
    seconds: float,
    goal: float,
    note: str = "",
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Row:
    """A row whose goal is in seconds: of a machine that does a fixed piece of work in `YARD`.

    That piece is timed now, by the `clock` that took `seconds`, so that a slower or a busier
    machine has as much more time.
    """
    limit = goal * slowness(clock)
    against = f"{_milliseconds(goal)}, which is {_milliseconds(limit)} here and now"
    return Row(name, _milliseconds(seconds), against, seconds / limit, 1.0, note)


def slowness(clock: Callable[[], float] = time.perf_counter) -> float:
    """How many times as long as `YARD` the fixed piece of work takes on this machine now."""
    times: list[float] = []
    for _ in range(15):
        start = clock()
        _yard()
        times.append(clock() - start)
    return median_of(times) / YARD


def _yard() -> None:
    """Python's own work and numpy's, three quarters and one."""
    table = {str(number): [number, number * 0.5] for number in range(8_000)}
    again = json.loads(json.dumps(table))
    assert sorted(again, key=lambda key: again[key][1]) == list(table)
    for _ in range(16):
        np.rint(_PICTURE * 255).astype(np.uint8)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


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
