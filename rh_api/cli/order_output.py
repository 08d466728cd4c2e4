"""Output of a finished order, as text and as JSON: saved files, texts, cost."""

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
from .help_texts import PROGRAM
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
    """Copy the selected nodes' results into the user's folder, and print them.

    `prefix` begins the file names; `about`: entries on the program. Raises ResultUnavailable.
    """
    saved = await saved_results(outcome, selected, folder, prefix, settings=settings)
    tell(terminal, outcome, saved, currency_of(settings.origin))
    terminal.document({"task_id": outcome.task_id, **about, **order_document(outcome, saved)})
    return saved


async def saved_results(
    outcome: Outcome, selected: Sequence[str], folder: Path, prefix: str, *, settings: Settings
) -> list[Saved]:
    """Copy the selected nodes' results into the user's folder. Raises ResultUnavailable."""
    try:
        return await asyncio.to_thread(save, outcome.results, selected, folder, prefix)
    except OSError as error:
        raise ResultUnavailable(
            "cli.not_saved",
            task_id=outcome.task_id,
            folder=str(folder),
            reason=error.strerror or str(error),
            kept=str(next((r.path.parent for r in outcome.results if r.path), settings.state)),
            command=f"{PROGRAM} task",
        ) from error


def order_document(outcome: Outcome, saved: Sequence[Saved]) -> dict[str, object]:
    """Return an order's outcome as `--json` prints it. `paid`: placed now, so that a sum over
    `cost` counts each order once."""
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
    """Return a task's cost as `--json` prints it."""
    return {
        "coins": usage.coins,
        "money": usage.money,
        "third_party_money": usage.third_party_money,
    }


def cost(usage: Usage, currency: str = "") -> str:
    """Return a task's cost as text. `currency`: of the account's money, "" if unknown."""
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
    """Format an amount, as the service prints it: `0.75 CNY`; as of the wallet if no currency."""
    return f"{amount} {currency}" if currency else english("money.wallet", {"amount": amount})


def tell(terminal: Terminal, outcome: Outcome, saved: Sequence[Saved], currency: str = "") -> None:
    """Print an order's outcome as text."""
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
    """Return the running time in seconds as billed; as measured if the service gives none."""
    try:
        return float(outcome.usage.seconds or "")
    except ValueError:
        return round(outcome.seconds, 1)
