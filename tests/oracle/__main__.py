"""`python -m tests.oracle --graphs 5000`: random cuts against the oracle, by the thousands.

Each graph is made of its number, so `--only N` repeats the one that failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random

from tests.oracle.trial import Counts, try_one


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle")
    parser.add_argument("--graphs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first graph")
    parser.add_argument("--only", type=int, help="the number of the one graph to try")
    arguments = parser.parse_args()
    first, count = arguments.first, arguments.graphs
    if arguments.only is not None:
        first, count = arguments.only, 1
    counts, failed, began = Counts(), [], time.monotonic()
    for number in range(first, first + count):
        try:
            try_one(Random(number), counts)
        except AssertionError as problem:
            failed.append(number)
            sys.stderr.write(f"graph {number}: {problem}\n")
    sys.stdout.write(counts.report() + "\n")
    sys.stdout.write(f"not equal         {len(failed)}\n")
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
