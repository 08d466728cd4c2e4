"""Formats what tasks cost as sentences for the user."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import partial, reduce
from typing import TYPE_CHECKING

from ...rh_api.money.amounts import EXACT, micros, say_amount
from ...rh_api.texts import Words

if TYPE_CHECKING:
    from ...rh_api.wire.tasks import Usage


def cost_sentences(
    usages: Sequence[Usage], currency: str = ""
) -> list[tuple[str, dict[str, object]]]:
    """The total cost of tasks: text key and parameters for each billing unit that has one.

    `currency`: of the account's money, "" if unknown.
    """
    costs = {
        "node.coins": [usage.coins for usage in usages],
        "node.money": [usage.money for usage in usages],
        "node.third_party": [usage.third_party_money for usage in usages],
    }
    sentences: list[tuple[str, dict[str, object]]] = []
    for key, values in costs.items():
        value = _sum([value for value in values if value is not None])
        if value is not None:
            one_coin = key == "node.coins" and value == "1"
            if key != "node.coins":
                value = _in_currency(value, currency)
            sentences.append(("node.coin" if one_coin else key, {"value": value}))
    return sentences


def _sum(costs: Sequence[str]) -> str | None:
    """The sum of the numeric costs, None for zero; a single non-numeric cost is kept."""
    if len(costs) == 1 and not _is_number(costs[0]):
        return costs[0]
    total = reduce(EXACT.add, [Decimal(cost) for cost in costs if _is_number(cost)], Decimal(0))
    return str(total) if total else None


def _in_currency(value: str, currency: str) -> str:
    """An amount with its unit; what is no number stays as it is."""
    amount = micros(value)
    return value if amount is None else Words.of(partial(say_amount, currency, amount))


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
