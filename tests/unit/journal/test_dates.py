"""A wrong clock makes nobody forget an order: what is forgotten is paid for again."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.journal import Store
from rh_api.journal.clock import EARLIEST, SteadyClock, age
from tests.support.clocks import SetClock

from .samples import ROOT, identity, place, prune

DAY = 86_400.0
TODAY = 1_800_000_000.0


def test_a_clock_that_is_set_far_off_goes_on_where_it_was() -> None:
    wall, count = SetClock(), SetClock(50.0)
    clock = SteadyClock(wall, count)

    def passes(seconds: float) -> None:
        wall.now, count.now = wall.now + seconds, count.now + seconds

    passes(10)
    assert clock() == TODAY + 10
    for number, jump in enumerate((-TODAY, 40 * DAY, -2 * DAY), 1):
        wall.now += jump
        passes(5)
        assert clock() == TODAY + 10 * number + 5
        passes(5)
        assert clock() == TODAY + 10 * number + 10
        wall.now -= jump
    assert clock() == TODAY + 40
    wall.now += 3 * DAY  # the machine slept
    assert clock() == TODAY + 40 + 3 * DAY
    wall.now -= 2  # the clock was put right
    assert clock() == TODAY + 38 + 3 * DAY


def test_a_machine_that_started_without_a_date_takes_the_first_one() -> None:
    wall, count = SetClock(20.0), SetClock(20.0)
    clock = SteadyClock(wall, count)
    assert clock() == 20.0
    wall.now, count.now = TODAY, 25.0
    assert clock() == TODAY
    wall.now, count.now = 30.0, 30.0
    assert clock() == TODAY + 5


def test_an_age_is_of_dates_that_can_be() -> None:
    assert age(TODAY, TODAY + 9) == 9
    assert age(0.0, TODAY) is None
    assert age(TODAY, 0.0) is None
    assert age(TODAY, EARLIEST + 1) is None


@pytest.mark.parametrize("ended", [0.0, 100.0])
def test_an_order_that_ended_in_1970_is_not_forgotten(
    store: Store, clock: SetClock, ended: float
) -> None:
    first = place(store, 1)
    clock.now = ended
    store.set_done(first)
    second = place(store, 2)
    store.set_done(second)
    clock.now = TODAY + DAY
    store.set_done(place(store, 3))
    prune(store, clock.now)
    assert store.find(identity(1).digest)
    assert store.find(identity(2).digest)
    clock.now += 40 * DAY
    store.set_done(place(store, 4))
    prune(store, clock.now)
    assert store.find(identity(1).digest) is None  # its first date tells


@pytest.mark.parametrize("off", [-TODAY, 365 * DAY, 45 * DAY])
def test_a_start_with_a_wrong_date_forgets_nothing(
    store: Store, clock: SetClock, off: float
) -> None:
    store.set_done(place(store, 1))
    prune(store, clock.now + off)
    assert store.find(identity(1).digest)


SMALL = """
import subprocess, sys
from pathlib import Path
from rh_api.errors import StoreUnavailable
from rh_api.journal import Identity, Store
folder = Path(sys.argv[1])
claims = 0
for size in range(8, 160, 8):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder], check=True)
    try:
        store = Store.open(folder, patience=0.1)
        store.intend(Identity("o", "a", "w", "g", "i"), instance="", what={})
        placed = True
    except StoreUnavailable:
        placed = False
    else:
        store.close()
    subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
    again = Store.open(folder, patience=0.1)
    claims += (again.lost_journal() is not None) or bool(again.unfinished()) != placed
    again.close()
    subprocess.run(["umount", "-l", folder], check=True)
print("claims", claims)
"""


def _can_mount() -> bool:
    try:
        tried = subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
        )
    except OSError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif(not _can_mount(), reason="no file system of its own can be had here")
def test_a_first_start_on_a_tiny_disk_leaves_no_book_that_claims_a_lost_order(
    tmp_path: Path,
) -> None:
    command = ["unshare", "-rm", sys.executable, "-c", SMALL, str(tmp_path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.stdout.split() == ["claims", "0"], process.stderr


def test_a_book_is_opened_with_a_steady_clock(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        assert store.now() > EARLIEST
        assert isinstance(store._clock, SteadyClock)
