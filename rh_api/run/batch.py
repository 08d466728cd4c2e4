"""Several orders as one piece of work: one line of progress, one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import BatchFailed, RunningHubError
from .orders import Outcome
from .ports import Progress, Stage, Watch


@dataclass(slots=True)
class Tally:
    """Counts `total` orders and tells `watch` how far they are together."""

    total: int
    watch: Watch
    _shares: dict[int, float] = field(default_factory=dict[int, float])
    _over: set[int] = field(default_factory=set[int])

    def watch_of(self, index: int) -> Watch:
        """The watch of one order."""

        def watch(news: Progress) -> None:
            self._shares[index] = max(self._shares.get(index, 0.0), news.overall)
            self._tell(news)

        return watch

    def ended(self, index: int) -> Callable[[asyncio.Future[Outcome]], None]:
        """What to do when one order is over, however it ended."""

        def over(_: asyncio.Future[Outcome]) -> None:
            self._over.add(index)
            self._shares[index] = 1.0
            self._tell(Progress(Stage.DONE))

        return over

    def _tell(self, news: Progress) -> None:
        # An order has begun when the service has it: until then it waits for a place.
        begun = sum(1 for share in self._shares.values() if share > 0.1) - len(self._over)
        params = {"done": len(self._over), "total": self.total, "running": max(0, begun)}
        share = sum(self._shares.values()) / self.total
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
