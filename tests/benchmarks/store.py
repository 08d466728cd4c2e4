"""The order book with 100,000 orders in it: opening it, and adding one."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.rows import Row, median_of
from rh_api.store import Identity, Store

ORDERS = 100_000
UNFINISHED_EVERY = 1_000
OPEN_SECONDS = 0.050
ADD_SECONDS = 0.005
WHAT = {"fields": {"6.text": "x" * 400}}


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Store.open(folder).close()
        _fill(folder / "orders.sqlite3")
        opening = [_seconds(lambda: Store.open(folder).close()) for _ in range(9)]
        with closing(Store.open(folder)) as store:
            assert len(store.unfinished()) == ORDERS // UNFINISHED_EVERY
            adding = [_seconds(lambda item=item: _add(store, item)) for item in range(300)]
        bare = _bare_append(folder / "bare")
    title = f"{ORDERS:,} orders in the store"
    return [
        _row(f"open, {title}", median_of(opening), OPEN_SECONDS, "opened and closed"),
        _row(
            f"add one, {title}",
            median_of(adding),
            ADD_SECONDS,
            f"on the disk; a bare append with fsync: {bare * 1e3:.2f} ms",
        ),
    ]


def _row(name: str, seconds: float, limit: float, note: str) -> Row:
    return Row(name, f"{seconds * 1e3:.2f} ms", f"{limit * 1e3:g} ms", seconds / limit, 1.0, note)


def _fill(path: Path) -> None:
    """Past the store, which would put each on the disk by itself."""
    with closing(sqlite3.connect(path)) as db:
        db.executemany(
            "INSERT INTO orders (identity_digest, origin, account, workflow, item, instance, what,"
            " state, task_id, created, placed, ended)"
            " VALUES (?, 'https://www.runninghub.ai', 'a1b2c3d4e5f60718', '1850925505116598274', 0,"
            " 'default', ?, ?, ?, 1.0, 2.0, ?)",
            (
                (
                    Identity("", "", "", "", str(number)).digest,
                    f'{{"prompt": "{"x" * 400}"}}',
                    "done" if number % UNFINISHED_EVERY else "placed",
                    str(10**18 + number),
                    3.0 if number % UNFINISHED_EVERY else None,
                )
                for number in range(ORDERS)
            ),
        )
        db.commit()
    with path.open("rb+") as file:
        os.fsync(file.fileno())  # or the first orders would wait for these bytes


def _add(store: Store, item: int) -> None:
    store.intend(Identity("o", "a", "w", "graph", "inputs", item), instance="default", what=WHAT)


def _bare_append(path: Path) -> float:
    with path.open("ab", buffering=0) as file:

        def append() -> None:
            file.write(b"x" * 600)
            os.fsync(file.fileno())

        return median_of([_seconds(append) for _ in range(100)])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
