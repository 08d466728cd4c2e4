"""The account's concurrency slots: a FIFO semaphore whose size is the service's limit.

If the service says "full" although a slot is free here, other clients of the account hold it. The
refused order then backs off, at most until an order of this process ends (`submit`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field

from ..errors import RunningHubError
from ..texts import Words
from ..wire.accounts import queue_status
from .ports import Clock
from .progress import Progress, Stage, Watch
from .retry import Sender

log = logging.getLogger("runninghub")

FIRST_WAIT = 2.0
MAX_WAIT = 8.0  # seconds; the time that a slot freed by another client stays unused
LIMIT_LASTS = 60.0  # TTL of the account's limit, seconds


@dataclass(slots=True)
class Limiter:
    """Slots of one account. `limit` None: unknown, so only the service's "full" bounds orders."""

    limit: int | None = None
    _used: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    _refused: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    _ends: int = 0

    @property
    def used(self) -> int:
        return self._used

    def set_limit(self, limit: int | None) -> None:
        """Set the limit and admit as many waiters as it allows."""
        self.limit = limit
        self._admit()

    async def acquire(self) -> None:
        """Take a slot, waiting in FIFO order."""
        if not self.would_wait():
            self._used += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()  # the slot was granted in the same iteration as the cancel
            raise

    def occupy(self) -> None:
        """Count a task that already runs, without waiting; `used` may exceed `limit`."""
        self._used += 1

    def would_wait(self) -> bool:
        """Return whether `acquire` would have to wait."""
        return not self._has_room()  # while there is room `_admit` leaves no waiters

    def release(self) -> None:
        """Return a slot: its order has ended, or never started. Wakes the first refused order."""
        self._used -= 1
        self._ends += 1
        if self._refused:
            self._refused.popleft().set_result(None)
        self._admit()

    @property
    def ends(self) -> int:
        """How often a slot was returned; read it before a create, so that no end is missed."""
        return self._ends

    async def wait_for_end(self, since: int, seconds: float, clock: Clock) -> None:
        """Wait after a refusal until a slot is returned, at most `seconds`; not at all if one was
        returned after `ends` was `since`. Each return wakes one order, in FIFO order."""
        if self._ends > since:
            return
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refused.append(ended)
        pause = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((ended, pause), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            if not ended.done():
                self._refused.remove(ended)

    def _has_room(self) -> bool:
        return self.limit is None or self._used < self.limit

    def _admit(self) -> None:
        while self._waiting and self._has_room():
            place = self._waiting.popleft()
            if not place.done():  # else its waiter was cancelled
                self._used += 1
                place.set_result(None)


@dataclass(slots=True, kw_only=True)
class AccountLimiter(Limiter):
    """A limiter that reads its limit, and the account's load, from the service.

    `allowed`: the account's limit, None if unknown; `most`: the user's own, 0 for none. The lower
    one is in force.
    """

    sender: Sender
    allowed: int | None = None
    most: int = 0
    tasks_seen: int | None = None
    """Running and queued tasks of the account at the last read, of all clients; None: it failed."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read_at: float | None = None
    _used_then: int = 0

    async def refresh(self) -> None:
        """Read the limit unless it was read within LIMIT_LASTS."""
        async with self._reading:  # concurrent callers must not start without a limit
            now = self.sender.clock.now()
            if self._read_at is None or now - self._read_at > LIMIT_LASTS:
                await self.read()
                self._read_at = now

    async def take(self, watch: Watch) -> None:
        """Refresh the limit and acquire a slot; reports which limit it has to queue for."""
        await self.refresh()
        if self.would_wait():
            is_own = self.limit != self.allowed
            watch(self.progress(Stage.WAITING_OWN if is_own else Stage.WAITING_SLOT))
        await self.acquire()

    async def read(self) -> None:
        """Query limit and load; on an error keep the limit and set `tasks_seen` to None."""
        try:
            load = await self.sender.transport.send(queue_status())
        except RunningHubError as error:
            log.info("the account's limit could not be read: %s", error)
            self.tasks_seen = None
            return
        self.tasks_seen, self._used_then = load.running + load.queued, self._used
        self.allowed = load.limit
        self.set_own_limit(self.most)

    def set_own_limit(self, most: int) -> None:
        """Set the user's own limit, 0 for none; it never raises the account's."""
        self.most = most
        self.set_limit(min((limit for limit in (self.allowed, most) if limit), default=None))

    def tasks_before(self) -> int | str:
        """Estimate the account's tasks before an order that holds its slot: the last read, plus
        what started minus what ended here since. "?" if unknown."""
        if self.tasks_seen is None:
            return "?"
        return max(0, self.tasks_seen + self._used - 1 - self._used_then)

    def progress(self, stage: Stage) -> Progress:
        """Return progress of `stage` that states the used slots and the limit."""
        limit = self.limit if stage is Stage.WAITING_OWN else self.allowed
        params: dict[str, object] = {"used": self._used, "limit": limit}
        words = Words.of(lambda say: say("progress.places", params))
        places = str(self._used) if limit is None else words
        return Progress(stage, params={**params, "places": places})


def next_wait(wait: float) -> float:
    """Return the next backoff: doubled, at most MAX_WAIT seconds."""
    return min(MAX_WAIT, wait * 2)
