"""A short piece of the fault campaign; `python -m tests.campaign --long` is the whole."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from rh_api.journal import Store
from tests.campaign.__main__ import COMFYUI_KILLS
from tests.campaign.comfyui import Queued
from tests.campaign.kills import SMALL_DISKS, disk_of, kill
from tests.campaign.mutants import MUTANTS
from tests.campaign.storm import storm
from tests.campaign.troubles import FULL, no_room, trouble
from tests.unit.journal.samples import intend

STORMS = (0, 1, 2, 3, 6, 8, 10, 12, 15, 16)
KILLS = (0, 2, 3, 8)
POWER_CUTS = (1, 6, 10)
CATCHING = {
    "one retry too many": 10,
    "one row too late": 10,
    "a cancel not recorded": 2,
    "a gap not told": 1,
    "a text of nothing": 1,
    "a cut not seen": 5,
    "no room forgets": 0,
}


@pytest.fixture(autouse=True)
def _deaf() -> Iterator[None]:
    """The emulator's server logs each connection that a fault breaks."""
    log = logging.getLogger("aiohttp")
    log.propagate = False
    yield
    log.propagate = True


@pytest.mark.parametrize("seed", STORMS)
def test_after_a_storm_nothing_was_paid_twice_and_nothing_is_lost(seed: int) -> None:
    findings = storm(seed)
    assert not findings, str(findings)


@pytest.mark.parametrize("seed", KILLS)
def test_after_a_kill_nothing_was_paid_twice_and_nothing_is_lost(seed: int) -> None:
    findings = kill(seed).findings
    assert not findings, str(findings)


@pytest.mark.parametrize("seed", POWER_CUTS)
def test_after_a_power_cut_nothing_was_paid_twice_and_nothing_is_lost(seed: int) -> None:
    findings = kill(seed, power_cut=True).findings
    assert not findings, str(findings)


with_full_disks = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[with_full_disks] * ("room" in name)) for name in MUTANTS],
)
def test_the_campaign_notices_a_fault_in_our_own_code(name: str) -> None:
    mutant, column = MUTANTS[name]
    with mutant():
        assert getattr(storm(CATCHING[name]), column)
    assert not storm(CATCHING[name])


@pytest.mark.parametrize("seeds", [STORMS, KILLS + POWER_CUTS, range(COMFYUI_KILLS)])
def test_all_that_may_befall_results_is_drawn(seeds: tuple[int, ...], tmp_path: Path) -> None:
    drawn = {trouble(seed, Emulator(strict=True), tmp_path / str(seed)) for seed in seeds}
    assert drawn == {"", "cut_short", "listed_in_part", "without_address", "no_room"}


def test_small_disks_are_drawn() -> None:
    assert {disk_of(seed) for seed in range(50)} == {None, *SMALL_DISKS}


def test_a_comfyui_is_killed_with_up_to_six_cloud_nodes_of_each_kind() -> None:
    every = [Queued(seed, random.Random(f"{seed} ComfyUI")) for seed in range(COMFYUI_KILLS)]
    assert COMFYUI_KILLS >= 20
    assert {len(queued.wishes) for queued in every} == {1, 2, 3, 4, 5, 6}
    kinds = [
        {
            "segment" if queued.marks else "",
            *(node["inputs"].get("workflow", "") for node in queued.prompt.values()),
        }
        for queued in every
    ]
    assert len(set().union(*kinds) - {""}) == 3  # of fields, of pictures, of marks
    assert any(len(kind - {""}) == 3 for kind in kinds)
    assert any(
        node["inputs"].get("kind") == "batch" for queued in every for node in queued.prompt.values()
    )


@with_full_disks
def test_room_lacks_for_orders_to_come(tmp_path: Path) -> None:
    """One ComfyUI's journal goes on from kill to kill."""
    with closing(Store.open(tmp_path)) as store:
        last = max(intend(store, item) for item in range(30))
    emulator = Emulator(strict=True)
    no_room(random.Random(0), emulator, tmp_path)
    emulator.faults[0].strikes()
    rows = [int(path.name) for path in (tmp_path / "runninghub-results").iterdir()]
    assert min(rows) > last
