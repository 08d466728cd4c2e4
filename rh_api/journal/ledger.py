"""The journal's ledger: reservations for orders, their booked costs, and the limits of both.

Sums are whole millionths, by unit (`money.amounts`). A reservation is for one order: under a limit
it is made before the uploads, and bound to the order's row later; else it is inserted with the row.
Its amounts count against the limits until the order's cost is booked, and that from then on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import Fate
from ..money.amounts import Sums, added, costs_of
from ..money.limits import SCOPES, Limits, Reached, midnight, reached
from ..wire.tasks import Usage
from .caches import RUNS_KEPT
from .database import JournalFile
from .rows import OrderRow, read_order

FLOOR = "floor"
ALLOWED = "allow/"

_PROMPT = """
SELECT unit, sum(CASE WHEN booked IS NULL THEN held ELSE coalesce(cost, 0) END) AS committed
FROM reservations INDEXED BY scopes JOIN amounts ON reservation_id = id
WHERE origin = ? AND account = ? AND scope = ? GROUP BY unit
"""
_DAY = """
SELECT unit, sum(CASE WHEN booked IS NULL THEN held ELSE coalesce(cost, 0) END) AS committed
FROM reservations INDEXED BY reserved_days JOIN amounts ON reservation_id = id
WHERE origin = ? AND account = ? AND at >= ? AND at < ? GROUP BY unit
"""
_HELD_BY_RUNNING = """
SELECT reservations.id, order_id, scope, reservations.at, unit, held
FROM reservations INDEXED BY unbooked JOIN amounts ON reservation_id = reservations.id
LEFT JOIN orders ON orders.id = order_id
WHERE reservations.origin = ? AND reservations.account = ? AND booked IS NULL
AND (order_id IS NULL OR state IN ('placed', 'running')
     OR state <> 'uncertain' AND coalesce(ended, orders.created) > ?)
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount to reserve for an order. `number`: id of its reservation, 0 while there is none.

    `scope`: id of the prompt or command that it belongs to. `amounts`: upper bound of its cost.
    `seconds`: of running time that they pay for, None where time does not bound it. `limits`: apply
    in addition to the journal's. `at`: unix seconds, by the best clock known. `once`: the user let
    this order pass the limits; it still counts against them.
    """

    scope: str = ""
    amounts: Sums = field(default_factory=dict[str, int])
    seconds: float | None = None
    limits: Limits = field(default_factory=Limits)
    at: float | None = None
    number: int = 0
    once: bool = False


NO_HOLD = Hold()


@dataclass(frozen=True, slots=True)
class Rules:
    """The user's settings for one key: limits and two more. `floor`: the balance below which a
    warning is given. `allowed`: what programs without an upper bound may cost, by the journal's
    name of them."""

    limits: Limits = field(default_factory=Limits)
    floor: Sums = field(default_factory=dict[str, int])
    allowed: Mapping[str, Sums] = field(default_factory=dict[str, Sums])


@dataclass(frozen=True, slots=True)
class Committed:
    """Costs plus holds of one prompt and of the day so far; the day's bounds, unix seconds."""

    prompt: Sums
    day: Sums
    since: float
    until: float


class LimitReached(Exception):
    """A reservation would exceed a limit: `reached`."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached.scope)
        self.reached = reached


class LimitsChanged(Exception):
    """A limit was set or lowered since the order's hold was made, or found unnecessary."""


