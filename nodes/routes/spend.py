"""What an account's orders cost."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.history import MOST_DAYS, added, spent_csv, spent_document
from ...rh_api.money.amounts import COINS, digits, say_sums, say_unit
from .. import language
from ..runtime import cloud, config
from .body import Body, number_of, text_of

BALANCE_SECONDS = 3.0  # that a page waits for it


async def spend(body: Body) -> dict[str, object]:
    """The last `days` by day and by program, with sums of today, 7 days and all, and as CSV."""
    days = number_of(body, "days", 30)
    if not 1 <= days <= MOST_DAYS:
        raise BadInput("node.bad_type", name="days", value=str(days))
    settings = config.settings(text_of(body, "profile"))
    client = cloud.client(settings)
    balance = await _balance(client)  # it may tell the currency, too
    currency = client.costs.currency
    by_day = await client.costs.spend(days)
    by_program = await client.costs.spend(days, by="program")
    return {
        "currency": say_unit(currency, language.say),
        "days": [spent_document(day) for day in by_day],
        "programs": [spent_document(program) for program in by_program],
        "today": spent_document(added(await client.costs.spend(1))),
        "week": spent_document(added(await client.costs.spend(7))),
        "all": spent_document(added(by_day)),
        "limits": await _limits(client),
        "balance": balance,
        "csv": {
            "day": spent_csv(by_day, currency),
            "program": spent_csv(by_program, currency),
        },
    }


async def _balance(client: Client) -> str:
    """What the account has left, in words; "" where the service does not tell it soon."""
    try:
        balance = await asyncio.wait_for(client.costs.balance(), BALANCE_SECONDS)
    except (RunningHubError, asyncio.TimeoutError):
        return ""
    sums = {unit: amount for unit, amount in balance.items() if unit and amount}
    return say_sums(sums, language.say)


async def _limits(client: Client) -> list[dict[str, object]]:
    """What today has cost or holds, beside the most that a day may, for each unit with a limit."""
    rules, committed = await client.costs.rules(), await client.costs.committed()
    most = client.settings.limits.lowest(rules.limits).day
    return [
        {
            # The page has its own word for coins.
            "unit": unit if unit == COINS else say_unit(unit, language.say),
            "spent": digits(committed.day.get(unit, 0)),
            "limit": digits(limit),
        }
        for unit, limit in most.items()
        if unit
    ]
