"""Adaptive poll schedule: frequent polls where a task's end is likely, rare ones elsewhere.

Polls are dense from shortly before the shortest of the earlier runs until well after their median;
elsewhere the interval is a share of the elapsed time. While the WebSocket delivers, polls are rare;
its hint that the task may be over is confirmed by polls. It never decides anything.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

SHORTEST = 0.5
LONGEST = 15.0
QUEUE_SHORTEST = 1.0
QUEUE_LONGEST = 5.0
SAFETY = 30.0  # seconds between polls while the WebSocket delivers
SOCKET_SILENCE = 45.0  # seconds without a frame after which the WebSocket counts as down
CONFIRM = (0.0, 0.5, 1.0, 2.0, 3.0)  # polls that confirm a hint, seconds after it
EARLY = 0.85  # share of the shortest earlier run before which no end is expected
NEAR = 1.2  # share of the median until which polls are dense


@dataclass(slots=True)
class PollSchedule:
    """Poll times of one task. All times are seconds of the caller's monotonic clock.

    `history`: durations (s) of earlier runs of the same program on the same machine size.
    """

    history: Sequence[float] = ()
    started: float | None = None
    _polled_at: float | None = None
    _queue_pause: float = QUEUE_SHORTEST
    _heard_at: float | None = None
    _confirm: list[float] = field(default_factory=list[float])
    _false_hints: int = 0
    _hints_ignored_until: float = 0.0
    _next: float | None = None
    _runs: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = sorted(seconds for seconds in self.history if seconds > 0)

    def running(self, now: float) -> None:
        """Note that the task was seen running at `now`; only the first call counts."""
        if self.started is None:
            self.started = now
            self._next = None

    def asked(self, now: float) -> None:
        """Note that a poll has ended, answered or failed, and reschedule."""
        self._polled_at = now
        if self._confirm:
            self._confirm = [at for at in self._confirm if at > now]
            if not self._confirm:
                # No poll confirmed the hint: back off exponentially before trusting another.
                self._false_hints += 1
                self._hints_ignored_until = now + CONFIRM[-1] * 2**self._false_hints
        self._queue_pause = min(QUEUE_LONGEST, self._queue_pause * 1.3)
        self._next = None

    def heard(self, now: float) -> None:
        """Note that the WebSocket delivered a frame."""
        if not self._socket_alive(now):
            self._next = None
        self._heard_at = now

    def deaf(self) -> None:
        """Note that the WebSocket is closed."""
        self._heard_at = None
        self._next = None

    def hint(self, now: float) -> None:
        """Schedule confirming polls for a WebSocket hint; ignored for a while after a false one."""
        if not self._confirm and now >= self._hints_ignored_until:
            self._confirm = [now + pause for pause in CONFIRM]

    def next_at(self, now: float) -> float:
        """Return when the next poll is due, `now` or later."""
        if self._confirm:
            return max(now, self._confirm[0])
        last = self._polled_at if self._polled_at is not None else self.started
        if last is None:
            last = self._polled_at = now  # the reply to the create call counts as the first poll
        if self.started is None:
            return max(now, last + self._queue_pause)
        if self._socket_alive(now) and not self._false_hints:
            # Recompute when the WebSocket would count as down.
            return max(now, min(last + SAFETY, (self._heard_at or now) + SOCKET_SILENCE))
        if self._next is None:
            self._next = last + self._pause(last - self.started)
        return max(now, self._next)

    def _socket_alive(self, now: float) -> bool:
        return self._heard_at is not None and now - self._heard_at < SOCKET_SILENCE

    def _pause(self, elapsed: float) -> float:
        """Return the seconds until the next poll after `elapsed` seconds of running."""
        pause = elapsed / 15
        if self._runs:
            early, median = self._runs[0] * EARLY, statistics.median(self._runs)
            if elapsed < early:
                pause = early - elapsed
            elif elapsed < median * NEAR:
                pause = elapsed / 50
        return min(LONGEST, max(SHORTEST, pause))
