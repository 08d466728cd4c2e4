"""The price of a run by the model's price list, in CNY; in USD a seventh of the amount."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from typing import Any

from ..codes import Json
from .catalogue import Model, Price

CNY_A_DOLLAR = Decimal(7)

LEAST = Decimal("0.001")

UNLISTED = Decimal("0.1")
"""CNY for a model without a listed price: the service charges for those too."""

SECONDS = ("duration", "seconds", "length")
COUNTS = ("numImages", "imageNum", "maxImages", "n")


def price_of(model: Model, body: Json, currency: str) -> Decimal:
    """Return the price of one run in ``currency``, CNY or USD."""
    values = model.values(body)
    amount = UNLISTED
    if model.price is not None:
        amount = _amount(model.price, values) * _units(model.price, values)
    if currency == "USD":
        amount /= CNY_A_DOLLAR
    return max(LEAST, amount.quantize(LEAST, ROUND_UP))


def _amount(price: Price, values: Json) -> Decimal:
    """Return the first matching amount; without a match the highest, so as not to undercharge."""
    words = [_word(values.get(name)) for name in price.by]
    for row, amount in price.amounts.items():
        parts = row.split("|")
        if len(parts) == len(words) and all(
            part in ("*", value) for part, value in zip(parts, words, strict=True)
        ):
            return Decimal(str(amount))
    return max(Decimal(str(amount)) for amount in price.amounts.values())


def _word(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _units(price: Price, values: Json) -> Decimal:
    match price.per:
        case "second" | "5_seconds":
            seconds = next((number for name in SECONDS if (number := _number(values, name))), 5)
            return Decimal(-(-seconds // (5 if price.per == "5_seconds" else 1)))
        case "image":
            return Decimal(count_of(values))
        case "1000_chars":
            text = "".join(value for value in values.values() if isinstance(value, str))
            return Decimal(-(-len(text) // 1000))
        case _:
            return Decimal(1)


def count_of(values: Json) -> int:
    """Return how many results a body requests."""
    return next((number for name in COUNTS if (number := _number(values, name))), 1)


def _number(values: Json, name: str) -> int:
    digits = re.match(r"\d+", str(values.get(name) or ""))
    return int(digits[0]) if digits else 0
