"""`quote`: estimate the cost of `run`, `app`, `quick`, `model` and `offload` by their arguments."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

from ..client import Client, Quote
from ..money.quotes import total
from ..settings import Settings
from ..texts import english
from .accounts import accounts_of
from .offload import facts, planned
from .run import job_of
from .terminal import Terminal


async def quote(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Print the estimate; nothing is uploaded, ordered or put on hold."""
    if arguments.of == "offload":
        _, run = planned(arguments)
        accounts = accounts_of(run.plan, arguments, environ)
        for settings in accounts.values():
            settings.require_key()
        quotes = (await facts(run, accounts, terminal)).quotes
        _tell([(segment.id, quotes[segment.id]) for segment in run.plan.segments], terminal)
        return
    settings = Settings.from_mapping(environ)
    settings.require_key()
    async with Client(settings) as client:
        job = job_of(arguments)
        name = job.app or job.model or job.workflow or client.programs.quick(job.quick).id
        _tell([(name, await client.costs.quote(job))], terminal)


def _tell(named: Sequence[tuple[str, Quote]], terminal: Terminal) -> None:
    if len(named) > 1:
        for name, quote in named:
            terminal.say(f"{name}: {quote.describe(english)}")
    together = total([quote for _, quote in named], english)
    terminal.say(together)
    terminal.document(quotes_document(named))


def quotes_document(named: Sequence[tuple[str, Quote]]) -> dict[str, object]:
    """Return quotes as `--json` prints them."""
    return {
        "text": total([quote for _, quote in named], english),
        "orders": [
            {"of": name, "text": quote.describe(english), **quote.document()}
            for name, quote in named
        ],
    }
