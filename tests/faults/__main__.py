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
    every = [one for ran in cells.values() for _, seen in ran for one in seen]
    duplicates = sum(one.duplicates for one in every)
    say(
        f"\n{len(cells)} cells, {len(CASES) + len(ENDINGS)} cases, {len(every)} runs over both polls: "
        f"{duplicates} duplicate orders, {sum(len(one.halves) for one in every)} half files.\n"
    )
    return 1 if duplicates else 0


def _cell(ran: Ran) -> str:
    """Outcomes of a cell's variants, those with equal ones together."""
    outcomes: dict[str, dict[bool, str]] = defaultdict(dict)
    for case, seen in ran:
        once = isinstance(case, Ending) or case.count is not None
        outcomes[case.variant][once] = " or ".join(dict.fromkeys(map(_outcome, seen)))
    alike: dict[str, list[str]] = defaultdict(list)
    for variant, told in outcomes.items():
        text = " / ".join(dict.fromkeys(told[once] for once in (True, False) if once in told))
        alike[text].append(variant)
    return "; ".join(
        f"{', '.join(variants)}: {text}" if any(variants) else text
        for text, variants in alike.items()
    )


def _outcome(seen: Seen) -> str:
    if seen.ended == "killed":
        return f"next start: {seen.again}"
    return f"{seen.ended} ({seen.fate.value})" if seen.fate else seen.ended


def _seconds(cells: dict[tuple[str, str], Ran], operation: str) -> list[float]:
    return [
        one.seconds
        for (name, _), ran in cells.items()
        if name == operation
        for _, seen in ran
        for one in seen
    ]


if __name__ == "__main__":
    sys.exit(main())
