"""Cost operations: quotes before orders, totals after them, and limits."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import BadInput, RunningHubError
from ..journal import Committed, Rules, SqliteJournal
from ..journal.ledger import ALLOWED, FLOOR
from ..models.body import compose
from ..models.schema import Model
from ..money.amounts import read_sums
from ..money.limits import SCOPES
from ..money.quotes import IN_SANDBOX, Quote
from ..programs.job import Job
from ..programs.jobs import Jobs
from ..run.budget import Budget
from ..run.cost_bounds import named_units
from ..run.orders import Order
from ..run.wallet import ASK_SECONDS
from ..wire.orders import TaskOptions


@dataclass(frozen=True, slots=True)
class Estimate:
    """The usual duration of a program's runs in seconds, None if unknown; `runs`: sample size."""

    runs: int = 0
    seconds: float | None = None

    @classmethod
    def of(cls, times: Sequence[float]) -> Estimate:
        """Return the median of past runs' seconds."""
        return cls(len(times), round(statistics.median(times), 1) if times else None)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of one account. Nothing here orders, uploads or places a hold."""

    _journal: SqliteJournal
    _jobs: Jobs

    @property
    def _budget(self) -> Budget:
        return self._jobs.engine.budget

    async def quote(self, job: Job) -> Quote:
        """Estimate the cost of the job's order, with a range and the estimate's source.

        Raises what `Client.run` would raise before any cost.
        """
        return await self._jobs.quote(job)

    async def quote_program(self, program: str, instance: str) -> Quote:
        """Estimate an order of a program, as the journal names it, that is no model: from own runs,
        else from the machine's rate. In the sandbox it is free."""
        if self._jobs.library.settings.is_sandbox:
            return IN_SANDBOX
        order = Order("", key_override=program, options=TaskOptions(instance=instance))
        return await self._budget.cost_finder.quote(order)

    async def quote_model(
        self, model: Model, values: Mapping[str, object], extra: object = None
    ) -> Quote:
        """Estimate an order of a model with a node's values from own runs, without a request."""
        models = self._jobs.library.models()
        ratio = partial(models.price_ratio, model, compose(model, values, extra).body)
        order = Order(model.endpoint, "model", price_ratio=ratio)
        return await self._budget.cost_finder.quote(order)

    async def estimate(self, program: str, instance: str) -> Estimate:
        """Return the typical duration of a program's earlier runs (id, or `app/<id>`)."""
        run_times = self._journal.store.caches.run_times
        return Estimate.of(await self._journal(run_times, program, instance))

    async def committed(self, scope: str = "") -> Committed:
        """Return what counts against limits: amounts spent or on hold, today and for `scope`."""
        at, journal = self._budget.cost_finder.wallet.unix(), self._journal
        return await journal(journal.store.ledger.committed, *journal.owner, scope, at)

    @property
    def currency(self) -> str:
        """The currency of the account's money, from the account or its site; "" if unknown."""
        return self._journal.currency

    async def known_currency(self) -> str:
        """Like `currency`, but ask the account if unknown, for ASK_SECONDS at most."""
        wallet = self._budget.cost_finder.wallet
        if not self.currency and wallet.last is None:
            await wallet.read_within(ASK_SECONDS)
        return self.currency

    async def balance(self) -> dict[str, int]:
        """Return the remaining balance in millionths by unit; at most one minute old."""
        wallet = self._budget.cost_finder.wallet
        return wallet.balance(await wallet.read())

    async def rules(self) -> Rules:
        """Return the limits, the floor and the allowances stored for this key."""
        return await self._journal(self._journal.store.ledger.rules, *self._journal.owner)

    async def set_rule(self, scope: str, text: str) -> None:
        """Store one rule. `scope`: order, prompt, day, floor, or `allow/` and a program as the
        journal names it; `text`: such as `50 coins, 5 CNY`, "" deletes it. Raises BadInput if it is
        no sum, or a limit only in units that the account is known not to pay in."""
        if scope not in (*SCOPES, FLOOR) and not scope.removeprefix(ALLOWED).strip():
            raise ValueError(scope)
        wallet, unit = self._budget.cost_finder.wallet, ""
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
        """Let a refused order, else one of its program, pass once; `keys`: CostLimit's `order_key`.
        `scope`: the only run in which they may pass, as in `Job.scope`; "" for any."""
        self._budget.allow_once(keys, scope)
