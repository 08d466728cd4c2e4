"""Several orders as one piece of work: one line of progress, one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import BatchFailed, RunningHubError
from .progress import Progress, Stage, Watch
from .results import Outcome


@dataclass(slots=True)
class BatchProgress:
    """Counts `total` orders and tells `watch` how far they are together."""

    total: int
    watch: Watch
    _shares: dict[int, float] = field(default_factory=dict[int, float])
    _running: set[int] = field(default_factory=set[int])
    _over: int = 0
    _share: float = 0.0

    def watch_of(self, index: int) -> Watch:
        """The watch of one order."""

        def watch(news: Progress) -> None:
            if news.stage is Stage.RUNNING:
                self._running.add(index)
            self._reaches(index, news.overall)
            self._tell(news)

        return watch

    def ended(self, index: int) -> Callable[[asyncio.Future[Outcome]], None]:
        """What to do when one order is over, however it ended."""

        def over(_: asyncio.Future[Outcome]) -> None:
            self._over += 1
            self._running.discard(index)
            self._reaches(index, 1.0)
            self._tell(Progress(Stage.DONE))

        return over

    def _reaches(self, index: int, share: float) -> None:
        """Counted as it grows: thousands of orders tell news of thousands."""
        before = self._shares.get(index, 0.0)
        if share <= before:
            return
        self._shares[index] = share
        self._share += share - before

    def _tell(self, news: Progress) -> None:
        params: dict[str, object] = {
            "done": self._over,
            "total": self.total,
            "running": len(self._running),
        }
        if "task_id" in news.params:
            params["task_id"] = news.params["task_id"]
        is_over = self._over == self.total  # sums of fractions are a little off
        share = 1.0 if is_over else min(1.0, self._share / self.total)
        self.watch(Progress(Stage.BATCH, share, params, news.node_id, news.preview))


def joined(done: Sequence[Outcome | BaseException]) -> list[Outcome]:
    """The outcomes when all orders went well; else BatchFailed, naming items from 1.

    What is no error of ours is raised as it is.
    """
    failed: dict[int, RunningHubError] = {}
    for index, item in enumerate(done):
        if isinstance(item, RunningHubError):
            failed[index] = item
        elif isinstance(item, BaseException):
            raise item
    if failed:
        raise BatchFailed.of(failed, len(done))
    return [item for item in done if isinstance(item, Outcome)]
