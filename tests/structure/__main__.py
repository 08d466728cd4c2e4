"""Prints the table: `python -m tests.structure [--list]`, with each thing that was counted."""

from __future__ import annotations

import sys

from tests.structure.table import ROWS


def main() -> int:
    width = max(len(row.name) for row in ROWS)
    print(f"{'':{width}}  {'now':>7} {'limit':>7}")  # noqa: T201
    over = 0
    for row in ROWS:
        now = row.now()
        over += now > row.limit
        mark = "  over its limit" if now > row.limit else ""
        print(f"{row.name:{width}}  {now:>7} {row.limit:>7}{mark}")  # noqa: T201
        if "--list" in sys.argv:
            print("".join(f"    {line}\n" for line in row.listed()), end="")  # noqa: T201
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
