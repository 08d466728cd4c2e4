"""A transfer's progress: told in the event loop, and watched, so that a stalled one ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Any

from ..errors import Fate, Unreachable
from ..run.ports import Meter

BLOCK = 256 * 1024  # bytes per read; stop and progress are handled between two blocks
SEND_BLOCK = 64 * 1024  # bytes per send; small, so that 8 uploads on a slow link show progress
UNSENT = 256 * 1024  # bytes of kernel send buffer; what it has accepted counts as moved
TICK_SECONDS = 0.2  # a cancel must take effect within half a second


class Stopped(Exception):
    """The transfer was aborted by our side: stopped, stalled, or the loop was closed."""


@dataclass(frozen=True, slots=True)
class StallPolicy:
    """The minimum throughput, below which a transfer is aborted.

    `floor`: bytes per second, averaged over `window` seconds. `reply`: seconds for the answer,
    from when the kernel has the body's last byte. `unseen`: bytes that kernel or proxy may still
    buffer then, for which there is time at the floor. Concurrent transfers share the link, and so
    the floor.
    """

    floor: float
    window: float
    reply: float
    unseen: int = 0


# A local proxy, or the network, may buffer as much again as the kernel does.
UPLOAD_POLICY = StallPolicy(floor=10_000, window=60.0, reply=120.0, unseen=2 * UNSENT)


def keep_little_unsent(sock: socket.socket, most: int = UNSENT) -> None:
    """Have the kernel accept at most `most` bytes beyond those on their way."""
    # Not SO_SNDBUF: that bounds the bytes in flight, and so the throughput at high latency.
    with contextlib.suppress(AttributeError, OSError):  # Windows, which buffers little anyway
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, most)


_under_way: set[Transfer] = set()  # those of this process share its link


class Transfer:
    """Progress of one attempt at a transfer. A thread may report it; the loop supervises."""

    def __init__(self, host: str, meter: Meter, policy: StallPolicy) -> None:
        self.host = host
        self.total: int | None = None
        self.done = 0  # bytes so far, resumed ones included
        self.sent = False  # whether it is connected: bytes of the request may have left
        self.stall: Unreachable | None = None
        self._meter = meter
        self._policy = policy
        self._moved = 0  # bytes of this attempt
        self._reported: tuple[int, int | None] | None = None
        self._mark: tuple[float, int, bool] | None = None
        self._most_peers = 1  # maximum of concurrent transfers since the mark

    def moved(self, count: int) -> None:
        """Count bytes. Raises Stopped."""
        self.done += count
        self._moved += count
        self.go_on()

    def go_on(self) -> None:
        """Raise Stopped if the transfer was stopped."""
        if self.is_stopped:
            raise Stopped

    @property
    def is_stopped(self) -> bool:
        """Whether the caller stopped it, so that it is not retried, unlike a stalled one."""
        return self._meter.stop.is_set()

    async def supervise(self, work: asyncio.Future[Any]) -> None:
        """Return when `work` is done, stopped or stalled. Cancelling this stops the transfer."""
        loop = asyncio.get_running_loop()
        _under_way.add(self)
        try:
            while not work.done():
                await asyncio.wait((work,), timeout=TICK_SECONDS)
                self._report_progress()
                self._check_stall(loop.time())
                if self.is_stopped or self.stall:
                    break
        except asyncio.CancelledError:
            self._meter.stop.set()
            raise
        finally:
            _under_way.discard(self)

    def _report_progress(self) -> None:
        now = (self.done, self.total)
        if now != self._reported and self.sent:
            self._reported = now
            self._meter.moved(*now)

    def _check_stall(self, now: float) -> None:
        moved = self._moved
        all_sent = self.total is not None and self.done >= self.total
        if self._mark is None or self._mark[2] != all_sent:
            self._mark, self._most_peers = (now, moved, all_sent), 1
        since, before, _ = self._mark
        self._most_peers = max(self._most_peers, len(_under_way))
        floor, window = self._policy.floor / self._most_peers, self._policy.window
        if all_sent:
            window = self._policy.reply + min(moved, self._policy.unseen) / floor
        if now - since < window:
            return
        if moved - before < floor * (now - since):
            reason = f"{moved - before} bytes in {now - since:.0f} s"
            fate = Fate.UNKNOWN if self.sent else Fate.NOT_STARTED
            self.stall = Unreachable("error.too_slow", fate=fate, host=self.host, reason=reason)
        self._mark = None
