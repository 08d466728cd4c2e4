"""The journal's file as a store of rows: synchronous, without a lock, of all accounts.

Everything here blocks: `SqliteJournal` gives a store one thread of its own.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from ..errors import Fate
from ..money.amounts import Sums
from ..wire.tasks import Usage
from .caches import Caches
from .database import JournalFile
from .history import History
from .ledger import NO_HOLD, Hold, Ledger
from .pruning import prune
from .retention import KEEP_DAYS, KEEP_ORDERS, SteadyClock, age
from .rows import Identity, OrderExists, OrderRow, ResultRow, State, read_order
from .webhooks import Address, WebhookRows

BUSY_SECONDS = 5.0  # how long another process may hold the file before we say so
LOST_SECONDS = 86_400.0
NO_USAGE = Usage()


class Store:
    """An open journal. Use it from one thread at a time; it does no locking of its own.

    Every method raises StoreUnavailable when the file cannot be read or written (disk full,
    damaged, locked by another for longer than `patience`). Only from `open` and `intend` does
    that mean that nothing was started: a task that runs is not abandoned because a row could
    not be written. A change of an order says whether it applied: it does not where the row is
    gone or already past it, so that two processes may follow one task.
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
        """The journal in `folder`, made (for its owner alone) where there is none.

        `patience` is seconds that another process may hold the file. `clock`: unix seconds, by
        default the machine's as long as it is not set far off.
        """
        return cls(JournalFile(folder, patience), clock or SteadyClock())

    def close(self) -> None:
        self._file.close()

    @property
    def folder(self) -> Path:
        return self._file.folder

    @property
    def webhooks(self) -> WebhookRows:
        """Addresses that orders carry, and which of them were called."""
        return WebhookRows(self._file, self._clock)

    @property
    def history(self) -> History:
        return History(self._file)

    @property
    def set_aside(self) -> Path | None:
        """Where this opening put a damaged file: its orders are not in this journal."""
        return self._file.set_aside

    def lost_journal(self) -> Path | None:
        """A journal that was set aside and whose orders may still run; None when there is none.

        Its last order was written within the last day: no task or result lives longer.
        """
        for path in self._file.set_aside_files():
            with contextlib.suppress(FileNotFoundError):  # somebody removes it this moment
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
        webhook: Address | None = None,
        after: int | None = None,
    ) -> int:
        """Write down an order that is about to be sent; on the disk when this returns.

        `what`: JSON values that repeating or explaining the order needs; `hold`: what is reserved
        for it, now where that was not done. Raises LimitReached, LimitsChanged, and OrderExists
        while an order of the same identity is unfinished, in any process, or where one made since
        that of the number `after`, 0 for none, has succeeded.
        """
        with self._file.writing(Fate.NOT_STARTED) as db:
            twin = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ?1"
                " AND (ended IS NULL OR id > ?2 AND state = 'done') ORDER BY id DESC LIMIT 1",
                (identity.digest, after),
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
            order = cast(int, cursor.lastrowid)
            paid_by = (identity.origin, identity.account, identity.workflow)
            self.ledger.check_in(db, identity.origin, identity.account, hold)
            self.ledger.bind_in(db, self.ledger.reserve_in(db, *paid_by, hold), order)
            if webhook is not None:
                self.webhooks.expect_in(db, order, webhook)
            return order

    def placed(self, order: int, task_id: str, announced: Iterable[str] = ()) -> bool:
        """The service named the task, no other order's: at once, or later for an uncertain one.

        `announced`: the nodes that it will run for output, as far as it says.
        """
        nodes = list(announced)
        return self._file.change(
            "UPDATE orders SET state = 'placed', task_id = ?1, placed = ?2, error_key = '',"
            " told = coalesce(?3, told) WHERE id = ?4 AND state IN ('intended', 'uncertain') AND"
            " NOT EXISTS (SELECT 1 FROM orders o WHERE o.task_id = ?1 AND o.origin = orders.origin)",
            (task_id, self._clock(), json.dumps(nodes) if nodes else None, order),
        )

    def become_task(self, order: int, origin: str, task_id: str, announced: Iterable[str]) -> int:
        """`placed`, unless another order is this task already: then that one's number, else 0."""
        if self.placed(order, task_id, announced):
            return 0
        twin = self.of_task(origin, None, task_id)
        return 0 if twin is None or twin.id == order else twin.id

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

    def lost(self, order: int, *, key: str) -> bool:
        """Its task is listed nowhere any more, so that it is a question again."""
        row = self.order(order)
        what = {} if row is None else {**row.what, "prompt": row.task_id}
        sql = "UPDATE orders SET state = 'uncertain', task_id = NULL, what = ?, error_key = ?"
        where = " WHERE id = ? AND state IN ('placed', 'running')"
        return self._file.change(sql + where, (json.dumps(what), key, order))

    def dropped(self, order: int, *, for_good: bool = False) -> bool:
        """It provably never started: the row goes. One with a task id stays.

        What was held for it stays held until it is released or an order is bound to it again,
        unless it is `for_good`.
        """
        statement = "DELETE FROM orders WHERE id = ? AND state IN ('intended', 'uncertain')"
        return self._delete(statement, (order,), for_good=for_good)

    def settled_as_task(self, prior: OrderRow, task_id: str) -> bool:
        """A person says that it became that task, which may be said anew while it is not over.

        Changes nothing unless the row is still as in `prior`, or while an equal order is not over.
        """
        what = json.dumps({**prior.what, "answered": True})
        return self._file.change(
            "UPDATE orders SET state = 'placed', task_id = ?, placed = ?, started = NULL,"
            " ended = NULL, error_key = '', told = '[]', what = ?"
            " WHERE id = ? AND state = ? AND task_id IS ? AND NOT EXISTS (SELECT 1 FROM orders AS"
            " twin WHERE twin.identity_digest = ? AND twin.ended IS NULL AND twin.id != ?)",
            (task_id, self._clock(), what, *prior.snapshot, prior.identity_digest, prior.id),
        )

    def settled_as_not_started(self, prior: OrderRow) -> bool:
        """A user says that it never started: delete the row and its hold, if the row is
        still as in `prior`."""
        statement = "DELETE FROM orders WHERE id = ? AND state = ? AND task_id IS ?"
        return self._delete(statement, prior.snapshot, for_good=True)

    def done(
        self,
        order: int,
        usage: Usage = NO_USAGE,
        *,
        results: Iterable[ResultRow] = (),
        missing: Iterable[str] = (),
        costs: Sums | None = None,
    ) -> bool:
        """It succeeded: its end, cost and results are written together, and the nodes whose results
        were waited for in vain. `usage`: as the service prints it; `costs` None: not told yet."""
        with self._file.writing() as db:
            cursor = db.execute(
                "UPDATE orders SET state = 'done', ended = ?, error_key = '', coins = ?,"
                " money = ?, third_party_money = ?, seconds = ?, missing = ?"
                " WHERE id = ? AND ended IS NULL",
                (
                    self._clock(),
                    usage.coins,
                    usage.money,
                    usage.third_party_money,
                    usage.seconds,
                    json.dumps(list(missing)),
                    order,
                ),
            )
            if cursor.rowcount:
                _write_results(db, order, results)
            if costs is not None:
                self.ledger.book_in(db, order, costs, usage)
            return cursor.rowcount == 1

    def failed(
        self,
        order: int,
        *,
        key: str,
        code: int | None = None,
        costs: Sums | None = None,
        usage: Usage = NO_USAGE,
    ) -> bool:
        """`costs`, `usage`: as for `done`; a failed task may cost."""
        return self._end(order, State.FAILED, key, code, costs, usage)

    def cancelled(self, order: int, *, costs: Sums | None = None, usage: Usage = NO_USAGE) -> bool:
        return self._end(order, State.CANCELLED, "", None, costs, usage)

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

    def save_results(self, order: int, rows: Iterable[ResultRow], *, whole: bool = False) -> bool:
        """Add results by node and index; a `whole` list takes the place of all: orders differ."""
        with self._file.writing() as db:
            row = db.execute("SELECT 1 FROM orders WHERE id = ?", (order,)).fetchone()
            db.execute("DELETE FROM results WHERE order_id = ? AND ?", (order, whole))
            if row is not None:
                _write_results(db, order, rows)
            return row is not None

    def save_missing(self, order: int, missing: Iterable[str]) -> bool:
        """What is still missing of a success whose list was read anew."""
        return self._file.change(
            "UPDATE orders SET missing = ? WHERE id = ? AND state = 'done'",
            (json.dumps(list(missing)), order),
        )

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
        """Of the orders of an identity the one that is not over, else the latest that succeeded,
        else the latest."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders WHERE identity_digest = ?"
                " ORDER BY ended IS NULL DESC, state = 'done' DESC, id DESC LIMIT 1",
                (digest,),
            ).fetchone()
            return None if row is None else read_order(row)

    def of_task(self, origin: str, account: str | None, task_id: str) -> OrderRow | None:
        """The order that became a task of that site and account (None: of any account); None for
        one made elsewhere."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM orders"
                " WHERE origin = ? AND account = coalesce(?, account) AND task_id = ?"
                " ORDER BY id DESC LIMIT 1",
                (origin, account, task_id),
            ).fetchone()
            return None if row is None else read_order(row)

    def results(self, order: int) -> list[ResultRow]:
        """By node id as text, then in the order of the node's results."""
        with self._file.reading() as db:
            rows = db.execute(
                'SELECT node_id, "index", kind, url, path, size, text, verdict FROM results'
                ' WHERE order_id = ? ORDER BY node_id, "index"',
                (order,),
            )
            return [ResultRow(*row) for row in rows]

    def prune(
        self, now: float, keep_days: float = KEEP_DAYS, keep_orders: int = KEEP_ORDERS
    ) -> list[int]:
        """Forget expired uploads, and orders that are over and old or too many.

        An unfinished order always stays, and one whose dates cannot be believed; when there is
        no order of lately at all, the clock may be wrong, and none goes for its age. Returns the
        numbers of the forgotten orders.
        """
        with self._file.writing() as db:
            return prune(db, now, keep_days, keep_orders)

    def _delete(self, statement: str, values: tuple[object, ...], *, for_good: bool) -> bool:
        with self._file.writing() as db:
            if not db.execute(statement, values).rowcount:
                return False
            self.ledger.unbind_in(db, cast(int, values[0]), for_good=for_good)
            return True

    def _end(
        self, order: int, state: State, key: str, code: int | None, costs: Sums | None, usage: Usage
    ) -> bool:
        with self._file.writing() as db:
            cursor = db.execute(
                "UPDATE orders SET state = ?, ended = ?, error_key = ?, code = ?"
                " WHERE id = ? AND ended IS NULL",
                (state.value, self._clock(), key, code, order),
            )
            if costs is not None:
                self.ledger.book_in(db, order, costs, usage)
            return cursor.rowcount > 0


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
    """JSON may carry half a surrogate pair, which no UTF-8 file holds."""
    return text.encode("utf-8", "replace").decode()
