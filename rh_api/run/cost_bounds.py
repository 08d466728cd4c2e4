"""Upper bound of an order's cost from known facts: pure functions, no queries and no writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from ..errors import CostLimit
from ..money.amounts import COINS, Sums, join_list, say_amount, say_sums, say_unit
from ..money.limits import Limits, Reached, left, reached
from ..money.quotes import Quote
from ..money.rates import cost_of, seconds_of
from ..texts import Words

_NOT_SENT = Words.of(lambda say: say("money.not_sent", {}))


@dataclass(frozen=True, slots=True)
class Bound:
    """Millionths by unit, and the running seconds that they pay for; None: not billed by time."""

    amounts: Sums = field(default_factory=dict[str, int])
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CostFacts:
    """Known facts about an order's cost.

    `unit`: billing unit of running time; "" if time is free, None if unknown. `currency`: of the
    account's money. `rate`: millionths of `unit` per second, None if unknown. `retained`: seconds
    that the machine is kept afterwards. `is_free_of_others`: the graph is known to hold no node
    billed by third parties. `price`: of a standard model. `quote`: from own past runs.
    `allowed`: sums that the user permits this program. `time_limit`: seconds, 0 for none.
    """

    program: str
    currency: str
    unit: str | None = None
    rate: int | None = None
    retained: int = 0
    time_limit: float = 0.0
    is_model: bool = False
    is_free_of_others: bool = False
    price: Quote = field(default_factory=Quote)
    quote: Quote = field(default_factory=Quote)
    allowed: Sums = field(default_factory=dict[str, int])


def bound_of(facts: CostFacts, limits: Limits, prompt: Sums, day: Sums) -> Bound | Reached:
    """Return the sums to hold for an order, or the limit that leaves too little. An order that is
    paid by time holds at most twice the highest cost of its past runs.

    `prompt`, `day`: spent or held so far in each scope. Raises CostLimit if the cost has no upper
    bound, or is billed in a unit for which no limit is set.
    """
    if facts.allowed:
        require_limited(_paid_in(facts), limits)
        return reached(limits, facts.allowed, prompt, day) or _allowed(facts)
    if facts.is_model:
        sums = priced(facts.price, facts.currency)  # if empty: `Budget.at_service_price` asks
        require_limited(sums, limits)
        return reached(limits, sums, prompt, day) or Bound(sums)
    if not facts.is_free_of_others or facts.unit is None:
        raise unbounded(facts.program, limits)
    if not facts.unit:
        return Bound()
    require_limited((facts.unit,), limits)
    if facts.rate is None:
        raise unbounded(facts.program, limits, "error.cost_rate_unknown")
    return _timed(facts, facts.unit, facts.rate, limits, prompt, day)


def next_bound(
    facts: CostFacts, limits: Limits, prompt: Sums, day: Sums, held: Sums
) -> Bound | None:
    """Return a larger bound, at most twice what a running order has `held`; None for no more.
    `prompt`, `day`: spent or held in each scope, without this order."""
    if not facts.unit or facts.rate is None:
        return None
    own = held.get(facts.unit, 0)
    room = left(limits, facts.unit, prompt, day)
    if room is None or room <= own:
        return None
    amount = min(room, 2 * own)  # leave some for concurrent orders
    return Bound({facts.unit: amount}, seconds_of(facts.unit, facts.rate, amount, facts.retained))


def highest(facts: CostFacts) -> Sums:
    """Return the upper end of the probable cost by unit, as far as known."""
    ranges = {**facts.quote.ranges, **facts.price.ranges}
    return {unit: costs.high or costs.amount for unit, costs in ranges.items()}


def _paid_in(facts: CostFacts) -> Iterable[str]:
    """Return the units an allowed order is billed in: by price or account, else of its sums."""
    if facts.is_model:
        return priced(facts.price, facts.currency) or facts.allowed
    return (facts.unit,) if facts.unit else facts.allowed


def _allowed(facts: CostFacts) -> Bound:
    paid = facts.allowed.get(facts.unit or "")
    if paid is None or facts.rate is None or facts.is_model:
        return Bound(facts.allowed)
    seconds = seconds_of(facts.unit or "", facts.rate, paid, facts.retained)
    return Bound(facts.allowed, seconds)


def priced(price: Quote, currency: str) -> Sums:
    """Return the upper ends of a model's price; {} if one is open or in a foreign currency."""
    highs = {unit: costs.high for unit, costs in price.ranges.items()}
    bounded = {unit: high for unit, high in highs.items() if high is not None}
    is_whole = len(bounded) == len(highs) and {*bounded} <= {COINS, currency}
    return bounded if is_whole else {}


def _timed(
    facts: CostFacts, unit: str, rate: int, limits: Limits, prompt: Sums, day: Sums
) -> Bound | Reached:
    room = left(limits, unit, prompt, day) or 0
    own = facts.quote.ranges.get(unit)
    least = own.amount if own else cost_of(unit, rate, 1, facts.retained)
    most = 2 * own.high if own and own.high else room
    if facts.time_limit:
        most = min(most, cost_of(unit, rate, facts.time_limit, facts.retained))
        least = min(least, most)
    least = max(least, cost_of(unit, rate, 1, facts.retained))
    if passed := reached(limits, {unit: least}, prompt, day):
        return passed
    amount = min(room, max(most, least))
    return Bound({unit: amount}, seconds_of(unit, rate, amount, facts.retained))


def unbounded(program: str, limits: Limits, key: str = "error.cost_unbounded") -> CostLimit:
    """Return the error for an order whose cost has no upper bound."""
    lowest = limits.order or limits.prompt or limits.day
    limit = Words.of(partial(say_sums, lowest))
    return CostLimit(key, program=program, limit=limit, done=_NOT_SENT, hint="costs")


def require_limited(units: Iterable[str], limits: Limits) -> None:
    """Raise CostLimit if none of the `units` an order is billed in has a limit: the existing
    limits could not stop it."""
    paid_in = list(units)
    if paid_in and limits.units.isdisjoint(paid_in):
        raise CostLimit(
            "error.cost_other_unit",
            unit=named_units(paid_in),
            limits=named_units(sorted(limits.units)),
            done=_NOT_SENT,
            hint="costs",
        )


def named_units(units: Iterable[str]) -> Words:
    """Return unit names joined by commas, for a message."""
    listed = [*units]
    return Words.of(lambda say: join_list((say_unit(unit, say) for unit in listed), say))


_REACHED = {
    "order": "error.cost_order",
    "prompt": "error.cost_prompt",
    "day": "error.cost_day",
}


_OVER = {"prompt": "error.cost_prompt_over", "day": "error.cost_day_over"}
"""For a limit that is exceeded already, when this order may cost nothing in its unit."""


def refusal(passed: Reached, where: str) -> CostLimit:
    """Return the error for an order that exceeds a limit; `where`: the setting that raises it."""
    return CostLimit(
        (_REACHED if passed.needed else _OVER)[passed.scope],
        where=where,
        hint="costs",
        done=_NOT_SENT,
        needed=Words.of(partial(say_amount, passed.unit, passed.needed)),
        limit=Words.of(partial(say_amount, passed.unit, passed.limit)),
        spent=Words.of(partial(say_amount, passed.unit, passed.committed)),
    )
