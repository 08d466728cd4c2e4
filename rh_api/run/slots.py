"""The account's places for running tasks, shared fairly by all orders of one key.

The limit is read from the service; orders get places in the order in which they came. When the
service says "full" although we have a place free, tasks of others are in the way: then the one
who was refused waits, longer each time, or until an order of ours ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from .ports import Clock

FIRST_WAIT = 2.0
LONGEST_WAIT = 30.0


@dataclass(slots=True)
class Slots:
    """Places of one account. `limit` None: not known, and the service's "full" has to do."""

    limit: int | None = None
    _used: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def used(self) -> int:
        return self._used

    def set_limit(self, limit: int | None) -> None:
        """A fresh reading of the account's limit."""
        self.limit = limit
        self._admit()

    async def take(self) -> None:
        """Wait for a place; first come, first served."""
        if not self.would_wait():
            self._used += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # the place came in the same moment as the stop
            raise

    def seize(self) -> None:
        """Count a task that already runs: it has its place, whoever waits."""
        self._used += 1

    def would_wait(self) -> bool:
        """Whether `take` would not come back at once."""
        return not self._has_room()  # where there is room, `_admit` has left nobody waiting

    def leave(self) -> None:
        """Give a place back: an order of ours has ended, or never started."""
        self._used -= 1
        self._ended.set()
        self._ended = asyncio.Event()
        self._admit()

    @property
    def next_end(self) -> asyncio.Event:
        """Set when an order of ours ends; taken before a call, so that no end is missed."""
        return self._ended

    async def wait_for_end(self, end: asyncio.Event, seconds: float, clock: Clock) -> None:
        """After a refusal: wait `seconds`, or until `end`."""
        ended = asyncio.ensure_future(end.wait())
        pause = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((ended, pause), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            pause.cancel()

    def _has_room(self) -> bool:
        return self.limit is None or self._used < self.limit

    def _admit(self) -> None:
        while self._waiting and self._has_room():
            place = self._waiting.popleft()
            if not place.done():  # else its waiter has left
                self._used += 1
                place.set_result(None)


def next_wait(wait: float) -> float:
    """The wait after one that did not help."""
    return min(LONGEST_WAIT, wait * 2)
