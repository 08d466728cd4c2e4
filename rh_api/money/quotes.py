"""Quotes: the probable cost of one order as an amount and a range, and their source."""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..errors import Say
from ..texts import Words
from .amounts import UNITS, added, charged, digits, say_amount, say_sums


class QuoteSource(enum.Enum):
    """Source of a quote; the value is the key of its sentence."""

    RUNS = "quote.runs"
    CONVERTED = "quote.converted"
    OTHER_OPTIONS = "quote.other_options"
    PREVIEW = "quote.preview"
    LIST = "quote.list"
    RATE = "quote.rate"
    SANDBOX = "quote.emulated"
    UNKNOWN = "quote.unknown"


@dataclass(frozen=True, slots=True)
class Range:
    """Millionths of one unit: probable, lowest and highest. `high` None: no upper bound."""

    amount: int
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """The probable cost of one order, by unit.

    `runs`: number of own runs it is based on. Runs of a model may have had other options. Their
    cost is then CONVERTED to this order's by a price list, or told as it was (OTHER_OPTIONS).
    `rate`: with the source RATE, millionths of `rate_unit` a second on `instance`. `words`: the
    price as a list or the service itself words it.
    """

    ranges: Mapping[str, Range] = field(default_factory=dict[str, Range])
    source: QuoteSource = QuoteSource.UNKNOWN
    runs: int = 0
    rate: int | None = None
    rate_unit: str = ""
    instance: str = ""
    words: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.ranges)

    @property
    def is_told(self) -> bool:
        """Whether at least its rate is known, such as a price a second, or that it is free."""
        is_free = self.source is QuoteSource.SANDBOX
        return self.is_known or self.rate is not None or bool(self.words) or is_free

    @property
    def may_be_more(self) -> bool:
        """Whether there is no upper bound, not even a probable one."""
        is_open = any(costs.high is None for costs in self.ranges.values())
        return is_open or self.source is QuoteSource.OTHER_OPTIONS

    def describe(self, say: Say) -> str:
        """One line, such as `about 14 coins (12 to 17 coins, in 5 earlier runs)`."""
        if self.source is QuoteSource.LIST and self.words:
            # What it costs, and where that is from.
            return self.words.tell(say) if isinstance(self.words, Words) else self.words
        if self.source is QuoteSource.SANDBOX:
            return say(self.source.value, {})
        if not self.ranges:
            if self.rate is None:
                return say("quote.unknown", {})
            rate = say_amount(self.rate_unit, self.rate, say)
            return say("quote.rate", {"rate": rate, "size": self.instance})
        params = {
            "amount": " + ".join(
                say_amount(unit, costs.amount, say) for unit, costs in self.ranges.items()
            ),
            "range": " + ".join(_span(unit, costs, say) for unit, costs in self.ranges.items()),
            "runs": say("quote.run" if self.runs == 1 else "quote.many_runs", {"runs": self.runs}),
            "words": self.words,
        }
        return say(self.source.value, params)

    def document(self) -> dict[str, object]:
        """As JSON values; amounts by unit, as decimal strings."""
        return {
            "source": self.source.name.lower(),
            "runs": self.runs,
            "amounts": {
                unit: {
                    "amount": digits(costs.amount),
                    "low": digits(costs.low),
                    "high": None if costs.high is None else digits(costs.high),
                }
                for unit, costs in self.ranges.items()
            },
            "rate": None
            if self.rate is None
            else {"a_second": digits(self.rate), "unit": self.rate_unit, "observed": True},
        }


IN_SANDBOX = Quote(source=QuoteSource.SANDBOX)

Price = Callable[[Mapping[str, object] | None], Awaitable[Quote]]
"""Quote of an order: with its final body the service's own quote; with None, what is known without
sending any of the user's data."""

PriceRatio = Callable[[Mapping[str, object]], Fraction | None]
"""How many times the price of a past order with these fields an order costs; None if unknown."""


def quote_of_runs(costs: Sequence[Mapping[str, int]]) -> Quote:
    """Median, lowest and highest cost of past runs, given in millionths by unit. Per unit, runs
    that cost nothing in it are ignored."""
    ranges: dict[str, Range] = {}
    for unit in UNITS:
        if paid := [charged(unit, cost[unit]) for cost in costs if cost.get(unit)]:
            median = charged(unit, math.ceil(statistics.median(paid)))
            ranges[unit] = Range(median, min(paid), max(paid))
    source = QuoteSource.RUNS if ranges else QuoteSource.UNKNOWN
    return Quote(ranges, source, len(costs))


def quote_of_models_runs(runs: Sequence[tuple[Mapping[str, int], Fraction | None]]) -> Quote:
    """Estimate by past runs of a model.

    `runs`: the cost of each in millionths by unit, and this order's price divided by that run's
    (None: not known).
    Only runs of the same price count if there are any, else all that can be converted.
    """
    paid = [(cost, ratio) for cost, ratio in runs if any(cost.values())]
    if same := [cost for cost, ratio in paid if ratio == 1]:
        return quote_of_runs(same)
    converted = [
        {unit: math.ceil(amount * ratio) for unit, amount in cost.items()}
        for cost, ratio in paid
        if ratio is not None
    ]
    if converted:
        return replace(quote_of_runs(converted), source=QuoteSource.CONVERTED)
    quote = quote_of_runs([cost for cost, _ in paid])
    return replace(quote, source=QuoteSource.OTHER_OPTIONS) if quote.is_known else quote


def _span(unit: str, costs: Range, say: Say) -> str:
    if costs.high is None:
        return say("quote.from", {"low": say_amount(unit, costs.low, say)})
    high = say_amount(unit, costs.high, say)
    return (
        high
        if costs.low == costs.high
        else say("quote.span", {"low": digits(costs.low), "high": high})
    )


def fixed(
    unit: str, amount: int, source: QuoteSource, *, is_from: bool = False, words: str = ""
) -> Quote:
    """A quote of a fixed price: exactly `amount`, or with `is_from` at least that."""
    price = Range(amount, amount, None if is_from else amount)
    return Quote({unit: price}, source, words=words)


def total(quotes: Sequence[Quote], say: Say) -> str:
    """Format several quotes: `about 14 coins, 3 orders`; a single one by `Quote.describe`."""
    return quotes[0].describe(say) if len(quotes) == 1 else in_few_words(quotes, say)


def in_few_words(quotes: Sequence[Quote], say: Say, *, least: bool = False) -> str:
    """Format the sum of quotes, short; "" for none. Those of the sandbox count only if there are
    no others. `least`: there may be more orders than these."""
    if not quotes:
        return ""
    quotes = [quote for quote in quotes if quote.source is not QuoteSource.SANDBOX]
    if not quotes:
        return IN_SANDBOX.describe(say)
    sums = added({unit: costs.amount for unit, costs in quote.ranges.items()} for quote in quotes)
    rates = {quote.describe(say) if quote.words else "" for quote in quotes}
    if not sums:
        key = "quote.total_rate" if len(rates) == 1 and all(rates) else "quote.total_none"
    elif not all(quote.is_known for quote in quotes):
        key = "quote.total_unknown"
    elif least or any(quote.may_be_more for quote in quotes):
        key = "quote.total_more"
    else:
        key = "quote.total"
    orders = in_number(len(quotes), say, least)
    return say(key, {"amount": say_sums(sums, say), "orders": orders, "rate": min(rates)})


def in_number(count: int, say: Say, least: bool) -> str:
    """`3 orders`, or `at least 3 orders`."""
    orders = say("quote.order" if count == 1 else "quote.orders", {"count": count})
    return say("quote.at_least", {"orders": orders}) if least else orders
