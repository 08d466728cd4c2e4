"""Clocks that tests set or hurry."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


class LoopClock:
    """The clock of the running loop, which may be a loop whose time is made up."""

    slept = 0.0
    """Seconds of a sleep of the machine, of which the loop knows nothing."""

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.slept

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class QuickClock:
    """A clock that runs `pace` times as fast, so that pauses of seconds need not be sat out."""

    slept = 0.0
    """Seconds of a sleep of the machine, of which the loop knows nothing."""

    def __init__(self, pace: float) -> None:
        self._pace = pace

    def now(self) -> float:
        return time.monotonic() * self._pace + self.slept

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._pace)


@dataclass
class WallClock:
    """This machine's idea of the date, `offset` seconds wrong."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@dataclass
class SetClock:
    """A date that stands still until somebody sets it, in unix seconds."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
