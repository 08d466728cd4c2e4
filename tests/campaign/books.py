"""The emulator's books against ours: what must never happen, counted."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path

from rh_api.client import Outcome
from rh_api.emulator import Emulator
from rh_api.journal import State, Store
from rh_api.wire.integrity import Verdict
from tests.campaign.jobs import Wish

END_OF_PNG = b"IEND\xaeB`\x82"


@dataclass
class Findings:
    """What must be zero, and by which seed it was not."""

    twice: int = 0
    """Orders that were placed again without a word while the first was alive or had succeeded."""
    lost: int = 0
    """Tasks that succeeded and whose results a person could not get."""
    missing: int = 0
    """Results that a task made and that its delivery lacks without a word, or at last for good."""
    unknown: int = 0
    """Tasks that run and that the journal does not know."""
    unstopped: int = 0
    """Tasks that run although Stop was pressed and there was a start since."""
    half: int = 0
    """Files under a final name that are not whole, and half files that nobody needs."""
    leaks: int = 0
    """Places where the key is and does not belong."""
    hangs: int = 0
    """Runs that did not end within their bound."""
    mute: int = 0
    """Errors that do not name the task which the journal knew."""
    seeds: set[int] = field(default_factory=set)

    def add(self, findings: Findings, seed: int) -> None:
        for name in NAMES:
            setattr(self, name, getattr(self, name) + getattr(findings, name))
        if findings:
            self.seeds.add(seed)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in NAMES)

    def __str__(self) -> str:
        counts = {name: getattr(self, name) for name in NAMES if getattr(self, name)}
        return f"{counts} by seeds {sorted(self.seeds)}" if counts else "nothing"


NAMES = tuple(column.name for column in fields(Findings) if column.name != "seeds")


class KeyWatch(logging.Handler):
    """Counts log lines that show a key."""

    def __init__(self, key: str) -> None:
        super().__init__(logging.DEBUG)
        self._key = key
        self.leaks = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._key in self.format(record):
            self.leaks += 1

    def __enter__(self) -> KeyWatch:
        log = logging.getLogger("runninghub")
        self._level = log.level
        log.setLevel(logging.DEBUG)
        log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        log = logging.getLogger("runninghub")
        log.setLevel(self._level)
        log.removeHandler(self)


def unknown_tasks(emulator: Emulator, state: Path, wishes: Iterable[Wish]) -> list[str]:
    """Tasks that run and for which the journal has neither their id nor a question."""
    with closing(Store.open(state)) as store:
        rows = store.unfinished()
    ids = {row.task_id for row in rows}
    questions = [row for row in rows if row.state in (State.INTENDED, State.UNCERTAIN)]
    return [
        task.id
        for wish in wishes
        for task in wish.tasks(emulator)
        if not task.is_over and task.id not in ids and not any(wish.is_of(row) for row in questions)
    ]


def recorded_stops(state: Path) -> set[str]:
    """Tasks of which the journal knows that they are to be cancelled."""
    if not state.exists():
        return set()
    with closing(Store.open(state)) as store:
        return {row.task_id for row in store.unfinished() if row.task_id and row.cancel}


def unstopped(
    emulator: Emulator,
    state: Path,
    stopped: Iterable[Wish],
    recorded: Collection[str] | None = None,
) -> int:
    """Tasks that run although they were stopped, and that are no open question either.

    `recorded`: the tasks that count, where a full disk may have kept a Stop out of the journal.
    """
    with closing(Store.open(state)) as store:
        uncertain = [row for row in store.unfinished() if row.task_id is None]
    return sum(
        1
        for wish in stopped
        for task in wish.tasks(emulator)
        if not task.is_over
        and not any(wish.is_of(row) for row in uncertain)
        and (recorded is None or task.id in recorded)
    )


def placed_twice(emulator: Emulator, wishes: Iterable[Wish]) -> int:
    """Orders behind one of the same wish that was neither cancelled nor failed."""
    return sum(
        1
        for wish in wishes
        for earlier in wish.tasks(emulator)[:-1]
        if earlier.status not in ("CANCEL", "FAILED")
    )


def files(outcome: Outcome) -> int:
    """How many files came: all that is ordered here makes pictures, and a text is none."""
    return sum(result.path is not None for result in outcome.results)


def missing(emulator: Emulator, task_id: str, delivered: int) -> int:
    """How many of a task's results are not among those that were delivered of it."""
    task = emulator.tasks.get(task_id)
    return max(0, len(task.results) - delivered) if task else 0


def bad_files(state: Path, *, all_is_delivered: bool) -> int:
    files = [path for path in (state / "runninghub-results").rglob("*") if path.is_file()]
    parts = [path for path in files if ".part" in path.name]
    excused = set[Path]()
    if not all_is_delivered:
        # Stop amid the second fetch of a cut file leaves it owed: the next run fetches it anew.
        owed = _owed(state)
        excused = {path for path in files if (path.parent.name, path.name[:4]) in owed}
        excused |= _told_cut(state)
    whole = [path for path in files if path not in parts and path not in excused]
    broken = [path for path in whole if not path.read_bytes().endswith(END_OF_PNG)]
    return len(broken) + (len(parts) if all_is_delivered else 0)


def _owed(state: Path) -> set[tuple[str, str]]:
    """Order and place of each result that the journal does not say to be here."""
    with closing(sqlite3.connect(state / "orders.sqlite3")) as book:
        rows = book.execute('SELECT order_id, "index" FROM results WHERE path IS NULL')
        return {(str(order), f"{index:04d}") for order, index in rows}


def _told_cut(state: Path) -> set[Path]:
    """Files that were delivered with the word that they are cut."""
    with closing(sqlite3.connect(state / "orders.sqlite3")) as book:
        rows = book.execute("SELECT path FROM results WHERE verdict = ?", (Verdict.CUT.value,))
        return {state / path for (path,) in rows}


def leaked_keys(emulator: Emulator, folders: Iterable[Path], texts: Iterable[str]) -> int:
    key = emulator.default_key
    files = sum(
        1
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and key.encode() in path.read_bytes()
    )
    lines = sum(1 for text in texts if key in text)
    return files + lines + len(emulator.counters.keys_misplaced)
