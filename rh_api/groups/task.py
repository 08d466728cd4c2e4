"""A handle to a task in the cloud by its id, wherever it was ordered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from ..run.engine import Engine
from ..run.progress import Watch, guarded, unwatched
from ..run.results import Outcome
from ..wire.tasks import Report


@dataclass(frozen=True, slots=True)
class TaskHandle:
    """One task in the cloud. Stateless: each method sends requests."""

    engine: Engine
    until_left: Callable[[Coroutine[None, None, Outcome]], Awaitable[Outcome]]
    """See `Client.until_left`."""
    task_id: str

    async def refresh(self) -> Report:
        """Return the task's current state."""
        return await self.engine.report(self.task_id)

    async def fetch(self, watch: Watch = unwatched) -> Outcome:
        """Return its results if it is over; raises TaskUnfinished, or the task's own failure."""
        return await self.engine.fetch(self.task_id, guarded(watch))

    async def wait(self, watch: Watch = unwatched) -> Outcome:
        """Wait for the task's end and return its results, or raise its own failure.

        Cancelling the caller stops the watching, not the task: `cancel` does that.
        """
        following = self.engine.fetch(self.task_id, guarded(watch), wait=True)
        return await self.until_left(following)

    async def cancel(self) -> bool:
        """Cancel the task; False if its end could not be confirmed."""
        return await self.engine.canceller.cancel_task(self.task_id)

    def detach(self) -> bool:
        """Stop waiting for it without cancelling it: its waiters get Detached.

        The order stays in the journal. Returns False if nobody here waits for it.
        """
        return self.engine.context.detach(self.task_id)
