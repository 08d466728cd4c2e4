"""Retention bounds, cleanup of result files, and ages that are safe against clock errors.

A clock may be wrong, and be set while we run. So an age is computed only from a plausible date,
from 2025 on, and never across a jump of the clock: an order that is mistaken for old is deleted,
and paid for again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import cast

from ..disk import replace_text

log = logging.getLogger("runninghub")

RESULTS = "results"  # below the store's folder: one folder per order, named by its id
KEEP_DAYS = 30  # the service itself drops results long before
KEEP_ORDERS = 10_000
MAX_BYTES = 8 * 1024**3  # about a hundred videos or four thousand pictures
YOUNG_SECONDS = 3600.0  # a younger result may still be in delivery
PART_SECONDS = 86_400.0  # a download resumes only while the service keeps the result
EARLIEST = 1_735_689_600.0  # 2025: an earlier clock is not set
SET_BACK = 300.0  # seconds that a correction may set the clock back
SLEPT = 7 * 86_400.0  # seconds that a machine may have slept, while `count` stood still


@dataclass(slots=True)
class SteadyClock:
    """Unix seconds that ignore jumps of the wall clock beyond -SET_BACK and SLEPT."""

    wall: Callable[[], float] = time.time
    count: Callable[[], float] = time.monotonic
    _at: float = field(init=False)
    _counted: float = field(init=False)

    def __post_init__(self) -> None:
        self._at, self._counted = self.wall(), self.count()

    def __call__(self) -> float:
        wall, counted = self.wall(), self.count()
        steady = self._at + counted - self._counted
        # A jump is followed only from an implausible date.
        if self._at >= EARLIEST and not -SET_BACK <= wall - steady <= SLEPT:
            return steady
        self._at, self._counted = wall, counted
        return wall


def age(since: float, now: float) -> float | None:
    """Seconds from `since` to `now`; None if `since` is implausible: before 2025 or to come."""
    return now - since if EARLIEST <= since <= now + SET_BACK else None


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
    folder: Path,
    forgotten: Iterable[int],
    most: int = MAX_BYTES,
    young: float = YOUNG_SECONDS,
) -> None:
    """Delete results of `forgotten` orders, then of others, oldest first, down to `most` bytes.

    `forgotten`: ids from `Store.prune`. Partial downloads that are too old to resume are deleted
    too. Others younger than `young` seconds stay. A file that cannot be deleted is left for the
    next call.
    """
    empty(folder, map(str, forgotten))
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
