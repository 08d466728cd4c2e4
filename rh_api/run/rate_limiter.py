"""How fast an endpoint may be asked: so many requests in any span, and no more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .ports import Clock

MARGIN = 1.0  # seconds: two requests may come closer together on their way than they left


@dataclass(slots=True)
class RateLimiter:
    """Turns for one endpoint, in the order in which they are asked for.

    `requests` in any `seconds`; those that come too early wait, none is lost.
    """

    requests: int
    seconds: float = 60.0
    _turns: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float) -> float:
        """Seconds until the next turn, which is taken by asking; `now` in monotonic seconds."""
        turn = now
        if len(self._turns) == self.requests:
            turn = max(now, self._turns.popleft() + self.seconds + MARGIN)
        self._turns.append(turn)
        return turn - now

    async def acquire(self, clock: Clock) -> None:
        """Wait for a turn. Who is cancelled while waiting has used it up."""
        seconds = self.wait(clock.now())
        if seconds > 0:
            await clock.sleep(seconds)
