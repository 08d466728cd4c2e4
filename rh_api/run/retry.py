"""Retries of calls, except of those with a loop of their own (polls, cancels, the limiter).

A call that had no effect (NOT_STARTED) may be retried; one of UNKNOWN effect only if it is
idempotent (`repeatable`). A create is not: it is retried only if it provably never left this
machine, or if the service said that nothing was started and that waiting helps.
`Submitter.submit` waits for a slot, and tries V2 after V1, in a loop around these.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import (
    BadReply,
    CutOff,
    Fate,
    RateLimited,
    RunningHubError,
    ServiceFault,
    Unreachable,
    UploadFailed,
)
from ..wire.call import Call
from ..wire.envelope import MAX_RETRY_AFTER
from .ports import Clock, Transport

FIRST_PAUSE = 0.5
MAX_PAUSE = 20.0
TRIES = 3
# For transfers, which can be resumed: an outage of the network mostly ends within minutes.
PATIENCE = 180.0  # seconds
MAX_WAIT = 15.0
_OUTAGE = frozenset({"error.unreachable", "error.too_slow"})  # not "error.tls": it would not pass

# A shared token bucket bounds retries: while everything fails, 3 tries each would triple the load.
BUDGET = 500.0
RETRY_COST = 14.0
RATE_COST = 5.0
REFILL = 1.0

# Shared, since seeding a generator is slower than the rest of a call's setup.
CHANCE = random.Random()  # noqa: S311


@dataclass(slots=True)
class RetryBudget:
    """Token bucket: retries spend tokens, successes refill. Shared by all calls of a client."""

    tokens: float = BUDGET

    def spend(self, cost: float) -> bool:
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def succeeded(self) -> None:
        self.tokens = min(BUDGET, self.tokens + REFILL)


@dataclass(slots=True)
class Retry:
    """Retry state of one call: exponential backoff with full jitter, drawn from `chance`.
    `waits`: an outage of the network is waited out for PATIENCE seconds, whatever `tries`."""

    budget: RetryBudget
    repeatable: bool
    tries: int = TRIES
    chance: random.Random = CHANCE
    waits: bool = False
    _failures: int = 0
    _outage_tries: int = 0
    _outage_since: float = 0.0

    def pause_before_next(self, error: RunningHubError, now: float = 0.0) -> float | None:
        """Return the seconds until the next try, or None if `error` is final. `now`: monotonic."""
        is_away = error.key in _OUTAGE and not isinstance(error, CutOff)
        if self.waits and is_away and self._safe(error):
            return self._outage_pause(now)
        self._failures += 1
        if self._failures >= self.tries or not self._safe(error):
            return None
        if isinstance(error, RateLimited):
            retry_after = error.retry_after
            if retry_after is not None and retry_after > MAX_RETRY_AFTER:
                return None
            cost, least = RATE_COST, retry_after or 0.0
        else:
            cost, least = RETRY_COST, 0.0
        if not self.budget.spend(cost):
            return None
        ceiling = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (self._failures - 1))
        return least + self.chance.random() * ceiling

    def _outage_pause(self, now: float) -> float | None:
        """Backoff during an outage, free of the budget: unsent requests put no load on anyone."""
        self._outage_since = self._outage_since if self._outage_tries else now
        self._outage_tries += 1
        if self._outage_tries >= self.tries and now - self._outage_since >= PATIENCE:
            return None
        ceiling = min(MAX_WAIT, FIRST_PAUSE * 2.0 ** (self._outage_tries - 1))
        return ceiling * (1 + self.chance.random()) / 2

    def _safe(self, error: RunningHubError) -> bool:
        if isinstance(error, RateLimited):
            return True  # nothing was started
        if error.wrong_address or (isinstance(error, BadReply) and not self.repeatable):
            return False  # a web page may come from a gateway, behind which a task was started
        if not isinstance(error, (Unreachable, BadReply, ServiceFault, UploadFailed)):
            return False  # a refusal is permanent
        return error.fate is Fate.NOT_STARTED or (self.repeatable and error.fate is Fate.UNKNOWN)


T = TypeVar("T")


@dataclass(slots=True)
class Sender:
    """Sends calls with retries. `clock` times the backoff; all calls share `budget`."""

    transport: Transport
    clock: Clock
    budget: RetryBudget = field(default_factory=RetryBudget)

    async def send(self, call: Call[T]) -> T:
        """Send a call, retrying as its `repeatable` allows; return what its reader returns.

        Raises the last try's error.
        """
        return await self.retry(
            lambda: self.transport.send(call), repeatable=call.repeatable, fate=call.fate
        )

    async def retry(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        repeatable: bool,
        fate: Fate | None = None,
        tries: int = TRIES,
        waits: bool = False,
        anew: Callable[[], bool] | None = None,
    ) -> T:
        """Return the first successful attempt's result; else raise the last error.

        For operations of more than one plain call. `repeatable`, `fate`: as of a Call. `waits`: see
        Retry. `anew`: returns whether an attempt made enough progress to reset the retry state.
        """
        rule = Retry(self.budget, repeatable, tries, waits=waits)
        while True:
            try:
                result = await attempt()
            except RunningHubError as error:
                if anew is not None and anew():
                    rule = Retry(self.budget, repeatable, tries, waits=waits)
                pause = rule.pause_before_next(error, self.clock.now())
                if pause is None and fate is None:
                    raise
                if pause is None:
                    raise error.with_context(fate=fate) from error.__cause__
            else:
                self.budget.succeeded()
                return result
            await self.clock.sleep(pause)
