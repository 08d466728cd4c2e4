"""Cost of a native-route order, measured as a difference of the account's balance.

The route reports no cost. If the order ran alone, the balance before minus that after is its
cost; if anything else of the account may have run in the meantime, the cost stays unknown.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from ..errors import RunningHubError
from ..money.amounts import digits, micros
from ..wire.accounts import Account
from ..wire.tasks import Usage
from .ports import Journal
from .results import Notice, Outcome
from .wallet import Wallet


@dataclass(slots=True)
class BalanceCost:
    """Measures the cost of one order. It counts against no cost limit: with a limit set, this route
    is refused."""

    journal: Journal
    wallet: Wallet
    _began: float | None = None
    _before: Account | None = None

    async def begin(self) -> None:
        """Store the balance before the order, if no task of the account is known to run."""
        self._began, self._before = self.journal.now(), None
        with suppress(RunningHubError):
            if not await self.journal.unfinished():
                self._before = await self._idle()

    async def _idle(self) -> Account | None:
        self.wallet.spent()  # bypass the cached balance
        account = await self.wallet.read()
        return account if account.running == 0 else None

    async def with_cost(self, outcome: Outcome) -> Outcome:
        """Return the outcome with its cost and a notice on whether it was measured; unchanged if
        nothing was ordered now."""
        if self._began is None or outcome.kept:
            return outcome
        usage = await self.booked(outcome.task_id)
        notice = Notice("progress.cost_measured" if usage else "progress.cost_untold", {})
        return replace(outcome, usage=usage or outcome.usage, warned=(*outcome.warned, notice))

    async def booked(self, task_id: str | None) -> Usage | None:
        """Measure an order's cost and record it in the journal; None if it is unknown."""
        with suppress(RunningHubError):
            if self._began is not None and task_id:
                return await self._measured(task_id, self._began)
        return None

    async def _measured(self, task_id: str, began: float) -> Usage | None:
        before, row = self._before, await self.journal.of_task(task_id)
        after = None if before is None or row is None else await self._idle()
        if before is None or row is None or after is None:
            return None
        if not await self.journal.ran_alone(row.id, began):
            return None
        pairs = (before.coins, after.coins), (before.money, after.money)
        paid = [(micros(then) or 0) - (micros(now) or 0) for then, now in pairs]
        if min(paid) < 0 or not any(paid):  # the account was topped up, or nothing is billed yet
            return None
        coins, money = (digits(amount) if amount else None for amount in paid)
        usage = Usage(coins=coins, money=money)
        await self.journal.record_cost(row.id, usage)
        return usage
