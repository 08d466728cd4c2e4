"""What befalls results on their way here: cut, listed in part, without an address, no room; and
what is no fault of a service, but odd."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from rh_api.emulator import Emulator, Fault
from rh_api.emulator.faults import Kind
from tests.support.service import Meanwhile

CREATE = "/task/openapi/create"
RESULTS = "/results/"
FULL = Path("/dev/full")
CODED: tuple[Kind, ...] = ("gzip", "unmeasured")
ROWS = 12  # orders whose results may find no room: one storm places fewer

Trouble = Callable[[random.Random, Emulator, Path], None]


def cut_short(chance: random.Random, emulator: Emulator, _: Path) -> None:
    """Files that end early and are announced as whole."""
    part, count = chance.uniform(0.2, 0.9), chance.choice([1, 2, 3, None])
    emulator.faults.append(Fault(RESULTS, "cut", value=part, count=count))


def listed_in_part(chance: random.Random, emulator: Emulator, _: Path) -> None:
    """A success whose list is empty or lacks something, for some polls or for good."""
    emulator.late_results = chance.choice([1, 3, 10, 10**6])
    emulator.late_results_seen = chance.choice([0, 1])


def without_address(chance: random.Random, emulator: Emulator, _: Path) -> None:
    """A row of the list that has no address, for some polls or for good."""
    emulator.missing_address = chance.choice(["null", "empty"])
    emulator.missing_address_polls = chance.choice([1, 3, 10, None])


def no_room(chance: random.Random, emulator: Emulator, state: Path) -> None:
    """The first results of some orders to come go to a device that is full."""
    if not FULL.exists():
        return
    first = 1 + _last_row(state / "orders.sqlite3")
    rows = chance.sample(range(first, first + ROWS), chance.randint(ROWS // 3, ROWS))

    def fill() -> None:
        for row in rows:
            folder = state / "runninghub-results" / str(row)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "0000.part").symlink_to(FULL)
            (folder / "0000.part.tag").symlink_to("/dev/null")

    # Not before: a start deletes halves that are old, and the device is older than a day.
    emulator.faults.insert(0, Meanwhile(CREATE, fill))


def _last_row(journal: Path) -> int:
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as book:
        return book.execute("SELECT max(id) FROM orders").fetchone()[0] or 0


TROUBLES: tuple[Trouble, ...] = (cut_short, listed_in_part, without_address, no_room)


def trouble(seed: int, emulator: Emulator, state: Path) -> str:
    """One of them or none, by the seed; gives its name."""
    chance = random.Random(f"{seed} results")
    if chance.random() < 0.4:
        return ""
    chosen = chance.choice(TROUBLES)
    chosen(chance, emulator, state)
    return chosen.__name__


def oddities(seed: int, emulator: Emulator, paths: Iterable[str]) -> None:
    """A service that is slow to know what it took, and that answers well in odd shapes."""
    chance = random.Random(f"{seed} oddities")
    emulator.unknown_seconds = chance.choice([0.0, 0.0, 1.0, 5.0, 20.0, 60.0])
    emulator.cancel_seconds = chance.choice([0.0, 0.0, 1.0, 3.0, 8.0])
    for path in paths:
        kind = chance.choice(CODED if path == RESULTS else (*CODED, "quoted", "doubled"))
        if chance.random() < 0.3:
            count, after = chance.randint(1, 3), chance.randint(0, 2)
            emulator.faults.append(Fault(path, kind, count=count, after=after))


def over(emulator: Emulator, state: Path) -> None:
    """All of it ends, and every other fault."""
    emulator.faults.clear()
    emulator.unknown_seconds = emulator.cancel_seconds = 0.0
    emulator.fail_next = None
    emulator.late_results = 0
    emulator.missing_address = None
    for path in state.glob("runninghub-results/*/0000.part*"):
        if path.is_symlink():
            path.unlink()
