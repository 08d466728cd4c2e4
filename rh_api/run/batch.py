"""Batches: bounded concurrency, aggregated progress, and one error for all failed orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import BatchFailed, RunningHubError, Say
from ..money.amounts import Sums, added, costs_of, say_sums
from ..texts import Words
from ..wire.tasks import Usage
from .progress import Progress, Stage, Watch
from .results import Outcome

STARTED_TOGETHER = 8  # orders of a batch that are started in one iteration of the event loop
UNDER_WAY = 500
"""Orders of a batch in flight at once: above every account's concurrency limit (the highest that a
source names is 100). Thousands at once cost some 8 % more CPU, in the garbage collector."""

Ended = Callable[["asyncio.Future[Outcome]"], None]


@dataclass(slots=True)
class BatchProgress:
    """Aggregates the progress of `total` orders and reports it to `watch`."""

    total: int
    watch: Watch
    _shares: dict[int, float] = field(default_factory=dict[int, float])
    _uploading: set[int] = field(default_factory=set[int])
    _running: set[int] = field(default_factory=set[int])
    _over: int = 0
    _failed: int = 0
    _share: float = 0.0

    def watch_of(self, index: int) -> Watch:
        """Return the progress callback of one order."""

        def watch(news: Progress) -> None:
            if news.stage is Stage.RUNNING:
                self._running.add(index)
            uploading = self._uploading
            (uploading.add if news.stage is Stage.UPLOADING else uploading.discard)(index)
            self._raise_share(index, news.overall)
            self._tell(news)

        return watch

    def ended(self, index: int) -> Ended:
        """Return the done callback of one order. It counts success and failure; a cancelled order
        is not counted, since it is neither."""

        def over(order: asyncio.Future[Outcome]) -> None:
            if order.cancelled():
                return
            self._over += 1
            self._failed += order.exception() is not None
            self._running.discard(index)
            self._uploading.discard(index)
            self._raise_share(index, 1.0)
            self._tell(Progress(Stage.DONE))

        return over

    def _raise_share(self, index: int, share: float) -> None:
        """Keep the sum incrementally: summing n shares per event is quadratic in a large batch."""
        before = self._shares.get(index, 0.0)
        if share <= before:
            return
        self._shares[index] = share
        self._share += share - before

    def _tell(self, news: Progress) -> None:
        params: dict[str, object] = {
            "done": self._over - self._failed,
            "total": self.total,
            "failed": _counted("progress.also_failed", self._failed),
            "running": len(self._running),
            "uploading": _counted("progress.also_uploading", len(self._uploading)),
        }
        params |= {name: news.params[name] for name in ("task_id", "order") if name in news.params}
        is_over = self._over == self.total  # a sum of floats may miss 1.0
        share = 1.0 if is_over else min(1.0, self._share / self.total)
        self.watch(Progress(Stage.BATCH, share, params, news.node_id, news.preview))


def _counted(key: str, count: int) -> str:
    return Words.of(lambda say: say(key, {"count": count})) if count else ""


async def side_by_side(
    works: Iterable[Coroutine[Any, Any, Outcome]], ended: Callable[[int], Ended]
) -> list[Outcome | BaseException]:
    """Run `works`, at most UNDER_WAY at once; return results or exceptions in their order.

    `ended(index)` gives the done callback of each. Cancelling this cancels all that run.
    """
    running: list[asyncio.Future[Outcome]] = []
    places = asyncio.Semaphore(UNDER_WAY - 1)  # acquired after the start, so one more is running
    try:
        for index, work in enumerate(works):
            running.append(asyncio.ensure_future(work))
            running[-1].add_done_callback(ended(index))
            running[-1].add_done_callback(lambda _: places.release())
            await places.acquire()
            if index % STARTED_TOGETHER == 0:
                await asyncio.sleep(0)
        return await asyncio.gather(*running, return_exceptions=True)
    finally:
        for order in running:
            order.cancel()


def outcomes_or_failure(
    done: Sequence[Outcome | BaseException], currency: str, *, rerolls: bool = False
) -> list[Outcome]:
    """Return the outcomes if every order succeeded; else raise BatchFailed, which numbers items
    from 1 and states the cost of those that succeeded.

    Exceptions other than RunningHubError are raised as they are. `currency`: the account's;
    `rerolls`: as for `BatchFailed.of`.
    """
    failed: dict[int, RunningHubError] = {}
    for index, item in enumerate(done):
        if isinstance(item, RunningHubError):
            failed[index] = item
        elif isinstance(item, BaseException):
            raise item
    outcomes = [item for item in done if isinstance(item, Outcome)]
    if failed:
        paid = added(_paid(outcome.usage, currency) for outcome in outcomes if outcome.is_paid)
        cost = partial(_others_cost, paid) if any(paid.values()) else None
        raise BatchFailed.of(failed, len(done), rerolls=rerolls).with_context(cost=cost)
    return outcomes


def _paid(usage: Usage, currency: str) -> Sums:
    return costs_of(usage.coins, usage.money, usage.third_party_money, currency=currency) or {}


def _others_cost(paid: Sums, say: Say) -> str:
    return say("error.batch_cost", {"cost": say_sums(paid, say)})
