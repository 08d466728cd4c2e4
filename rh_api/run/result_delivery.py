"""Bringing the results of a finished task here: whole, once, and by a fresh address if need be."""

from __future__ import annotations

import asyncio
import errno
import filecmp
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..errors import BadInput, DiskFull, NoOutput, ResultUnavailable, RunningHubError
from ..journal import OrderRow, ResultRow
from ..journal.retention import RESULTS, Retention, age, empty, kept_bytes, kept_folders, tidy
from ..wire.filetypes import Verdict, by_suffix
from ..wire.orders import Tips
from ..wire.tasks import Phase, RemoteResult, Report, Usage, file_name
from ..wire.wholeness import judge
from .context import AccountContext
from .orders import ActiveOrder
from .ports import Fetched
from .progress import Arrivals, Watch, unwatched
from .report_query import query_report, say_cost
from .results import Outcome, Result
from .singleflight import SingleFlight
from .transfers import PARALLEL, Moved, Transfers

log = logging.getLogger("runninghub")

_ELSEWHERE = "task-"  # begins the folder of a task that the journal does not know
# Clients report that results last about a day; an hour before, nobody relies on it.
RESULTS_LAST = 23 * 3600.0
EXPIRED = (403, 404)  # how the object store refuses an address that is too old


@dataclass(slots=True)
class ResultDelivery:
    """Results of one account's tasks on their way into `folder`, the store's."""

    context: AccountContext
    transfers: Transfers
    folder: Path
    _flights: SingleFlight[Outcome] = field(default_factory=SingleFlight[Outcome])

    async def deliver(
        self, active: ActiveOrder, report: Report, seconds: float, missing: Sequence[str] = ()
    ) -> Outcome:
        """Bring the results that a last report lists, once for all who want them now.

        `seconds`: of running, as far as they were seen. `missing`: nodes whose results were
        waited for in vain. Raises NoOutput, ResultUnavailable, DiskFull.
        """

        async def bring(show: Watch) -> Outcome:
            outcome = await self._bring(replace(active, watch=show), report, seconds, missing)
            return replace(outcome, missing=tuple(missing))

        return await self._flights.join(active.ticket.task_id, bring, active.watch)

    async def expecting(self, results: int) -> Callable[[], None]:
        """What opens the connections over which so many results, 0 for an unknown number, will
        come: to where the latest of all came from."""
        url = await self.context.if_readable(self.context.journal.result_url())
        count = min(max(1, results), PARALLEL)
        return lambda: self.transfers.bulk.expect(url, count) if url else None

    async def tidy(self) -> None:
        """Forget old orders and keep the results on this machine within bounds."""
        forgotten = await self.context.if_readable(self.context.journal.prune())
        most = Retention.read(self.folder).bytes
        await asyncio.to_thread(tidy, self.folder, forgotten or (), most)

    async def kept_bytes(self) -> int:
        """What the results on this machine take, of all accounts."""
        return await asyncio.to_thread(kept_bytes, self.folder)

    async def empty_kept(self) -> None:
        """Delete them, but for what somebody still waits for, or is owed."""
        folders = await asyncio.to_thread(kept_folders, self.folder)
        spent = [name for name in folders if not await self._is_wanted(name)]
        await asyncio.to_thread(empty, self.folder, spent)

    async def _is_wanted(self, folder: str) -> bool:
        """Whether what lies in a folder of results is still on its way to somebody."""
        if not folder.isdecimal():
            return folder.removeprefix(_ELSEWHERE) in self._flights
        row = await self.context.journal.order(int(folder))
        if row is None or not row.state.is_over:
            return row is not None
        left = await self.kept(row)
        if not isinstance(left, Report) or not left.results or self.is_old(row):
            return False
        return await self.is_owed(row)

    async def kept(self, order: OrderRow) -> Outcome | Report | None:
        """What a finished order still gives: its results from this machine, or a report of those
        to fetch, which lists nothing when it had none; None when nobody knows its task."""
        rows = await self.context.journal.results(order.id)
        return await asyncio.to_thread(_kept, order, rows, self.folder)

    async def is_owed(self, order: OrderRow) -> bool:
        """Whether no file of a finished order was ever here, deleted ones included."""
        return not any(row.path for row in await self.context.journal.results(order.id))

    def is_old(self, order: OrderRow) -> bool:
        """Whether the service has most likely dropped the results of a finished order.

        By this machine's clock, which may be wrong: the service itself is asked before any of
        them is given up.
        """
        if order.ended is None:
            return True
        seconds = age(max(order.created, order.ended), self.context.journal.now())
        return seconds is not None and seconds > RESULTS_LAST

    async def served(self, row: OrderRow, outcome: Outcome) -> Outcome:
        """Results that are here already: those that nobody has judged yet are judged first."""
        if all(result.path is None or result.verdict for result in outcome.results):
            return outcome

        async def judge(_: Watch) -> Outcome:
            return await self._replaced(row.id, outcome, self._judged)

        return await self._flights.join(f"{outcome.task_id}/judged", judge, unwatched)

    async def renewed(self, outcome: Outcome, doubtful: Collection[Result]) -> Outcome:
        """`outcome` with some of its files fetched once more, which costs nothing; each stays as
        it is unless another content came for it."""
        context, task_id = self.context, outcome.task_id
        row = await context.if_readable(context.journal.of_task(task_id))

        async def again(result: Result, task_id: str) -> Result:
            return await self._again(result, task_id) if result in doubtful else result

        async def renew(_: Watch) -> Outcome:
            return await self._replaced(row.id if row else None, outcome, again)

        return await self._flights.join(f"{task_id}/renewed", renew, unwatched)

    async def _replaced(
        self,
        row: int | None,
        outcome: Outcome,
        make: Callable[[Result, str], Awaitable[Result]],
    ) -> Outcome:
        making = (make(result, outcome.task_id) for result in outcome.results)
        results = await asyncio.gather(*making)
        if row is not None and results != list(outcome.results):
            await self.context.journal.record_results(row, _rows_of(results, self.folder))
        return replace(outcome, results=tuple(results))

    async def settle(self) -> None:
        """Wait until transfers that were stopped have come to their end."""
        await self._flights.settle()

    async def _bring(
        self, active: ActiveOrder, report: Report, seconds: float, missing: Sequence[str]
    ) -> Outcome:
        row, task_id, listed = active.row, active.ticket.task_id, report.results or ()
        done = None
        if row is not None:
            recording = self.context.journal.record_done(row, report, missing)
            # Whatever becomes of the transfer, it is written that the results are owed.
            done = self.context.spawn(recording)
        if all(result.is_missing for result in listed):
            if done is not None:
                await asyncio.shield(done)
            cost = say_cost(report, self.context.journal.currency)
            raise NoOutput(task_id=task_id).with_context(cost=cost)
        folder = self.folder / RESULTS / (f"{_ELSEWHERE}{task_id}" if row is None else str(row))
        fetched = await self._fetch(listed, folder, task_id, active.watch)
        if row is not None and done is not None:
            await asyncio.shield(done)
            await self.context.journal.record_results(row, _rows_of(fetched, self.folder))
        tips, taken_up = active.ticket.tips, active.asked_at is None
        return Outcome(task_id, fetched, report.usage, tips, seconds, taken_up=taken_up)

    async def _fetch(
        self, listed: Sequence[RemoteResult], folder: Path, task_id: str, watch: Watch
    ) -> tuple[Result, ...]:
        """All results; an address that has expired is asked for anew, once."""
        try:
            return await self._fetch_all(listed, folder, task_id, watch)
        except ResultUnavailable as error:
            fresh = await self._fresh(task_id) if error.status in EXPIRED else None
            if not fresh or [new.url for new in fresh] == [old.url for old in listed]:
                raise
        return await self._fetch_all(fresh, folder, task_id, watch)

    async def _fetch_all(
        self, results: Sequence[RemoteResult], folder: Path, task_id: str, watch: Watch
    ) -> tuple[Result, ...]:
        """All results that have an address or a text, in their order; whole or not at all.

        The first failure is raised when the others have arrived, which need not be fetched again.
        """
        is_used = await asyncio.to_thread(_make_folder, folder)
        arrivals = Arrivals(len(results), sum(bool(one.url) for one in results), watch)

        async def fetch(index: int, remote: RemoteResult) -> Result:
            into, show = folder / f"{index:04d}", partial(arrivals.moved, index)
            result = await self._fetch_one(remote, into, index, task_id, show)
            if is_used and result.path is not None and not result.is_cut:
                await self.transfers.bulk.forget(_again_path(result.path))  # of one that died
            arrivals.tell(1)
            return result

        arrivals.tell()
        wanted = [(i, remote) for i, remote in enumerate(results) if not remote.is_missing]
        jobs = [asyncio.ensure_future(fetch(i, remote)) for i, remote in wanted]
        try:
            done = await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            for job in jobs:
                job.cancel()
        for item in done:
            if isinstance(item, BaseException):
                raise item
        return tuple(item for item in done if isinstance(item, Result))

    async def _fetch_one(
        self, remote: RemoteResult, into: Path, index: int, task_id: str, show: Moved
    ) -> Result:
        name = file_name(remote.url)
        if not remote.url:
            return Result(remote.node_id, name, None, None, text=remote.text, index=index)
        fetched = await self.transfers.download(remote.url, into, task_id, show)
        result = Result(
            remote.node_id,
            name,
            fetched.path,
            fetched.type,
            fetched.size,
            remote.text,
            remote.url,
            fetched.verdict,
            index,
        )
        return await self._again(result, task_id) if result.is_cut else result

    async def _again(self, result: Result, task_id: str) -> Result:
        """The same result from its first byte once more; the old file stays until another one is
        complete, and stays at all unless that is another content that may be the better one."""
        if result.path is None:
            return result
        into = _again_path(result.path)
        try:
            fetched = await self.transfers.download(result.url, into, task_id)
        except RunningHubError as error:
            log.warning("a result of task %s was not fetched again: %s", task_id, error)
            return replace(result, verdict=None)
        return await asyncio.to_thread(_better, result, result.path, fetched)

    async def _judged(self, result: Result, task_id: str) -> Result:
        """A result of before that was not judged yet; what is cut is fetched once more."""
        if result.path is None or result.verdict is not None:
            return result
        verdict = await asyncio.to_thread(_judge_file, result.path, result.size)
        result = replace(result, verdict=verdict)
        return await self._again(result, task_id) if result.is_cut else result

    async def _fresh(self, task_id: str) -> Sequence[RemoteResult] | None:
        try:
            report = await query_report(self.context.sender.send, task_id)
        except RunningHubError:
            return None
        return report.results


