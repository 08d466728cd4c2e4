"""`python -m tests.campaign`: faults, kills and mutants, and a table of what was found.

--seed N     first seed (default 0)
--runs N     storms (default 40; --long: 400); a quarter as many kills and power cuts, at least 5
             of each (--long: 50)
--long       the campaign that docs/reliability.md shows
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable

from tests.campaign.books import NAMES, Findings
from tests.campaign.kills import kill
from tests.campaign.mutants import MUTANTS
from tests.campaign.storm import storm

MUTANT_SEEDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--long", action="store_true")
    given = parser.parse_args()
    logging.getLogger("aiohttp").addHandler(logging.NullHandler())
    logging.getLogger("aiohttp").propagate = False
    runs = given.runs or (400 if given.long else 40)
    kills = 50 if given.long else max(5, runs // 4)
    print(f"| part | runs | seeds | {' | '.join(NAMES)} | seconds |")
    print(f"|---|--:|---|{'--:|' * len(NAMES)}--:|")
    bad = _part("two or three faults at once", storm, given.seed, runs)
    bad |= _part("kill -9", lambda seed: kill(seed).found, given.seed, kills)
    bad |= _part("power cut", lambda s: kill(s, power_cut=True).found, given.seed, kills)
    print()
    for name, (mutant, column) in MUTANTS.items():
        caught = _caught(mutant, column, given.seed)
        bad |= caught is None
        what = f"caught by seed {caught} ({column})" if caught is not None else "NOT CAUGHT"
        print(f'- mutant "{name}": {what}')
    return int(bad)


def _part(name: str, run: Callable[[int], Findings], first: int, count: int) -> bool:
    total, began = Findings(), time.monotonic()
    for seed in range(first, first + count):
        total.add(run(seed), seed)
    numbers = " | ".join(str(getattr(total, column)) for column in NAMES)
    seconds = time.monotonic() - began
    print(f"| {name} | {count} | {first}-{first + count - 1} | {numbers} | {seconds:.0f} |")
    if total:
        print(f"found: {total}")
    sys.stdout.flush()
    return bool(total)


def _caught(mutant: Callable[[], object], column: str, first: int) -> int | None:
    for seed in range(first, first + MUTANT_SEEDS):
        with mutant():  # type: ignore[attr-defined]
            if getattr(storm(seed), column):
                return seed
    return None


if __name__ == "__main__":
    sys.exit(main())
