"""Calls of one account with the retry rule: the one place that decides to ask again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import Fate, RunningHubError
from .ports import Clock, Transport
from .retry import Budget, Retry

T = TypeVar("T")


@dataclass(slots=True)
class Caller:
    """Makes calls, by the clock that pauses are counted by, on the budget that they share."""

    transport: Transport
    clock: Clock
    budget: Budget = field(default_factory=Budget)

    async def retrying(
        self, attempt: Callable[[], Awaitable[T]], *, repeatable: bool = True, tries: int = 3
    ) -> T:
        """The result of the first attempt that succeeds; else the last error."""
        rule = Retry(self.budget, repeatable, tries)
        while True:
            try:
                result = await attempt()
            except RunningHubError as error:
                pause = rule.pause(error)
                if pause is None:
                    raise
            else:
                self.budget.succeeded()
                return result
            await self.clock.sleep(pause)

    async def asking(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """`retrying` for calls that order nothing, whatever became of them: the error says so."""
        try:
            return await self.retrying(attempt)
        except RunningHubError as error:
            error.fate = Fate.NOT_STARTED
            raise
