"""Sums of money as exact numbers: a unit and whole millionths of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from urllib.parse import urlsplit

from ..errors import BadInput, Say

COINS = "coins"
CNY = "CNY"
USD = "USD"
UNITS = (COINS, CNY, USD)
CURRENCIES = {"www.runninghub.ai": USD, "www.runninghub.cn": CNY}
"""Currency of a wallet beside coins, by the host of each of RunningHub's sites."""

MICRO = 1_000_000
LARGEST = 10**9  # of any unit: nothing costs more, and SQLite's integer sums do not overflow

EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[])
"""For all arithmetic of money: a thread's own context is also that of other code of the process,
which may have it round to a few digits."""

Sums = Mapping[str, int]
"""Whole millionths by unit."""

NOTHING: Sums = {}

_AMOUNT = re.compile(
    r"(US\$|[$\xa5\uffe5]?)\s*(\d{1,10}(?:\.\d{1,6})?)\s*([^\d\s.]*)", re.IGNORECASE
)
_NAMES = {
    **dict.fromkeys(("coin", "coins", "rh", "金币", "个金币", "rh币"), COINS),
    **dict.fromkeys(("cny", "rmb", "元", "人民币", "\xa5", "\uffe5"), CNY),
    **dict.fromkeys(("usd", "美元", "$", "us$"), USD),
}
_UNIT_WORDS = {COINS: "money.unit_coins", CNY: "money.unit_cny", USD: "money.unit_usd"}


def currency_of(origin: str) -> str:
    """Currency of the wallets of a site; "" for one that is none of RunningHub's."""
    return CURRENCIES.get(urlsplit(origin).hostname or "", "")


def read_sums(text: str, unit: str = "") -> dict[str, int]:
    """Parse `50 coins`, `5 CNY`, `5 元`, `$5`, or several with commas, to millionths by unit.

    `unit`: of a single number without a unit; it may be "", which is then the result's key. Raises
    BadInput for anything else, also more than six decimals, and two amounts of one unit.
    """
    sums: dict[str, int] = {}
    parts = re.split("[,;\u3001\uff0c\uff1b]", text)
    for part in parts:
        match = _AMOUNT.fullmatch(part.strip())
        words = [word.lower() for word in match.group(1, 3) if word] if match else []
        named = {_NAMES.get(word, "") for word in words} or {unit}
        # "1,5 USD" is ambiguous: a decimal comma, or two amounts.
        is_unclear = "" in named if words else len(parts) > 1
        if match is None or is_unclear or len(named) > 1:
            raise BadInput("error.bad_amount", value=part.strip()[:60])
        (own_unit,) = named
        if own_unit in sums or Decimal(match[2]) > LARGEST:
            raise BadInput("error.bad_amount", value=text.strip()[:60])
        sums[own_unit] = int(EXACT.multiply(Decimal(match[2]), MICRO))
    return sums


def charged(unit: str, amount: int) -> int:
    """Round millionths of a unit up to what the service charges: whole coins."""
    return -(-amount // MICRO) * MICRO if unit == COINS else amount


def micros(text: object, *, up: bool = False) -> int | None:
    """Parse a cost as the service prints it to millionths; None unless a number in [0, LARGEST].

    `up`: round up what is finer than a millionth, else half to even.
    """
    try:
        number = Decimal(str(text)) if text is not None else Decimal("nan")
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number <= LARGEST:
        return None
    rounding = ROUND_CEILING if up else ROUND_HALF_EVEN
    return int(EXACT.multiply(number, MICRO).to_integral_value(rounding))


def costs_of(
    coins: str | None, money: str | None, third_party: str | None, *, currency: str
) -> dict[str, int] | None:
    """Parse the printed costs of a task to millionths by unit; None if there are none.

    `currency`: of the account; money for running time and for third-party models is added up.
    """
    paid = {COINS: micros(coins)}, {currency: micros(money)}, {currency: micros(third_party)}
    costs = [{unit: cost for unit, cost in sums.items() if cost is not None} for sums in paid]
    return added(costs) if any(costs) else None


def digits(amount: int) -> str:
    """Format millionths as a plain decimal: `14`, `0.35`."""
    return decimal_text(in_units(amount))


def in_units(amount: int) -> Decimal:
    """Convert millionths to a number of whole units."""
    return EXACT.divide(Decimal(amount), MICRO)


def decimal_text(number: Decimal) -> str:
    """Format without an exponent and trailing zeros."""
    return f"{number.normalize(EXACT):f}"


def say_sums(sums: Sums, say: Say) -> str:
    """Format for users: `14 coins + 0.35 CNY`; "" for none."""
    listed = ((unit, sums[unit]) for unit in UNITS if unit in sums)
    return " + ".join(say_amount(unit, amount, say) for unit, amount in listed)


def say_amount(unit: str, amount: int, say: Say) -> str:
    """Format one amount: `14 coins`, `0.35 CNY`; `unit` "" is the wallet's unknown currency."""
    params = {"amount": digits(amount)}
    if unit == COINS:
        return say("money.coin" if amount == MICRO else "money.coins", params)
    return f"{params['amount']} {say_unit(unit, say)}" if unit else say("money.wallet", params)


def say_unit(unit: str, say: Say) -> str:
    """The name of a unit in the language of `say`, such as `CNY`."""
    return say(_UNIT_WORDS[unit], {}) if unit in _UNIT_WORDS else unit


def added(many: Iterable[Sums]) -> dict[str, int]:
    """Add up sums, by unit."""
    total: dict[str, int] = {}
    for sums in many:
        for unit, amount in sums.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def larger(first: Sums, second: Sums) -> dict[str, int]:
    """Maximum of both, by unit."""
    return {unit: max(first.get(unit, 0), second.get(unit, 0)) for unit in (*first, *second)}


def written(sums: Sums, say: Say) -> str:
    """Format for `read_sums`: `50 coins, 5 CNY`."""
    return join_list((say_amount(unit, sums[unit], say) for unit in UNITS if unit in sums), say)


def join_list(words: Iterable[str], say: Say) -> str:
    """Join words by the commas of the language of `say`; "" for none."""
    text = ""
    for word in words:
        text = say("money.and", {"first": text, "next": word}) if text else word
    return text