def _rows_of(results: Sequence[Result], folder: Path) -> list[ResultRow]:
    """Rows for the journal; `folder` is the store's, which paths are relative to."""
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


def _kept(order: OrderRow, rows: Sequence[ResultRow], folder: Path) -> Outcome | Report | None:
    """See `ResultDelivery.kept`; looks at the files."""
    if order.task_id is None:
        return None
    usage = Usage(order.coins, order.money, order.third_party_money, order.seconds)
    listed = sorted(rows, key=lambda row: row.index)
    rows = [row for row in listed if row.url or row.path or row.text is not None]
    whole = [result for row in rows if (result := _result(row, folder)) is not None]
    if rows and len(whole) == len(rows):
        return Outcome(
            order.task_id, tuple(whole), usage, Tips(), 0.0, kept=True, missing=order.missing
        )
    remote = tuple(RemoteResult(row.url, row.node_id, text=row.text) for row in rows)
    return Report(Phase.SUCCESS, remote, usage)


def _result(row: ResultRow, folder: Path) -> Result | None:
    """The result if all of it is here."""
    name = file_name(row.url)
    if row.path is None:
        if row.url:
            return None
        return Result(row.node_id, name, None, None, text=row.text, index=row.index)
    path = folder / row.path
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if size != row.size:
        return None
    return Result(
        row.node_id,
        name,
        path,
        by_suffix(path.suffix),
        size,
        row.text,
        row.url,
        Verdict(row.verdict) if row.verdict else None,
        row.index,
    )


