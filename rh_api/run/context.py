"""State shared by submitting, polling and cancelling the orders of one account."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..errors import Detached, StoreUnavailable
from ..journal import SqliteJournal
from ..wire.run_v2 import SUBMIT_V1
from .progress import Progress, Stopped, unheard
from .retry import Sender

log = logging.getLogger("runninghub")

T = TypeVar("T")


def no_password(_: str) -> str:
    """Return no access password, for any program."""
    return ""


@dataclass(slots=True)
class AccountContext:
    """One account on one site: its sender, journal, followers and background tasks."""

    sender: Sender
    journal: SqliteJournal
    password_of: Callable[[str], str] = no_password
    on_stopped: Callable[[Stopped], None] = unheard
    submit_route: str = SUBMIT_V1
    leaving: bool = False
    followers: dict[str, list[asyncio.Future[None]]] = field(
        default_factory=dict[str, list["asyncio.Future[None]"]]
    )
    """By task id: one future per follower in this process; a result on it detaches the follower."""
    news: dict[str, Progress] = field(default_factory=dict[str, Progress])
    """By id of a task that is followed here: its latest progress, with the latest preview."""
    _background: dict[asyncio.Task[None], Hashable] = field(
        default_factory=dict["asyncio.Task[None]", Hashable]
    )

    async def if_readable(self, reading: Awaitable[T]) -> T | None:
        """Await a journal read; on StoreUnavailable log a warning and return None."""
        try:
            return await reading
        except StoreUnavailable as error:
            log.warning("%s", error.with_context("error.store_meanwhile"))
            return None

    def hear(self, task_id: str, news: Progress) -> None:
        """Store a followed task's latest progress, keeping the previous preview if it has none."""
        if task_id not in self.followers:
            return  # heard by a socket that is being closed: nobody would remove it
        before = self.news.get(task_id)
        if news.preview is None and before is not None:
            news = replace(news, preview=before.preview)
        self.news[task_id] = news

    async def detachable(self, task_id: str, following: Coroutine[object, object, T]) -> T:
        """Await `following`; raise Detached, and cancel it, once `detach(task_id)` is called."""
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
        """Raise Detached in all followers of a task, which runs on; False if it has none."""
        followers = self.followers.get(task_id, ())
        for leaving in followers:
            if not leaving.done():
                leaving.set_result(None)
        return bool(followers)

    def spawn(
        self, work: Coroutine[object, object, None], about: Hashable = None
    ) -> asyncio.Task[None]:
        """Run `work` as a background task that its caller's cancel does not reach.

        `about`: its key for `wait_for_background`, such as the number of an order.
        """
        task = asyncio.ensure_future(work)
        self._background[task] = about
        task.add_done_callback(self._background.pop)
        return task

    async def wait_for_background(self, *about: Hashable) -> None:
        """Wait for all background tasks; with `about`, for those of these keys."""
        while pending := [
            task for task, whose in self._background.items() if not about or whose in about
        ]:
            await asyncio.wait(pending)
