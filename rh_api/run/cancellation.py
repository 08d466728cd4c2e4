"""Cancelling remote tasks: a bounded attempt, confirmation by polls, retries in the background."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, field, replace

from ..errors import Fate, GraphRejected, RunningHubError, TaskNotFound, about_task
from ..journal.clock import age
from ..wire import tasks
from ..wire.tasks import Phase, Report, is_native
from . import native
from .context import AccountContext
from .orders import Order
from .progress import Stopped
from .report_query import UNKNOWN_SECONDS, look

log = logging.getLogger("runninghub")

BOUND = 30.0  # deadline of one cancel, its tries and confirmation included (seconds, loop's clock)
TRIES = 3
CONFIRM = (0.0, 0.5, 1.0, 2.0)  # seconds before each poll that confirms it
AGAIN = (15.0, 30.0, 60.0, 120.0, 300.0)  # backoff of background retries; the last one repeats
MISSES = 2  # "not found" answers of both polls after which a task counts as gone
_GONE = Report(Phase.CANCELLED)


@dataclass(slots=True)
class Canceller:
    """Cancels tasks of one account and records the result in the journal."""

    context: AccountContext
    _cancelling: set[int] = field(default_factory=set[int])
    trying: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, "asyncio.Task[None]"])
    """By order: background tasks that retry a cancel which could not be confirmed."""

    async def cancel_order(
        self,
        order_id: int,
        task_id: str,
        order: Order | None = None,
        rejected: GraphRejected | None = None,
    ) -> None:
        """Cancel the task of an order in the journal; record the intent before, the result after.

        `order`: what was ordered, if known. A standard model's task is asked to stop only once:
        sources doubt that the service stops those, so only what it then reports counts.
        `rejected`: the graph error that is recorded as the order's failure if the task succeeded.

        An unconfirmed cancel is retried in the background until confirmed, or until `close`.

        No-op while the client is shutting down (`leaving`): the next process resumes the task.
        """
        if self.context.leaving or order_id in self._cancelling:
            return
        self._cancelling.add(order_id)
        try:
            await self._cancel_and_report(order_id, task_id, order, rejected)
        finally:
            self._cancelling.discard(order_id)

    async def _cancel_and_report(
        self, order_id: int, task_id: str, order: Order | None, rejected: GraphRejected | None
    ) -> None:
        journal = self.context.journal
        is_recorded = await journal.record_cancel_wanted(order_id)
        is_model = order is not None and order.is_model
        stopped = await self._cancel_and_record(order_id, task_id, is_model, rejected)
        if not (is_recorded or stopped.confirmed):
            # The disk may have space again.
            stopped = replace(stopped, is_recorded=await journal.record_cancel_wanted(order_id))
        self._tell(stopped, rejected)

    def _tell(self, stopped: Stopped, rejected: GraphRejected | None) -> None:
        # The results of a rejected graph are not delivered, and its failure was reported already.
        if rejected is None or not stopped.too_late:
            self.context.on_stopped(stopped)

    async def repeat_cancel(self, order_id: int, task_id: str, *, is_model: bool = False) -> None:
        """Send a cancel that was requested by an earlier process, or before the task was known."""
        log.warning("task %s was to be stopped and may still run: cancelling it now", task_id)
        stopped = await self._cancel_and_record(order_id, task_id, is_model)
        self.context.on_stopped(replace(stopped, from_before=True))

    async def cancel_task(self, task_id: str) -> bool:
        """Cancel a task by its id, ordered here or elsewhere; return whether its end was confirmed.
        Recorded if the journal has an unfinished row for it."""
        context = self.context
        row = await context.if_readable(
            context.journal(context.journal.store.of_task, *context.journal.owner, task_id)
        )
        if row is None or row.state.is_over:
            ended = await self._cancel_within_bound(task_id)
            if ended is not None and ended.phase is Phase.SUCCESS and row is not None:
                await context.journal.record_done(row.id, ended)  # which may have been told failed
            return ended is not None
        await context.journal.record_cancel_wanted(row.id)
        was_trying = row.id in self.trying
        stopped = await self._cancel_and_record(row.id, task_id, row.kind == "model")
        if was_trying and stopped.confirmed:
            context.on_stopped(stopped)
        return stopped.confirmed

    async def close(self) -> None:
        """Stop all background retries; the next process repeats the unconfirmed cancels."""
        trying = tuple(self.trying.values())
        self.trying.clear()
        for task in trying:
            task.cancel()
        if trying:
            await asyncio.wait(trying)

    async def _cancel_and_record(
        self, order_id: int, task_id: str, is_model: bool, rejected: GraphRejected | None = None
    ) -> Stopped:
        """Cancel, and record the end; if none is confirmed retry in the background."""
        ended = await self._cancel_within_bound(task_id, order_id, is_model=is_model)
        if ended is None:
            if is_model:
                log.warning("task %s goes on and costs; the next run gets its result", task_id)
            else:
                log.warning("task %s could not be cancelled for certain: it may cost", task_id)
                self._try_again(order_id, task_id, rejected)
            return Stopped(task_id, confirmed=False, goes_on=is_model, order=order_id)
        trying = self.trying.pop(order_id, None)
        if trying is not None and trying is not asyncio.current_task():
            trying.cancel()
        await self.context.journal.record_placed(order_id, task_id)  # it may be UNCERTAIN by now
        too_late = ended.phase is Phase.SUCCESS
        if too_late and rejected is not None:  # a partial graph: equal inputs must order anew
            key, code, record = rejected.key, rejected.code, self.context.journal.record_failed
            await record(order_id, key=key, code=code, usage=ended.usage)
        elif too_late:  # paid for, even if no results are listed yet
            await self.context.journal.record_done(order_id, ended)
        else:  # the older poll reports a cancelled task as failed
            await self.context.journal.record_cancelled(order_id, ended.usage)
        usage = ended.usage
        return Stopped(task_id, confirmed=True, too_late=too_late, usage=usage, order=order_id)

    def _try_again(self, order_id: int, task_id: str, rejected: GraphRejected | None) -> None:
        if order_id in self.trying or self.context.leaving:
            return

        async def until_confirmed() -> None:
            was_noted = await self._is_noted(order_id)
            before = set(self.context.followers.get(task_id, ()))
            for pause in itertools.chain(AGAIN, itertools.repeat(AGAIN[-1])):
                await self.context.sender.clock.sleep(pause)
                # A later run that resumed the task, in any process, has cleared the intent in the
                # journal and keeps the task; one that merely watches has not.
                followers = self.context.followers.get(task_id, ())
                if not (await self._is_noted(order_id) if was_noted else before >= {*followers}):
                    self.trying.pop(order_id, None)
                    return
                stopped = await self._cancel_and_record(order_id, task_id, False, rejected)
                if stopped.confirmed:
                    self._tell(stopped, rejected)
                    return

        self.trying[order_id] = asyncio.ensure_future(until_confirmed())

    async def _is_noted(self, order_id: int) -> bool:
        """Return whether the journal wants the order cancelled; True if it cannot be read."""
        row = await self.context.if_readable(
            self.context.journal(self.context.journal.store.order, order_id)
        )
        return row is None or row.cancel == "wanted"

    async def _is_new(self, order_id: int | None) -> bool:
        """Return whether an order is so recent that the polls may not know its running task yet."""
        if order_id is None:
            return False
        row = await self.context.if_readable(
            self.context.journal(self.context.journal.store.order, order_id)
        )
        seconds = row and age(row.placed or row.created, self.context.journal.now())
        return seconds is None or seconds < UNKNOWN_SECONDS

    async def _cancel_within_bound(
        self, task_id: str, order_id: int | None = None, *, is_model: bool = False
    ) -> Report | None:
        """Cancel within BOUND seconds; return the final report, None if no end was confirmed."""
        cancelling = asyncio.ensure_future(self._cancel_and_confirm(task_id, order_id, is_model))
        try:
            # Not wait_for: before Python 3.12 it may swallow a cancel that races the result.
            await asyncio.wait((cancelling,), timeout=BOUND)
            return cancelling.result() if cancelling.done() else None
        finally:
            cancelling.cancel()

    async def _cancel_and_confirm(
        self, task_id: str, order_id: int | None, is_model: bool
    ) -> Report | None:
        """Send the cancel and poll, up to TRIES times; once for a standard model. Only polls prove
        the end; "not found" proves that of a recent task only if a cancel was accepted."""
        transport, clock = self.context.sender.transport, self.context.sender.clock
        misses, is_taken = 0, False
        for _ in range(1 if is_model else TRIES):
            try:
                ended = await self._send_cancel(task_id)
                if ended is not None:
                    return ended
                is_taken = not is_model  # for models the service may acknowledge without acting
            except RunningHubError as error:
                log.info("cancelling task %s: %s", task_id, about_task(error, Fate.RUNNING))
            for pause in CONFIRM:
                await clock.sleep(pause)
                try:
                    report = await look(transport.send, task_id)
                except TaskNotFound as error:
                    misses += error.fate is Fate.OVER
                    if misses >= MISSES and (is_taken or not await self._is_new(order_id)):
                        return _GONE
                    continue
                except RunningHubError:
                    continue
                if report.phase.is_over:
                    return report
        return None

    async def _send_cancel(self, task_id: str) -> Report | None:
        """Send one cancel; return the final report if the reply already proves the end."""
        send = self.context.sender.transport.send
        if is_native(task_id):
            return await native.stop(send, task_id)
        await send(tasks.cancel(task_id))
        return None
