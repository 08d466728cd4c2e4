"""Calls of one account, each sent again by its own word: one rule for everything, by fate.

A call that nothing came of may be made again; one whose effect is unknown only when repeating
it has no effect of its own. A create is not repeatable: it is sent again only when it provably
never left, or when the service said that nothing was started and that waiting helps.
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
from ..wire.envelope import LONGEST_RETRY_AFTER
from .ports import Clock, Transport

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
TRIES = 3
# A line that is gone comes back in minutes, and the bytes of a transfer can be moved again.
PATIENCE = 180.0  # seconds
LONGEST_WAIT = 15.0
_LINE = frozenset({"error.unreachable", "error.too_slow"})  # a certificate stays what it is

# One budget for all calls of a client: when everything fails, trying thrice triples the harm.
BUDGET = 500.0
RETRY_COST = 14.0
RATE_COST = 5.0
REFILL = 1.0

# One for all: seeding one takes longer than most of what a call needs.
CHANCE = random.Random()  # noqa: S311


@dataclass(slots=True)
class RetryBudget:
    """Tokens that retries cost and successes bring back, shared by all calls of a client."""

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
    """The tries of one call. `chance` gives 0 to 1 (full jitter spreads clients apart);
    `waits`: a line that is gone is waited for, by time and whatever the tries."""

    budget: RetryBudget
    repeatable: bool
    tries: int = TRIES
    chance: random.Random = CHANCE
    waits: bool = False
    _failures: int = 0
    _lost: int = 0
    _lost_at: float = 0.0

    def pause_before_next(self, error: RunningHubError, now: float = 0.0) -> float | None:
        """Seconds until the next try, or None when there is none and `error` stands."""
        is_away = error.key in _LINE and not isinstance(error, CutOff)
        if self.waits and is_away and self._safe(error):
            return self._pause_for_line(now)
        self._failures += 1
        if self._failures >= self.tries or not self._safe(error):
            return None
        if isinstance(error, RateLimited):
            retry_after = error.retry_after
            if retry_after is not None and retry_after > LONGEST_RETRY_AFTER:
                return None
            cost, least = RATE_COST, retry_after or 0.0
        else:
            cost, least = RETRY_COST, 0.0
        if not self.budget.spend(cost):
            return None
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (self._failures - 1))
        return least + self.chance.random() * ceiling

    def _pause_for_line(self, now: float) -> float | None:
        """Costs nothing of the budget: what does not arrive harms nobody, and orders need it."""
        self._lost_at = self._lost_at if self._lost else now
        self._lost += 1
        if self._lost >= self.tries and now - self._lost_at >= PATIENCE:
            return None
        ceiling = min(LONGEST_WAIT, FIRST_PAUSE * 2.0 ** (self._lost - 1))
        return ceiling * (1 + self.chance.random()) / 2

    def _safe(self, error: RunningHubError) -> bool:
        if isinstance(error, RateLimited):
            return True  # nothing was started
        if error.wrong_address or (isinstance(error, BadReply) and not self.repeatable):
            return False  # a page may also be that of a gateway, behind which a task runs
        if not isinstance(error, (Unreachable, BadReply, ServiceFault, UploadFailed)):
            return False  # a refusal: asking again changes nothing
        return error.fate is Fate.NOT_STARTED or (self.repeatable and error.fate is Fate.UNKNOWN)


T = TypeVar("T")


@dataclass(slots=True)
class Sender:
    """Sends calls, by the clock that pauses are counted by, on the budget that they share."""

    transport: Transport
    clock: Clock
    budget: RetryBudget = field(default_factory=RetryBudget)

    async def send(self, call: Call[T]) -> T:
        """The answer to a call, which says itself whether it may be sent again.

        Raises the error of the last try.
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
        """The result of the first attempt that succeeds; else raises the last error.

        `repeatable` and `fate` as those of a Call: for what takes more than one call, or more
        than sending it. `waits`: see Retry. `anew`: an attempt came so far that all counts anew.
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
