"""One transfer in a thread of its own, which its coroutine watches, stops and never outwaits.

The thread blocks in the operating system; the coroutine looks at it five times a second. It tells
progress on the loop, gives up what has become too slow, and wakes the thread by shutting its
socket down. Threads are daemons: a transfer that hangs does not hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import Fate, Unreachable
from ..run.ports import Meter
from .redact import THREAD_NAME

T = TypeVar("T")

TICK_SECONDS = 0.2  # Stop must end a wait within half a second
LEAVE_SECONDS = 0.2  # for the thread to put its file away; then it is left to itself
KEEP_SECONDS = 10.0  # for a disk to take what the next try shall go on from


class Stopped(Exception):
    """The transfer was cut off by our own side."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The slowest transfer that is still worth waiting for.

    `floor` bytes a second, seen over `window` seconds; after the last byte of a body has been
    handed over, `reply` seconds for the answer (what the system has buffered goes out in them).
    """

    floor: float
    window: float
    reply: float


class Line:
    """A transfer as its thread and its coroutine see it."""

    def __init__(self, host: str, meter: Meter, pace: Pace, total: int | None = None) -> None:
        self.host = host
        self.total = total
        self.done = 0
        self.sent = False
        self._meter = meter
        self._pace = pace
        self._cut = False
        self._socket: socket.socket | None = None
        self._told: tuple[int, int | None] | None = None
        self._mark: tuple[float, int] | None = None
        self._verdict: Unreachable | None = None

    # The thread's side

    def opened(self, sock: object) -> None:
        """The connection is there; from here on bytes of the request may have left."""
        self.sent = True
        self._socket = sock if isinstance(sock, socket.socket) else None
        self.go_on()

    def moved(self, count: int) -> None:
        self.done += count
        self.go_on()

    def go_on(self) -> None:
        """Raise Stopped when the transfer shall end."""
        if self._cut or self._meter.stop.is_set():
            raise Stopped

    @property
    def is_stopped(self) -> bool:
        """Whether somebody wants the transfer no more; a slow one may be tried again."""
        return self._meter.stop.is_set()

    # The coroutine's side

    async def carry(self, work: Callable[[Line], T]) -> T:
        """Run `work` in a thread. Raises what it raises, or Unreachable when it is too slow."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        threading.Thread(
            target=self._work, args=(work, loop, outcome), name=THREAD_NAME, daemon=True
        ).start()
        try:
            while not outcome.done():
                await asyncio.wait((outcome,), timeout=TICK_SECONDS)
                self._tell()
                self._judge(loop.time())
                if self.is_stopped or self._verdict:
                    break
        except asyncio.CancelledError:
            self._meter.stop.set()
            raise
        finally:
            await self._leave(outcome)
        if outcome.done() and not outcome.cancelled() and outcome.exception() is None:
            return outcome.result()
        if self.is_stopped:
            raise asyncio.CancelledError
        if self._verdict:
            raise self._verdict
        return outcome.result()

    def _work(
        self,
        work: Callable[[Line], T],
        loop: asyncio.AbstractEventLoop,
        outcome: asyncio.Future[T],
    ) -> None:
        try:
            result = work(self)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            self._hand_over(loop, lambda error=error: outcome.set_exception(error), outcome)
        else:
            self._hand_over(loop, lambda: outcome.set_result(result), outcome)

    def _hand_over(
        self,
        loop: asyncio.AbstractEventLoop,
        settle: Callable[[], None],
        outcome: asyncio.Future[T],
    ) -> None:
        try:
            loop.call_soon_threadsafe(lambda: None if outcome.done() else settle())
        except RuntimeError:
            self._cut = True  # the loop is closed: nobody waits any more

    async def _leave(self, outcome: asyncio.Future[T]) -> None:
        try:
            if not outcome.done():
                await self._cut_off(outcome)
        finally:
            if not outcome.cancel() and not outcome.cancelled():
                outcome.exception()  # looked at, so that the loop does not complain

    async def _cut_off(self, outcome: asyncio.Future[T]) -> None:
        self._cut = True
        if self._socket is not None:
            # The method of the base class: that of a TLS socket would take its cipher away
            # under the thread that is just using it.
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker
        loop = asyncio.get_running_loop()
        kept = loop.time() + KEEP_SECONDS
        while not outcome.done() and not self.is_stopped and loop.time() < kept:
            await asyncio.wait((outcome,), timeout=TICK_SECONDS)
        await asyncio.wait((outcome,), timeout=LEAVE_SECONDS)

    def _tell(self) -> None:
        now = (self.done, self.total)
        if now != self._told and self.sent:
            self._told = now
            self._meter.moved(*now)

    def _judge(self, now: float) -> None:
        done = self.done
        if self._mark is None:
            self._mark = (now, done)
        since, before = self._mark
        all_sent = self.total is not None and done >= self.total
        window = self._pace.reply if all_sent else self._pace.window
        if now - since < window:
            return
        if done - before < self._pace.floor * (now - since):
            reason = f"{done - before} bytes in {now - since:.0f} s"
            fate = Fate.UNKNOWN if self.sent else Fate.NOT_STARTED
            self._verdict = Unreachable("error.too_slow", fate=fate, host=self.host, reason=reason)
        self._mark = (now, done)
