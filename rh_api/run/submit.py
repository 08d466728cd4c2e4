"""Submitting one order: concurrency slot, journal row (write-ahead), one create call, ticket."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from ..errors import BadReply, Fate, QueueFull, RateLimited, RunningHubError, Uncertain
from ..journal import NO_HOLD, Hold, Identity, LimitReached, LimitsChanged, OrderExists
from ..wire.call import Call
from ..wire.envelope import MAX_RETRY_AFTER
from ..wire.orders import Ticket
from ..wire.run_v2 import SUBMIT_V2
from . import native
from .cancellation import Canceller
from .context import AccountContext
from .limiter import FIRST_WAIT, AccountLimiter, next_wait
from .orders import ActiveOrder, Order, Payload
from .progress import Progress, Stage, Stopped, Watch

log = logging.getLogger("runninghub")

RATE_PATIENCE = 600.0  # seconds of continuous rate limiting until submitting fails, nothing paid

Prepare = Callable[[], Awaitable[Payload]]
"""Uploads an order's inputs and returns its payload."""

_NOTHING_RUNS = (Fate.NOT_STARTED, Fate.OVER)


@dataclass(slots=True)
class Submitter:
    """Submits the orders of one account."""

    context: AccountContext
    canceller: Canceller
    limiter: AccountLimiter
    chance: random.Random = field(default_factory=random.Random)

    async def prepared(self, prepare: Prepare) -> Payload:
        """Return an order's payload; concurrently refresh the account's limit."""
        reading = self.context.spawn(self.limiter.refresh())
        try:
            return await prepare()
        except BaseException:
            reading.cancel()
            raise

    async def submit(
        self,
        order: Order,
        identity: Identity,
        watch: Watch,
        hold: Hold = NO_HOLD,
        *,
        after: int | None = None,
    ) -> ActiveOrder:
        """Place the order; return it with row and ticket, holding its slot (released on any error).

        `after`: number of the latest known order of the identity, 0 for none. Raises OrderExists
        if another process placed one first, Uncertain for an unknown fate, else the refusal.
        """
        await self.limiter.take(watch)
        wait, clock = FIRST_WAIT, self.context.sender.clock
        patience = clock.now() + RATE_PATIENCE
        try:
            while True:
                ends, retry_after = self.limiter.ends, 0.0
                place = partial(self._order_once, order, identity, watch, hold, after=after)
                try:
                    return await self.context.sender.retry(place, repeatable=False)
                except QueueFull:
                    patience = clock.now() + RATE_PATIENCE
                    # Keep the slot: the next order would only be refused as well.
                    watch(self.limiter.progress(Stage.WAITING_FOREIGN))
                except RateLimited as error:
                    retry_after = error.retry_after or 0.0
                    if retry_after > MAX_RETRY_AFTER or clock.now() > patience:
                        raise
                pause = max(retry_after, wait * self.chance.uniform(0.5, 1.0))
                await self.limiter.wait_for_end(ends, pause, clock)
                wait = next_wait(wait)
        except BaseException:
            self.limiter.release()
            raise

    async def _order_once(
        self,
        order: Order,
        identity: Identity,
        watch: Watch,
        hold: Hold,
        *,
        after: int | None,
    ) -> ActiveOrder:
        """Send one create with its own row.

        To other processes a row that is older than a create can last is uncertain. They may have it
        settled, and after that no create may be sent for it.
        """
        journal = self.context.journal
        v2 = self.context.submit_route == SUBMIT_V2
        call = order.create_call(order, self.context.password_of(order.page), v2=v2)
        instance, before = order.options.instance, self.limiter.tasks_before()
        details: dict[str, object] = {**order.described, "before": before}
        intending = asyncio.ensure_future(
            journal.intend(
                identity,
                instance=instance,
                what=details,
                hold=hold,
                after=after,
                number=order.number,
            )
        )
        try:
            order_id = await asyncio.shield(intending)
        except asyncio.CancelledError:
            self.context.spawn(self._withdraw(intending), identity.digest)
            raise
        asked_at = self.context.sender.clock.now()
        watch(Progress(Stage.ORDERING, params={"order": order_id}))
        # Not cancelled with its caller: its reply names the task to cancel.
        creating = asyncio.ensure_future(self._create(order_id, order, call))
        try:
            ticket = await asyncio.shield(creating)
        except asyncio.CancelledError:
            self.context.spawn(self._abandon(order_id, order, creating), order_id)
            raise
        except RunningHubError as error:
            await self._fail(order_id, error, watch)
            if error.fate in _NOTHING_RUNS:
                raise
            now = self.limiter.tasks_seen
            raise Uncertain(
                code=error.code,
                reason=error,
                before=before,
                now=now,
                tasks=Uncertain.describe_tasks(before, now),
                order=order_id,
                origin=journal.origin,
            ) from error
        return ActiveOrder(order, ticket, watch, order_id, asked_at=asked_at)

    async def _fail(self, order_id: int, error: RunningHubError, watch: Watch) -> None:
        """Record a create without a ticket; if it may have started a task, read the account's load.
        A cancel meanwhile is told as one of an order whose fate is unknown."""
        is_open = error.fate not in _NOTHING_RUNS
        try:
            # Recorded despite a cancel at this moment: the row would stay uncertain for ever.
            recording = self._record_no_ticket(order_id, error)
            await asyncio.shield(self.context.spawn(recording, order_id))
            if isinstance(error, RateLimited):
                watch(self.limiter.progress(Stage.WAITING_FOREIGN))
            if is_open:
                await self.limiter.read()
        except asyncio.CancelledError:
            if is_open and not self.context.leaving:
                self.context.spawn(self._stop_unknown(order_id), order_id)
            raise

    async def _stop_unknown(self, order_id: int) -> None:
        await self.context.journal.record_cancel_wanted(order_id)
        self.context.on_stopped(Stopped("", confirmed=False, order=order_id))

    async def _create(self, order_id: int, order: Order, call: Call[Ticket]) -> Ticket:
        """Send the create and record its task id at once, so that a cancel cannot lose it."""
        sender = self.context.sender
        try:
            ticket = await sender.transport.send(call, fresh=True)
        except RunningHubError as error:
            if error.wrong_address and not await self._takes_orders(error):
                raise error.with_context(fate=Fate.NOT_STARTED) from error.__cause__
            ticket = None
            if (task_id := order.native_task_id) and error.fate is Fate.UNKNOWN:
                ticket = await native.find(sender.transport.send, sender.clock, task_id)
            if ticket is None:
                raise
        journal, task = self.context.journal, ticket.task_id
        twin = await journal.record_placed(order_id, task, ticket.tips.outputs)
        if twin:
            raise BadReply("error.task_id_taken", task_id=task, id=task, order=order_id, other=twin)
        return ticket

    async def _takes_orders(self, error: RunningHubError) -> bool:
        """Return whether the origin may accept orders; False only if none was ever placed."""
        if isinstance(error, BadReply):
            if self.limiter.tasks_seen is None:
                await self.limiter.read()
            if self.limiter.tasks_seen is not None:
                return True  # a web page in place of a ticket, but other calls succeed
        journal = self.context.journal
        has_placed = journal(journal.store.history.has_placed, journal.origin)
        return await self.context.if_readable(has_placed) is not False

    async def _withdraw(self, intending: asyncio.Future[int]) -> None:
        """Drop a row whose caller was cancelled while it was written: nothing was sent."""
        try:
            order_id = await intending
        except (RunningHubError, OrderExists, LimitReached, LimitsChanged):
            return
        await self.context.journal.record_dropped(order_id, for_good=True)

    async def _abandon(self, order_id: int, order: Order, creating: asyncio.Future[Ticket]) -> None:
        """Cancel an order whose caller was cancelled before the reply, once its id is known."""
        if not self.context.leaving:  # recorded first, in case this process dies before the reply
            await self.context.journal.record_cancel_wanted(order_id)
        try:
            ticket = await creating
        except RunningHubError as error:
            await self._record_no_ticket(order_id, error, for_good=True)
            log.info("a stopped order got no task: %s", error)
            if error.fate not in _NOTHING_RUNS:
                self.context.on_stopped(Stopped("", confirmed=False, order=order_id))
            return
        await self.canceller.cancel_order(order_id, ticket.task_id, order)

    async def _record_no_ticket(
        self, order_id: int, error: RunningHubError, *, for_good: bool = False
    ) -> None:
        """Record a create without a ticket: drop the row if nothing was started, else mark it
        uncertain. `for_good`: it is not retried, so its hold is released."""
        if error.fate in _NOTHING_RUNS:
            await self.context.journal.record_dropped(order_id, for_good=for_good)
        else:
            await self.context.journal.record_uncertain(order_id, key=error.key)
