"""What came of a task, for people and for programs: files in the folder, texts, cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..client import Outcome
from ..errors import ResultUnavailable
from ..money.amounts import currency_of
from ..settings import Settings
from ..texts import english
from ..wire.tasks import Usage
from .files import Saved, save
from .terminal import Terminal


async def deliver(
    outcome: Outcome,
    selected: Sequence[str],
    folder: Path,
    prefix: str,
    *,
    settings: Settings,
    terminal: Terminal,
    about: Mapping[str, object],
) -> list[Saved]:
    """Copy the results of the selected nodes into the person's folder, and tell of them.

    `prefix` begins the files' names; `about` is what the document says of the program.
    """
    try:
        saved = await asyncio.to_thread(save, outcome.results, selected, folder, prefix)
    except OSError as error:
        raise ResultUnavailable(
            "cli.not_saved",
            task_id=outcome.task_id,
            folder=str(folder),
            reason=error.strerror or str(error),
            kept=str(settings.state / "results"),
        ) from error
    tell(terminal, outcome, saved, currency_of(settings.origin))
    terminal.document({"task_id": outcome.task_id, **about, **order_document(outcome, saved)})
    return saved


def order_document(outcome: Outcome, saved: Sequence[Saved]) -> dict[str, object]:
    """What came of an order, as `--json` prints it. `paid`: it was placed now, so that whoever adds
    up `cost` counts each order once."""
    results = [
        {
            "node_id": result.node_id,
            "path": str(result.path),
            "kind": result.kind,
            "size": result.size,
            "text": result.text,
        }
        for result in saved
    ]
    return {
        "seconds": seconds_of(outcome),
        "cost": cost_document(outcome.usage),
        "paid": outcome.is_paid and not outcome.taken_up,
        "results": results,
        "notices": [english(notice.key, notice.params) for notice in outcome.notices],
    }


def cost_document(usage: Usage) -> dict[str, object]:
    """What a task cost, as `--json` prints it."""
    return {
        "coins": usage.coins,
        "money": usage.money,
        "third_party_money": usage.third_party_money,
    }


def cost(usage: Usage, currency: str = "") -> str:
    """What a task cost, for people. `currency`: of the account's money, "" where not known."""
    parts: list[str] = []
    if usage.coins:
        key = "cli.cost_coin" if usage.coins == "1" else "cli.cost_coins"
        parts.append(english(key, {"amount": usage.coins}))
    if usage.money:
        parts.append(in_currency(usage.money, currency))
    if usage.third_party_money:
        amount = in_currency(usage.third_party_money, currency)
        parts.append(english("cli.cost_third_party", {"amount": amount}))
    return ", ".join(parts) or english("cli.cost_unknown", {})


def in_currency(amount: str, currency: str = "") -> str:
    """`0.75 CNY`, as the service prints the amount; of the wallet where nobody tells which."""
    return f"{amount} {currency}" if currency else english("money.wallet", {"amount": amount})


def tell(terminal: Terminal, outcome: Outcome, saved: Sequence[Saved], currency: str = "") -> None:
    """What came of an order, for people."""
    for result in saved:
        if result.text is not None:
            terminal.say(result.text)
        terminal.say(str(result.path))
    params = {
        "task_id": outcome.task_id,
        "cost": cost(outcome.usage, currency),
        "seconds": f"{seconds_of(outcome):g}",
    }
    key = "cli.finished"
    if not outcome.is_paid:
        key = "cli.finished_kept" if outcome.kept else "cli.finished_shared"
    terminal.say(english(key, params))
    for notice in outcome.notices:
        terminal.note(english(notice.key, notice.params))


def seconds_of(outcome: Outcome) -> float:
    """Running time as the service bills it; as we saw it where it does not say."""
    try:
        return float(outcome.usage.seconds or "")
    except ValueError:
        return round(outcome.seconds, 1)
