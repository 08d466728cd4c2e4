"""Sums of money as exact numbers: a unit and whole millionths of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, InvalidOperation

from ..errors import BadInput, Say

COINS = "coins"
CNY = "CNY"
USD = "USD"
UNITS = (COINS, CNY, USD)

MICRO = 1_000_000
LARGEST = 10**9  # of any unit: nothing costs more, and SQLite's sums stay exact

Sums = Mapping[str, int]
"""By unit: whole millionths."""

NOTHING: Sums = {}

_AMOUNT = re.compile(r"(\d{1,10}(?:\.\d{1,6})?)\s*([A-Za-z]*)")
_NAMES = {"coin": COINS, "coins": COINS, "rh": COINS, "cny": CNY, "rmb": CNY, "usd": USD}


def read_sums(text: str, unit: str = "") -> dict[str, int]:
    """`50 coins`, `5 CNY`, or several with commas between, as millionths by unit.

    `unit`: of a number without one; where that is "" too, the key of the result is "". Raises
    BadInput for anything else, for nothing too small to be kept, and for two of one unit.
    """
    sums: dict[str, int] = {}
    for part in re.split("[,;\uff0c\uff1b]", text):
        match = _AMOUNT.fullmatch(part.strip())
        named = _NAMES.get(match[2].lower(), "") if match else ""
        if match is None or (match[2] and not named) or Decimal(match[1]) > LARGEST:
            raise BadInput("error.bad_amount", value=part.strip()[:60])
        if (named or unit) in sums:
            raise BadInput("error.bad_amount", value=text.strip()[:60])
        sums[named or unit] = int(Decimal(match[1]) * MICRO)
    return sums


def micros(text: object, *, up: bool = False) -> int | None:
    """A cost as the service prints it, in millionths; None where it is no number from 0.

    `up`: rounded up where it is finer, else to the nearest.
    """
    try:
        number = Decimal(str(text)) if text is not None else Decimal("nan")
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number <= LARGEST:
        return None
    rounding = ROUND_CEILING if up else ROUND_HALF_EVEN
    return int((number * MICRO).to_integral_value(rounding))


def costs_of(
    coins: str | None, money: str | None, third_party: str | None, *, currency: str
) -> dict[str, int] | None:
    """What a task did cost, as the service prints it, by unit; None where it tells of nothing.

    `currency`: of the account, which pays its running time and other firms' models in one.
    """
    paid = {COINS: micros(coins)}, {currency: micros(money)}, {currency: micros(third_party)}
    known = [{unit: one for unit, one in sums.items() if one is not None} for sums in paid]
    return added(known) if any(known) else None


def digits(amount: int) -> str:
    """Millionths as a plain number: `14`, `0.35`."""
    text = f"{Decimal(amount) / MICRO:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def told(sums: Sums, say: Say) -> str:
    """For people: `14 coins + 0.35 CNY`; "" for none."""
    listed = ((unit, sums[unit]) for unit in UNITS if unit in sums)
    return " + ".join(say_amount(unit, amount, say) for unit, amount in listed)


def say_amount(unit: str, amount: int, say: Say) -> str:
    """One sum: `14 coins`, `0.35 CNY`."""
    if unit == COINS:
        return say("money.coin" if amount == MICRO else "money.coins", {"amount": digits(amount)})
    return f"{digits(amount)} {unit}"


def added(many: Iterable[Sums]) -> dict[str, int]:
    """All of them together, by unit."""
    total: dict[str, int] = {}
    for sums in many:
        for unit, amount in sums.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def larger(one: Sums, other: Sums) -> dict[str, int]:
    """By unit the larger of both."""
    return {unit: max(one.get(unit, 0), other.get(unit, 0)) for unit in (*one, *other)}


def written(sums: Sums) -> str:
    """As `read_sums` reads it: `50 coins, 5 CNY`."""
    return ", ".join(f"{digits(sums[unit])} {unit}" for unit in UNITS if unit in sums)
