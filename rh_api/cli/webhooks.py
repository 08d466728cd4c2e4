"""`webhooks`: receive the POSTs by which RunningHub tells that a task ended."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import Mapping

from ..settings import Settings
from ..switches import read_webhook_port
from ..texts import english
from ..webhook_listener import listening
from .terminal import Terminal


async def webhooks(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Listen until Ctrl-C, which is its ordinary end."""
    settings = Settings.from_mapping(environ)
    wanted = read_webhook_port(str(arguments.listen))
    ended: list[str] = []

    def tell(task_id: str) -> None:
        ended.append(task_id)
        terminal.note(english("cli.webhooks_ended", {"task_id": task_id}))

    async with listening(settings.state, wanted, tell) as port:
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
