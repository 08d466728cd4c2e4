"""Orders of an account that nobody follows here, asked about in the background. One that runs on a
hold is asked about until it is over or its hold is used up. One that has ended is asked about until
its cost is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from dataclasses import dataclass, field

from ..errors import CostLimit, Fate, RunningHubError, TaskNotFound
from ..journal import OrderRow, State
from ..journal.clock import age
from ..wire.tasks import Phase, is_native
from .cancellation import Canceller
from .context import AccountContext
from .report_query import UNKNOWN_SECONDS, is_long_over, look, record_and_map, record_end
from .wallet import Wallet

log = logging.getLogger("runninghub")

POLL_AGAIN = (0.0, 5.0, 5.0, 10.0, 10.0, 20.0, 20.0, 30.0)
"""Seconds before each poll of an unfinished order, the last one repeats; fewer if it may use up its
hold earlier."""
ASK_AGAIN = (0.5, 2.0, 8.0, 30.0, 120.0, 480.0)  # before each query for an unknown cost, seconds
LATE_QUESTIONS = 2  # queries for an order that ended longer ago than the whole backoff takes
TOLD_WITHIN = 3 * 86_400.0  # seconds after the end; a subscription's orders never get a cost


@dataclass(slots=True)
class Watcher:
    """Asks about each such order when it is due. `last_before_start`: see `Recovery`; unfinished
    orders up to it are all polled, later ones, which another process may follow, only when their
    hold may be used up."""

    context: AccountContext
    canceller: Canceller
    wallet: Wallet
    last_before_start: int
    _watching: asyncio.Task[None] | None = None
    _is_closed: bool = False
    _news: asyncio.Future[None] | None = None
    """Has a result once there may be another order to ask about, or another answer."""
    _asked: dict[tuple[int, bool], tuple[int, float]] = field(
        default_factory=dict[tuple[int, bool], tuple[int, float]]
    )
    """By order, and whether it has ended: number of questions so far, and when the next is due, by
    the clock; never, once enough was asked."""
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unknown_since: dict[int, float] = field(default_factory=dict[int, float])

    def start(self) -> None:
        """Call once: ask about orders of earlier processes."""
        if self.last_before_start:
            self.look_around()

    def ended(self) -> None:
        """Note that an order has ended."""
        self.wallet.spent()
        self.look_around()

    def look_around(self) -> None:
        """Read now which orders are to be asked about: one more may have no follower."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        if not self._is_closed and (self._watching is None or self._watching.done()):
            self._watching = asyncio.ensure_future(self._watch())

    async def close(self) -> None:
        """Cancel the background tasks; the next process asks about what is left."""
        self._is_closed = True
        tasks = [
            task
            for task in (self._watching, self.wallet.background_read)
            if task is not None and not task.done()
        ]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def see_to_overdue(self) -> None:
        """Poll, and cancel, orders whose hold may be used up, before a new one is placed.

        A killed process has cancelled none of its orders. Raises CostLimit if one cannot be
        polled, since its cost is unknown.
        """
        unseen: tuple[OrderRow, RunningHubError] | None = None
        async with self._looking:
            for row in await self._unbooked(math.inf):
                if not self._time_left(row):
                    try:
                        await self._look(row)
                    except RunningHubError as error:
                        unseen = row, error
        if unseen is not None:
            row, error = unseen
            raise CostLimit("error.cost_overdue", order=row.id, id=row.task_id) from error

    async def _watch(self) -> None:
        """Ask about each order when that is due, until none is left."""
        clock = self.context.sender.clock
        while True:
            self._news = asyncio.get_running_loop().create_future()
            due = clock.now() + POLL_AGAIN[-1]
            with contextlib.suppress(RunningHubError):  # the next round may read the journal
                left = await self._left()
                if not left and not self._news.done():
                    return
                for row in left:
                    due = min(due, await self._see_to(row))
            pause = asyncio.ensure_future(clock.sleep(max(0.0, due - clock.now())))
            try:
                await asyncio.wait((pause, self._news), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()

    async def _left(self) -> list[OrderRow]:
        """Return the orders to ask about, without those of which enough was asked."""
        rows = await self._unbooked(self.context.journal.now() - TOLD_WITHIN)
        self._asked = {key: self._asked[key] for key in map(_key, rows) if key in self._asked}
        return [row for row in rows if self._asked.get(_key(row), (0, 0.0))[1] < math.inf]

    async def _unbooked(self, since: float) -> list[OrderRow]:
        """Return `Ledger.unbooked`, without orders that are followed here."""
        journal, followers = self.context.journal, self.context.followers
        rows = await journal(journal.store.ledger.unbooked, *journal.owner, since)
        return [row for row in rows if row.task_id not in followers]

    async def _see_to(self, row: OrderRow) -> float:
        """Ask about an order if that is due; return when it is due next."""
        now, key = self.context.sender.clock.now(), _key(row)
        if key not in self._asked:
            self._asked[key] = self._asked_before(row), now + self._pause(row, 0)
        tries, due = self._asked[key]
        if due > now:
            return due
        tries += 1
        due = now + self._pause(row, tries)
        self._asked[key] = tries, due
        try:
            if row.state.is_over:
                await self._ask_cost(row, is_last=tries == len(ASK_AGAIN))
            elif row.id <= self.last_before_start or not self._time_left(row):
                await self._look(row)
        except RunningHubError as error:
            log.info("what became of task %s, or its cost, is not told: %s", row.task_id, error)
        return due

    def _asked_before(self, row: OrderRow) -> int:
        """Return how many questions about an order earlier processes may have asked."""
        over = row.ended is not None and age(row.ended, self.context.journal.now())
        return len(ASK_AGAIN) - LATE_QUESTIONS if over and over > sum(ASK_AGAIN) else 0

    def _pause(self, row: OrderRow, tries: int) -> float:
        """Return the seconds until the next question after so many."""
        if row.state.is_over:
            is_enough = tries == len(ASK_AGAIN) or is_native(row.task_id)  # which tells no cost
            return math.inf if is_enough else ASK_AGAIN[tries]
        time_left = self._time_left(row) or math.inf
        return min(POLL_AGAIN[min(tries, len(POLL_AGAIN) - 1)], max(1.0, time_left))

    def _time_left(self, row: OrderRow) -> float:
        """Return the seconds until an order's hold may be used up; infinity if its cost is not by
        time. They are counted by the local clock from its placing, the earliest possible start."""
        if row.paid_seconds is None:
            return math.inf
        ran = age(row.placed or row.created, self.context.journal.now())
        return 0.0 if ran is None else max(0.0, row.paid_seconds - ran)

    async def _look(self, row: OrderRow) -> None:
        """Poll an order once; record its end, or cancel it if it has run for `paid_seconds`.

        If its start was not observed they count from now: it may have been queued until
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
        elif row.paid_seconds is not None and not report.phase.is_waiting:
            now = report.at or journal.now()
            if row.started is None:
                await journal.record_running(row.id, now)
            elif (ran := age(row.started, now)) is None or ran >= row.paid_seconds:
                await self.canceller.cancel_order(row.id, task_id)
                self.ended()

    async def _ask_cost(self, row: OrderRow, *, is_last: bool) -> None:
        """Book the cost of an ended order if the service tells it by now."""
        journal = self.context.journal
        if row.money or row.third_party_money:  # which waits for the account's currency
            await self.wallet.read()
            return
        report = await look(self.context.sender.transport.send, row.task_id or "")
        if report.phase is Phase.SUCCESS and row.state is not State.DONE:
            await journal.record_done(row.id, report)  # told only now
            return
        if not report.phase.is_over or await journal.record_cost(row.id, report.usage):
            return
        # A failed or cancelled task without a reported cost after minutes was free.
        if is_last and row.state is not State.DONE:
            await journal.record_free(row.id)


def _key(row: OrderRow) -> tuple[int, bool]:
    return row.id, row.state.is_over
