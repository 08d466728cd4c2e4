"""A task in the cloud by its id, wherever it was ordered: how it does, its results, its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from .run.engine import Engine
from .run.progress import Watch, guarded, unwatched
from .run.results import Outcome
from .wire.tasks import Report


@dataclass(frozen=True, slots=True)
class TaskHandle:
    """One task in the cloud. It holds no state: each method asks."""

    engine: Engine
    until_left: Callable[[Coroutine[None, None, Outcome]], Awaitable[Outcome]]
    """See `Client.until_left`."""
    task_id: str

    async def refresh(self) -> Report:
        """How it is doing now."""
        return await self.engine.report(self.task_id)

    async def fetch(self, watch: Watch = unwatched) -> Outcome:
        """Its results when it is over; raises TaskUnfinished, or the task's own failure."""
        return await self.engine.fetch(self.task_id, guarded(watch))

    async def wait(self, watch: Watch = unwatched) -> Outcome:
        """Its results once it is over, or its own failure.

        Cancelling the caller ends the watching and not the task: `cancel` does that.
        """
        following = self.engine.fetch(self.task_id, guarded(watch), wait=True)
        return await self.until_left(following)

    async def cancel(self) -> bool:
        """Ask that it stops; False when it could not be seen that it did."""
        return await self.engine.canceller.named(self.task_id)

    def detach(self) -> bool:
        """Wait no longer for it, without cancelling it: its waiters get Detached.

        The order stays in the journal. False when nobody here waits for it.
        """
        return self.engine.context.detach(self.task_id)
