"""The order history: pages of the journal, the search syntax, and cost totals."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from typing import Any

from ..errors import BadInput
from ..journal import ResultRow, SqliteJournal, State
from ..journal.history import OrderSummary, Query, Spent, folded
from ..money.amounts import EXACT, currency_of, decimal_text
from ..settings import Settings
from ..texts import ENGLISH, Say, join_sentences
from ..wire.envelope import read_object
from ..wire.tasks import Usage, is_native

__all__ = ["HistoryPage", "PastOrder", "Query", "Spent", "read_since", "search_query"]

PAGE = 50
MAX_DAYS = 3_650
_NO_WORDS = re.compile(r"\s*[:\uff1a]\s*(?=[.\u3002])|\s*[(\uff08]\s*[)\uff09]")
"""Punctuation left around an empty quotation."""
_COST = re.compile(r"([<>]=?|=)(\d{1,12}(?:\.\d{1,6})?)")
_DAY = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?")
_AGO = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order as the journal stores it, finished or not. Times are unix seconds.

    `order`: its number. `kind`, `program`, `name`: as in `OpenOrder`. `inputs`: its fields, files
    replaced by hashes, and all plain values of a graph, whose node `classes` are given by id;
    `options`: those that differ from the defaults. `example`: a Quick Create module's call example
    without key, "" if an older version did not store it. `graph`: the whole graph without its
    fields, in API format; None if an older version did not store it or it was too long. `sent_as`:
    the workflow id it was sent under. `is_native`: by the native route. `state`: still uncertain if
    an equal order was placed since; `ended_at` then says when. `error_key`: of the final error, ""
    for none. `currency`: of its money cost, "" if unknown. `results`: their number; `first`: the
    first of them. `account`: fingerprint of the key that ordered.
    """

    order: int
    kind: str
    program: str
    name: str
    instance: str
    task_id: str
    state: State
    origin: str
    account: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    usage: Usage
    currency: str
    inputs: Mapping[str, object]
    classes: Mapping[str, str]
    options: Mapping[str, object]
    example: str
    graph: Mapping[str, Any] | None
    sent_as: str
    is_native: bool
    error_key: str
    code: int | None
    cancelling: bool
    missing: tuple[str, ...]
    results: int
    first: ResultRow | None

    @classmethod
    def of(cls, summary: OrderSummary) -> PastOrder:
        row = summary.row
        values = values_of(row.graph)
        return cls(
            order=row.id,
            kind=row.kind,
            program=row.program_id,
            name=row.display_name,
            instance=row.instance,
            task_id=row.task_id or "",
            state=State.UNCERTAIN if row.is_superseded else row.state,
            origin=row.origin,
            account=row.account,
            created_at=row.created,
            started_at=row.started,
            ended_at=row.ended,
            usage=Usage(row.coins, row.money, row.third_party_money, row.seconds),
            currency=currency_of(row.origin),
            inputs={**values, **row.inputs},
            classes={node_id: str(node.get("class_type")) for node_id, node in row.graph.items()},
            options=row.options,
            example=str(row.what.get("example") or ""),
            graph=_whole(row.graph, read_object(row.what.get("rest"))),
            sent_as=str(read_object(row.what.get("rest")).get("workflow") or ""),
            is_native=is_native(row.expected_task_id),
            error_key=row.error_key,
            code=row.code,
            cancelling=row.cancel == "wanted" and row.ended is None,
            missing=row.missing,
            results=summary.results,
            first=summary.first,
        )


def failure_text(order: PastOrder, say: Say) -> str:
    """Return an order's stored failure as text, without the service's own words; "" for none."""
    if not order.error_key:
        return ""
    if order.state is State.UNCERTAIN and order.ended_at is not None:
        return say("error.ordered_again", {})
    holes = set(re.findall(r"\{(\w+)", ENGLISH.get(order.error_key, "{unknown}")))
    is_unknown = order.state is State.UNCERTAIN
    otherwise = "error.order_unknown" if is_unknown else "error.order_failed"
    key = order.error_key if holes <= {"remote"} else otherwise
    sentence = _NO_WORDS.sub("", say(key, {"remote": ""}))
    code = "" if order.code is None else say("error.suffix.code", {"code": order.code})
    return join_sentences((sentence, code))


