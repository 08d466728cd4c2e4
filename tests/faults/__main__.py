"""The fault table as markdown, every cell carried out anew: `python -m tests.faults`."""

from __future__ import annotations

import logging
import sys
from collections import defaultdict

from tests.faults import endings, observing
from tests.faults.cells import BOUNDS, CASES, Case
from tests.faults.endings import ENDINGS, Ending
from tests.faults.observing import Seen
from tests.faults.operations import OPERATIONS

Ran = list[tuple["Case | Ending", list[Seen]]]


def main() -> int:
    # What is expected to go wrong would be told on the terminal as well.
    logging.disable(logging.CRITICAL)
    cells: dict[tuple[str, str], Ran] = defaultdict(list)
    for case in CASES:
        cells[case.operation, case.fault].append(
            (case, [observing.observe(case, route) for route in case.routes])
        )
    for ending in ENDINGS:
        cells[ending.operation, ending.fault].append(
            (ending, [endings.observe(ending, route) for route in ending.routes])
        )
    say = sys.stdout.write
    say("Outcome when the fault strikes once / for good, and what the error says of the order.\n\n")
    say(f"| fault | {' | '.join(OPERATIONS)} |\n|---|{'---|' * len(OPERATIONS)}\n")
    for fault in dict.fromkeys(fault for _, fault in cells):
        row = (_cell(cells[operation, fault]) for operation in OPERATIONS)
        say(f"| {fault} | {' | '.join(row)} |\n")
    longest = (f"{max(_seconds(cells, o)):.0f} of {BOUNDS[o]:.0f}" for o in OPERATIONS)
    say(f"| longest, s of its bound | {' | '.join(longest)} |\n")
    every = [run for ran in cells.values() for _, runs in ran for run in runs]
    duplicates = sum(run.duplicates for run in every)
    say(
        f"\n{len(cells)} cells, {len(CASES) + len(ENDINGS)} cases, {len(every)} runs over both polls: "
        f"{duplicates} duplicate orders, {sum(len(run.halves) for run in every)} half files.\n"
    )
    return 1 if duplicates else 0


def _cell(ran: Ran) -> str:
    """Outcomes of a cell's variants, those with equal ones together."""
    outcomes: dict[str, dict[bool, str]] = defaultdict(dict)
    for case, runs in ran:
        once = isinstance(case, Ending) or case.count is not None
        outcomes[case.variant][once] = " or ".join(dict.fromkeys(map(_outcome, runs)))
    alike: dict[str, list[str]] = defaultdict(list)
    for variant, ends in outcomes.items():
        text = " / ".join(dict.fromkeys(ends[once] for once in (True, False) if once in ends))
        alike[text].append(variant)
    return "; ".join(
        f"{', '.join(variants)}: {text}" if any(variants) else text
        for text, variants in alike.items()
    )


def _outcome(run: Seen) -> str:
    if run.ended == "killed":
        return f"next start: {run.again}"
    return f"{run.ended} ({run.fate.value})" if run.fate else run.ended


def _seconds(cells: dict[tuple[str, str], Ran], operation: str) -> list[float]:
    return [
        run.seconds
        for (name, _), ran in cells.items()
        if name == operation
        for _, runs in ran
        for run in runs
    ]


if __name__ == "__main__":
    sys.exit(main())
