"""Results as the book knows them: what is here, what is still owed, what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..store import OrderRow, ResultRow, Store
from ..wire.filetypes import by_suffix
from ..wire.orders import Tips
from ..wire.tasks import Phase, RemoteResult, Report, Usage
from .orders import Outcome, Result

# Clients report that results last about a day; an hour before, nobody relies on it.
RESULTS_LAST = 23 * 3600.0


def usage_of(order: OrderRow) -> Usage:
    return Usage(order.coins, order.money, order.third_party_money, order.seconds)


def rows_of(results: Sequence[Result], folder: Path) -> list[ResultRow]:
    """Rows for the book; `folder` is the store's, which paths are relative to."""
    return [
        ResultRow(
            node_id=result.node_id,
            index=index,
            kind=result.type.kind.value if result.type else "",
            url=result.url,
            path=result.path.relative_to(folder).as_posix() if result.path else None,
            size=result.size,
            text=result.text,
        )
        for index, result in enumerate(results)
    ]


def note_done(store: Store, order: int, report: Report) -> bool:
    """A task was seen to have succeeded: from now on its results are owed."""
    usage = report.usage
    listed = enumerate(report.results or ())
    rows = [ResultRow(r.node_id, i, "", r.url, text=r.text) for i, r in listed]
    return store.done(
        order,
        coins=usage.coins,
        money=usage.money,
        third_party_money=usage.third_party_money,
        seconds=usage.seconds,
        results=rows,
    )


def look_up(store: Store, order: OrderRow) -> Outcome | Report | None:
    """What a finished order still gives: its results from this machine, or a report of those to
    fetch, or None when it had none."""
    rows = sorted(store.results(order.id), key=lambda row: row.index)
    if not rows or order.task_id is None:
        return None
    kept = [_result(row, store.folder) for row in rows]
    whole = [result for result in kept if result is not None]
    if len(whole) == len(rows):
        return Outcome(order.task_id, tuple(whole), usage_of(order), Tips(), 0.0, kept=True)
    listed = tuple(RemoteResult(row.url, row.node_id, text=row.text) for row in rows)
    return Report(Phase.SUCCESS, listed, usage_of(order))


def is_owed(store: Store, order: OrderRow) -> bool:
    """Whether an order may still give results that are not all here."""
    if not order.state.is_over:
        return True
    return isinstance(look_up(store, order), Report) and not is_old(store, order)


def is_old(store: Store, order: OrderRow) -> bool:
    """Whether the service has most likely dropped the results of a finished order.

    By this machine's clock, which may be wrong: the service itself is asked before any of them
    is given up.
    """
    return order.ended is None or store.now() - order.ended > RESULTS_LAST


def _result(row: ResultRow, folder: Path) -> Result | None:
    """The result if all of it is here."""
    name = PurePosixPath(unquote(urlsplit(row.url).path)).name
    if row.path is None:
        return None if row.url else Result(row.node_id, name, None, None, text=row.text)
    path = folder / row.path
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if size != row.size:
        return None
    return Result(row.node_id, name, path, by_suffix(path.suffix), size, row.text, row.url)
