"""Gathers cost facts of an order: billing unit, price, own past runs, and machine rates."""

from __future__ import annotations

from dataclasses import dataclass

from ..journal import Rules, SqliteJournal
from ..money.amounts import COINS
from ..money.quotes import Quote, QuoteSource, quote_of_models_runs, quote_of_runs
from ..money.rates import rate_of, rate_of_runs
from .cost_bounds import CostFacts
from .orders import Order
from .wallet import Wallet

QUOTE_SECONDS = 5.0  # that a quote waits for the account: pages wait for quotes


@dataclass(frozen=True, slots=True)
class CostFinder:
    """Cost queries of one account; read-only."""

    journal: SqliteJournal
    wallet: Wallet

    async def facts_of(self, order: Order, rules: Rules) -> CostFacts:
        """Return the facts that bound an order's cost. Raises the call's error if the account or
        the price cannot be read."""
        journal, instance = self.journal, order.options.instance
        account = await self.wallet.read()
        unit = self.wallet.unit(account)
        quote = await self._quote_of_runs(order)
        return CostFacts(
            program=order.program_key,
            currency=journal.currency,
            unit=unit,
            rate=await self.rate(unit, instance),
            retained=order.options.retain_seconds or 0,
            time_limit=order.time_limit,
            is_model=order.is_model,
            is_free_of_others=bool(order.is_free_of_others and order.is_free_of_others()),
            price=await order.price(None),
            quote=quote,
            allowed=rules.allowed.get(order.program_key, {}),
        )

    async def rate(self, unit: str | None, instance: str) -> int | None:
        """Return the rate of a machine size in millionths of `unit` per second; None if unknown."""
        if not unit:
            return None
        paid_runs = await self.journal(
            self.journal.store.ledger.paid_runs, *self.journal.owner, instance
        )
        column = 0 if unit == "coins" else 1
        runs = [(run[column], run[2]) for run in paid_runs]
        return rate_of(unit, instance, rate_of_runs(unit, runs))

    async def quote(self, order: Order) -> Quote:
        """Return an order's probable cost, by the first source that has one: price in the
        account's units, own past runs, price in another currency, machine rate."""
        price = await order.price(None)
        if price.is_known and {COINS, self.journal.currency}.issuperset(price.ranges):
            return price
        quote = await self._quote_of_runs(order)
        if quote.is_known or order.is_model:
            return quote if quote.is_known else price
        account = await self.wallet.read_within(QUOTE_SECONDS)
        if account is None:
            return quote
        unit, instance = self.wallet.unit(account), order.options.instance
        rate = await self.rate(unit, instance)
        if rate is None:
            return quote
        return Quote(source=QuoteSource.RATE, rate=rate, rate_unit=unit or "", instance=instance)

    async def _quote_of_runs(self, order: Order) -> Quote:
        """Quote an order by own past runs; of a model they may have had other prices."""
        program = (*self.journal.owner, order.program_key, order.options.instance)
        costs = await self.journal(self.journal.store.ledger.costs, *program)
        if order.price_ratio is None or not costs:
            return quote_of_runs([*costs.values()])
        # An order whose content was deleted has no fields to tell its price by.
        rows = [
            row
            for row in await self.journal(self.journal.store.history.last_done, *program)
            if row.what
        ]
        ratios = {row.id: order.price_ratio(row.inputs) for row in rows}
        return quote_of_models_runs([(cost, ratios.get(row)) for row, cost in costs.items()])
