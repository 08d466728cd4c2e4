"""What is kept and what is deleted: retention bounds, result files, old orders and their costs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from typing import cast

from ..disk import replace_text
from .clock import EARLIEST

log = logging.getLogger("runninghub")

RESULTS = "results"  # below the store's folder: one folder per order, named by its id
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


_SETTINGS = "retention.json"
_BOUNDS = {"days": (1, 3_650), "orders": (100, 1_000_000), "bytes": (10**8, 10**13)}


def is_valid_bound(name: str, value: object) -> bool:
    """Whether `value` is valid for the field `name` of `Retention`: an int within its range."""
    low, high = _BOUNDS[name]
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def freed(folder: Path, old: Iterable[int], most: int) -> int:
    """Bytes freed by deleting the results of `old` orders, then the excess over `most` bytes."""
    sizes = {path.name: _OrderFolder(path).size for path in _folders(folder / RESULTS)}
    gone = sum(sizes.pop(str(order), 0) for order in old)
    return gone + max(0, sum(sizes.values()) - most)


def tidy(
    folder: Path, forgotten: Iterable[int], most: int = MAX_BYTES, young: float = YOUNG_SECONDS
) -> None:
    """Delete results of `forgotten` orders, then of others, oldest first, down to `most` bytes.

    `forgotten`: ids from `Store.prune`. Partial downloads that are too old to resume are deleted
    too. Others younger than `young` seconds stay. A file that cannot be deleted is left for the
    next call.
    """
    empty(folder, {*map(str, forgotten)}.intersection(results_folders(folder)))
    for part in (folder / RESULTS).glob("*/*.part*"):
        with contextlib.suppress(OSError):
            if part.stat().st_mtime < time.time() - PART_SECONDS:
                _remove(part)
    orders = [_OrderFolder(path) for path in _folders(folder / RESULTS)]
    total = sum(order.size for order in orders)
    since = time.time() - young
    for order in sorted(orders, key=lambda order: order.at):
        if order.at > since or (order.size and total <= most):
            continue
        shutil.rmtree(order.path, ignore_errors=True)
        total -= order.size


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:  # open in another process, on Windows
        log.info("%s could not be deleted: %s", file, error)


def results_bytes(folder: Path) -> int:
    """Size of the results on this machine, in bytes."""
    return sum(_OrderFolder(path).size for path in _folders(folder / RESULTS))


def results_folders(folder: Path) -> list[str]:
    """Names of the folders of results, one per order."""
    return [path.name for path in _folders(folder / RESULTS)]


def empty(folder: Path, names: Iterable[str]) -> None:
    """Delete folders of results by name. A file that cannot be deleted is left."""
    for name in names:
        shutil.rmtree(folder / RESULTS / name, ignore_errors=True)


class _OrderFolder:
    """One order's folder: size of its files in bytes, and their latest mtime."""

    def __init__(self, path: Path) -> None:
        self.path = path
        stats = [
            stat for file in path.rglob("*") if (stat := _stat(file)) and S_ISREG(stat.st_mode)
        ]
        own = _stat(path)
        self.size = sum(stat.st_size for stat in stats)
        self.at = max((stat.st_mtime for stat in stats), default=own.st_mtime if own else 0.0)


def _stat(path: Path) -> os.stat_result | None:
    """None if the file is gone or cannot be read."""
    try:
        return path.stat()
    except OSError:
        return None


def _folders(results: Path) -> list[Path]:
    try:
        return [path for path in results.iterdir() if path.is_dir()]
    except OSError:
        return []


# Ended orders that are too old or surplus. Those of the last day stay: a batch under way may be
# longer than `keep`, and a result that was not delivered can still be fetched.
_OLD_ORDERS = """
WITH dated AS (
    SELECT id, ended, deleted,
        max(created, coalesce(placed, 0), coalesce(started, 0), coalesce(ended, 0)) AS latest
    FROM orders
)
SELECT id, ended, deleted FROM dated WHERE ended IS NOT NULL AND (
    latest BETWEEN :earliest AND :limit
        AND EXISTS (SELECT 1 FROM dated WHERE latest BETWEEN :limit AND :soon)
    OR deleted
    OR latest < :young AND id IN (
        SELECT id FROM dated WHERE ended IS NOT NULL AND NOT deleted
        ORDER BY id DESC LIMIT -1 OFFSET :keep
    )
)
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


def prune(db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int) -> list[int]:
    """See `Store.prune`."""
    db.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
    db.execute(_OLD_HASHES, (KEEP_HASHES,))
    # Old both by the clock and relative to the account's latest: one wrong date deletes nothing.
    db.execute(_OLD_RESERVATIONS, {"now": now, "kept": KEEP_COSTS})
    old = _old(db, now, keep_days, keep_orders)
    for order, ended, is_empty in old:
        if ended <= now - SPEND_DAYS * 86_400:
            db.execute("DELETE FROM orders WHERE id = ?", (order,))
        elif not is_empty:
            empty_order(db, order)  # its cost still counts in sums
    return [order for order, *_ in old]


def old_orders(db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int) -> list[int]:
    """Ids of the orders that `prune` would delete or empty."""
    return [order for order, *_ in _old(db, now, keep_days, keep_orders, "AND deleted = 0")]


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


def _old(
    db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int, more: str = ""
) -> list[tuple[int, float, int]]:
    limit = now - keep_days * 86_400
    dates = {"earliest": EARLIEST, "limit": limit, "soon": now + 86_400, "keep": keep_orders}
    dates["young"] = now - PART_SECONDS
    return [tuple(row) for row in db.execute(f"{_OLD_ORDERS} {more}", dates)]
