"""The journal's file as a store of rows: synchronous, without a lock, of all accounts.

Everything here blocks: `SqliteJournal` gives a store one thread of its own.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

from ..errors import Fate
from ..money.amounts import Sums
from ..wire.orders import NODES_REJECTED
from ..wire.tasks import Usage
from .caches import Caches
from .clock import SteadyClock, age
from .database import JournalFile
from .history import History
from .ledger import NO_HOLD, Hold, Ledger
from .order_states import Event, apply_event
from .retention import prune
from .rows import EXPECTED_TASK_ID, Identity, OrderExists, OrderRow, ResultRow, read_order

BUSY_SECONDS = 5.0  # timeout for another process's lock
LOST_SECONDS = 86_400.0
NO_USAGE = Usage()
NO_OPEN_TWIN = (
    "NOT EXISTS (SELECT 1 FROM orders AS twin"
    " WHERE twin.identity_digest = ? AND twin.ended IS NULL AND twin.id != ?)"
)
AS_IN_SNAPSHOT = "id = ? AND state = ? AND task_id IS ?"  # compare-and-set, see OrderRow.snapshot


class Store:
    """An open journal. Use it from one thread at a time; it does no locking of its own.

    Every method raises StoreUnavailable when the file cannot be read or written (disk full,
    damaged, locked by another for longer than `patience`). Only from `open` and `intend` does
    that mean that nothing was started: a task that runs is not abandoned because a row could
    not be written. A change of an order returns whether it applied: it does not if the row is
    deleted or already past it, so that two processes may follow one task.
    """

    def __init__(self, file: JournalFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self.together = file.together
        self.caches = Caches(file)
        self.ledger = Ledger(file, clock)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], float] | None = None,
        patience: float = BUSY_SECONDS,
    ) -> Store:
        """Open the journal in `folder`, created with owner-only permissions if missing.

        `patience`: seconds to wait for another process's lock. `clock`: unix seconds, by default
        the wall clock without its jumps (`SteadyClock`).
        """
        return cls(JournalFile(folder, patience), clock or SteadyClock())

    def close(self) -> None:
        self._file.close()

    @property
    def folder(self) -> Path:
        return self._file.folder

    @property
    def history(self) -> History:
        return History(self._file)

    @property
    def set_aside(self) -> Path | None:
        """Where this opening moved a damaged file: its orders are not in this journal."""
        return self._file.set_aside

    def lost_journal(self) -> Path | None:
        """A journal that was set aside and whose orders may still run; None when there is none.

        Its last order was written within the last day: no task or result lives longer.
        """
        for path in self._file.set_aside_files():
            with contextlib.suppress(FileNotFoundError):  # removed concurrently
                if (age(path.stat().st_mtime, self._clock()) or 0.0) < LOST_SECONDS:
                    return path
        return None

    def now(self) -> float:
        """Unix seconds by the clock that dates the rows."""
        return self._clock()

    # Orders

    def intend(
        self,
        identity: Identity,
        *,
        instance: str,
        what: Mapping[str, object],
        hold: Hold = NO_HOLD,
        after: int | None = None,
        number: int = 0,
    ) -> int:
        """Insert an order that is about to be sent; durable on return. Returns its id.

        `what`: JSON values needed to repeat or explain the order; `hold`: bound to it, and reserved
        first if it is not yet. `number`: from `take_number`, becomes its id unless an order of the
        same identity has a later one. Raises LimitReached, LimitsChanged. Raises OrderExists while
        an order of the same identity is unfinished, in any process. It also does if one with an id
        above `after` has succeeded (0: any, None: no such check).
        """
        with self._file.writing(Fate.NOT_STARTED) as db:
            twin = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ?1"
                " AND (ended IS NULL OR id > ?2 AND state = 'done') ORDER BY id DESC LIMIT 1",
                (identity.digest, after),
            ).fetchone()
            if twin is not None:
                raise OrderExists(read_order(twin))
            taken = "SELECT 1 FROM orders WHERE id = ?1 OR (identity_digest = ?2 AND id > ?1)"
            if number and db.execute(taken, (number, identity.digest)).fetchone():
                number = 0  # the ids of equal orders tell which of them is the latest
            cursor = db.execute(
                "INSERT INTO orders (id, identity_digest, origin, account, workflow, item, instance,"
                " what, state, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?)",
                (
                    number or None,
                    identity.digest,
                    identity.origin,
                    identity.account,
                    identity.program_key,
                    identity.item,
                    instance,
                    json.dumps(dict(what)),
                    self._clock(),
                ),
            )
            order = cast(int, cursor.lastrowid)
            paid_by = (identity.origin, identity.account, identity.program_key)
            self.ledger.check_limits_within(db, identity.origin, identity.account, hold)
            self.ledger.bind_within(db, self.ledger.reserve_within(db, *paid_by, hold), order)
            return order

    def take_number(self) -> int:
        """Return an id that no order has or gets, except one that is inserted with it."""
        with self._file.writing(Fate.NOT_STARTED) as db:
            sql = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'orders'"
            if not db.execute(sql).rowcount:
                db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', 1)")
            sql = "SELECT seq FROM sqlite_sequence WHERE name = 'orders'"
            return db.execute(sql).fetchone()[0]

    def set_placed(self, order: int, task_id: str, announced: Iterable[str] = ()) -> bool:
        """Record the task of an intended or uncertain order, unless another order has that task.

        `announced`: the nodes that it will run for output, as far as the service says.
        """
        told = {"told": json.dumps(nodes)} if (nodes := list(announced)) else {}
        return self._apply(
            Event.ACCEPTED,
            "id = ? AND NOT EXISTS"
            " (SELECT 1 FROM orders o WHERE o.task_id = ? AND o.origin = orders.origin)",
            (order, task_id),
            {"task_id": task_id, "placed": self._clock(), "error_key": "", **told},
        )

    def place_or_twin(self, order: int, origin: str, task_id: str, announced: Iterable[str]) -> int:
        """`set_placed`; returns the id of another order that has this task already, else 0."""
        if self.set_placed(order, task_id, announced):
            return 0
        twin = self.of_task(origin, None, task_id)
        return 0 if twin is None or twin.id == order else twin.id

    def set_running(self, order: int, at: float | None = None) -> bool:
        """Record that it runs, since `at`: unix seconds by the service's clock, None for now."""
        started = self._clock() if at is None else at
        return self._apply(Event.STARTED, "id = ?", (order,), {"started": started})

    def set_uncertain(self, order: int, *, key: str) -> bool:
        """Record that its request may have arrived and no task id was received."""
        return self._apply(Event.REPLY_LOST, "id = ?", (order,), {"error_key": key})

    def set_uncertain_again(self, order: int, *, key: str) -> bool:
        """Make it uncertain again: its task is no longer listed anywhere."""
        row = self.order(order)
        what = {} if row is None else {**row.what, EXPECTED_TASK_ID: row.task_id}
        columns = {"task_id": None, "what": json.dumps(what), "error_key": key}
        return self._apply(Event.UNLISTED, "id = ?", (order,), columns)

    def drop(self, order: int, *, for_good: bool = False) -> bool:
        """Delete an order that provably never started; one with a task id stays. Its reservation
        stays until it is released or bound again, unless `for_good`."""
        return self._delete(Event.NOT_STARTED, "id = ?", (order,), for_good=for_good)

    def settle_as_task(self, prior: OrderRow, task_id: str) -> bool:
        """The user says that it became that task; may be corrected while it is not over.
        Changes nothing unless the row is still as in `prior`, or while an equal order is not over.
        """
        return self._apply(
            Event.SETTLED_AS_TASK,
            f"{AS_IN_SNAPSHOT} AND {NO_OPEN_TWIN}",
            (*prior.snapshot, prior.identity_digest, prior.id),
            {
                "task_id": task_id,
                "placed": self._clock(),
                "started": None,
                "error_key": "",
                "told": "[]",
                "what": json.dumps({**prior.what, "answered": True}),
            },
        )

    def settle_as_not_started(self, prior: OrderRow) -> bool:
        """The user says that it never started: delete row and hold, if still as in `prior`."""
        event = Event.SETTLED_AS_NOT_STARTED
        return self._delete(event, AS_IN_SNAPSHOT, prior.snapshot, for_good=True)

    def set_done(
        self,
        order: int,
        usage: Usage = NO_USAGE,
        *,
        results: Iterable[ResultRow] = (),
        missing: Iterable[str] = (),
        costs: Sums | None = None,
    ) -> bool:
        """Record success in one transaction: end, cost, results, and `missing`: nodes awaited in
        vain. `usage`: as the service prints it; `costs`: in millionths, None if not known yet.

        Of a graph whose nodes were not all accepted only the cost: equal inputs order anew."""
        with self._file.writing() as db:
            told = {name: value for name, value in asdict(usage).items() if value is not None}
            columns = {"error_key": "", "code": None, "missing": json.dumps(list(missing)), **told}
            where, values = "id = ? AND error_key != ?", (order, NODES_REJECTED)
            changed = apply_event(db, Event.SUCCEEDED, where, values, columns, now=self._clock())
            if changed:
                _write_results(db, order, results)
            if costs is not None:
                self.ledger.book_within(db, order, costs, usage, anew=changed == 1)
            return changed == 1

    def set_failed(
        self,
        order: int,
        *,
        key: str,
        code: int | None = None,
        costs: Sums | None = None,
        usage: Usage = NO_USAGE,
    ) -> bool:
        """Record failure. `costs`, `usage`: as for `set_done`; a failed task may cost."""
        return self._end(order, Event.FAILED, key, code, costs, usage)

    def set_cancelled(
        self, order: int, *, costs: Sums | None = None, usage: Usage = NO_USAGE
    ) -> bool:
        return self._end(order, Event.CANCELLED, "", None, costs, usage)

    def set_cancel_wanted(self, order: int) -> bool:
        """Record that it is to be cancelled, even if this process dies."""
        return self._file.change(
            "UPDATE orders SET cancel = 'wanted' WHERE id = ? AND cancel = '' AND ended IS NULL",
            (order,),
        )

    def withdraw_cancel(self, order: int) -> bool:
        """Withdraw a cancel that is not confirmed: the order is wanted again."""
        return self._file.change(
            "UPDATE orders SET cancel = '' WHERE id = ? AND cancel = 'wanted' AND ended IS NULL",
            (order,),
        )

    def save_results(self, order: int, rows: Iterable[ResultRow], *, whole: bool = False) -> bool:
        """Upsert results by (node, index); a `whole` list replaces all, as indexes may differ."""
        with self._file.writing() as db:
            row = db.execute("SELECT 1 FROM orders WHERE id = ?", (order,)).fetchone()
            db.execute("DELETE FROM results WHERE order_id = ? AND ?", (order, whole))
            if row is not None:
                _write_results(db, order, rows)
            return row is not None

    def save_missing(self, order: int, missing: Iterable[str]) -> bool:
        """Replace the missing nodes of a success whose result list was read again."""
        return self._file.change(
            "UPDATE orders SET missing = ? WHERE id = ? AND state = 'done'",
            (json.dumps(list(missing)), order),
        )

    def unfinished(self, origin: str | None = None, account: str | None = None) -> list[OrderRow]:
        """Orders that are not over, oldest first, filtered by site and account if given."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT * FROM orders INDEXED BY unfinished WHERE ended IS NULL"
                " AND origin = coalesce(?, origin) AND account = coalesce(?, account) ORDER BY id",
                (origin, account),
            )
            return [read_order(row) for row in rows]

    def last_order(self) -> int:
        """Id of the latest order, 0 if none; ids increase."""
        with self._file.reading() as db:
            return db.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0]

    def order(self, order: int) -> OrderRow | None:
        """The order with id `order`, or None."""
        with self._file.reading() as db:
            row = db.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone()
            return None if row is None else read_order(row)

    def find(self, digest: str) -> OrderRow | None:
        """Of an identity's orders the unfinished one, else the latest success, else the latest."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ?"
                " ORDER BY ended IS NULL DESC, state = 'done' DESC, id DESC LIMIT 1",
                (digest,),
            ).fetchone()
            return None if row is None else read_order(row)

    def of_task(self, origin: str, account: str | None, task_id: str) -> OrderRow | None:
        """The order that became a task of that site and account (None: of any account); None for
        one created elsewhere."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders"
                " WHERE origin = ? AND account = coalesce(?, account) AND task_id = ?"
                " ORDER BY id DESC LIMIT 1",
                (origin, account, task_id),
            ).fetchone()
            return None if row is None else read_order(row)

    def results(self, order: int) -> list[ResultRow]:
        """Results of an order, sorted by node id (as text), then by index."""
        with self._file.reading() as db:
            rows = db.execute(
                'SELECT node_id, "index", kind, url, path, size, text, verdict FROM results'
                ' WHERE order_id = ? ORDER BY node_id, "index"',
                (order,),
            )
            return [ResultRow(*row) for row in rows]

    def prune(self, now: float, old: Iterable[int] = ()) -> None:
        """Delete expired uploads, old reservations, and of the `old` orders those that are over.

        Rows of the last SPEND_DAYS are only emptied, so that their costs count. `old`: from
        `History.old_orders`; their results are deleted first, or nothing would name them any more.
        """
        with self._file.writing() as db:
            prune(db, now, old)

    def _apply(
        self,
        event: Event,
        where: str,
        values: tuple[object, ...],
        columns: Mapping[str, object],
    ) -> bool:
        with self._file.writing() as db:
            return apply_event(db, event, where, values, columns) > 0

    def _delete(
        self, event: Event, where: str, values: tuple[object, ...], *, for_good: bool
    ) -> bool:
        with self._file.writing() as db:
            if not apply_event(db, event, where, values):
                return False
            self.ledger.unbind_within(db, cast(int, values[0]), for_good=for_good)
            return True

    def _end(
        self, order: int, event: Event, key: str, code: int | None, costs: Sums | None, usage: Usage
    ) -> bool:
        with self._file.writing() as db:
            columns = {"error_key": key, "code": code}
            changed = apply_event(db, event, "id = ?", (order,), columns, now=self._clock())
            if costs is not None:
                self.ledger.book_within(db, order, costs, usage)
            return changed > 0


def _write_results(db: sqlite3.Connection, order: int, rows: Iterable[ResultRow]) -> None:
    def values(r: ResultRow) -> tuple[object, ...]:
        node, url = _clean(r.node_id), _clean(r.url)
        text = None if r.text is None else _clean(r.text)
        return (order, node, r.index, r.kind, url, r.path, r.size, text, r.verdict)

    db.executemany(
        'INSERT OR REPLACE INTO results (order_id, node_id, "index", kind, url, path, size, text,'
        " verdict) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        map(values, rows),
    )


def _clean(text: str) -> str:
    """Replace lone surrogates: JSON may carry them, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
