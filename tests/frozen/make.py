"""Records anew what the other files here hold: `python -m tests.frozen.make`.

Only for more of it: what is recorded is what journals and graphs in the world already say, so a
line that changes is an order that somebody pays for twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.frozen.contents import digests, unpacked_digests
from tests.frozen.cuts import cut_case, ordered
from tests.frozen.errors import errors
from tests.frozen.identities import identities
from tests.frozen.jobs import FROZEN
from tests.frozen.journal import record


def written(name: str, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    (FROZEN / name).write_text(text + "\n", "utf-8")


def lines(name: str, cases: Mapping[str, Any]) -> None:
    """A case a line, so that a change shows which."""
    rows = (
        f"{json.dumps(case)}: {json.dumps(about, ensure_ascii=False, separators=(',', ':'))}"
        for case, about in cases.items()
    )
    (FROZEN / name).write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")


def again(name: str, make: Callable[[Any], Any]) -> None:
    """The recorded cases of a file, made anew; a case that is added needs its `said` only."""
    cases = json.loads((FROZEN / name).read_text("utf-8"))
    lines(
        name,
        {case: {"said": old["said"], "made": make(old["said"])} for case, old in cases.items()},
    )


def main() -> None:
    written("errors.json", errors())
    written("contents.json", {"files": digests(), "unpacked": unpacked_digests()})
    again("cuts.json", cut_case)
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()
        again("segment_orders.json", lambda case: ordered(Path(folder, f"{next(numbers)}"), case))
    with tempfile.TemporaryDirectory() as folder:
        written("identities.json", asyncio.run(identities(Path(folder))))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(record(Path(folder)))


if __name__ == "__main__":
    main()
