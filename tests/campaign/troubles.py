"""What befalls results on their way here: cut, listed in part, without an address, no room."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from rh_api.emulator import Emulator, Fault

RESULTS = "/results/"
FULL = Path("/dev/full")
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


def no_room(chance: random.Random, _: Emulator, state: Path) -> None:
    """The first results of some orders go to a device that is full."""
    if not FULL.exists():
        return
    for row in chance.sample(range(1, ROWS + 1), chance.randint(ROWS // 3, ROWS)):
        folder = state / "results" / str(row)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "0000.part").symlink_to(FULL)
        (folder / "0000.part.tag").symlink_to("/dev/null")


TROUBLES: tuple[Trouble, ...] = (cut_short, listed_in_part, without_address, no_room)


def trouble(seed: int, emulator: Emulator, state: Path) -> str:
    """One of them or none, by the seed; gives its name."""
    chance = random.Random(f"{seed} results")
    if chance.random() < 0.4:
        return ""
    chosen = chance.choice(TROUBLES)
    chosen(chance, emulator, state)
    return chosen.__name__


def over(emulator: Emulator, state: Path) -> None:
    """All of it ends, and every other fault."""
    emulator.faults.clear()
    emulator.fail_next = None
    emulator.late_results = 0
    emulator.missing_address = None
    for path in state.glob("results/*/0000.part*"):
        if path.is_symlink():
            path.unlink()
