"""Limits hold over a season of orders; the long one is a row of the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.run.money_world import play


@pytest.mark.parametrize("seed", [1, 2])
def test_no_order_that_is_bounded_passes_a_limit_and_all_is_booked(
    tmp_path: Path, seed: int
) -> None:
    season = play(tmp_path, seed, 40)
    assert season.placed > 10
    assert (season.over_order, season.over_prompt, season.over_day) == ([], [], [])
    assert (season.not_covered, season.not_booked) == ([], [])


def test_killed_processes_leave_only_their_own_orders_over(tmp_path: Path) -> None:
    season = play(tmp_path, 3, 40, kills=0.2)
    assert season.killed
    assert (season.over_order, season.over_prompt, season.over_day) == ([], [], [])
    assert season.not_booked == []
