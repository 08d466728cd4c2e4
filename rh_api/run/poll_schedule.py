"""When to ask next how a task is doing: often where its end is likely, seldom elsewhere.

The wait between two polls follows the hazard of the end: with cost c a poll (in seconds of
waiting that one request is worth) and hazard h, asking every sqrt(2c/h) seconds is cheapest.
The hazard comes from how long the same workflow ran before, mixed with a broad guess that
covers cold starts and first runs. A socket that speaks makes polls rare; its hint that the
task may be over is confirmed by polls. It never decides anything.

Where a webhook will tell the end, polls are for the case that its delivery is lost: asked is when
the waiting that this may have cost so far is worth a request.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

POLL_COST = 0.05  # seconds of somebody's waiting that one request is worth
SHORTEST = 0.5
LONGEST = 15.0
QUEUE_SHORTEST = 1.0
QUEUE_LONGEST = 5.0
SAFETY = 30.0  # seconds between polls while the socket speaks
SOCKET_SILENCE = 45.0  # a socket that says nothing for so long counts as down
CONFIRM = (0.0, 0.5, 1.0, 2.0, 3.0)  # seconds after a hint
LOST = 0.01  # share of deliveries that do not come, although those before did
PROMISED_COST = 0.25  # as POLL_COST, for the waiting after a lost delivery
PROMISED_LONGEST = 300.0
PROMISED_QUEUE_LONGEST = 30.0

_STEP, _PROMISED_STEP = 0.25, 1.0
_PRIOR_SCALE = 6.0  # seconds; shape of the broad guess: half of all runs end within it
_MIN_SPREAD, _MAX_SPREAD = 0.05, 0.35  # of the logarithm of a run time
_JITTER = 0.2  # seconds by which any run differs: what network and queue do to short ones
_LONE_SPREAD = 0.12  # when one run is all that is known


@dataclass(slots=True)
class PollSchedule:
    """The poll times of one task. Times are seconds of one monotonic clock, given by callers.

    `history`: seconds that earlier runs of the same workflow took on the same machine size.
    """

    history: Sequence[float] = ()
    promised: bool = False
    """A webhook will tell the end: earlier deliveries reached this machine."""
    started: float | None = None
    _asked: float | None = None
    _queue_pause: float = QUEUE_SHORTEST
    _heard: float | None = None
    _confirm: list[float] = field(default_factory=list[float])
    _lies: int = 0
    _doubted_until: float = 0.0
    _next: float | None = None
    _runs: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Of each earlier run the logarithm of its seconds, and how far about it the next may be."""

    def __post_init__(self) -> None:
        durations = [seconds for seconds in self.history if seconds > 0]
        common = _spread(durations) if durations else 0.0
        for seconds in durations:
            spread = min(_MAX_SPREAD, math.hypot(common, _JITTER / seconds))
            self._runs.append((math.log(seconds), spread))

    def running(self, now: float) -> None:
        """The task was seen running; only the first time counts."""
        if self.started is None:
            self.started = now
            self._next = None

    def asked(self, now: float) -> None:
        """A poll was answered, or failed: either way the next one is a while off."""
        self._asked = now
        if self._confirm:
            self._confirm = [at for at in self._confirm if at > now]
            if not self._confirm:
                # Nothing came of the hint: it was not the end, or not of this task.
                self._lies += 1
                self._doubted_until = now + CONFIRM[-1] * 2**self._lies
        longest = PROMISED_QUEUE_LONGEST if self.promised else QUEUE_LONGEST
        self._queue_pause = min(longest, self._queue_pause * 1.3)
        self._next = None

    def heard(self, now: float) -> None:
        """The socket spoke."""
        if not self._socket_alive(now):
            self._next = None
        self._heard = now

    def deaf(self) -> None:
        """The socket is gone."""
        self._heard = None
        self._next = None

    def hint(self, now: float) -> None:
        """The socket says that the task may be over: confirm, less readily after a false one."""
        if not self._confirm and now >= self._doubted_until:
            self._confirm = [now + pause for pause in CONFIRM]

    def promise(self) -> None:
        """From now on a delivery is expected to tell the end."""
        self.promised, self._next = True, None

    def delivered(self, now: float) -> None:
        """The delivery came, which comes once: confirm it, and after that ask as without one."""
        self.promised, self._next = False, None
        self._confirm = [now + pause for pause in CONFIRM]

    def next_at(self, now: float) -> float:
        """When to ask next; not before now."""
        if self._confirm:
            return max(now, self._confirm[0])
        last = self._asked if self._asked is not None else self.started
        if last is None:
            last = self._asked = now  # the reply to the order counts as the first answer
        if self.started is None:
            return max(now, last + self._queue_pause)
        if self.promised:
            if self._next is None:
                self._next = last + self._promised_pause(last - self.started)
            return max(now, self._next)
        if self._socket_alive(now) and not self._lies:
            # At its silence the rule changes, so look again then.
            return max(now, min(last + SAFETY, (self._heard or now) + SOCKET_SILENCE))
        if self._next is None:
            self._next = last + self._pause(last - self.started)
        return max(now, self._next)

    def _socket_alive(self, now: float) -> bool:
        return self._heard is not None and now - self._heard < SOCKET_SILENCE

    def _pause(self, elapsed: float) -> float:
        """Integrate the poll density sqrt(h/2c) until one poll is due."""
        pause, due = 0.0, 0.0
        elapsed = max(0.0, elapsed)
        while pause < LONGEST:
            due += _STEP * math.sqrt(self.hazard(elapsed + pause + _STEP / 2) / (2 * POLL_COST))
            pause += _STEP
            if due >= 1.0 and pause >= SHORTEST:
                break
        return pause

    def _promised_pause(self, elapsed: float) -> float:
        """Seconds until as much waiting as a poll is worth is to be expected of a lost delivery."""
        pause, due = 0.0, 0.0
        elapsed = max(0.0, elapsed)
        alive = self._end(elapsed)[1]
        while pause < PROMISED_LONGEST:
            runs = min(1.0, self._end(elapsed + pause + _PROMISED_STEP / 2)[1] / alive)
            is_over = LOST * (1.0 - runs)
            due += _PROMISED_STEP * is_over / (is_over + runs)
            pause += _PROMISED_STEP
            if due >= PROMISED_COST:
                break
        return pause

    def hazard(self, elapsed: float) -> float:
        """Rate, a second, at which a task that has run `elapsed` seconds ends now."""
        density, survival = self._end(elapsed)
        return density / survival

    def _end(self, elapsed: float) -> tuple[float, float]:
        """Density of the end after `elapsed` seconds, and the share of runs that go on then."""
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
    """Kernel width of the logarithms: robust against the tail of cold starts."""
    if len(durations) == 1:
        return _LONE_SPREAD
    logs = sorted(math.log(seconds) for seconds in durations)
    middle = logs[len(logs) // 4 : -(len(logs) // 4) or None]
    width = (middle[-1] - middle[0]) / 1.35 if len(middle) > 1 else logs[-1] - logs[0]
    return min(_MAX_SPREAD, max(_MIN_SPREAD, width * len(durations) ** -0.2))
