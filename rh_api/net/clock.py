"""Time as this machine's monotonic clock tells it."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Monotonic seconds: a clock that somebody sets does not move a deadline."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
