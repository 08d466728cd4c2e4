"""Limits of cost over a thousand seeded orders, and quotes against seeded costs.

The orders run in virtual time on the emulator's own account, with the real engine and journal.
"""

from __future__ import annotations

import math
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from unit.run.money_world import DAY, Season, play

from benchmarks.rows import Row
from rh_api.money.quotes import quote_of_runs

ORDERS = 1_000
PROGRAMS = 2_000
COIN = 1_000_000


def rows() -> Iterator[Row]:
    yield from _season("two processes", _played(0.0), killed=False)
    yield from _season("with kills", _played(0.05), killed=True)
    yield from _quotes()


def _played(kills: float) -> Season:
    with tempfile.TemporaryDirectory() as folder:
        return play(Path(folder), 13, ORDERS, kills=kills)


def _season(name: str, season: Season, *, killed: bool) -> Iterator[Row]:
    over = len(season.over_order) + len(season.over_prompt) + len(season.over_day)
    orders = f"{season.placed} placed, {season.refused} refused"
    note = f"{season.killed} kills" if killed else ""
    yield Row(f"limits, {name}: bounded orders over one", str(over), orders, over, 0, note)
    wrong = len(season.not_booked)
    yield Row(f"limits, {name}: booked is not what was billed", str(wrong), orders, wrong, 0, note)
    if not killed:
        uncovered = len(season.not_covered)
        label = "limits: moments with less booked and held than billed"
        yield Row(label, str(uncovered), f"a day of {DAY} coins", uncovered, 0)


def _quotes() -> Iterator[Row]:
    errors = [_error(random.Random(seed)) for seed in range(PROGRAMS)]
    error = statistics.median(errors)
    yield Row(
        "quote after 3 runs: median error", f"{error:.1%}", "spread 0.2, 1 of 10 cold", error, 0.2
    )


def _costs(chance: random.Random, count: int) -> list[dict[str, int]]:
    middle = chance.uniform(8, 300)
    costs: list[dict[str, int]] = []
    for _ in range(count):
        cold = 1.3 if chance.random() < 0.1 else 1.0
        cost = math.ceil(middle * cold * math.exp(chance.gauss(0, 0.2)))
        costs.append({"coins": cost * COIN})
    return costs


def _error(chance: random.Random) -> float:
    *past, after = _costs(chance, 4)
    amount = quote_of_runs(past).ranges["coins"].amount
    return abs(amount - after["coins"]) / after["coins"]
