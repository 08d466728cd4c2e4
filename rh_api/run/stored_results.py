"""Conversion between an order's results, journal rows and local files."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..journal import OrderRow, ResultRow
from ..wire.filetypes import by_suffix
from ..wire.integrity import Verdict, judge
from ..wire.orders import Tips
from ..wire.tasks import Phase, RemoteResult, Report, Usage, file_name
from .ports import Fetched
from .results import Outcome, Result


def rows_of(results: Sequence[Result], folder: Path) -> list[ResultRow]:
    """Return journal rows. `folder`: the store's, to which the rows' paths are relative."""
    return [
        ResultRow(
            node_id=result.node_id,
            index=result.index,
            kind=result.type.kind.value if result.type else "",
            url=result.url,
            path=result.path.relative_to(folder).as_posix() if result.path else None,
            size=result.size,
            text=result.text,
            verdict=result.verdict.value if result.verdict else "",
        )
        for result in results
    ]


def list_rows(
    listed: Sequence[RemoteResult], came: Mapping[int, Result], folder: Path
) -> list[ResultRow]:
    """Return one row per listed result; those that did not come get a row without a file."""
    here = {row.index: row for row in rows_of(list(came.values()), folder)}
    return [
        here.get(index) or ResultRow(remote.node_id, index, "", remote.url, text=remote.text)
        for index, remote in enumerate(listed)
    ]


def read_stored(
    order: OrderRow, rows: Sequence[ResultRow], folder: Path
) -> Outcome | Report | None:
    """See `ResultDelivery.kept_results`. Blocking: stats the files."""
    if order.task_id is None:
        return None
    usage = Usage(order.coins, order.money, order.third_party_money, order.seconds)
    listed = sorted(rows, key=lambda row: row.index)
    rows = [row for row in listed if row.url or row.path or row.text is not None]
    whole = [result for row in rows if (result := result_of(row, folder)) is not None]
    if rows and len(whole) == len(rows):
        tips, missing = Tips(order.announced), order.missing
        return Outcome(order.task_id, tuple(whole), usage, tips, 0.0, kept=True, missing=missing)
    # Empty rows stay in the list, so that the others keep their index.
    remote = tuple(RemoteResult(row.url, row.node_id, text=row.text) for row in listed)
    return Report(Phase.SUCCESS, remote if rows else (), usage)


def result_of(row: ResultRow, folder: Path) -> Result | None:
    """Return the result if its file can be read and has the recorded size (or it is text), else
    None."""
    name = file_name(row.url)
    if row.path is None:
        if row.url:
            return None
        return Result(row.node_id, name, None, None, text=row.text, index=row.index)
    path = folder / row.path
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return None
    if size != row.size:
        return None
    return Result(
        row.node_id,
        name,
        path,
        by_suffix(path.suffix) if row.kind else None,
        size,
        row.text,
        row.url,
        Verdict(row.verdict) if row.verdict else None,
        row.index,
    )


def better(old: Result, path: Path, new: Fetched) -> Result:
    """Keep the better of a result's file `path` and its second download, under the first's name."""
    if new.size == old.size and filecmp.cmp(path, new.path, shallow=False):
        new.path.unlink()
        # Without Content-Length, two identical downloads are as good a proof of completeness.
        return replace(old, verdict=judge_file(path, old.size))
    if new.verdict is Verdict.CUT and new.size <= old.size:
        new.path.unlink()
        return replace(old, verdict=None)
    target = path.with_suffix(new.path.suffix)
    new.path.replace(target)
    if path != target:
        path.unlink(missing_ok=True)
    # Truncated at a different place each time: leave it unjudged, so that it is fetched again.
    verdict = None if new.verdict is Verdict.CUT else new.verdict
    return replace(old, path=target, type=new.type, size=new.size, verdict=verdict)


def judge_file(path: Path, size: int) -> Verdict:
    try:
        with path.open("rb") as file:
            return judge(file, size)
    except OSError:
        return Verdict.CANNOT_TELL


def again_path(path: Path) -> Path:
    """Return where a result's second download goes, without the suffix."""
    return path.with_name(path.stem + "-again")
