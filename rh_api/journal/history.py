"""Past orders: search by page, newest first; sums of cost; deletion of an order's content."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from itertools import islice
from typing import cast

from ..money.amounts import MICRO, in_units
from .caches import RUNS_KEPT
from .database import JournalFile
from .order_states import State
from .retention import empty_order, formerly_kept, old_orders
from .rows import ORDERED_AGAIN, OrderRow, ResultRow, read_order

SEARCHED_CHARACTERS = 20_000  # of an order's texts are indexed; a longer text is found by its start
FIRST_CHARACTERS = 300  # of a text result, in a list
READ_AT_ONCE = 200  # orders indexed per transaction
_LAST = 2**62  # above any order id
# A cost in millionths, as `micros` reads it, NULL for no number. SQL converts plain decimals as
# exactly and many times as fast; integers, which coins are, by the first branch.
_COSTS = [
    f"""CASE WHEN {name} IS NULL THEN NULL
    WHEN {name} NOT GLOB '*[^0-9]*' AND length({name}) BETWEEN 1 AND 9 THEN {name} * {MICRO}
    WHEN {name} GLOB '*[^0-9.]*' OR {name} NOT GLOB '*[0-9]' OR {name} GLOB '*.*.*'
    OR {name} GLOB '*.???????*' OR length({name}) > 15 OR {name} * 1.0 >= 1e9 THEN micros({name})
    ELSE CAST(round({name} * {MICRO}) AS INTEGER) END"""
    for name in ("coins", "money", "third_party_money")
]
_SUMS = ", ".join(f"sum({cost})" for cost in _COSTS)
_COUNTS = f"count(*), sum(coalesce({', '.join(_COSTS)}) IS NULL)"
_OWN, _ENDED = "origin = ? AND account = ?", "ended >= ? AND ended < ?"
_SUMMED = f"{_COUNTS}, {_SUMS}, max(id)"
_SPENT = ("''", "INDEXED BY spent", "HAVING count(*)")
_SPENT_BY_PROGRAM = ("workflow", "INDEXED BY programs", "GROUP BY workflow")
_UNREAD = "FROM orders WHERE deleted = 0 AND id > (SELECT coalesce(max(order_id), 0) FROM words)"
_SUPERSEDED = f"task_id IS NULL AND error_key = '{ORDERED_AGAIN}'"
_STATES = {state.value: state for state in State}


def folded(text: str) -> str:
    """Normalize a text for search: NFKC and case folding."""
    return unicodedata.normalize("NFKC", text).casefold().encode("utf-8", "replace").decode()


COMPARISONS = ("<", "<=", "=", ">=", ">")


@dataclass(frozen=True, slots=True)
class Query:
    """A search for orders; all criteria must match.

    `words`: each, as `folded`, is a substring of its texts, a prefix of its task id, or the value
    of its state. `since`, `until`: bounds of its creation, unix seconds, the latter excluded.
    `costs`: pairs of a comparison (`COMPARISONS`) and an amount, met by its coins or its money.
    `order`: its id. Raises ValueError for another comparison.
    """

    words: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    states: tuple[State, ...] = ()
    costs: tuple[tuple[str, float], ...] = ()
    order: int | None = None

    def __post_init__(self) -> None:
        for comparison, _ in self.costs:
            if comparison not in COMPARISONS:
                raise ValueError(comparison)


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order of a page, the number of its results, and the first of them, its text truncated."""

    row: OrderRow
    results: int = 0
    first: ResultRow | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Total cost of the orders of one period or program; a sum is None where none was reported.

    `program`: the journal's name of it, and `name`: its latest order's; "" for all programs.
    `untold`: number of ended orders for which the service reported no cost.
    """

    since: float
    program: str
    name: str
    orders: int
    untold: int
    coins: Decimal | None
    money: Decimal | None
    third_party_money: Decimal | None


class History:
    """Queries over the journal's past orders.

    Methods raise StoreUnavailable as those of the `Store` do. `account` is a pair of an origin and
    a key's fingerprint, or None for all.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def read_words(self) -> bool:
        """Index the texts of the next orders that are not indexed; return whether more may be left.

        In batches, since each transaction blocks the writes of other processes.
        """
        with self._file.reading() as db:
            if not db.execute(f"SELECT 1 {_UNREAD} LIMIT 1").fetchone():
                return False
        with self._file.writing() as db:
            rows = db.execute(f"SELECT * {_UNREAD} ORDER BY id LIMIT {READ_AT_ONCE}")
            texts = [(row.id, _search_text(row)) for row in map(read_order, rows)]
            db.executemany("INSERT INTO words VALUES (?, ?)", texts)
            return len(texts) == READ_AT_ONCE

    def page(
        self, query: Query, account: tuple[str, str] | None, before: int | None, limit: int
    ) -> list[OrderSummary]:
        """Matching orders with an id below `before`, newest first, at most `limit`."""
        while query.words and self.read_words():
            pass
        with self._file.reading() as db:
            low, high = _bounds(db, query)
            high = min(high, before or _LAST)
            # A query per state reads its index in id order; one for several would have to sort.
            states = [sql for state in dict.fromkeys(query.states) for sql in _conditions(state)]
            between = low, high
            lists = [_select(db, query, account, state, between, limit) for state in states or [""]]
            merged = islice(merge(*lists, key=lambda row: -row.id), limit)
            return _with_results(db, list(merged))

    def spent(
        self,
        account: tuple[str, str] | None,
        since: float,
        until: float,
        *,
        by_program: bool = False,
    ) -> list[Spent]:
        """Cost of the orders that ended from `since` to `until`, excluded; dearest program first.
        `account`: None for all.

        Deleted orders count.
        """
        name, index, grouped = _SPENT_BY_PROGRAM if by_program else _SPENT
        source = (index, "WHERE", _OWN, "AND") if account else ("WHERE",)
        statement = " ".join(
            ("SELECT", name, ",", _SUMMED, "FROM orders", *source, _ENDED, grouped)
        )
        with self._file.reading() as db:
            rows = db.execute(statement, (*(account or ()), since, until)).fetchall()
            totals = [
                Spent(
                    since,
                    program,
                    _name(db, latest) if by_program else "",
                    orders,
                    untold,
                    *(None if amount is None else in_units(amount) for amount in sums),
                )
                for program, orders, untold, *sums, latest in rows
            ]
        return sorted(totals, key=lambda total: (total.coins or 0, total.money or 0), reverse=True)

    def accounts(self) -> list[tuple[str, str]]:
        """Origin and account of all orders."""
        with self._file.reading() as db:
            return list(map(tuple, db.execute("SELECT DISTINCT origin, account FROM orders")))

    def has_placed(self, origin: str) -> bool:
        """Whether a site is known to have accepted an order, of any account."""
        with self._file.reading() as db:
            return bool(
                db.execute(
                    "SELECT 1 FROM orders WHERE origin = ? AND task_id IS NOT NULL LIMIT 1",
                    (origin,),
                ).fetchone()
            )

    def last_done(
        self, origin: str, account: str, program_key: str, instance: str, limit: int = RUNS_KEPT
    ) -> list[OrderRow]:
        """The latest orders of a program that succeeded, with what they cost; newest first."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT * FROM orders WHERE origin = ? AND account = ? AND workflow = ?"
                " AND instance = ? AND state = 'done' ORDER BY id DESC LIMIT ?",
                (origin, account, program_key, instance, limit),
            )
            return [read_order(row) for row in rows]

    def old_orders(
        self, now: float, keep_days: float, keep_orders: int, *, emptied: bool = False
    ) -> list[int]:
        """Ids of the ended orders that are too old or surplus; with those `emptied` already, too.

        None with an implausible date, and if there is no recent order at all, the clock may be
        wrong, and none for its age.
        """
        with self._file.reading() as db:
            return old_orders(db, now, keep_days, keep_orders, emptied=emptied)

    def formerly_kept(self) -> list[int]:
        """Ids of the orders with results where earlier versions kept them."""
        with self._file.reading() as db:
            return formerly_kept(db)

    def deletable(self, orders: Iterable[int]) -> list[int]:
        """Those of the orders that `delete` would delete."""
        with self._file.reading() as db:
            ended = "SELECT id FROM orders WHERE id = ? AND ended IS NOT NULL AND deleted = 0"
            return [row["id"] for order in orders for row in db.execute(ended, (order,))]

    def size(self, orders: Sequence[int] | None = None) -> int:
        """Bytes that the `what` of orders takes in the file; None: of all orders."""
        with self._file.reading() as db:
            (size,) = db.execute(
                "SELECT coalesce(sum(length(CAST(what AS BLOB))), 0) FROM orders WHERE deleted = 0"
                " AND (?1 IS NULL OR id IN (SELECT value FROM json_each(?1)))",
                (None if orders is None else json.dumps([*orders]),),
            ).fetchone()
            return size

    def delete(self, orders: Iterable[int]) -> list[int]:
        """Delete the content of ended orders: texts, fields and results.

        Equal inputs are then ordered anew. Their cost still counts. Returns the ids of those
        deleted.
        """
        with self._file.writing() as db:
            return [order for order in orders if empty_order(db, order)]


def _bounds(db: sqlite3.Connection, query: Query) -> tuple[int, int]:
    """Range of ids, the end excluded, that covers the dates: the index of dates is narrow, the
    rows are wide."""
    low, high = 0, _LAST
    if query.order is not None:
        low, high = query.order, query.order + 1
    if query.since is not None:
        # The unary plus keeps SQLite from scanning the table.
        cursor = db.execute("SELECT min(+id) FROM orders WHERE created >= ?", (query.since,))
        low = max(low, cursor.fetchone()[0] or _LAST)
    if query.until is not None:
        cursor = db.execute("SELECT max(+id) FROM orders WHERE created < ?", (query.until,))
        high = min(high, (cursor.fetchone()[0] or 0) + 1)
    return low, high


def _conditions(state: State) -> list[str]:
    """SQL conditions of a state, each served by an index: see `OrderRow.is_superseded`."""
    if state is State.UNCERTAIN:
        return ["state = 'uncertain'", f"state = 'failed' AND {_SUPERSEDED}"]
    others = f" AND NOT ({_SUPERSEDED})" if state is State.FAILED else ""
    return [f"state = '{state.value}'{others}"]


def _select(
    db: sqlite3.Connection,
    query: Query,
    account: tuple[str, str] | None,
    state: str,
    between: tuple[int, int],
    limit: int,
) -> Iterator[OrderRow]:
    tables = "words CROSS JOIN orders ON id = order_id" if query.words else "orders"
    number = "order_id" if query.words else "id"
    conditions = [f"{number} >= ?", f"{number} < ?", "deleted = 0"]
    values: list[object] = [*between]
    for word in query.words:
        matches = ["instr(words.text, ?)"]
        values.append(word)
        if word in _STATES:
            matches.append("state = ?")
            values.append(word)
        if word.isdecimal():
            matches.append(
                "id IN (SELECT id FROM orders WHERE task_id >= ? AND task_id < ? || char(1114111))"
            )
            values += [word, word]
        conditions.append(f"({' OR '.join(matches)})")
    if query.since is not None:
        conditions.append("+created >= ?")
        values.append(query.since)
    if query.until is not None:
        conditions.append("+created < ?")
        values.append(query.until)
    for comparison, amount in query.costs:
        conditions.append("(" + " OR ".join(f"{cost} {comparison} ?" for cost in _COSTS) + ")")
        values += [round(amount * MICRO)] * len(_COSTS)
    if state:
        conditions.append(state)
    if account is not None:
        conditions.append("+origin = ? AND +account = ?")
        values += account
    where = " AND ".join(conditions)
    order = f"ORDER BY {number} DESC LIMIT ?"
    statement = " ".join(("SELECT orders.* FROM", tables, "WHERE", where, order))
    return map(read_order, db.execute(statement, (*values, limit)).fetchall())


def _with_results(db: sqlite3.Connection, rows: Sequence[OrderRow]) -> list[OrderSummary]:
    page: list[OrderSummary] = []
    for row in rows:
        (results,) = db.execute(
            "SELECT count(*) FROM results WHERE order_id = ?", (row.id,)
        ).fetchone()
        first = db.execute(
            'SELECT node_id, "index", kind, url, path, size, substr(text, 1, ?), verdict'
            ' FROM results WHERE order_id = ? ORDER BY "index" LIMIT 1',
            (FIRST_CHARACTERS, row.id),
        ).fetchone()
        page.append(OrderSummary(row, results, first and ResultRow(*first)))
    return page


def _search_text(row: OrderRow) -> str:
    """The searched text of an order: its program and the texts and numbers of its fields."""
    texts = " ".join((row.program_key, row.display_name, *_texts(row.inputs), *_texts(row.graph)))
    return folded(texts)[:SEARCHED_CHARACTERS]


def file_hash(value: object) -> tuple[str, str] | None:
    """Algorithm and digest where an input stands for a file, as `{algorithm: digest}`; None for
    a plain value."""
    if isinstance(value, Mapping) and len(cast("Mapping[str, object]", value)) == 1:
        ((algorithm, digest),) = cast("Mapping[str, object]", value).items()
        if algorithm in ("sha256", "md5") and isinstance(digest, str):
            return algorithm, digest
    return None


def _texts(value: object) -> Iterator[str]:
    """Yield field values as texts, recursively, without hashes of files."""
    if isinstance(value, Mapping):
        if file_hash(cast("object", value)) is None:
            for member in cast("Mapping[str, object]", value).values():
                yield from _texts(member)
    elif isinstance(value, list):
        for member in cast("list[object]", value):
            yield from _texts(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _name(db: sqlite3.Connection, order: int) -> str:
    (what,) = db.execute("SELECT what FROM orders WHERE id = ?", (order,)).fetchone()
    return str(json.loads(what).get("name") or "")
