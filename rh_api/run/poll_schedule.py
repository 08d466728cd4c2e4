"""Adaptive poll schedule: frequent polls where a task's end is likely, rare ones elsewhere.

The interval follows the hazard rate of the end: with cost c per poll (in seconds of latency that
one request is worth) and hazard h, the optimal interval is sqrt(2c/h) seconds. The hazard is that
of a mixture: log-normal kernels at the durations of earlier runs, and a broad prior for cold
starts and first runs. While the WebSocket delivers, polls are rare; its hint that the task may be
over is confirmed by polls. It never decides anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

POLL_COST = 0.05  # seconds of a user's latency that one request is worth
SHORTEST = 0.5
LONGEST = 15.0
QUEUE_SHORTEST = 1.0
QUEUE_LONGEST = 5.0
SAFETY = 30.0  # seconds between polls while the WebSocket delivers
SOCKET_SILENCE = 45.0  # seconds without a frame after which the WebSocket counts as down
CONFIRM = (0.0, 0.5, 1.0, 2.0, 3.0)  # polls that confirm a hint, seconds after it

_STEP = 0.25
_PRIOR_SCALE = 6.0  # seconds; median of the prior
_MIN_SPREAD, _MAX_SPREAD = 0.05, 0.35  # kernel width, of the logarithm of a duration
_JITTER = 0.2  # seconds of absolute noise per run, from network and queue; matters for short ones
_LONE_SPREAD = 0.12  # kernel width for a single sample


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
    _runs: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Kernels: of each earlier run the logarithm of its seconds, and the kernel's width."""

    def __post_init__(self) -> None:
        durations = [seconds for seconds in self.history if seconds > 0]
        common = _spread(durations) if durations else 0.0
        for seconds in durations:
            spread = min(_MAX_SPREAD, math.hypot(common, _JITTER / seconds))
            self._runs.append((math.log(seconds), spread))

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
        """Return the seconds in which the poll density sqrt(h/2c) integrates to one poll."""
        pause, due = 0.0, 0.0
        elapsed = max(0.0, elapsed)
        while pause < LONGEST:
            due += _STEP * math.sqrt(self.hazard(elapsed + pause + _STEP / 2) / (2 * POLL_COST))
            pause += _STEP
            if due >= 1.0 and pause >= SHORTEST:
                break
        return pause

    def hazard(self, elapsed: float) -> float:
        """Return the hazard rate (1/s) of a task's end after `elapsed` seconds of running."""
        density, survival = self._end(elapsed)
        return density / survival

    def _end(self, elapsed: float) -> tuple[float, float]:
        """Return probability density (1/s) and survival of the duration at `elapsed` seconds."""
        guess = 1.0 / (len(self._runs) + 1.5)
        density = guess * _PRIOR_SCALE / (_PRIOR_SCALE + elapsed) ** 2
        survival = guess * _PRIOR_SCALE / (_PRIOR_SCALE + elapsed)
        if self._runs and elapsed > 0:
            share, now = (1.0 - guess) / len(self._runs), math.log(elapsed)
            for center, spread in self._runs:
                z = (now - center) / spread
                density += share * math.exp(-z * z / 2) / (elapsed * spread * _ROOT_2_PI)
                survival += share * math.erfc(z / _ROOT_2) / 2
        elif self._runs:
            survival += 1.0 - guess
        return density, max(survival, 1e-9)


_ROOT_2 = math.sqrt(2)
_ROOT_2_PI = math.sqrt(2 * math.pi)


def _spread(durations: Sequence[float]) -> float:
    """Kernel width of the log durations, by interquartile range: robust against cold starts."""
    if len(durations) == 1:
        return _LONE_SPREAD
    logs = sorted(math.log(seconds) for seconds in durations)
    middle = logs[len(logs) // 4 : -(len(logs) // 4) or None]
    width = (middle[-1] - middle[0]) / 1.35 if len(middle) > 1 else logs[-1] - logs[0]
    return min(_MAX_SPREAD, max(_MIN_SPREAD, width * len(durations) ** -0.2))
