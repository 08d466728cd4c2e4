"""`history` and `spend`: orders placed on this machine, and their cost."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..client import History, PastOrder, ResultRow, State, open_history
from ..groups.history import (
    Spent,
    added,
    failure_text,
    read_since,
    search_query,
    spent_csv,
    spent_document,
)
from ..settings import Settings
from ..texts import english
from ..wire.tasks import Usage
from .help_texts import PROGRAM
from .order_output import cost, cost_document
from .terminal import Terminal, shortened


async def history(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """List matching orders, or show all details of one given by its number or task id."""
    settings = Settings.from_mapping(environ)
    words: str = " ".join(arguments.words)
    since = read_since(arguments.since, time.time()) if arguments.since else None
    query = search_query(words, since=since, states=[State(name) for name in arguments.state or ()])
    everyone = arguments.all_accounts
    async with open_history(settings) as past:
        if len(arguments.words) == 1 and words.lstrip("#").isdecimal() and not arguments.before:
            named = await _find_order(past, words.lstrip("#"), everyone=everyone)
            if named is not None:
                _show(named, await past.past_results(named.order), settings, terminal)
                return
        page = await past.history(
            query, before=arguments.before, limit=arguments.limit, everyone=everyone
        )
    if page.orders:
        terminal.table([_row(order) for order in page.orders])
        if page.before is not None:
            terminal.note(english("cli.history_more", {"order": page.before}))
    else:
        terminal.say(english("cli.history_none", {"path": str(settings.state)}))
    terminal.document({"orders": [*map(order_document, page.orders)], "before": page.before})


async def _find_order(past: History, text: str, *, everyone: bool) -> PastOrder | None:
    """Find an order by its number, or by a whole task id."""
    by_number = search_query(f"#{text}")
    orders = (await past.history(by_number, limit=1, everyone=everyone)).orders
    if not orders:
        orders = (await past.history(text, limit=1, everyone=everyone)).orders
    return next((order for order in orders if text in (str(order.order), order.task_id)), None)


def _row(order: PastOrder) -> tuple[str, ...]:
    paid = cost(order.usage, order.currency) if order.usage != Usage() else ""
    results = f"{order.results} {order.first.kind or 'text'}" if order.first else ""
    title, state = order.name or order.program, order.state.value
    return str(order.order), _when(order.created_at), state, order.kind, title, paid, results


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _show(
    order: PastOrder, results: Sequence[ResultRow], settings: Settings, terminal: Terminal
) -> None:
    link = f"{order.origin}/call-api/call-record-detail/{order.task_id}" if order.task_id else ""
    program = f"{order.kind} {order.program}" + (f" ({order.name})" if order.name else "")
    paid = cost(order.usage, order.currency) if order.state.is_over else ""
    rows = [
        (english("cli.history_program", {}), program),
        (english("cli.task_state", {}), order.state.value),
        (english("cli.history_ordered", {}), _when(order.created_at)),
        (english("cli.task_cost", {}), paid),
        (english("cli.task_seconds", {}), order.usage.seconds or ""),
        (english("cli.task_failure", {}), failure_text(order, english)),
        (english("cli.task_link", {}), link),
    ]
    terminal.table([row for row in rows if row[1]])
    if order.inputs:
        terminal.say(english("cli.history_inputs", {}))
        values = [
            (name, json.dumps(value, ensure_ascii=False)) for name, value in order.inputs.items()
        ]
        terminal.table([(name, shortened(value)) for name, value in values])
    if results:
        terminal.say(english("cli.history_results", {}))
        terminal.table([(row.node_id, _result_text(row, settings)) for row in results])
    task = f"{PROGRAM} task"
    if order.state is State.UNCERTAIN:
        command = f"{task} --order {order.order} --look"
        terminal.note(english("cli.history_question", {"command": command}))
    elif order.state is State.DONE and any(row.url and row.path is None for row in results):
        terminal.note(english("cli.history_owed", {"command": f"{task} {order.task_id} --fetch"}))
    listed = [
        {
            "node_id": row.node_id,
            "kind": row.kind,
            "path": str(settings.state / row.path) if row.path else None,
            "size": row.size,
            "text": row.text,
        }
        for row in results
    ]
    terminal.document({**order_document(order), "link": link or None, "results": listed})


def _result_text(row: ResultRow, settings: Settings) -> str:
    if row.path:
        return str(settings.state / row.path)
    return shortened(row.text) if row.text is not None else english("cli.history_file", {})


def order_document(order: PastOrder) -> dict[str, object]:
    """Return an order of the journal as `--json` prints it."""
    return {
        "order": order.order,
        "kind": order.kind,
        "program": order.program,
        "name": order.name or None,
        "instance": order.instance,
        "task_id": order.task_id or None,
        "state": order.state.value,
        "origin": order.origin,
        "ordered_at": order.created_at,
        "started_at": order.started_at,
        "ended_at": order.ended_at,
        "seconds": order.usage.seconds,
        "cost": {**cost_document(order.usage), "currency": order.currency or None},
        "failure": failure_text(order, english) or None,
        "inputs": dict(order.inputs),
        "options": dict(order.options),
        "result_count": order.results,
    }


async def spend(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show the cost of the account's orders, by day or by program, and in total; without a key
    of all orders."""
    settings = Settings.from_mapping(environ)
    async with open_history(settings) as past:
        spent = await past.spent(arguments.days, by=arguments.by)
        currency = await past.spent_in()
    if arguments.csv:
        terminal.say(spent_csv(spent, currency).rstrip("\n"))
    elif not spent:
        params = {"days": arguments.days, "path": str(settings.state)}
        terminal.say(english("cli.spend_none", params))
    else:
        total = added(spent)
        rows = [(*_named_sum(sums), str(sums.orders), _sum_text(sums, currency)) for sums in spent]
        together = english("cli.spend_total", {})
        rows.append((together, "", str(total.orders), _sum_text(total, currency)))
        terminal.table(rows)
        if total.untold:
            terminal.note(english("cli.spend_untold", {"count": total.untold}))
    terminal.document(
        {
            "days": arguments.days,
            "by": arguments.by,
            "currency": currency or None,
            "spent": [spent_document(sums) for sums in spent],
            "total": spent_document(replace(added(spent), since=0.0)),
        }
    )


def _named_sum(spent: Spent) -> tuple[str, str]:
    if spent.program:
        return spent.program, spent.name
    return f"{datetime.fromtimestamp(spent.since).astimezone():%Y-%m-%d}", ""


def _sum_text(spent: Spent, currency: str) -> str:
    sums = spent_document(spent)
    usage = Usage(*(sums[name] for name in ("coins", "money", "third_party_money")))
    return cost(usage, currency)
