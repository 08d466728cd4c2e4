"""Stopping a task in the cloud, and seeing that it stopped."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from ..errors import RunningHubError, TaskNotFound
from ..wire import tasks
from ..wire.tasks import Phase, Report
from .desk import Desk
from .kept import note_done
from .look import look
from .ports import Stopped

log = logging.getLogger("runninghub")

BOUND = 30.0  # seconds that a cancel, its tries and its confirmation may take together
TRIES = 3
CONFIRM = (0.0, 0.5, 1.0, 2.0)  # pauses before the polls that confirm it
MISSES = 2  # a task that was just placed may be unknown for a moment
_GONE = Report(Phase.CANCELLED)


@dataclass(slots=True)
class Cancelling:
    """Cancels of one account's tasks."""

    desk: Desk

    async def order(self, row: int, task_id: str) -> None:
        """Cancel the task of a row in the book, which says so before and after.

        A client that is leaving cancels nothing: the next start takes the task up.
        """
        if self.desk.leaving:
            return
        await self.desk.note(lambda s: s.want_cancel(row))
        self.desk.stopped(await self._stop(row, task_id))

    async def again(self, row: int, task_id: str) -> None:
        """The same for a cancel that an earlier start could not confirm."""
        log.warning("task %s was stopped before and may still run: cancelling it again", task_id)
        self.desk.stopped(replace(await self._stop(row, task_id), from_before=True))

    async def named(self, task_id: str) -> bool:
        """The same by a task's id, ordered by whom ever; the book says so when it is in there."""
        desk = self.desk
        row = await desk.note(lambda s: s.of_task(desk.origin, desk.account, task_id))
        if row is None or row.state.is_over:
            return await self.task(task_id)
        number = row.id
        await desk.note(lambda s: s.want_cancel(number))
        return (await self._stop(number, task_id)).confirmed

    async def _stop(self, row: int, task_id: str) -> Stopped:
        ended = await self._ended(task_id)
        if ended is None:
            log.warning("task %s could not be cancelled for certain: it may cost", task_id)
        elif ended.phase is Phase.SUCCESS and ended.results:
            await self.desk.note(lambda s: note_done(s, row, ended))  # too late, and paid for
        else:
            await self.desk.note(lambda s: s.cancelled(row))
        return Stopped(task_id, ended is not None)

    async def task(self, task_id: str) -> bool:
        """Ask that a task stops and see that it did; False when that could not be seen."""
        return await self._ended(task_id) is not None

    async def _ended(self, task_id: str) -> Report | None:
        """The last report of a task that was asked to stop; None when no end was seen."""
        try:
            return await asyncio.wait_for(self._cancel(task_id), BOUND)
        except asyncio.TimeoutError:
            return None

    async def _cancel(self, task_id: str) -> Report | None:
        transport, clock = self.desk.caller.transport, self.desk.caller.clock
        misses = 0
        for _ in range(TRIES):
            try:
                await transport.send(tasks.cancel(task_id))
            except TaskNotFound:
                return await self._last(task_id)
            except RunningHubError as error:
                log.info("cancelling task %s: %s", task_id, error)
            for pause in CONFIRM:
                await clock.sleep(pause)
                try:
                    report = await look(transport, task_id)
                except TaskNotFound:
                    misses += 1
                    if misses == MISSES:
                        return _GONE
                    continue
                except RunningHubError:
                    continue
                if report.phase.is_over:
                    return report
        return None

    async def _last(self, task_id: str) -> Report:
        """What is left of a task that cannot be cancelled any more: it may have succeeded."""
        try:
            report = await look(self.desk.caller.transport, task_id)
        except RunningHubError:
            return _GONE
        return report if report.phase.is_over else _GONE
