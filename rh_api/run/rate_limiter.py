"""Sliding-window rate limit of an endpoint."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .ports import Clock

MARGIN = 1.0  # seconds added to the window: network jitter may compress the gap of two requests


@dataclass(slots=True)
class RateLimiter:
    """Allows `requests` in any window of `seconds`, in FIFO order; the others wait."""

    requests: int
    seconds: float = 60.0
    _turns: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float) -> float:
        """Reserve the next turn; return the seconds until it. `now`: monotonic seconds."""
        turn = now
        if len(self._turns) == self.requests:
            turn = max(now, self._turns.popleft() + self.seconds + MARGIN)
        self._turns.append(turn)
        return turn - now

    async def acquire(self, clock: Clock) -> None:
        """Wait for a turn. A cancelled waiter's turn is used up."""
        seconds = self.wait(clock.now())
        if seconds > 0:
            await clock.sleep(seconds)
