"""What submitting, polling and cancelling the orders of one account share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..errors import Detached, StoreUnavailable
from ..switches import SUBMIT_V1
from .ports import Journal
from .progress import Progress, Stopped, unheard
from .retry import Sender
from .webhook_deliveries import Deliveries, Follower

log = logging.getLogger("runninghub")

T = TypeVar("T")


def open_to_all(_: str) -> str:
    """No program needs an access password."""
    return ""


@dataclass(slots=True)
class AccountContext:
    """One account on one site: its calls, its journal, and tasks that outlive their callers."""

    sender: Sender
    journal: Journal
    password_of: Callable[[str], str] = open_to_all
    stopped: Callable[[Stopped], None] = unheard
    submit: str = SUBMIT_V1
    deliveries: Deliveries | None = None
    """None where orders carry no webhook address of a listener."""
    leaving: bool = False
    followers: dict[str, list[asyncio.Future[None]]] = field(
        default_factory=dict[str, list["asyncio.Future[None]"]]
    )
    """By task: whoever follows it here, and waits no longer once the future has a result."""
    news: dict[str, Progress] = field(default_factory=dict[str, Progress])
    """By task that is followed here: how it is doing, with the latest preview that came."""
    _background: dict[asyncio.Task[None], Hashable] = field(
        default_factory=dict["asyncio.Task[None]", Hashable]
    )

    async def if_readable(self, reading: Awaitable[T]) -> T | None:
        """What was read of the journal; None, with a warning, where it cannot be read."""
        try:
            return await reading
        except StoreUnavailable as error:
            log.warning("%s", error)
            return None

    def hear(self, task_id: str, news: Progress) -> None:
        """Take note of how a task is doing."""
        before = self.news.get(task_id)
        if news.preview is None and before is not None:
            news = replace(news, preview=before.preview)
        self.news[task_id] = news

    def told_of_end(
        self, order: int | None, follower: Follower
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """While this is open the follower is told of the order's webhook, if a listener has it."""
        if self.deliveries is None or order is None:
            return contextlib.nullcontext()
        return self.deliveries.awaited(order, follower)

    async def followed(self, task_id: str, following: Coroutine[object, object, T]) -> T:
        """What following a task gives; raises Detached once `detach` is called for the task."""
        leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        followers = self.followers.setdefault(task_id, [])
        followers.append(leaving)
        watching = asyncio.ensure_future(following)
        try:
            await asyncio.wait((watching, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                raise Detached
            return watching.result()
        finally:
            watching.cancel()
            followers.remove(leaving)
            if not followers:
                del self.followers[task_id]
                self.news.pop(task_id, None)

    def detach(self, task_id: str) -> bool:
        """Whoever waits for the task gets Detached, and it goes on; False when nobody waits."""
        followers = self.followers.get(task_id, ())
        for leaving in followers:
            if not leaving.done():
                leaving.set_result(None)
        return bool(followers)

    def spawn(
        self, work: Coroutine[object, object, None], about: Hashable = None
    ) -> asyncio.Task[None]:
        """Run `work` to its end, whether or not its caller is cancelled; `settle` waits for it.

        `about`: what can be waited for alone, such as the number of an order.
        """
        task = asyncio.ensure_future(work)
        self._background[task] = about
        task.add_done_callback(self._background.pop)
        return task

    async def settle(self, *about: Hashable) -> None:
        """Wait until all of it has come to its end; with `about`, what belongs to those."""
        while pending := [
            task for task, whose in self._background.items() if not about or whose in about
        ]:
            await asyncio.wait(pending)