class Ledger:
    """Reservations of all accounts, in the journal's file."""

    def __init__(self, file: JournalFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    # Limits

    def rules(self, origin: str, account: str) -> Rules:
        with self._file.reading(Fate.NOT_STARTED) as db:
            return _rules(db, origin, account)

    def set_rule(self, origin: str, account: str, scope: str, sums: Sums) -> None:
        """Replace `scope`: order, prompt, day, floor, or `allow/` and a program; {} deletes it."""
        with self._file.writing(Fate.NOT_STARTED) as db:
            db.execute(
                "DELETE FROM limits WHERE origin = ? AND account = ? AND scope = ?",
                (origin, account, scope),
            )
            rows = [(origin, account, scope, unit, amount) for unit, amount in sums.items()]
            db.executemany("INSERT INTO limits VALUES (?, ?, ?, ?, ?)", rows)

    # Reservations

    def reserve(self, origin: str, account: str, program_key: str, hold: Hold) -> int:
        """Insert a reservation, return its id; raises LimitReached if it would exceed a limit."""
        with self._file.writing(Fate.NOT_STARTED) as db:
            return self.reserve_within(db, origin, account, program_key, hold)

    def reserve_within(
        self, db: sqlite3.Connection, origin: str, account: str, program_key: str, hold: Hold
    ) -> int:
        """`reserve` in the caller's transaction; an unbound reservation of `hold` is reused."""
        unbound = "SELECT 1 FROM reservations WHERE id = ? AND order_id IS NULL"
        if hold.number and db.execute(unbound, (hold.number,)).fetchone():
            return hold.number
        limits = hold.limits.lowest(_rules(db, origin, account).limits)
        at = self._at(db, origin, account, hold.at)
        if limits and not hold.once:
            committed = _committed(db, origin, account, hold.scope, at)
            passed = reached(limits, hold.amounts, committed.prompt, committed.day)
            if passed is not None:
                raise LimitReached(passed)
        cursor = db.execute(
            "INSERT INTO reservations (origin, account, program, scope, at, seconds)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (origin, account, program_key, hold.scope, at, hold.seconds),
        )
        number = cursor.lastrowid or 0
        _hold(db, number, hold.amounts)
        return number

    def replace_hold(self, hold: Hold) -> bool:
        """Replace amounts and seconds of the reservation `hold.number`, checked against the limits
        on the day of `hold.at`. Raises LimitReached, and changes nothing, if they would exceed one.
        False if there is no such reservation."""
        number, amounts = hold.number, hold.amounts
        with self._file.writing() as db:
            row = db.execute("SELECT * FROM reservations WHERE id = ?", (number,)).fetchone()
            if row is None:
                return False
            origin, account = row["origin"], row["account"]
            limits = hold.limits.lowest(_rules(db, origin, account).limits)
            at = self._at(db, origin, account, hold.at)
            committed = _committed(db, origin, account, row["scope"], at)
            held = db.execute("SELECT unit, held FROM amounts WHERE reservation_id = ?", (number,))
            own = {unit: -amount for unit, amount in held}
            is_of_today = committed.since <= row["at"] < committed.until
            day = added((committed.day, own)) if is_of_today else committed.day
            passed = reached(limits, amounts, added((committed.prompt, own)), day)
            if passed is not None:
                raise LimitReached(passed)
            db.execute("UPDATE reservations SET seconds = ? WHERE id = ?", (hold.seconds, number))
            db.execute("UPDATE amounts SET held = 0 WHERE reservation_id = ?", (number,))
            _hold(db, number, amounts)
            return True

    def check_limits_within(
        self, db: sqlite3.Connection, origin: str, account: str, hold: Hold
    ) -> None:
        """Raise LimitsChanged if a limit was set or lowered since the hold was made."""
        if not hold.once and hold.limits.lowest(_rules(db, origin, account).limits) != hold.limits:
            raise LimitsChanged

    def bind_within(self, db: sqlite3.Connection, number: int, order: int) -> None:
        db.execute("UPDATE reservations SET order_id = ? WHERE id = ?", (order, number))

    def unbind_within(self, db: sqlite3.Connection, order: int, *, for_good: bool) -> None:
        """Detach the reservation of a deleted order, for the caller to rebind or release; delete it
        if `for_good`, or if it holds nothing."""
        db.execute(
            "DELETE FROM reservations WHERE order_id = ?"
            " AND (? OR NOT EXISTS (SELECT 1 FROM amounts WHERE reservation_id = id))",
            (order, for_good),
        )
        db.execute("UPDATE reservations SET order_id = NULL WHERE order_id = ?", (order,))

    def release(self, number: int) -> None:
        """Delete a reservation that is bound to no order."""
        with self._file.writing() as db:
            db.execute("DELETE FROM reservations WHERE id = ? AND order_id IS NULL", (number,))

    # Costs

    def book(self, order: int, costs: Sums, usage: Usage) -> bool:
        """Book the cost of an order; False if it is booked already, or has no reservation."""
        with self._file.writing() as db:
            return self.book_within(db, order, costs, usage)

    def book_within(
        self,
        db: sqlite3.Connection,
        order: int,
        costs: Sums,
        usage: Usage,
        *,
        anew: bool = False,
    ) -> bool:
        """`book` in a transaction: `costs` count, `usage` is what the service printed; `anew`: in
        place of what is booked.

        Money whose unit is "" waits, with the whole cost, for `book_waiting`.
        """
        if anew:
            db.execute("UPDATE reservations SET booked = NULL WHERE order_id = ?", (order,))
        row = db.execute(
            "SELECT id FROM reservations WHERE order_id = ? AND booked IS NULL", (order,)
        ).fetchone()
        if row is None:
            return False
        db.execute(
            "UPDATE orders SET coins = ?, money = ?, third_party_money = ?, seconds = ?"
            " WHERE id = ?",
            (usage.coins, usage.money, usage.third_party_money, usage.seconds, order),
        )
        if costs.get(""):
            return True
        db.execute("UPDATE reservations SET booked = ? WHERE id = ?", (self._clock(), row["id"]))
        db.execute("UPDATE amounts SET cost = 0 WHERE reservation_id = ?", (row["id"],))
        db.executemany(
            "INSERT INTO amounts (reservation_id, unit, cost) VALUES (?, ?, ?)"
            " ON CONFLICT (reservation_id, unit) DO UPDATE SET cost = excluded.cost",
            [(row["id"], unit, cost) for unit, cost in costs.items() if unit],
        )
        return True

    def book_waiting(self, origin: str, account: str, currency: str) -> None:
        """Book the costs in money that were told before the account's currency was."""
        with self._file.writing() as db:
            waiting = db.execute(
                "SELECT order_id, coins, money, third_party_money, orders.seconds"
                " FROM reservations INDEXED BY unbooked JOIN orders ON orders.id = order_id"
                " WHERE reservations.origin = ? AND reservations.account = ? AND booked IS NULL"
                " AND ended IS NOT NULL AND coalesce(money, third_party_money) IS NOT NULL",
                (origin, account),
            ).fetchall()
            for order, coins, money, third_party, seconds in waiting:
                costs = costs_of(coins, money, third_party, currency=currency)
                if costs is not None:
                    self.book_within(db, order, costs, Usage(coins, money, third_party, seconds))

    def held(self, order: int) -> Hold | None:
        """The hold of an order whose cost is not booked yet, else None."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT * FROM reservations WHERE order_id = ? AND booked IS NULL", (order,)
            ).fetchone()
            if row is None:
                return None
            held = db.execute(
                "SELECT unit, held FROM amounts WHERE reservation_id = ?", (row["id"],)
            )
            amounts = {amount["unit"]: amount["held"] for amount in held}
            return Hold(row["scope"], amounts, row["seconds"], at=row["at"], number=row["id"])

    def committed(self, origin: str, account: str, scope: str, at: float | None) -> Committed:
        """What counts against the limits of a prompt and of today."""
        with self._file.reading(Fate.NOT_STARTED) as db:
            return _committed(db, origin, account, scope, self._at(db, origin, account, at))

    def committed_without_running(
        self,
        origin: str,
        account: str,
        scope: str,
        at: float | None,
        *,
        preparing: Collection[int],
        since: float,
    ) -> Committed:
        """`committed` without what is held by orders that run, whose request is under way, or that
        ended after `since`; and by the unbound reservations `preparing`."""
        with self._file.reading(Fate.NOT_STARTED) as db:
            committed = _committed(db, origin, account, scope, self._at(db, origin, account, at))
            prompt, day = [committed.prompt], [committed.day]
            for row in db.execute(_HELD_BY_RUNNING, (origin, account, since)):
                if row["order_id"] is None and row["id"] not in preparing:
                    continue
                freed = {row["unit"]: -row["held"]}
                if row["scope"] == scope:
                    prompt.append(freed)
                if committed.since <= row["at"] < committed.until:
                    day.append(freed)
            return replace(committed, prompt=added(prompt), day=added(day))

    def unbooked(self, origin: str, account: str, since: float) -> list[OrderRow]:
        """Tasks whose cost is not booked yet, each with its `paid_seconds`: first unfinished ones
        with a hold, then those that ended since then."""
        with self._file.reading(Fate.NOT_STARTED) as db:
            rows = db.execute(
                "SELECT orders.*, reservations.seconds AS paid_seconds"
                " FROM reservations INDEXED BY unbooked JOIN orders ON orders.id = order_id"
                " WHERE reservations.origin = ? AND reservations.account = ? AND booked IS NULL"
                " AND task_id IS NOT NULL AND (ended >= ? OR ended IS NULL AND EXISTS"
                "  (SELECT 1 FROM amounts WHERE reservation_id = reservations.id))"
                " ORDER BY ended IS NOT NULL, orders.id",
                (origin, account, since),
            )
            return [read_order(row) for row in rows]

    def paid_runs(self, origin: str, account: str, instance: str) -> list[tuple[str | None, ...]]:
        """Coins, money, seconds of the latest runs on an instance without third-party cost."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT coins, money, seconds FROM orders WHERE origin = ? AND account = ?"
                " AND instance = ? AND state = 'done' AND CAST(coalesce(third_party_money, '0') AS REAL) = 0"
                " AND CAST(seconds AS REAL) >= 1 ORDER BY id DESC LIMIT 50",
                (origin, account, instance),
            )
            return [tuple(row) for row in rows]

    def costs(
        self, origin: str, account: str, program_key: str, instance: str, limit: int = RUNS_KEPT
    ) -> dict[int, dict[str, int]]:
        """Booked costs of the latest successes of a program, by order, newest first."""
        with self._file.reading() as db:
            by_order: dict[int, dict[str, int]] = {}
            for row in db.execute(
                "SELECT order_id, unit, cost FROM ("
                " SELECT reservations.id, order_id FROM orders JOIN reservations"
                "  ON order_id = orders.id WHERE orders.origin = ? AND orders.account = ?"
                "  AND workflow = ? AND instance = ? AND state = 'done' AND booked IS NOT NULL"
                "  ORDER BY orders.id DESC LIMIT ?) AS booked"
                " JOIN amounts ON reservation_id = booked.id ORDER BY order_id DESC",
                (origin, account, program_key, instance, limit),
            ):
                by_order.setdefault(row["order_id"], {})[row["unit"]] = row["cost"] or 0
            return by_order

    def _at(self, db: sqlite3.Connection, origin: str, account: str, at: float | None) -> float:
        """`at`, by the service's clock, else our time but not before the latest reservation, so
        that a clock which is set back does not reopen a past day."""
        if at is not None:
            return at
        last = db.execute(
            "SELECT max(at) FROM reservations WHERE origin = ? AND account = ?", (origin, account)
        ).fetchone()[0]
        return max(self._clock(), last or 0.0)


