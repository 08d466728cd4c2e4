"""Placing one order: a place on the account, a row in the book, one create, a ticket."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from ..errors import Fate, QueueFull, RateLimited, RunningHubError, Uncertain
from ..store import Identity, OrderExists
from ..wire.accounts import queue_status
from ..wire.orders import Ticket
from .cancelling import Cancelling
from .desk import Desk
from .orders import Order
from .ports import Progress, Stage, Stopped, Watch
from .retry import LONGEST_RETRY_AFTER
from .slots import FIRST_WAIT, Slots, next_wait

log = logging.getLogger("runninghub")

CREATE_SECONDS = 90.0  # longer than any create may take, its reply and its row included
RATE_PATIENCE = 600.0  # seconds of "too many requests" in a row until we give up, with nothing paid
LIMIT_LASTS = 60.0  # seconds; the account's limit is read at most once a minute

_NOTHING_RUNS = (Fate.NOT_STARTED, Fate.OVER)


@dataclass(slots=True)
class Placing:
    """Orders of one account on their way to the service."""

    desk: Desk
    cancelling: Cancelling
    slots: Slots = field(default_factory=Slots)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _limit_read: float | None = None
    _tasks_seen: int | None = None
    _used_then: int = 0

    async def place(self, order: Order, identity: Identity, watch: Watch) -> tuple[int, Ticket]:
        """A row and a ticket, with a slot held; on any error nothing is held.

        Raises OrderExists when another process was faster, Uncertain when an order may have
        been placed, else the refusal.
        """
        await self._take_slot(watch)
        wait = FIRST_WAIT
        clock = self.desk.caller.clock
        patience = clock.now() + RATE_PATIENCE
        try:
            while True:
                end = self.slots.next_end
                try:
                    return await self._order_once(order, identity, watch)
                except QueueFull:
                    asked = 0.0
                    patience = clock.now() + RATE_PATIENCE
                except RateLimited as error:
                    asked = error.retry_after or 0.0
                    if asked > LONGEST_RETRY_AFTER or clock.now() > patience:
                        raise
                # The place is kept: given back, it would only let the next one be refused.
                watch(Progress(Stage.WAITING_FOREIGN, params=self._load()))
                await self.slots.wait_for_end(end, max(wait, asked), clock)
                wait = next_wait(wait)
        except BaseException:
            self.slots.leave()
            raise

    async def _take_slot(self, watch: Watch) -> None:
        async with self._reading:  # whoever comes meanwhile must not start without a limit
            now = self.desk.caller.clock.now()
            if self._limit_read is None or now - self._limit_read > LIMIT_LASTS:
                await self._read_limit()
                self._limit_read = now
        if self.slots.would_wait():
            watch(Progress(Stage.WAITING_SLOT, params=self._load()))
        await self.slots.take()

    async def _read_limit(self) -> None:
        try:
            load = await self.desk.caller.transport.send(queue_status())
        except RunningHubError as error:
            log.info("the account's limit could not be read: %s", error)
            self._tasks_seen = None
            return
        self._tasks_seen, self._used_then = load.running + load.queued, self.slots.used
        self.slots.set_limit(load.limit)

    def _load(self) -> dict[str, object]:
        limit = self.slots.limit
        return {"used": self.slots.used, "limit": "?" if limit is None else limit}

    async def _order_once(
        self, order: Order, identity: Identity, watch: Watch
    ) -> tuple[int, Ticket]:
        what: dict[str, object] = {"inputs": dict(order.inputs), "before": self._before()}
        instance = order.options.instance
        intending = asyncio.ensure_future(
            self.desk.book.do(lambda s: s.intend(identity, instance=instance, what=what))
        )
        try:
            row = await asyncio.shield(intending)
        except asyncio.CancelledError:
            self.desk.later(self._withdraw(intending))
            raise
        watch(Progress(Stage.ORDERING))
        tries: list[asyncio.Future[Ticket]] = []

        async def attempt() -> Ticket:
            # Once begun it goes on through a stop: its reply names the task to cancel.
            tries.append(asyncio.ensure_future(self._create(row, order)))
            return await asyncio.shield(tries[-1])

        try:
            ticket = await self.desk.caller.retrying(attempt, repeatable=False)
        except asyncio.CancelledError:
            self.desk.later(self._abandon(row, tries[-1]))
            raise
        except RunningHubError as error:
            # Written also when Stop comes this moment: it would be a question for ever.
            await asyncio.shield(self.desk.later(self._came_to_nothing(row, error)))
            if error.fate in _NOTHING_RUNS:
                raise
            raise await self._uncertain(row, error, what["before"]) from error
        return row, ticket

    async def _create(self, row: int, order: Order) -> Ticket:
        """A ticket whose id is in the book: a stop right behind the reply must not lose it."""
        call = order.call(self.desk.password_of(order.page))
        ticket = await self.desk.caller.transport.send(call, fresh=True)
        await self.desk.note(lambda s: s.placed(row, ticket.task_id))
        return ticket

    async def _withdraw(self, intending: asyncio.Future[int]) -> None:
        """Stop came while the row was being written: nothing has left this machine."""
        try:
            row = await intending
        except (RunningHubError, OrderExists):
            return
        await self.desk.note(lambda s: s.dropped(row))

    async def _abandon(self, row: int, creating: asyncio.Future[Ticket]) -> None:
        """Stop came between a create and its reply: cancel as soon as the id is known."""
        if not self.desk.leaving:
            # Written first: a process that ends now leaves more than a question.
            await self.desk.note(lambda s: s.want_cancel(row))
        try:
            ticket = await creating
        except RunningHubError as error:
            await self._came_to_nothing(row, error)
            log.info("a stopped order got no task: %s", error)
            if error.fate not in _NOTHING_RUNS:
                self.desk.stopped(Stopped("", confirmed=False))
            return
        await self.cancelling.order(row, ticket.task_id)

    async def _came_to_nothing(self, row: int, error: RunningHubError) -> None:
        """No ticket: the row goes when nothing was started, else it stays as a question."""
        key = error.key
        if error.fate in _NOTHING_RUNS:
            await self.desk.note(lambda s: s.dropped(row))
        else:
            await self.desk.note(lambda s: s.uncertain(row, key=key))

    def _before(self) -> int | str:
        """Tasks of the account before an order that has its place: those of the last reading,
        and what began or ended here since."""
        if self._tasks_seen is None:
            return "?"
        return max(0, self._tasks_seen + self.slots.used - 1 - self._used_then)

    async def _uncertain(self, row: int, error: RunningHubError, before: object) -> Uncertain:
        """What is known of an order whose fate is not: the account's load before and now."""
        await self._read_limit()
        uncertain = Uncertain(
            code=error.code,
            reason=error,
            before=before,
            now="?" if self._tasks_seen is None else self._tasks_seen,
            order=row,
            origin=self.desk.origin,
        )
        uncertain.order = row
        return uncertain
