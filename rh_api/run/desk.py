"""What placing, following and cancelling the orders of one account share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import StoreUnavailable
from ..store import Store
from .caller import Caller
from .ports import Book, Stopped, unheard

log = logging.getLogger("runninghub")

T = TypeVar("T")


def open_to_all(_: str) -> str:
    """No program needs an access password."""
    return ""


@dataclass(slots=True)
class Desk:
    """Calls, the order book, and work that outlives whoever asked for it."""

    caller: Caller
    book: Book
    origin: str
    account: str
    password_of: Callable[[str], str] = open_to_all
    stopped: Callable[[Stopped], None] = unheard
    leaving: bool = False
    _background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def note(self, work: Callable[[Store], T]) -> T | None:
        """A row about something that has happened: a full disk must not lose a running task."""
        try:
            return await self.book.do(work)
        except StoreUnavailable as error:
            log.warning("%s", error)
            return None

    def later(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do it although the caller leaves."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def settle(self) -> None:
        """Wait until all of it has come to its end."""
        while self._background:
            await asyncio.wait(tuple(self._background))
