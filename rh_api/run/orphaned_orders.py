"""Orphaned orders with a hold: polled until they are over, and cancelled once the hold is used
up. An orphan has no follower in this process."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import CostLimit, Fate, RunningHubError, TaskNotFound
from ..journal import OrderRow
from ..journal.clock import age
from .cancellation import Canceller
from .context import AccountContext
from .report_query import UNKNOWN_SECONDS, is_long_over, look, record_and_map, record_end

POLL_PAUSES_SECONDS = (5.0, 5.0, 10.0, 10.0, 20.0, 20.0, 30.0)
"""Pauses between polls; shorter if an order may use up its hold earlier."""


@dataclass(slots=True)
class OrphanedOrders:
    """Polls orphaned orders of an account. `last_before_start`: see `Recovery`; orders up to it
    are all polled, later ones, which another process may follow, only when their hold may be used
    up. `ended`: called when an order has ended."""

    context: AccountContext
    canceller: Canceller
    last_before_start: int
    ended: Callable[[], None]
    watching: asyncio.Task[None] | None = None
    """The background task; set `is_closed` before cancelling it."""
    is_closed: bool = False
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unknown_since: dict[int, float] = field(default_factory=dict[int, float])

    def watch(self) -> None:
        """Start polling in the background, until no orphan is left."""
        if not self.is_closed and (self.watching is None or self.watching.done()):
            self.watching = asyncio.ensure_future(self._watch())

    async def see_to_overdue(self) -> None:
        """Poll, and cancel, orphans whose hold may be used up, before a new order is placed.

        A killed process has cancelled none of its orders. Raises CostLimit if an orphan cannot be
        polled, since its cost is unknown.
        """
        unseen: tuple[OrderRow, RunningHubError] | None = None
        async with self._looking:
            for row, seconds in await self._open_holds():
                if self._is_left(row) and not self._time_left(row, seconds):
                    try:
                        await self._look(row, seconds)
                    except RunningHubError as error:
                        unseen = row, error
        if unseen is not None:
            row, error = unseen
            raise CostLimit("error.cost_overdue", order=row.id, id=row.task_id) from error

    async def _watch(self) -> None:
        pauses = iter(POLL_PAUSES_SECONDS)
        pause = next(pauses)
        while True:
            orphans: list[tuple[OrderRow, float | None]] = []
            with contextlib.suppress(RunningHubError):  # the next round may succeed
                holds = await self._open_holds()
                orphans = [(row, seconds) for row, seconds in holds if self._is_left(row)]
                if not orphans:
                    return
            due = math.inf
            for row, seconds in orphans:
                time_left = self._time_left(row, seconds)
                if row.id <= self.last_before_start or not time_left:
                    with contextlib.suppress(RunningHubError):
                        await self._look(row, seconds)
                due = min(due, time_left or math.inf)
            await self.context.sender.clock.sleep(min(pause, max(1.0, due)))
            pause = next(pauses, pause)

    async def _open_holds(self) -> list[tuple[OrderRow, float | None]]:
        journal = self.context.journal
        return await journal(journal.store.ledger.open_holds, *journal.owner)

    def _is_left(self, row: OrderRow) -> bool:
        return row.task_id is not None and row.task_id not in self.context.followers

    def _time_left(self, row: OrderRow, seconds: float | None) -> float:
        """Return the seconds until an order's hold may be used up, by the local clock, counted from
        its placing (the earliest possible start); infinity if its cost is not by time."""
        if seconds is None:
            return math.inf
        ran = age(row.placed or row.created, self.context.journal.now())
        return 0.0 if ran is None else max(0.0, seconds - ran)

    async def _look(self, row: OrderRow, seconds: float | None) -> None:
        """Poll an order once; record its end, or cancel it if it has run for `seconds`.

        If its start was not observed the seconds count from now: it may have been queued until
        just now, and a process that follows it knows the real start.
        """
        journal, task_id = self.context.journal, row.task_id or ""
        try:
            report = await look(self.context.sender.send, task_id)
        except TaskNotFound as error:
            now = self.context.sender.clock.now()
            unknown = now - self._unknown_since.setdefault(row.id, now)
            is_over = unknown >= UNKNOWN_SECONDS or is_long_over(row, journal.now())
            if error.fate is not Fate.OVER or not is_over:
                raise
            await record_and_map(journal, row.id, row, error)
            return
        self._unknown_since.pop(row.id, None)
        if report.phase.is_over:
            await record_end(journal, row.id, report)
            self.ended()
        elif seconds is not None and not report.phase.is_waiting:
            now = report.at or journal.now()
            if row.started is None:
                await journal.record_running(row.id, now)
            elif (ran := age(row.started, now)) is None or ran >= seconds:
                await self.canceller.cancel_order(row.id, task_id)
                self.ended()
