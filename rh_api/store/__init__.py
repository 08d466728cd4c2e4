"""The order book, one SQLite file: what was ordered and what became of it, across any crash.

An order's row is on the disk before its request leaves, so a process that dies at any moment
leaves a question behind and never a silent second order. `memory` is what saves work beside that.
It holds no key.

Everything here blocks and nothing locks: a client gives a store one thread of its own. Several
processes may use one file.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from ..errors import Fate
from .file import BookFile
from .memory import RUNS_KEPT, Memory
from .rows import Identity, OrderExists, OrderRow, ResultRow, State, read_order

__all__ = ["Identity", "OrderExists", "OrderRow", "ResultRow", "State", "Store"]

BUSY_SECONDS = 5.0  # how long another process may hold the file before we say so
KEEP_DAYS = 30.0  # the service itself drops results long before
KEEP_ORDERS = 10_000
LOST_BOOK_SECONDS = 86_400.0


class Store:
    """An open order book. Use it from one thread at a time; it does no locking of its own.

    Every method raises StoreUnavailable when the file cannot be read or written (disk full,
    damaged, locked by another for longer than `patience`). Only from `open` and `intend` does
    that mean that nothing was started: a task that runs is not abandoned because a row could
    not be written. A change of an order says whether it applied: it does not where the row is
    gone or already past it, so that two processes may follow one task.
    """

    def __init__(self, file: BookFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self.memory = Memory(file)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        patience: float = BUSY_SECONDS,
    ) -> Store:
        """The book in `folder`, made (for its owner alone) where there is none.

        `patience` is seconds that another process may hold the file.
        """
        return cls(BookFile(folder, patience), clock)

    def close(self) -> None:
        self._file.close()

    @property
    def folder(self) -> Path:
        return self._file.folder

    @property
    def set_aside(self) -> Path | None:
        """Where this opening put a damaged or newer file: its orders are not in this book."""
        return self._file.set_aside

    def lost_book(self) -> Path | None:
        """A book that was set aside and whose orders may still run; None when there is none.

        Its last order was written within the last day: no task or result lives longer.
        """
        for path in self._file.put_aside():
            with contextlib.suppress(FileNotFoundError):  # somebody removes it this moment
                if self._clock() - path.stat().st_mtime < LOST_BOOK_SECONDS:
                    return path
        return None

    def now(self) -> float:
        """Unix seconds by the clock that dates the rows."""
        return self._clock()

    # Orders

    def intend(self, identity: Identity, *, instance: str, what: Mapping[str, object]) -> int:
        """Write down an order that is about to be sent; on the disk when this returns.

        `what` is what repeating or explaining the order needs, as JSON values. Raises
        OrderExists while an order of the same identity is unfinished, in any process.
        """
        with self._file.writing(Fate.NOT_STARTED) as db:
            twin = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ? AND ended IS NULL",
                (identity.digest,),
            ).fetchone()
            if twin is not None:
                raise OrderExists(read_order(twin))
            cursor = db.execute(
                "INSERT INTO orders (identity_digest, origin, account, workflow, item, instance,"
                " what, state, created) VALUES (?, ?, ?, ?, ?, ?, ?, 'intended', ?)",
                (
                    identity.digest,
                    identity.origin,
                    identity.account,
                    identity.workflow,
                    identity.item,
                    instance,
                    json.dumps(dict(what)),
                    self._clock(),
                ),
            )
            return cast(int, cursor.lastrowid)

    def placed(self, order: int, task_id: str) -> bool:
        """The service named the task: at once, or found later for an uncertain order."""
        return self._file.change(
            "UPDATE orders SET state = 'placed', task_id = ?, placed = ?, error_key = ''"
            " WHERE id = ? AND state IN ('intended', 'uncertain')",
            (task_id, self._clock(), order),
        )

    def running(self, order: int, at: float | None = None) -> bool:
        """It was seen running, `at` unix seconds by the service's clock where that is known."""
        return self._file.change(
            "UPDATE orders SET state = 'running', started = ? WHERE id = ? AND state = 'placed'",
            (self._clock() if at is None else at, order),
        )

    def uncertain(self, order: int, *, key: str) -> bool:
        """Its request may have arrived and no task id came back."""
        return self._file.change(
            "UPDATE orders SET state = 'uncertain', error_key = ?"
            " WHERE id = ? AND state = 'intended'",
            (key, order),
        )

    def dropped(self, order: int) -> bool:
        """It provably never started: the row goes. One with a task id stays."""
        return self._file.change(
            "DELETE FROM orders WHERE id = ? AND state IN ('intended', 'uncertain')", (order,)
        )

    def done(
        self,
        order: int,
        *,
        coins: str | None = None,
        money: str | None = None,
        third_party_money: str | None = None,
        seconds: str | None = None,
        results: Iterable[ResultRow] = (),
    ) -> bool:
        """It succeeded: its end, its cost and its results are written together."""
        with self._file.writing() as db:
            cursor = db.execute(
                "UPDATE orders SET state = 'done', ended = ?, error_key = '', coins = ?,"
                " money = ?, third_party_money = ?, seconds = ? WHERE id = ? AND ended IS NULL",
                (self._clock(), coins, money, third_party_money, seconds, order),
            )
            if cursor.rowcount:
                _write_results(db, order, results)
            return cursor.rowcount == 1

    def failed(self, order: int, *, key: str, code: int | None = None) -> bool:
        return self._end(order, State.FAILED, key, code)

    def cancelled(self, order: int) -> bool:
        return self._end(order, State.CANCELLED, "", None)

    def want_cancel(self, order: int) -> bool:
        """It is to be cancelled, whatever happens to this process."""
        return self._file.change(
            "UPDATE orders SET cancel = 'wanted' WHERE id = ? AND cancel = '' AND ended IS NULL",
            (order,),
        )

    def keep(self, order: int) -> bool:
        """Somebody wants it again: what could not be cancelled shall run on."""
        return self._file.change(
            "UPDATE orders SET cancel = '' WHERE id = ? AND cancel = 'wanted' AND ended IS NULL",
            (order,),
        )

    def cancel_confirmed(self, order: int) -> bool:
        return self._file.change(
            "UPDATE orders SET cancel = 'confirmed' WHERE id = ? AND cancel = 'wanted'", (order,)
        )

    def save_results(self, order: int, rows: Iterable[ResultRow]) -> bool:
        """Add results; one of a known node and index takes the place of that one."""
        with self._file.writing() as db:
            known = db.execute("SELECT 1 FROM orders WHERE id = ?", (order,)).fetchone()
            if known is not None:
                _write_results(db, order, rows)
            return known is not None

    def unfinished(self, origin: str | None = None, account: str | None = None) -> list[OrderRow]:
        """Orders that are not over, oldest first; of one site and account where given."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT * FROM orders INDEXED BY unfinished WHERE ended IS NULL"
                " AND origin = coalesce(?, origin) AND account = coalesce(?, account) ORDER BY id",
                (origin, account),
            )
            return [read_order(row) for row in rows]

    def last_order(self) -> int:
        """The number of the latest order; later ones have higher numbers."""
        with self._file.reading() as db:
            return db.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0]

    def order(self, order: int) -> OrderRow | None:
        """The order of a number."""
        with self._file.reading() as db:
            row = db.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone()
            return None if row is None else read_order(row)

    def find(self, digest: str) -> OrderRow | None:
        """The latest order of an identity, over or not."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ? ORDER BY id DESC LIMIT 1",
                (digest,),
            ).fetchone()
            return None if row is None else read_order(row)

    def of_task(self, origin: str, account: str, task_id: str) -> OrderRow | None:
        """The order that became a task of that site and account; None for one made elsewhere."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders WHERE origin = ? AND account = ? AND task_id = ?"
                " ORDER BY id DESC LIMIT 1",
                (origin, account, task_id),
            ).fetchone()
            return None if row is None else read_order(row)

    def results(self, order: int) -> list[ResultRow]:
        """By node id as text, then in the order of the node's results."""
        with self._file.reading() as db:
            rows = db.execute(
                'SELECT node_id, "index", kind, url, path, size, text FROM results'
                ' WHERE order_id = ? ORDER BY node_id, "index"',
                (order,),
            )
            return [ResultRow(*row) for row in rows]

    def last_done(
        self, origin: str, account: str, workflow: str, instance: str, limit: int = RUNS_KEPT
    ) -> list[OrderRow]:
        """The latest orders of a program that succeeded, with what they cost; newest first."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT * FROM orders WHERE origin = ? AND account = ? AND workflow = ?"
                " AND instance = ? AND state = 'done' ORDER BY id DESC LIMIT ?",
                (origin, account, workflow, instance, limit),
            )
            return [read_order(row) for row in rows]

    def prune(
        self, now: float, keep_days: float = KEEP_DAYS, keep_orders: int = KEEP_ORDERS
    ) -> list[str]:
        """Forget expired uploads, and orders that are over and old or too many.

        An unfinished order always stays. Returns the paths of the forgotten orders' results,
        relative to the folder, so that the caller can delete the files.
        """
        with self._file.writing() as db:
            db.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
            old = db.execute(
                "SELECT id FROM orders WHERE ended IS NOT NULL AND (ended < ? OR id IN"
                " (SELECT id FROM orders WHERE ended IS NOT NULL"
                " ORDER BY id DESC LIMIT -1 OFFSET ?))",
                (now - keep_days * 86_400, keep_orders),
            ).fetchall()
            paths: list[str] = []
            for row in old:
                kept = db.execute(
                    "SELECT path FROM results WHERE order_id = ? AND path IS NOT NULL", tuple(row)
                )
                paths.extend(result["path"] for result in kept)
                db.execute("DELETE FROM orders WHERE id = ?", tuple(row))
            return paths

    def _end(self, order: int, state: State, key: str, code: int | None) -> bool:
        return self._file.change(
            "UPDATE orders SET state = ?, ended = ?, error_key = ?, code = ?"
            " WHERE id = ? AND ended IS NULL",
            (state.value, self._clock(), key, code, order),
        )


def _write_results(db: sqlite3.Connection, order: int, rows: Iterable[ResultRow]) -> None:
    db.executemany(
        'INSERT OR REPLACE INTO results (order_id, node_id, "index", kind, url, path, size, text)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (order, _clean(r.node_id), r.index, r.kind, _clean(r.url), r.path, r.size, text)
            for r in rows
            for text in (None if r.text is None else _clean(r.text),)
        ],
    )


def _clean(text: str) -> str:
    """JSON may carry half a surrogate pair, which no UTF-8 file holds."""
    return text.encode("utf-8", "replace").decode()