def values_of(graph: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return the inputs of a graph's nodes by full name; in API format this includes links."""
    return {
        f"{node_id}.{name}": value
        for node_id, node in graph.items()
        for name, value in read_object(node.get("inputs")).items()
    }


def _whole(graph: Mapping[str, Mapping[str, object]], rest: Mapping[str, object]) -> Any:
    """Return the graph with links, in API format; None if the journal does not have them."""
    more = read_object(rest.get("inputs"))
    whole = {
        node_id: {
            **node,
            "inputs": {**read_object(node.get("inputs")), **read_object(more.get(node_id))},
        }
        for node_id, node in graph.items()
    }
    return whole if rest else None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Orders, newest first. `before`: cursor of the next page; None at the end."""

    orders: tuple[PastOrder, ...]
    before: int | None


class History:
    """Orders of the journal. Looking back needs no key, and asks nobody; without one it is at the
    orders of all accounts."""

    def __init__(self, settings: Settings, journal: SqliteJournal) -> None:
        self.settings, self._journal = settings, journal

    async def history(
        self,
        query: Query | str = "",
        *,
        before: int | None = None,
        limit: int = PAGE,
        everyone: bool = False,
    ) -> HistoryPage:
        """Return a page of the journal's orders, newest first; `query` in `search_query`'s syntax.

        `before`: cursor from the previous page. `everyone`: include other accounts.
        """
        query = search_query(query) if isinstance(query, str) else query
        payer = self._journal.owner if self.settings.key and not everyone else None
        entries = await self._journal(
            self._journal.store.history.page, query, payer, before, limit + 1
        )
        orders = tuple(map(PastOrder.of, entries[:limit]))
        return HistoryPage(orders, orders[-1].order if len(entries) > limit else None)

    async def prepare_search(self) -> None:
        """Index the texts of orders added since the last search, so that the next one is fast."""
        await self._journal.read_words()

    async def past_order(self, order: int) -> PastOrder | None:
        """Return an order of this account by its number; None if there is none."""
        orders = (await self.history(Query(order=order), limit=1)).orders
        return orders[0] if orders else None

    async def order_of(self, task_id: str) -> int | None:
        """Return the number of the order that became a task; None for one ordered elsewhere."""
        row = await self._journal(self._journal.store.of_task, *self._journal.owner, task_id)
        return None if row is None else row.id

    async def past_results(self, order: int) -> list[ResultRow]:
        """Return the results of an order of the journal; paths are relative to `settings.state`."""
        return await self._journal(self._journal.store.results, order)

    async def spent(self, days: int = 30, *, by: str = "day") -> list[Spent]:
        """As `read_spent`."""
        return await read_spent(self._journal, days, by=by, everyone=not self.settings.key)

    async def accounts(self) -> list[tuple[str, str]]:
        """Origin and account of all that `spent` sums: the key's, without one of all orders."""
        if self.settings.key:
            return [(self._journal.origin, self._journal.account)]
        return await self._journal(self._journal.store.history.accounts)

    async def spent_in(self) -> str:
        """The currency of all that `spent` sums; "" if unknown, or if there are several."""
        currencies = {currency_of(origin) for origin, _ in await self.accounts()}
        return currencies.pop() if len(currencies) == 1 else ""


@contextlib.asynccontextmanager
async def open_history(settings: Settings) -> AsyncGenerator[History]:
    """The history of the journal that the settings name, with or without a key."""
    journal = SqliteJournal.open(settings.state, settings.origin, settings.account)
    try:
        yield History(settings, journal)
    finally:
        await journal.close()


async def read_spent(
    journal: SqliteJournal, days: int, *, by: str, everyone: bool = False
) -> list[Spent]:
    """Return the cost of the last `days`, including today: one total per `day`, oldest first, empty
    days omitted, or per `program`, most expensive first. Days are of the local time zone.
    `everyone`: of all accounts."""
    if by not in ("day", "program") or not 0 < days <= MAX_DAYS:
        raise ValueError(f"{days} days by {by}")
    today = datetime.fromtimestamp(journal.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [(today + timedelta(days=1 - ago)).timestamp() for ago in range(days, -1, -1)]
    if by == "program":
        whole = [(starts[0], starts[-1])]
        return await journal.spent(whole, by_program=True, everyone=everyone)
    return await journal.spent(list(pairwise(starts)), everyone=everyone)


def search_query(text: str, *, since: float | None = None, states: Sequence[State] = ()) -> Query:
    """Parse a search: words (substrings of texts, names, ids; a state's name), a day or month
    (2026-11-25, 2026-11), a cost in coins or money (>5, <=0.2), an order number (#12)."""
    query = Query(since=since, states=tuple(states))
    for word in text.split():
        day, cost = _DAY.fullmatch(word), _COST.fullmatch(word)
        if day is not None and (dates := _dates(*day.groups())) is not None:
            start, end = dates
            query = replace(query, since=max(start, query.since or 0), until=end)
        elif cost is not None:
            query = replace(query, costs=(*query.costs, (cost[1], float(cost[2]))))
        elif word[0] == "#" and word[1:].isascii() and word[1:].isdecimal():
            query = replace(query, order=int(word[1:13]))
        else:
            query = replace(query, words=(*query.words, folded(word)))
    return query


def _dates(year: str, month: str, day: str | None) -> tuple[float, float] | None:
    """Return a day's or month's half-open interval in unix seconds; None if it is no valid date."""
    try:
        start = datetime(int(year), int(month), int(day or 1))
        end = start + timedelta(days=1 if day else 32)
        return start.timestamp(), (end if day else end.replace(day=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def read_since(text: str, now: float) -> float:
    """Parse a date (2026-11-25) or an age (12h, 7d, 2w) to unix seconds; BadInput otherwise."""
    ago, day = _AGO.fullmatch(text), _DAY.fullmatch(text)
    dates = _dates(*day.groups()) if day is not None else None
    if dates is not None:
        return dates[0]
    if ago is None:
        raise BadInput("error.since", value=text[:40])
    return now - 3600 * _HOURS[ago[2]] * int(ago[1])


def added(spent: Sequence[Spent]) -> Spent:
    """Return the total over all entries."""

    def total(sums: Iterable[Decimal | None]) -> Decimal | None:
        amounts = [amount for amount in sums if amount is not None]
        return reduce(EXACT.add, amounts) if amounts else None

    return Spent(
        since=min((entry.since for entry in spent), default=0.0),
        program="",
        name="",
        orders=sum(entry.orders for entry in spent),
        untold=sum(entry.untold for entry in spent),
        coins=total(entry.coins for entry in spent),
        money=total(entry.money for entry in spent),
        third_party_money=total(entry.third_party_money for entry in spent),
    )


def spent_document(spent: Spent) -> dict[str, Any]:
    """Serialize to JSON values; amounts as decimal strings, None if unknown."""
    is_day = spent.since and not spent.program
    day = f"{datetime.fromtimestamp(spent.since):%Y-%m-%d}" if is_day else None
    return {
        "day": day,
        "program": spent.program or None,
        "name": spent.name or None,
        "orders": spent.orders,
        "untold": spent.untold,
        "coins": _plain(spent.coins),
        "money": _plain(spent.money),
        "third_party_money": _plain(spent.third_party_money),
    }


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else decimal_text(amount)


def spent_csv(spent: Sequence[Spent], currency: str) -> str:
    """Serialize to CSV with a header row."""
    columns = ("day", "program", "name", "orders", "untold", "coins", "money", "third_party_money")
    file = io.StringIO()
    written = csv.writer(file, lineterminator="\n")
    written.writerow((*columns, "currency"))
    for entry in map(spent_document, spent):
        cells = [_cell(entry[column]) for column in columns]
        written.writerow((*cells, currency if entry["money"] or entry["third_party_money"] else ""))
    return file.getvalue()


def _cell(value: object) -> object:
    """Prefix text that a spreadsheet would evaluate as a formula with an apostrophe."""
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula else ("" if value is None else value)
