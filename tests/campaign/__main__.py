"""`python -m tests.campaign`: faults, kills and mutants, and a table of what was found.

--seed N     first seed (default 0)
--runs N     storms (default 40; --long: 400); a quarter as many kills and power cuts, at least 5
             of each (--long: 50)
--long       the campaign that tests/README.md shows
--only PART  storms, kills, power, comfyui or mutants

Where COMFYUI_DIR and COMFYUI_PYTHON name a ComfyUI, that is killed as well (--long: 20 times).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.campaign.books import NAMES, Findings
from tests.campaign.kills import kill
from tests.campaign.mutants import MUTANTS
from tests.campaign.storm import storm

MUTANT_SEEDS = 60
COMFYUI_KILLS = 20
PARTS = ("storms", "kills", "power", "comfyui", "mutants")
Heard = Callable[[int, Findings], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    logging.getLogger("aiohttp").addHandler(logging.NullHandler())
    logging.getLogger("aiohttp").propagate = False
    runs = options.runs or (400 if options.long else 40)
    kills = 50 if options.long else max(5, runs // 4)
    print(f"| part | runs | seeds | {' | '.join(NAMES)} | seconds |")
    print(f"|---|--:|---|{'--:|' * len(NAMES)}--:|")
    seeds = range(options.seed, options.seed + kills)
    bad, parts = False, PARTS if options.only is None else (options.only,)
    if "storms" in parts:
        storms = range(options.seed, options.seed + runs)
        bad |= _part("two or three faults at once", _seeded(storm), storms)
    if "kills" in parts:
        bad |= _part("kill -9", _seeded(lambda seed: kill(seed).findings), seeds)
    if "power" in parts:
        bad |= _part("power cut", _seeded(lambda seed: kill(seed, power_cut=True).findings), seeds)
    if "comfyui" in parts and "COMFYUI_DIR" in os.environ:
        few = range(options.seed, options.seed + (COMFYUI_KILLS if options.long else 2))
        bad |= _part("kill -9 of ComfyUI", _of_comfyui, few)
    return int(bad | ("mutants" in parts and _mutants(options.seed)))


def _mutants(first: int) -> bool:
    bad = False
    print()
    for name, (mutant, column) in MUTANTS.items():
        caught = _caught(mutant, column, first)
        bad |= caught is None
        verdict = f"caught by seed {caught} ({column})" if caught is not None else "NOT CAUGHT"
        print(f'- mutant "{name}": {verdict}')
    return bad


def _seeded(run: Callable[[int], Findings]) -> Callable[[range, Heard], None]:
    def runs(seeds: range, heard: Heard) -> None:
        for seed in seeds:
            heard(seed, run(seed))

    return runs


def _of_comfyui(seeds: range, heard: Heard) -> None:
    from tests.campaign.comfyui import comfy_kills

    with tempfile.TemporaryDirectory() as folder:
        comfy_kills(Path(folder), seeds, heard)


def _part(name: str, run: Callable[[range, Heard], None], seeds: range) -> bool:
    total, began = Findings(), time.monotonic()
    run(seeds, lambda seed, findings: total.add(findings, seed))
    first, count = seeds[0], len(seeds)
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
