"""Stopping a task in the cloud, and seeing that it stopped."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from ..errors import Refused, RunningHubError, TaskNotFound
from ..wire import tasks
from .desk import Desk
from .ports import Stopped

log = logging.getLogger("runninghub")

BOUND = 30.0  # seconds that a cancel, its tries and its confirmation may take together
TRIES = 3
CONFIRM = (0.0, 0.5, 1.0, 2.0)  # pauses before the polls that confirm it


@dataclass(slots=True)
class Cancelling:
    """Cancels of one account's tasks."""

    desk: Desk

    async def order(self, row: int, task_id: str) -> None:
        """Cancel the task of a row in the book, which says so before and after."""
        await self.desk.note(lambda s: s.want_cancel(row))
        confirmed = await self.task(task_id)
        if confirmed:
            await self.desk.note(lambda s: s.cancelled(row))
        else:
            log.warning("task %s could not be cancelled for certain: it may cost", task_id)
        self.desk.stopped(Stopped(task_id, confirmed))

    async def task(self, task_id: str) -> bool:
        """Ask that a task stops and see that it did; False when that could not be seen."""
        try:
            return await asyncio.wait_for(self._cancel(task_id), BOUND)
        except asyncio.TimeoutError:
            return False

    async def _cancel(self, task_id: str) -> bool:
        transport, clock = self.desk.caller.transport, self.desk.caller.clock
        for _ in range(TRIES):
            try:
                await transport.send(tasks.cancel(task_id))
            except TaskNotFound:
                return True
            except RunningHubError as error:
                log.info("cancelling task %s: %s", task_id, error)
            for pause in CONFIRM:
                await clock.sleep(pause)
                try:
                    if await self._is_over(task_id):
                        return True
                except TaskNotFound:
                    return True
                except RunningHubError:
                    continue
        return False

    async def _is_over(self, task_id: str) -> bool:
        transport = self.desk.caller.transport
        try:
            report = await transport.send(tasks.query(task_id))
        except TaskNotFound:
            raise
        except Refused:
            # As in following: the recommended route may be missing, then the old one tells.
            report = await transport.send(tasks.outputs(task_id))
        return report.phase.is_over
