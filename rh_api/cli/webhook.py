"""`webhook`: show how a task's webhook was delivered, or have it sent again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict

from ..client import Client
from ..errors import BadInput
from ..settings import Settings
from ..texts import english
from .terminal import Terminal


async def webhook(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show the last delivery; `--resend` requests another first."""
    if arguments.to and not arguments.resend:
        raise BadInput("cli.webhook_to")
    async with Client(Settings.from_mapping(environ)) as client:
        delivery = await client.webhooks.details(arguments.task_id)
        if arguments.resend:
            await client.webhooks.resend(delivery, arguments.to or "")
    rows = {
        "state": delivery.state,
        "url": delivery.url,
        "answer": delivery.answer,
        "tries": delivery.tries,
        "created": delivery.created,
        "updated": delivery.updated,
    }
    terminal.table(
        [(english(f"cli.webhook_{name}", {}), str(value)) for name, value in rows.items()],
    )
    if arguments.resend:
        terminal.say(english("cli.webhook_resent", {"url": arguments.to or delivery.url}))
    terminal.document({**asdict(delivery), "resent": bool(arguments.resend)})
