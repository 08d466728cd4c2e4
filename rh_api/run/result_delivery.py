"""Delivery of a finished task's results: complete, deduplicated, refreshing expired URLs."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..errors import NoOutput, ResultUnavailable, RunningHubError
from ..journal import OrderRow
from ..journal.clock import age
from ..journal.retention import RESULTS, TASK_PREFIX, YOUNG_SECONDS, Retention
from ..texts import Words
from ..wire.orders import Ticket
from ..wire.tasks import RemoteResult, Report, file_name
from .context import AccountContext
from .orders import ActiveOrder
from .progress import Arrivals, Stopped, Watch, unwatched
from .report_query import explain_unrecorded, look, say_cost
from .results import Lost, Notice, Outcome, Result
from .singleflight import SingleFlight
from .stored_results import (
    again_path,
    better,
    judge_file,
    list_rows,
    read_stored,
    result_of,
    rows_of,
)
from .transfers import Moved, Transfers

log = logging.getLogger("runninghub")

# Public clients report that results expire after about a day; one hour of margin.
RESULTS_LAST = 23 * 3600.0
TIDY_SECONDS = 86_400.0  # between two cleanups by one process
EXPIRED = (403, 404)  # statuses of the object store for an expired URL


@dataclass(slots=True)
class ResultDelivery:
    """Downloads results of one account's tasks into `folder`, the store's."""

    context: AccountContext
    transfers: Transfers
    folder: Path
    _flights: SingleFlight[Outcome] = field(default_factory=SingleFlight[Outcome])
    _next_tidying: float = math.inf

    async def deliver(
        self, active: ActiveOrder, report: Report, seconds: float, missing: Sequence[str] = ()
    ) -> Outcome:
        """Download the results that a final report lists; concurrent callers share the download.

        `seconds`: running time as far as observed. `missing`: expected nodes without results.
        Raises NoOutput, ResultUnavailable, DiskFull. Cancelling reports a Stopped with `too_late`:
        the task has succeeded.
        """
        if self.context.sender.clock.now() >= self._next_tidying:
            self.keep_tidy(TIDY_SECONDS)

        task_id = active.ticket.task_id

        async def bring(show: Watch) -> Outcome:
            try:
                outcome = await self._bring(replace(active, watch=show), report, seconds, missing)
            except RunningHubError as error:  # state the cost although nothing was delivered
                journal = self.context.journal
                error = await explain_unrecorded(journal, active.order_id, task_id, error)
                cost = say_cost(report, journal.currency)
                raise error.with_context(cost=cost) from error.__cause__
            return replace(outcome, missing=tuple(missing))

        try:
            return await self._flights.join(task_id, bring, active.watch)
        except asyncio.CancelledError:
            if not self.context.leaving:
                late = Stopped(task_id, confirmed=True, too_late=True, usage=report.usage)
                self.context.on_stopped(late)
            raise

    def keep_tidy(self, young: float = YOUNG_SECONDS) -> None:
        """Clean up in the background now, and once a day from now on: a ComfyUI runs for weeks.
        Results less than `young` seconds old stay: a running order may not have read them yet."""
        self._next_tidying = self.context.sender.clock.now() + TIDY_SECONDS
        self.context.spawn(self._tidy(young))

    async def _tidy(self, young: float) -> None:
        """Delete old orders, and the oldest local results beyond the retention limit."""
        context = self.context
        await context.if_readable(context.journal.prune())
        folders = await context.if_readable(context.journal.result_folders())
        if folders is not None:
            most = Retention.read(self.folder).bytes
            await asyncio.to_thread(folders.tidy, most, young)

    async def kept_bytes(self) -> int:
        """Return the bytes of all local results, of all accounts."""
        folders = await self.context.journal.result_folders()
        return await asyncio.to_thread(folders.size)

    async def empty_kept(self) -> None:
        """Delete all local results except those of orders still in progress or undelivered."""
        folders = await self.context.journal.result_folders()
        names = await asyncio.to_thread(folders.names)
        spent = [name for name in names if not await self._is_wanted(name)]
        await asyncio.to_thread(folders.delete, spent)

    async def _is_wanted(self, folder: str) -> bool:
        """Return whether a result folder belongs to an order in progress or undelivered."""
        if not folder.isdecimal():
            return folder.removeprefix(TASK_PREFIX) in self._flights
        row = await self.context.journal(self.context.journal.store.order, int(folder))
        if row is None or not row.state.is_over:
            return row is not None
        cached = await self.kept_results(row)
        if not isinstance(cached, Report) or not cached.results or self.is_old(row):
            return False
        return await self.is_owed(row)

    async def kept_results(self, order: OrderRow) -> Outcome | Report | None:
        """Return a finished order's local results if all are present, else a report of those to
        fetch (empty if none were listed); None if its task id is unknown."""
        rows = await self.context.journal(self.context.journal.store.results, order.id)
        return await asyncio.to_thread(read_stored, order, rows, self.folder)

    async def is_owed(self, order: OrderRow) -> bool:
        """Return whether no file of a finished order was ever delivered (deleted ones count)."""
        return not any(
            row.path
            for row in await self.context.journal(self.context.journal.store.results, order.id)
        )

    def is_old(self, order: OrderRow) -> bool:
        """Return whether a finished order's results have most likely expired at the service. By the
        local clock, which may be wrong: query the service before giving results up."""
        if order.ended is None:
            return True
        seconds = age(max(order.created, order.ended), self.context.journal.now())
        return seconds is not None and seconds > RESULTS_LAST

    async def served(self, row: OrderRow, outcome: Outcome) -> Outcome:
        """Return local results, after checking the files that are not judged yet for truncation."""
        if all(result.path is None or result.verdict for result in outcome.results):
            return outcome

        async def judge(_: Watch) -> Outcome:
            return await self._replaced(row.id, outcome, self._judged)

        return await self._flights.join(f"{outcome.task_id}/judged", judge, unwatched)

    async def renewed(self, outcome: Outcome, doubtful: Collection[Result]) -> Outcome:
        """Return `outcome` with the `doubtful` results downloaded again, at no cost; each file is
        kept unless a better one came."""
        context, task_id = self.context, outcome.task_id
        row = await context.if_readable(
            context.journal(context.journal.store.of_task, *context.journal.owner, task_id)
        )

        async def again(result: Result, task_id: str) -> Result:
            return await self._again(result, task_id) if result in doubtful else result

        async def renew(_: Watch) -> Outcome:
            return await self._replaced(row.id if row else None, outcome, again)

        return await self._flights.join(f"{task_id}/renewed", renew, unwatched)

    async def _replaced(
        self, row: int | None, outcome: Outcome, make: Callable[[Result, str], Awaitable[Result]]
    ) -> Outcome:
        making = (make(result, outcome.task_id) for result in outcome.results)
        results = await asyncio.gather(*making)
        if row is not None and results != list(outcome.results):
            await self.context.journal.record_results(row, rows_of(results, self.folder))
        return replace(outcome, results=tuple(results))

    async def wait_for_downloads(self) -> None:
        """Wait until all downloads, cancelled ones included, have ended."""
        await self._flights.wait_until_idle()

    async def _bring(
        self, active: ActiveOrder, report: Report, seconds: float, missing: Sequence[str]
    ) -> Outcome:
        order_id, task_id, listed = active.order_id, active.ticket.task_id, report.results or ()
        done = None
        if order_id is not None:
            # In the background: recorded as owed even if the download is cancelled.
            done = self.context.spawn(self._record_done(order_id, active.ticket, report, missing))
        if all(result.is_missing for result in listed):
            if done is not None:
                await asyncio.shield(done)
            key = "error.no_output_read" if listed else None
            raise NoOutput(key, task_id=task_id, count=len(listed))
        folder = self.folder / RESULTS / str(order_id or f"{TASK_PREFIX}{task_id}")
        here = await self._kept_files(active.earlier, listed)
        fetched = await self._fetch(active, listed, here, folder)
        if fetched.lost and not self._is_worth_delivering(fetched.came, active.earlier):
            raise next(iter(fetched.lost.values()))
        results = tuple(fetched.came[index] for index in sorted(fetched.came))
        if order_id is not None and done is not None:
            await asyncio.shield(done)
            rows = list_rows(fetched.listed, fetched.came, self.folder)
            await self.context.journal.record_results(order_id, rows, whole=True)
        return Outcome(
            task_id,
            results,
            report.usage,
            active.ticket.tips,
            seconds,
            kept=bool(here),
            taken_up=active.asked_at is None,
            unfetched=fetched.unfetched(task_id),
        )

    async def _record_done(
        self, order_id: int, ticket: Ticket, report: Report, missing: Sequence[str]
    ) -> None:
        # A full disk may have kept its task out: a success without one would be ordered anew.
        journal, announced = self.context.journal, ticket.tips.outputs
        if await journal.record_placed(order_id, ticket.task_id, announced) is not None:
            await journal.record_done(order_id, report, missing)

    def _is_worth_delivering(self, came: Mapping[int, Result], earlier: OrderRow | None) -> bool:
        """Return whether to deliver a partial result. Texts alone of an order whose files have
        expired are not delivered, so that it can be ordered anew."""
        has_file = any(result.path for result in came.values())
        return has_file or (bool(came) and (earlier is None or not self.is_old(earlier)))

    async def _kept_files(
        self, order: OrderRow | None, listed: Sequence[RemoteResult]
    ) -> dict[int, Result]:
        """Return, by index, listed files that an earlier, partial delivery of a row left here."""
        if order is None:
            return {}
        stored = await self.context.if_readable(
            self.context.journal(self.context.journal.store.results, order.id)
        )
        rows = {row.index: row for row in stored or () if row.path}
        usable = [rows[i] for i, r in enumerate(listed) if i in rows and rows[i].url == r.url]
        files = await asyncio.to_thread(lambda: [result_of(row, self.folder) for row in usable])
        return {file.index: file for file in files if file and not file.may_be_truncated}

    async def _fetch(
        self,
        active: ActiveOrder,
        listed: Sequence[RemoteResult],
        here: Mapping[int, Result],
        folder: Path,
    ) -> _Fetched:
        """Fetch all results; if URLs have expired, query fresh ones and fetch again, once."""
        fetched = await self._fetch_all(active, listed, here, folder)
        if not any(error.status in EXPIRED for error in fetched.lost.values()):
            return fetched
        fresh = await self._fresh(active.ticket.task_id)
        if not fresh or [new.url for new in fresh] == [old.url for old in listed]:
            return fetched
        is_same = [new.node_id for new in fresh] == [old.node_id for old in listed]
        came = fetched.came if is_same else {}
        return await self._fetch_all(active, fresh, came, folder)

    async def _fetch_all(
        self,
        active: ActiveOrder,
        results: Sequence[RemoteResult],
        here: Mapping[int, Result],
        folder: Path,
    ) -> _Fetched:
        """Fetch all results that have a URL or text and are not `here`, concurrently.

        Permanent failures are returned as `lost`; a transient or local one is raised once the
        others have arrived.
        """
        due = [i for i, remote in enumerate(results) if i not in here and not remote.is_missing]
        files = sum(bool(results[i].url) for i in due)
        task_id = active.ticket.task_id
        arrivals = Arrivals(task_id, len(results), files, active.watch)
        is_new = active.order_id is not None and active.earlier is None

        async def fetch(index: int, remote: RemoteResult) -> Result:
            into, show = folder / f"{index:04d}", partial(arrivals.moved, index)
            result = await self._fetch_one(remote, into, index, task_id, show)
            if not is_new and result.path is not None and not result.is_truncated:
                await self.transfers.bulk.forget(again_path(result.path))  # left by a dead process
            arrivals.tell(1)
            return result

        arrivals.tell(len(here))
        jobs = [asyncio.ensure_future(fetch(i, results[i])) for i in due]
        try:
            done = await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            for job in jobs:
                job.cancel()
        fetched = _Fetched(results, dict(here), {})
        for index, item in zip(due, done, strict=True):
            if isinstance(item, ResultUnavailable) and not item.is_transient:
                remote = results[index]
                named = {"name": file_name(remote.url) or "?", "node": remote.node_id or "?"}
                fetched.lost[index] = item.with_context(params=named)
            elif isinstance(item, BaseException):
                raise item
            else:
                fetched.came[index] = item
        return fetched

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
        return await self._again(result, task_id) if result.is_truncated else result

    async def _again(self, result: Result, task_id: str) -> Result:
        """Download a result again from its first byte; the old file is replaced only by a complete
        download with better content (`better`). Failures are logged, not raised."""
        if result.path is None:
            return result
        into = again_path(result.path)
        try:
            fetched = await self.transfers.download(result.url, into, task_id)
            return await asyncio.to_thread(better, result, result.path, fetched)
        except (RunningHubError, OSError) as error:
            log.warning("a result of task %s was not fetched again: %s", task_id, error)
            return replace(result, verdict=None)

    async def _judged(self, result: Result, task_id: str) -> Result:
        """Check a local file that is not judged yet; download it again if it is truncated."""
        if result.path is None or result.verdict is not None:
            return result
        verdict = await asyncio.to_thread(judge_file, result.path, result.size)
        result = replace(result, verdict=verdict)
        return await self._again(result, task_id) if result.is_truncated else result

    async def _fresh(self, task_id: str) -> Sequence[RemoteResult] | None:
        try:
            report = await look(self.context.sender.send, task_id)
        except RunningHubError:
            return None
        return report.results


@dataclass(frozen=True, slots=True)
class _Fetched:
    """By index in `listed`: results that came, and errors of those that did not."""

    listed: Sequence[RemoteResult]
    came: dict[int, Result]
    lost: dict[int, ResultUnavailable]

    def unfetched(self, task_id: str) -> tuple[Lost, ...]:
        """Return the lost results, each with its message."""
        return tuple(
            Lost(
                self.listed[index].node_id,
                file_name(self.listed[index].url),
                index,
                Notice(
                    "progress.not_fetched",
                    {
                        **error.params,
                        "number": index + 1,
                        "total": len(self.listed),
                        "reason": Words.of(error.reason),
                        "task_id": task_id,
                    },
                ),
                self.listed[index].url,
            )
            for index, error in self.lost.items()
        )