def _hold(db: sqlite3.Connection, number: int, amounts: Sums) -> None:
    db.executemany(
        "INSERT INTO amounts (reservation_id, unit, held) VALUES (?, ?, ?)"
        " ON CONFLICT (reservation_id, unit) DO UPDATE SET held = excluded.held",
        [(number, unit, amount) for unit, amount in amounts.items()],
    )


def _rules(db: sqlite3.Connection, origin: str, account: str) -> Rules:
    sums: dict[str, dict[str, int]] = {}
    for row in db.execute(
        "SELECT scope, unit, amount FROM limits WHERE origin = ? AND account = ?",
        (origin, account),
    ):
        sums.setdefault(row["scope"], {})[row["unit"]] = row["amount"]
    allowed = {
        scope.removeprefix(ALLOWED): cap for scope, cap in sums.items() if scope.startswith(ALLOWED)
    }
    order, prompt, day = (sums.get(scope, {}) for scope in SCOPES)
    return Rules(Limits(order, prompt, day), sums.get(FLOOR, {}), allowed)


def _committed(
    db: sqlite3.Connection, origin: str, account: str, scope: str, at: float
) -> Committed:
    since = midnight(at)
    until = midnight(since + 1.5 * 86_400.0)  # a day may have 23 to 25 hours
    prompt = db.execute(_PROMPT, (origin, account, scope))
    day = db.execute(_DAY, (origin, account, since, until))
    return Committed(_sums(prompt), _sums(day), since, until)


def _sums(rows: Iterable[sqlite3.Row]) -> dict[str, int]:
    return {row["unit"]: row["committed"] for row in rows}
