"""Stopping a task in the cloud, and seeing that it stopped."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, field, replace

from ..errors import Fate, GraphRejected, RunningHubError, TaskNotFound, about_task
from ..journal.retention import age
from ..wire import tasks
from ..wire.tasks import Phase, Report, is_native
from . import native
from .context import AccountContext
from .orders import Order
from .orders import is_model as names_model
from .progress import Stopped
from .report_query import UNKNOWN_SECONDS, query_report

log = logging.getLogger("runninghub")

BOUND = 30.0  # seconds that a cancel, its tries and its confirmation may take together
TRIES = 3
CONFIRM = (0.0, 0.5, 1.0, 2.0)  # pauses before the polls that confirm it
AGAIN = (15.0, 30.0, 60.0, 120.0, 300.0)  # seconds between further tries, the last one on and on
MISSES = 2  # times that both polls must not know a task that a cancel can have ended
_GONE = Report(Phase.CANCELLED)


@dataclass(slots=True)
class Canceller:
    """Cancels of one account's tasks."""

    context: AccountContext
    _stopping: set[int] = field(default_factory=set[int])
    trying: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, "asyncio.Task[None]"])
    """By row: cancels that could not be confirmed, and are tried again."""

    async def order(
        self,
        row: int,
        task_id: str,
        order: Order | None = None,
        rejected: GraphRejected | None = None,
    ) -> None:
        """Cancel the task of a row in the journal, which says so before and after.

        `order`: what was ordered, where that is known. A standard model is asked to stop once:
        sources doubt that the service stops those, so only what it then reports counts.
        `rejected`: what is wrong with what runs, so that it is a failure however it ends.

        What cannot be confirmed is tried again until it is, or until `close`.

        A client that is leaving cancels nothing: the next start takes the task up.
        """
        if self.context.leaving or row in self._stopping:
            return
        self._stopping.add(row)
        try:
            await self._order(row, task_id, order, rejected)
        finally:
            self._stopping.discard(row)

    async def _order(
        self, row: int, task_id: str, order: Order | None, rejected: GraphRejected | None
    ) -> None:
        journal = self.context.journal
        is_recorded = await journal.record_cancel_wanted(row)
        stopped = await self._stop(row, task_id, order is not None and order.is_model, rejected)
        if not (is_recorded or stopped.confirmed):
            # The disk may have room by now.
            stopped = replace(stopped, is_recorded=await journal.record_cancel_wanted(row))
        if order is not None and order.measure is not None and stopped.confirmed:
            stopped = replace(stopped, usage=await order.measure(task_id) or stopped.usage)
        self._tell(stopped, rejected)

    def _tell(self, stopped: Stopped, rejected: GraphRejected | None) -> None:
        # Half of a graph is no result that somebody can have; its failure was told.
        if rejected is None or not stopped.too_late:
            self.context.stopped(stopped)

    async def again(self, row: int, task_id: str, *, is_model: bool = False) -> None:
        """Repeat a cancel that an earlier start could not confirm."""
        log.warning("task %s was stopped before and may still run: cancelling it again", task_id)
        self.context.stopped(replace(await self._stop(row, task_id, is_model), from_before=True))

    async def named(self, task_id: str) -> bool:
        """Cancel a task by its id, whoever ordered it; True when it was seen to end. The journal
        learns of it if it has it."""
        context = self.context
        row = await context.if_readable(context.journal.of_task(task_id))
        if row is None or row.state.is_over:
            return await self.task(task_id)
        await context.journal.record_cancel_wanted(row.id)
        was_trying = row.id in self.trying
        stopped = await self._stop(row.id, task_id, names_model(row.workflow))
        if was_trying and stopped.confirmed:
            context.stopped(stopped)
        return stopped.confirmed

    async def close(self) -> None:
        """What is not confirmed by now is cancelled again by the next start."""
        trying = tuple(self.trying.values())
        self.trying.clear()
        for task in trying:
            task.cancel()
        if trying:
            await asyncio.wait(trying)

    async def _stop(
        self, row: int, task_id: str, is_model: bool, rejected: GraphRejected | None = None
    ) -> Stopped:
        ended = await self._ended(task_id, row, is_model=is_model)
        if ended is None:
            if is_model:
                log.warning("task %s goes on and costs; the next run gets its result", task_id)
            else:
                log.warning("task %s could not be cancelled for certain: it may cost", task_id)
                self._try_again(row, task_id, rejected)
            return Stopped(task_id, confirmed=False, goes_on=is_model)
        trying = self.trying.pop(row, None)
        if trying is not None and trying is not asyncio.current_task():
            trying.cancel()
        await self.context.journal.record_placed(row, task_id)  # it may be a question by now
        too_late = ended.phase is Phase.SUCCESS
        if too_late and rejected is not None:  # half of a graph: equal inputs order anew
            journal = self.context.journal
            await journal.record_failed(
                row, key=rejected.key, code=rejected.code, usage=ended.usage
            )
        elif too_late:  # and paid for, also where nothing is listed yet
            await self.context.journal.record_done(row, ended)
        else:  # the older poll says of a cancelled task that it failed
            await self.context.journal.record_cancelled(row, ended.usage)
        return Stopped(task_id, confirmed=True, too_late=too_late, usage=ended.usage)

    def _try_again(self, row: int, task_id: str, rejected: GraphRejected | None) -> None:
        if row in self.trying or self.context.leaving:
            return

        async def until_confirmed() -> None:
            was_noted = await self._is_noted(row)
            before = set(self.context.followers.get(task_id, ()))
            for pause in itertools.chain(AGAIN, itertools.repeat(AGAIN[-1])):
                await self.context.sender.clock.sleep(pause)
                # A later run that took it up, here or in another process, wants it, and says so in
                # the journal; one that only looks on does not.
                followers = self.context.followers.get(task_id, ())
                if not (await self._is_noted(row) if was_noted else before.issuperset(followers)):
                    self.trying.pop(row, None)
                    return
                stopped = await self._stop(row, task_id, is_model=False, rejected=rejected)
                if stopped.confirmed:
                    self._tell(stopped, rejected)
                    return

        self.trying[row] = asyncio.ensure_future(until_confirmed())

    async def _is_noted(self, row: int) -> bool:
        """Whether the journal says that it is to be cancelled; True where it cannot be read."""
        order = await self.context.if_readable(self.context.journal.order(row))
        return order is None or order.cancel == "wanted"

    async def task(self, task_id: str) -> bool:
        """Ask that a task stops and see that it did; False when that could not be seen."""
        return await self._ended(task_id) is not None

    async def _is_new(self, row: int | None) -> bool:
        """Whether a task was ordered so lately that it may run although nobody knows it yet."""
        if row is None:
            return False
        order = await self.context.if_readable(self.context.journal.order(row))
        seconds = order and age(order.placed or order.created, self.context.journal.now())
        return seconds is None or seconds < UNKNOWN_SECONDS

    async def _ended(
        self, task_id: str, row: int | None = None, *, is_model: bool = False
    ) -> Report | None:
        """The last report of a task that was asked to stop; None when no end was seen."""
        cancelling = asyncio.ensure_future(self._cancel(task_id, row, is_model))
        try:
            # Not wait_for: before Python 3.12 it loses a cancel that comes with the result.
            await asyncio.wait((cancelling,), timeout=BOUND)
            return cancelling.result() if cancelling.done() else None
        finally:
            cancelling.cancel()

    async def _cancel(self, task_id: str, row: int | None, is_model: bool) -> Report | None:
        """Ask and look, a few times; a standard model's task once. Polls alone say that it is gone,
        and of a new one only where a cancel was taken: it may be unknown to all of them."""
        transport, clock = self.context.sender.transport, self.context.sender.clock
        misses, is_taken = 0, False
        for _ in range(1 if is_model else TRIES):
            try:
                ended = await self._ask(task_id)
                if ended is not None:
                    return ended
                is_taken = not is_model  # which the service may answer and not do
            except RunningHubError as error:
                log.info("cancelling task %s: %s", task_id, about_task(error, Fate.RUNNING))
            for pause in CONFIRM:
                await clock.sleep(pause)
                try:
                    report = await query_report(transport.send, task_id)
                except TaskNotFound as error:
                    misses += error.fate is Fate.OVER
                    if misses >= MISSES and (is_taken or not await self._is_new(row)):
                        return _GONE
                    continue
                except RunningHubError:
                    continue
                if report.phase.is_over:
                    return report
        return None

    async def _ask(self, task_id: str) -> Report | None:
        """Ask that a task stops; its last report where that shows at once that it did."""
        send = self.context.sender.transport.send
        if is_native(task_id):
            return await native.stop(send, task_id)
        await send(tasks.cancel(task_id))
        return None
