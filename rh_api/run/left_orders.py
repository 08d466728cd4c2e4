"""Orders that nobody here follows and that a sum is held for: looked at until they are over, and
stopped when that sum is used up."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import CostLimit, Fate, RunningHubError, TaskNotFound
from ..journal import OrderRow
from ..journal.retention import age
from .cancellation import Canceller
from .context import AccountContext
from .report_query import UNKNOWN_SECONDS, is_long_over, query_report, record_end, record_error

LOOKS = (5.0, 5.0, 10.0, 10.0, 20.0, 20.0, 30.0)
"""Seconds between looks; fewer where the time of an order may be over before."""


@dataclass(slots=True)
class LeftOrders:
    """Orders of an account whose tasks nobody here follows. `last`: the last order before this
    start, up to which all are looked at; of later ones, which another process may follow, only
    those whose time may be over. `ended`: is called when an order has ended."""

    context: AccountContext
    canceller: Canceller
    last: int
    ended: Callable[[], None]
    watching: asyncio.Task[None] | None = None
    """Sees to them; whoever ends it sets `is_closed` before."""
    is_closed: bool = False
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unknown_since: dict[int, float] = field(default_factory=dict[int, float])

    def watch(self) -> None:
        """See to them from now on, until there is none."""
        if not self.is_closed and (self.watching is None or self.watching.done()):
            self.watching = asyncio.ensure_future(self._watch())

    async def see_to_overdue(self) -> None:
        """Before a new order: left ones whose time may be over are looked at and stopped.

        A process that was killed has stopped none of its own. Raises CostLimit where a left order
        cannot be looked at: what it costs is not known.
        """
        unseen: tuple[OrderRow, RunningHubError] | None = None
        async with self._looking:
            for row, seconds in await self.context.journal.open_holds():
                if self._is_left(row) and not self._time_left(row, seconds):
                    try:
                        await self._look(row, seconds)
                    except RunningHubError as error:
                        unseen = row, error
        if unseen is not None:
            row, error = unseen
            raise CostLimit("error.cost_overdue", order=row.id, id=row.task_id) from error

    async def _watch(self) -> None:
        pauses = iter(LOOKS)
        pause = next(pauses)
        while True:
            orphans: list[tuple[OrderRow, float | None]] = []
            with contextlib.suppress(RunningHubError):  # the next look may find more
                holds = await self.context.journal.open_holds()
                orphans = [(row, seconds) for row, seconds in holds if self._is_left(row)]
                if not orphans:
                    return
            due = math.inf
            for row, seconds in orphans:
                time_left = self._time_left(row, seconds)
                if row.id <= self.last or not time_left:
                    with contextlib.suppress(RunningHubError):
                        await self._look(row, seconds)
                due = min(due, time_left or math.inf)
            await self.context.sender.clock.sleep(min(pause, max(1.0, due)))
            pause = next(pauses, pause)

    def _is_left(self, row: OrderRow) -> bool:
        return row.task_id is not None and row.task_id not in self.context.followers

    def _time_left(self, row: OrderRow, seconds: float | None) -> float:
        """Seconds until what is held for an order may be used up, infinity where time does not
        bound it: it runs no longer than since it was placed, both by this machine's clock."""
        if seconds is None:
            return math.inf
        ran = age(row.placed or row.created, self.context.journal.now())
        return 0.0 if ran is None else max(0.0, seconds - ran)

    async def _look(self, row: OrderRow, seconds: float | None) -> None:
        """What became of an order; it is stopped where it has run for all the `seconds`.

        Where nobody saw it begin, they count from now: it may have waited until a moment ago, and
        another process that follows it knows better.
        """
        journal, task_id = self.context.journal, row.task_id or ""
        try:
            report = await query_report(self.context.sender.send, task_id, is_open=True)
        except TaskNotFound as error:
            now = self.context.sender.clock.now()
            unknown = now - self._unknown_since.setdefault(row.id, now)
            is_over = unknown >= UNKNOWN_SECONDS or is_long_over(row, journal.now())
            if error.fate is not Fate.OVER or not is_over:
                raise
            await record_error(journal, row.id, row, error)
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
                await self.canceller.order(row.id, task_id)
                self.ended()
