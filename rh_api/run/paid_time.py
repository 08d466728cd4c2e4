"""The running time that an order's hold pays for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

WARN_AT = 0.8  # share of the paid time at which to extend it


@dataclass(slots=True)
class PaidTime:
    """`seconds`: 0 for no bound; `extend` enlarges the hold and returns its seconds, 0 if it stays
    as it is."""

    seconds: float = 0.0
    extend: Callable[[], Awaitable[float]] | None = None
    _checked: float = 0.0
    """The paid time that was tried to be extended last."""

    @property
    def next_check(self) -> float:
        """The seconds of running after which it needs a look."""
        return self.seconds * (WARN_AT if self._checked < self.seconds else 1.0)

    async def runs_out(self, used: float) -> bool:
        """Extend it if WARN_AT of it is used; return whether that failed, once per paid time."""
        if self._checked >= self.seconds or used < self.next_check:
            return False
        before = self._checked = self.seconds
        if self.extend is not None:
            self.seconds = max(before, await self.extend())
        return self.seconds == before
