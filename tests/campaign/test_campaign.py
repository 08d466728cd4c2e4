"""A short piece of the fault campaign; `python -m tests.campaign --long` is the whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.campaign.kills import kill
from tests.campaign.mutants import MUTANTS
from tests.campaign.storm import storm

STORMS = (0, 1, 2, 3, 6, 8, 10, 12, 15, 16)
KILLS = (0, 2, 3, 8)
POWER_CUTS = (1, 6, 10)
CATCHING = {
    "one retry too many": 10,
    "one row too late": 10,
    "a cancel not recorded": 2,
    "a gap not told": 1,
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
    found = storm(seed)
    assert not found, str(found)


@pytest.mark.parametrize("seed", KILLS)
def test_after_a_kill_nothing_was_paid_twice_and_nothing_is_lost(seed: int) -> None:
    found = kill(seed).found
    assert not found, str(found)


@pytest.mark.parametrize("seed", POWER_CUTS)
def test_after_a_power_cut_nothing_was_paid_twice_and_nothing_is_lost(seed: int) -> None:
    found = kill(seed, power_cut=True).found
    assert not found, str(found)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_campaign_notices_a_fault_in_our_own_code(name: str) -> None:
    mutant, column = MUTANTS[name]
    with mutant():
        assert getattr(storm(CATCHING[name]), column)
    assert not storm(CATCHING[name])
