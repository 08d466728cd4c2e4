"""What an order of the native route did cost, as far as the account's balance shows it.

The route tells of no cost. Before and after an order that ran alone, the difference of the balance
is its cost; where anything else of the account may have run meanwhile, it is not told.
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
    """The measured cost of one order, which counts against no limit of cost: where there is one, no
    order goes by this route."""

    journal: Journal
    wallet: Wallet
    _began: float | None = None
    _before: Account | None = None

    async def begin(self) -> None:
        """Note the balance before the order, where nothing of the account is known to run."""
        self._began, self._before = self.journal.now(), None
        with suppress(RunningHubError):
            if not await self.journal.unfinished():
                self._before = await self._idle()

    async def _idle(self) -> Account | None:
        self.wallet.spent()  # a balance of before will not do
        account = await self.wallet.read()
        return account if account.running == 0 else None

    async def with_cost(self, outcome: Outcome) -> Outcome:
        """The outcome with its cost, and the notice whether it was measured; as it is where it was
        not ordered now."""
        if self._began is None or outcome.kept:
            return outcome
        usage = await self.booked(outcome.task_id)
        notice = Notice("progress.cost_measured" if usage else "progress.cost_untold", {})
        return replace(outcome, usage=usage or outcome.usage, warned=(*outcome.warned, notice))

    async def booked(self, task_id: str | None) -> Usage | None:
        """The cost of an order that failed, or was stopped: measured, and kept."""
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
        if min(paid) < 0 or not any(paid):  # money was paid in, or nothing is booked yet
            return None
        coins, money = (digits(amount) if amount else None for amount in paid)
        usage = Usage(coins=coins, money=money)
        await self.journal.record_cost(row.id, usage)
        return usage
