"""Bringing the results of a finished task here: whole, once, and by a fresh address if need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import NoOutput, ResultUnavailable, RunningHubError
from ..store import Store
from ..store.tidy import RESULTS
from ..wire.orders import Ticket
from ..wire.tasks import RemoteResult, Report
from .desk import Desk
from .flights import Flights
from .kept import is_owed, note_done, rows_of
from .look import look
from .orders import Outcome, Result
from .ports import Watch
from .transfers import Transfers

_ELSEWHERE = "task-"  # begins the folder of a task that the book does not know
EXPIRED = (403, 404)  # how the object store refuses an address that is too old


@dataclass(slots=True)
class Delivering:
    """Results of one account's tasks on their way into `folder`, the store's."""

    desk: Desk
    transfers: Transfers
    folder: Path
    _flights: Flights[Outcome] = field(default_factory=Flights[Outcome])

    async def deliver(
        self, row: int | None, ticket: Ticket, report: Report, seconds: float, watch: Watch
    ) -> Outcome:
        """Bring the results here, once for all who want them now.

        `row`: of the book; None for a task that was ordered elsewhere.
        """

        async def bring(show: Watch) -> Outcome:
            return await self._bring(row, ticket, report, seconds, show)

        return await self._flights.join(ticket.task_id, bring, watch)

    def wanted(self, store: Store, folder: str) -> bool:
        """Whether what lies in a folder of results is still on its way to somebody."""
        if folder.isdecimal():
            row = store.order(int(folder))
            return row is not None and is_owed(store, row)
        return folder.removeprefix(_ELSEWHERE) in self._flights

    async def settle(self) -> None:
        """Wait until transfers that were stopped have come to their end."""
        await self._flights.settle()

    async def _bring(
        self, row: int | None, ticket: Ticket, report: Report, seconds: float, watch: Watch
    ) -> Outcome:
        listed = report.results or ()
        if row is not None:
            await self.desk.note(lambda s: note_done(s, row, report))
        if not listed:
            raise NoOutput(task_id=ticket.task_id)
        folder = f"{_ELSEWHERE}{ticket.task_id}" if row is None else str(row)
        fetched = await self._fetch(listed, self.folder / RESULTS / folder, ticket.task_id, watch)
        if row is not None:
            await self.desk.note(lambda s: s.save_results(row, rows_of(fetched, self.folder)))
        return Outcome(ticket.task_id, fetched, report.usage, ticket.tips, seconds)

    async def _fetch(
        self, listed: Sequence[RemoteResult], folder: Path, task_id: str, watch: Watch
    ) -> tuple[Result, ...]:
        """All results; an address that has expired is asked for anew, once."""
        try:
            return await self.transfers.fetch(listed, folder, task_id, watch)
        except ResultUnavailable as error:
            fresh = await self._fresh(task_id) if error.status in EXPIRED else None
            if not fresh or [one.url for one in fresh] == [one.url for one in listed]:
                raise
        return await self.transfers.fetch(fresh, folder, task_id, watch)

    async def _fresh(self, task_id: str) -> Sequence[RemoteResult] | None:
        caller = self.desk.caller
        try:
            report = await caller.retrying(lambda: look(caller.transport, task_id))
        except RunningHubError:
            return None
        return report.results
