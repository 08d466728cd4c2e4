"""The account's places for running tasks, shared fairly by all orders of one key.

The limit is read from the service; orders get places in the order in which they came. When the
service says "full" although we have a place free, tasks of others are in the way: then the one
who was refused waits, longer each time, or until an order of ours ends, or one of another
process of the same journal (`submit`).
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
LONGEST_WAIT = 30.0
LIMIT_LASTS = 60.0  # seconds; the account's limit is read at most once a minute


@dataclass(slots=True)
class Limiter:
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

    async def acquire(self) -> None:
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
                self.release()  # the place came in the same moment as the stop
            raise

    def hold(self) -> None:
        """Count a task that already runs: it has its place, whoever waits."""
        self._used += 1

    def would_wait(self) -> bool:
        """Whether `acquire` would not come back at once."""
        return not self._has_room()  # where there is room, `_admit` has left nobody waiting

    def release(self) -> None:
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


@dataclass(slots=True, kw_only=True)
class AccountLimiter(Limiter):
    """Places whose number the service says, and the account's load when it last said so."""

    sender: Sender
    tasks_seen: int | None = None
    """Tasks that ran or waited then, of others too; None where it could not be read."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read_at: float | None = None
    _used_then: int = 0

    async def refresh(self) -> None:
        """Read the limit, unless that was done within the last minute."""
        async with self._reading:  # whoever comes meanwhile must not start without a limit
            now = self.sender.clock.now()
            if self._read_at is None or now - self._read_at > LIMIT_LASTS:
                await self.read()
                self._read_at = now

    async def take(self, watch: Watch) -> None:
        """`acquire` by a limit of the last minute; whoever has to wait is told."""
        await self.refresh()
        if self.would_wait():
            watch(self.progress(Stage.WAITING_SLOT))
        await self.acquire()

    async def read(self) -> None:
        """Ask the service; without an answer the limit stays what it was."""
        try:
            load = await self.sender.transport.send(queue_status())
        except RunningHubError as error:
            log.info("the account's limit could not be read: %s", error)
            self.tasks_seen = None
            return
        self.tasks_seen, self._used_then = load.running + load.queued, self._used
        self.set_limit(load.limit)

    def tasks_before(self) -> int | str:
        """Tasks of the account before an order that has its place: those of the last reading,
        and what began or ended here since."""
        if self.tasks_seen is None:
            return "?"
        return max(0, self.tasks_seen + self._used - 1 - self._used_then)

    def progress(self, stage: Stage) -> Progress:
        """News of waiting, with the places that are taken."""
        params: dict[str, object] = {"used": self._used, "limit": self.limit}
        words = Words.of(lambda say: say("progress.places", params))
        places = str(self._used) if self.limit is None else words
        return Progress(stage, params={**params, "places": places})


_TASKS_TOLD = {
    (True, True): "error.tasks_before_and_now",
    (True, False): "error.tasks_before",
    (False, True): "error.tasks_now",
    (False, False): "error.tasks_unknown",
}


def tasks_told(before: object, now: object) -> Words:
    """How many tasks the account had before an order and has now, as far as that is known."""
    key = _TASKS_TOLD[isinstance(before, int), isinstance(now, int)]
    return Words.of(lambda say: say(key, {"before": before, "now": now}))


def next_wait(wait: float) -> float:
    """The wait after a wait that did not help."""
    return min(LONGEST_WAIT, wait * 2)