def _better(old: Result, kept: Path, new: Fetched) -> Result:
    """Which of two files of one result stays, under the name of the first one, `kept`."""
    if new.size == old.size and filecmp.cmp(kept, new.path, shallow=False):
        new.path.unlink()
        return replace(old, verdict=new.verdict)
    if new.verdict is Verdict.CUT and new.size <= old.size:
        new.path.unlink()
        return replace(old, verdict=None)
    path = kept.with_suffix(new.path.suffix)
    new.path.replace(path)
    if path != kept:
        kept.unlink(missing_ok=True)
    # Cut at another place each time, it is worth asking for another time.
    verdict = None if new.verdict is Verdict.CUT else new.verdict
    return replace(old, path=path, type=new.type, size=new.size, verdict=verdict)


def _judge_file(path: Path, size: int) -> Verdict:
    try:
        with path.open("rb") as file:
            return judge(file, size)
    except OSError:
        return Verdict.CANNOT_TELL


def _make_folder(folder: Path) -> bool:
    """Whether an earlier try left something there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return any(folder.iterdir())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder=folder.name) from error
        raise BadInput("error.folder_not_writable", folder=str(folder)) from error


def _again_path(path: Path) -> Path:
    """Where the same result goes when it is fetched once more; the suffix is added."""
    return path.with_name(path.stem + "-again")
