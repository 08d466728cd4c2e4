"""What is kept and what is deleted: retention bounds, result files, old orders and their costs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import cast

from ..errors import BadInput
from ..system.disk import replace_text
from .clock import EARLIEST

log = logging.getLogger("runninghub")

RESULTS = "runninghub-results"  # below the journal's folder: one folder per order
FORMER_RESULTS = "results"  # up to 0.1.0: read, and emptied of what the journal knows
TASK_PREFIX = "task-"  # of the folder of a task that is not in the journal
KEEP_DAYS = 30  # the service itself drops results long before
KEEP_ORDERS = 10_000
KEEP_HASHES = 20_000  # media files whose content is known without reading them, the newest
MAX_BYTES = 8 * 1024**3  # about a hundred videos or four thousand pictures
YOUNG_SECONDS = 3600.0  # a younger result may still be in delivery
PART_SECONDS = 86_400.0  # a download resumes only while the service keeps the result
SPEND_DAYS = 31  # days of cost history: rows of pruned orders stay that long, emptied
KEEP_COSTS = 400 * 86_400.0  # seconds that reservations are kept, longer than orders and files


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention bounds: orders for `days` and at most `orders` of them, results up to `bytes`.

    Regardless of it, unfinished orders, orders of the last day and results of an hour stay.
    """

    days: int = KEEP_DAYS
    orders: int = KEEP_ORDERS
    bytes: int = MAX_BYTES

    @classmethod
    def read(cls, folder: Path) -> Retention:
        """The bounds set for the journal in `folder`; the default for each that is not valid."""
        try:
            stored: object = json.loads((folder / _SETTINGS).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return cls()
        values = cast("dict[str, object]", stored) if isinstance(stored, dict) else {}
        valid = {name: values[name] for name in _BOUNDS if is_valid_bound(name, values.get(name))}
        return cls(**cast("dict[str, int]", valid))

    def write(self, folder: Path) -> None:
        """Save for the journal in `folder`, atomically. Raises OSError."""
        replace_text(folder / _SETTINGS, json.dumps(asdict(self)))


# Names that this program gives to folders and files of results.
_FOLDER = re.compile(rf"[1-9]\d*|{TASK_PREFIX}[A-Za-z0-9_-]+", re.ASCII)
_FILE = re.compile(r"\d{4,}(-again)?(\..+)?", re.ASCII)

_SETTINGS = "retention.json"
_BOUNDS = {"days": (1, 3_650), "orders": (100, 1_000_000), "bytes": (10**8, 10**13)}


def is_valid_bound(name: str, value: object) -> bool:
    """Whether `value` is valid for the field `name` of `Retention`: an int within its range."""
    low, high = _BOUNDS[name]
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def check_writable(folder: Path) -> None:
    """Raise BadInput if no file can be made in `folder`, which is created. Blocking."""
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput("error.results_folder", folder=str(folder), reason=reason) from error


class ResultFolders:
    """The folders of results, one per order, as far as they are this program's. Blocking.

    The journal's folder may be anybody's: only what has a name that this program gives is counted
    or deleted. A folder goes once nothing else is left in it.
    """

    def __init__(self, folder: Path, formerly: Collection[int] = ()) -> None:
        """`folder`: the journal's. `formerly`: orders with results in FORMER_RESULTS; of nobody
        else is anything there."""
        self._folder = folder
        self._formerly = formerly

    def names(self) -> list[str]:
        """Names of the folders: an order's id, or TASK_PREFIX and the id of a task without one."""
        return list(dict.fromkeys(path.name for path in self._all()))

    def size(self) -> int:
        """Size of the results on this machine, in bytes."""
        return sum(_OrderFolder(path).size for path in self._all())

    def freed(self, old: Iterable[int], most: int) -> int:
        """Bytes freed by deleting the results of `old` orders, then the excess over `most`."""
        sizes = [(path.name, _OrderFolder(path).size) for path in self._all()]
        names = set(map(str, old))
        gone = sum(size for name, size in sizes if name in names)
        return gone + max(0, sum(size for _, size in sizes) - gone - most)

    def delete(self, names: Iterable[object]) -> None:
        """Delete folders by name. A file that cannot be deleted is left."""
        unwanted = set(map(str, names))
        for path in self._all():
            if path.name in unwanted:
                _OrderFolder(path).delete()

    def tidy(self, most: int = MAX_BYTES, young: float = YOUNG_SECONDS) -> None:
        """Delete folders, oldest first, down to `most` bytes; none younger than `young` seconds.

        Empty ones go too, and partial downloads that are too old to resume. A file that cannot be
        deleted is left for the next call.
        """
        folders = [_OrderFolder(path) for path in self._all()]
        for folder in folders:
            folder.delete_parts(time.time() - PART_SECONDS)
        total = sum(folder.size for folder in folders)
        since = time.time() - young
        for folder in sorted(folders, key=lambda folder: folder.at):
            if folder.at > since or (folder.size and total <= most):
                continue
            total -= folder.size
            folder.delete()

    def _all(self) -> list[Path]:
        own = [path for path in _folders(self._folder / RESULTS) if _FOLDER.fullmatch(path.name)]
        former = self._folder / FORMER_RESULTS
        own += [path for order in self._formerly if _is_folder(path := former / str(order))]
        return own


class _OrderFolder:
    """One order's folder: size of this program's files in bytes, and their latest mtime."""

    def __init__(self, path: Path) -> None:
        self.path = path
        stats = ((file, _stat(file)) for file in _entries(path) if _FILE.fullmatch(file.name))
        self._files = {file: stat for file, stat in stats if stat and S_ISREG(stat.st_mode)}
        own = _stat(path)
        at = own.st_mtime if own else 0.0
        self.at = max((stat.st_mtime for stat in self._files.values()), default=at)

    @property
    def size(self) -> int:
        return sum(stat.st_size for stat in self._files.values())

    def delete_parts(self, before: float) -> None:
        for file, stat in [*self._files.items()]:
            if ".part" in file.name and stat.st_mtime < before:
                self._delete(file)

    def delete(self) -> None:
        for file in [*self._files]:
            self._delete(file)
        with contextlib.suppress(OSError):  # something else is in it
            self.path.rmdir()

    def _delete(self, file: Path) -> None:
        try:
            file.unlink(missing_ok=True)
            del self._files[file]
        except OSError as error:  # open in another process, on Windows
            log.info("%s could not be deleted: %s", file, error)


def _stat(path: Path) -> os.stat_result | None:
    """None if it is gone or cannot be read; a link is not followed."""
    try:
        return path.lstat()
    except OSError:
        return None


def _is_folder(path: Path) -> bool:
    stat = _stat(path)
    return stat is not None and S_ISDIR(stat.st_mode)


def _folders(path: Path) -> list[Path]:
    return [entry for entry in _entries(path) if _is_folder(entry)]


def _entries(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


# Ended orders that are too old or surplus, and those that were emptied. Those of the last day stay:
# a batch under way may be longer than `keep`, and a result that was not delivered can still be
# fetched.
_OLD_ORDERS = """
WITH dated AS (
    SELECT id, ended, deleted,
        max(created, coalesce(placed, 0), coalesce(started, 0), coalesce(ended, 0)) AS latest
    FROM orders
)
SELECT id FROM dated WHERE ended IS NOT NULL AND (
    latest BETWEEN :earliest AND :limit
        AND EXISTS (SELECT 1 FROM dated WHERE latest BETWEEN :limit AND :soon)
    OR deleted
    OR latest < :young AND id IN (
        SELECT id FROM dated WHERE ended IS NOT NULL AND NOT deleted
        ORDER BY id DESC LIMIT -1 OFFSET :keep
    )
) AND (NOT deleted OR :emptied)
"""

_OLD_RESERVATIONS = """
DELETE FROM reservations WHERE at < :now - :kept AND at < (
    SELECT max(at) FROM reservations AS later
    WHERE later.origin = reservations.origin AND later.account = reservations.account
) - :kept
"""


# Of media alone: the hash of a LoRA takes seconds.
_OLD_HASHES = """
DELETE FROM hashes WHERE algorithm = 'sha256' AND mtime_ns <= (
    SELECT mtime_ns FROM hashes WHERE algorithm = 'sha256' ORDER BY mtime_ns DESC LIMIT 1 OFFSET ?
)
"""


def prune(db: sqlite3.Connection, now: float, old: Iterable[int]) -> None:
    """See `Store.prune`."""
    db.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
    db.execute(_OLD_HASHES, (KEEP_HASHES,))
    # Old both by the clock and relative to the account's latest: one wrong date deletes nothing.
    db.execute(_OLD_RESERVATIONS, {"now": now, "kept": KEEP_COSTS})
    ended = "SELECT id, ended, deleted FROM orders WHERE id = ? AND ended IS NOT NULL"
    rows = [tuple(row) for order in old for row in db.execute(ended, (order,))]
    for order, at, is_empty in rows:
        if at <= now - SPEND_DAYS * 86_400:
            db.execute("DELETE FROM orders WHERE id = ?", (order,))
        elif not is_empty:
            empty_order(db, order)  # its cost still counts in sums


def old_orders(
    db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int, *, emptied: bool
) -> list[int]:
    """See `History.old_orders`."""
    limit = now - keep_days * 86_400
    dates = {"earliest": EARLIEST, "limit": limit, "soon": now + 86_400, "keep": keep_orders}
    dates |= {"young": now - PART_SECONDS, "emptied": emptied}
    return [order for (order,) in db.execute(_OLD_ORDERS, dates)]


def formerly_kept(db: sqlite3.Connection) -> list[int]:
    """Ids of the orders with results in FORMER_RESULTS."""
    rows = db.execute(
        "SELECT DISTINCT order_id FROM results WHERE path GLOB ? || '/' || order_id || '/*'",
        (FORMER_RESULTS,),
    )
    return [order for (order,) in rows]


def empty_order(db: sqlite3.Connection, order: int) -> bool:
    """Delete the content of an ended order but not its cost; False if not ended, or empty."""
    cursor = db.execute(
        "UPDATE orders SET deleted = 1, identity_digest = '', what = '{}', told = '[]',"
        " missing = '[]' WHERE id = ? AND ended IS NOT NULL AND deleted = 0",
        (order,),
    )
    if cursor.rowcount:
        db.execute("DELETE FROM results WHERE order_id = ?", (order,))
        db.execute("DELETE FROM words WHERE order_id = ?", (order,))
    return cursor.rowcount > 0
