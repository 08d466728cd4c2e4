"""Spending of an account, by day and program, with balance and limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import starmap

from ...rh_api.client import Client, History
from ...rh_api.errors import BadInput, NoKey, RunningHubError
from ...rh_api.groups.history import MAX_DAYS, Spent, added, spent_csv, spent_document
from ...rh_api.journal.program_keys import kind_and_id
from ...rh_api.money.amounts import digits, say_sums, say_unit
from .. import language
from ..runtime import accounts, cloud, config, demo_server
from .body import Body, number_of, text_of

BALANCE_SECONDS = 3.0  # timeout


async def spend(body: Body) -> dict[str, object]:
    """Return the last `days` by day and program, totals for today, 7 days and all, and CSV."""
    days = number_of(body, "days", 30)
    if not 1 <= days <= MAX_DAYS:
        raise BadInput("node.bad_type", name="days", value=str(days))
    try:
        settings = config.settings(text_of(body, "profile"))
    except NoKey:
        past = await accounts.history()
        is_emulated = all(starmap(demo_server.is_emulated, await past.accounts()))
        return await _totals(past, days, await past.spent_in(), is_emulated=is_emulated)
    client = cloud.client(settings)
    balance = await _balance(client)  # first: it may also learn the currency
    is_emulated = demo_server.is_emulated(settings.origin, settings.account)
    totals = await _totals(client, days, client.costs.currency, is_emulated=is_emulated)
    return {**totals, "limits": await _limits(client), "balance": balance}


async def _totals(
    past: History, days: int, currency: str, *, is_emulated: bool
) -> dict[str, object]:
    priced = _free if is_emulated else list
    by_day = priced(await past.spent(days))
    by_program = priced(await past.spent(days, by="program"))
    return {
        "currency": say_unit(currency, language.say),
        "days": [spent_document(day) for day in by_day],
        "programs": [_program_row(spent, is_emulated=is_emulated) for spent in by_program],
        "today": spent_document(added(priced(await past.spent(1)))),
        "week": spent_document(added(priced(await past.spent(7)))),
        "all": spent_document(added(by_day)),
        "limits": [],
        "balance": "",
        "csv": {
            "day": spent_csv(by_day, currency),
            "program": spent_csv(by_program, currency),
        },
    }


def _free(spent: list[Spent]) -> list[Spent]:
    """The same of the sandbox, which tells no costs since it has none."""
    return [replace(total, untold=0) for total in spent]


def _program_row(spent: Spent, *, is_emulated: bool) -> dict[str, object]:
    """Return a program's total, named as its orders are in the history."""
    kind, number = kind_and_id(spent.program)
    name = spent.name or (demo_server.name_of(kind, number) if is_emulated else "")
    shown_id = "" if kind == "graph" else number
    return {**spent_document(spent), "kind": kind, "id": shown_id, "name": name}


async def _balance(client: Client) -> str:
    """Return the account's balance as text; "" on an error or after BALANCE_SECONDS."""
    try:
        balance = await asyncio.wait_for(client.costs.balance(), BALANCE_SECONDS)
    except (RunningHubError, asyncio.TimeoutError):
        return ""
    sums = {unit: amount for unit, amount in balance.items() if unit and amount}
    return say_sums(sums, language.say)


async def _limits(client: Client) -> list[dict[str, object]]:
    """Return today's spent and held amount and the daily limit, for each unit with a limit."""
    rules, committed = await client.costs.rules(), await client.costs.committed()
    most = client.settings.limits.lowest(rules.limits).day
    return [
        {
            "unit": say_unit(unit, language.say),
            "spent": digits(committed.day.get(unit, 0)),
            "limit": digits(limit),
        }
        for unit, limit in most.items()
        if unit
    ]
