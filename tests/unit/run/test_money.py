"""Limits hold over a season of orders; the long one is a row of the benchmarks."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from unit.run.money_world import NOON, Bank, Process, play
from unit.run.world import now, virtually

from rh_api.money.amounts import read_sums
from rh_api.money.limits import Limits, midnight
from rh_api.run.orders import Order
from rh_api.run.progress import unwatched
from rh_api.wire.orders import NodeInfo


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


class Known(Bank):
    """A service whose tasks begin at once and take as long as is said here, one by one."""

    def __init__(self, *needs: float) -> None:
        super().__init__(random.Random(1))
        self._needs = iter(needs)

    def _create(self, path: str, body: dict[str, Any]) -> Any:
        answer = super()._create(path, body)
        task = self.tasks[str(len(self.tasks))]
        task.start, task.needs, task.untold = now(), next(self._needs), 0
        return answer


def test_an_order_that_runs_over_midnight_may_use_what_the_new_day_leaves(tmp_path: Path) -> None:
    bank = Known(9, 13)

    async def prepare() -> tuple[NodeInfo, ...]:
        return ()

    async def main() -> None:
        # The first run costs 2 coins, so that 3 are held for the second, which pay 10 seconds.
        began = midnight(NOON) - 65
        process = Process(tmp_path, bank, Limits(day=read_sums("5 coins")), began)
        for number in (1, 2):
            order = Order("7", inputs={"n": number}, is_free_of_others=lambda: True)
            await process.engine.run(order, prepare, unwatched)
            await asyncio.sleep(60 - now())
        await process.close()

    virtually(main())
    assert [task.status for task in bank.tasks.values()] == ["SUCCESS", "SUCCESS"]
