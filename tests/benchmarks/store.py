"""The journal with 100,000 orders in it: opening it, adding one, looking back."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.rows import Row, median_of, timed
from rh_api.journal import Identity, State, Store
from rh_api.journal.history import Query

ORDERS = 100_000
UNFINISHED_EVERY = 1_000
OPEN_SECONDS = 0.050
ADD_SECONDS = 0.005
PAGE_SECONDS = 0.010
SPEND_SECONDS = 0.050
NOW = 1_800_000_000.0
DAYS = 30
ACCOUNT = ("https://www.runninghub.ai", "a1b2c3d4e5f60718")
WHAT = {"fields": {"6.text": "x" * 400}}


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Store.open(folder).close()
        _fill(folder / "orders.sqlite3")
        opening = [_seconds(lambda: Store.open(folder).close()) for _ in range(9)]
        with closing(Store.open(folder)) as store:
            assert len(store.unfinished()) == ORDERS // UNFINISHED_EVERY
            pages = {name: _median(partial(_page, store, query)) for name, query in QUERIES.items()}
            spending = _median(partial(_spend_by_day, store))
            programs = _median(partial(_spend_by_program, store))
            adding = [_seconds(lambda item=item: _add(store, item)) for item in range(300)]
        bare = _bare_append(folder / "bare")
    title = f"{ORDERS:,} orders in the store"
    return [
        timed(f"open, {title}", median_of(opening), OPEN_SECONDS, "opened and closed"),
        timed(
            f"add one, {title}",
            median_of(adding),
            ADD_SECONDS,
            f"on the disk; a bare append with fsync: {bare * 1e3:.2f} ms",
        ),
        *(
            timed(f"page of history, {name}, {title}", seconds, PAGE_SECONDS, "50 orders at most")
            for name, seconds in pages.items()
        ),
        timed(f"spend of {DAYS} days by day, {title}", spending, SPEND_SECONDS, "all of them"),
        timed(f"spend of {DAYS} days by program, {title}", programs, SPEND_SECONDS, "all of them"),
    ]


def _fill(path: Path) -> None:
    """Past the store, which would put each on the disk by itself."""
    with closing(sqlite3.connect(path)) as db:
        db.executemany(
            "INSERT INTO orders (identity_digest, origin, account, workflow, item, instance, what,"
            " state, task_id, created, placed, ended, coins)"
            " VALUES (?, ?, ?, ?, 0, 'default', ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    Identity("", "", "", "", str(number)).digest,
                    *ACCOUNT,
                    f"1850925505116598{number % 40:03}",
                    f'{{"prompt": "{"x" * 400}"}}',
                    "done" if number % UNFINISHED_EVERY else "placed",
                    str(10**18 + number),
                    at,
                    at + 1,
                    at + 40 if number % UNFINISHED_EVERY else None,
                    str(number % 30) if number % UNFINISHED_EVERY else None,
                )
                for number in range(ORDERS)
                for at in (NOW - (ORDERS - number) * DAYS * 86_400 / ORDERS,)
            ),
        )
        db.commit()
    with path.open("rb+") as file:
        os.fsync(file.fileno())  # or the first orders would wait for these bytes


QUERIES = {
    "newest": Query(),
    "a state that few have": Query(states=(State.PLACED, State.RUNNING)),
    "a day of before": Query(since=NOW - 20 * 86_400, until=NOW - 19 * 86_400),
}


def _page(store: Store, query: Query) -> None:
    assert len(store.history.page(query, None, None, 50)) == 50


def _spend_by_day(store: Store) -> None:
    starts = [NOW - day * 86_400 for day in range(DAYS, 0, -1)]
    spent = [row for at in starts for row in store.history.spent(ACCOUNT, at, at + 86_400)]
    assert len(spent) == DAYS


def _spend_by_program(store: Store) -> None:
    spent = store.history.spent(ACCOUNT, NOW - DAYS * 86_400, NOW, by_program=True)
    assert len(spent) == 40


def _median(work: Callable[[], object]) -> float:
    return median_of([_seconds(work) for _ in range(9)])


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
