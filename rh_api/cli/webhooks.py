"""`webhooks`: receive the POSTs that RunningHub sends at a task's end; `webhook`: show or resend
one."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict

from ..client import Client
from ..errors import BadInput
from ..settings import Settings
from ..switches import read_webhook_port
from ..texts import english
from ..webhook_listener import listening
from .terminal import Terminal


async def webhooks(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Listen until Ctrl-C, its regular end."""
    settings = Settings.from_mapping(environ)
    wanted_port = read_webhook_port(str(arguments.listen))
    ended: list[str] = []

    def tell(task_id: str) -> None:
        ended.append(task_id)
        terminal.note(english("cli.webhooks_ended", {"task_id": task_id}))

    async with listening(settings.state, wanted_port, tell) as port:
        folder = str(settings.state)
        terminal.note(english("cli.webhooks_begin", {"port": port, "folder": folder}))
        if settings.webhook_url:
            terminal.note(english("cli.webhooks_url", {"url": settings.webhook_url}))
        else:
            terminal.note(english("cli.webhooks_no_url", {"port": port}))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    terminal.note(english("cli.webhooks_end", {"count": len(ended)}))
    terminal.document({"port": port, "ended": ended})


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
