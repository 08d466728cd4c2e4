"""What orders cost: quotes before they go out, sums of what they took, and the limits between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import BadInput, RunningHubError
from .history import Spent, read_spent
from .job import Job
from .jobs import Jobs
from .journal import Committed, Rules, SqliteJournal
from .journal.ledger import ALLOWED, FLOOR
from .money.amounts import CNY, USD, currency_of, read_sums
from .money.limits import SCOPES
from .money.quotes import Quote
from .run.budget import Budget
from .run.cost_bounds import named_units
from .run.estimates import Estimate, estimate
from .run.orders import Order, is_model
from .wire.orders import TaskOptions

ASK_SECONDS = 2.0  # that a question for a currency may hold up what is told


@dataclass(frozen=True, slots=True)
class Costs:
    """The money of one account. Nothing here orders, uploads or holds anything."""

    _journal: SqliteJournal
    _jobs: Jobs

    @property
    def _budget(self) -> Budget:
        return self._jobs.engine.budget

    async def quote(self, job: Job) -> Quote:
        """What the job's order will probably cost, with a range and its source.

        Refuses what `Client.run` would refuse before any cost.
        """
        return await self._jobs.quote(job)

    async def quote_program(self, program: str, instance: str) -> Quote:
        """What an order of a program, as the journal names it, will probably cost: by own runs,
        else, but for a model, by the rate."""
        options = TaskOptions(instance=instance)
        order = Order("", name=program, options=options, is_model=is_model(program))
        return await self._budget.facts.quote(order)

    async def estimate(self, program: str, instance: str) -> Estimate:
        """What runs of a program (its id, or `app/` and its id) have taken and cost here."""
        done = await self._journal.last_done(program, instance)
        return estimate(await self._journal.run_times(program, instance), done)

    async def spend(self, days: int = 30, *, by: str = "day") -> list[Spent]:
        """What this account's orders cost that ended in the last `days`, today among them: by
        `day`, oldest first and none for days without, or by `program`, dearest first."""
        return await read_spent(self._journal, days, by=by)

    async def committed(self, scope: str = "") -> Committed:
        """What today, and a prompt or command, have cost or hold: what counts against limits."""
        return await self._journal.committed(scope, self._budget.facts.wallet.unix())

    @property
    def currency(self) -> str:
        """Of the account's money, as it or its site tells; "" where neither does."""
        account = self._budget.facts.wallet.last
        currency = account.currency if account is not None else None
        return currency if currency in (CNY, USD) else currency_of(self._journal.origin)

    async def known_currency(self) -> str:
        """`currency`; where neither tells it the account is asked, for ASK_SECONDS at most."""
        wallet = self._budget.facts.wallet
        if not self.currency and wallet.last is None:
            with contextlib.suppress(RunningHubError, asyncio.TimeoutError):
                await asyncio.wait_for(wallet.read(), ASK_SECONDS)
        return self.currency

    async def balance(self) -> dict[str, int]:
        """What the account has left, in millionths by unit; a minute old at most."""
        wallet = self._budget.facts.wallet
        return wallet.balance(await wallet.read())

    async def rules(self) -> Rules:
        """The limits, the floor and the allowances that are stored for this key."""
        return await self._journal.rules()

    async def set_rule(self, scope: str, text: str) -> None:
        """Store one: `scope` is order, prompt, day, floor, or `allow/` and a program as the journal
        names it; `text` such as `50 coins, 5 CNY`, "" removes it. BadInput for no sum, and for a
        limit in units that the account is known not to pay in."""
        if scope not in (*SCOPES, FLOOR) and not scope.removeprefix(ALLOWED).strip():
            raise ValueError(scope)
        wallet, unit = self._budget.facts.wallet, ""
        if text.strip():
            with contextlib.suppress(RunningHubError):
                unit = wallet.unit(await wallet.read()) or ""
        sums = read_sums(text, unit) if text.strip() else {}
        if "" in sums:
            raise BadInput("error.cost_unit")
        if scope in SCOPES and unit and sums and unit not in sums:
            own, others = named_units([unit]), named_units(sums)
            raise BadInput("error.limit_other_unit", unit=own, named=others)
        await self._journal.set_rule(scope, sums)

    def allow_once(self, keys: Iterable[str], scope: str = "") -> None:
        """Let orders that a limit refused pass it, each one time: `order_key` of its CostLimit.

        `scope`: the one run that they may pass in, as `Job.scope` names it; "" is any."""
        self._budget.allow_once(keys, scope)
