"""`account`: balance, load and API keys of an account."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import TypeVar

from ..client import Client
from ..errors import KeyRefused, RunningHubError
from ..settings import Settings
from ..texts import english
from ..wire.accounts import Account, QueueStatus
from .terminal import Terminal

T = TypeVar("T")


async def account(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show balance and load. If one of the two calls fails, its values are unknown, not zero."""
    if arguments.keys:
        await _keys(terminal, environ)
        return
    async with Client(Settings.from_mapping(environ)) as client:
        document, failures = await load_document(client)
    # The other call does not prove the key valid.
    refusal = next((failure for failure in failures if isinstance(failure, KeyRefused)), None)
    for failed in failures:
        if failed is not refusal:
            terminal.note(str(failed))
    unknown = english("cli.unknown", {})
    terminal.table(
        [
            (english(f"cli.account_{name}", {}), unknown if value is None else str(value))
            for name, value in document.items()
        ],
    )
    if refusal is not None:
        terminal.done = document
        raise refusal
    terminal.document(document)


async def load_document(client: Client) -> tuple[dict[str, object], list[RunningHubError]]:
    """Return balance and load as `--json` prints them, and what failed; raises if both did."""
    status, queue = await asyncio.gather(
        _or_its_error(client.account.status()), _or_its_error(client.account.queue())
    )
    if isinstance(status, RunningHubError) and isinstance(queue, RunningHubError):
        raise status
    document = _status_document(
        None if isinstance(status, RunningHubError) else status,
        None if isinstance(queue, RunningHubError) else queue,
    )
    return document, [failed for failed in (status, queue) if isinstance(failed, RunningHubError)]


async def _keys(terminal: Terminal, environ: Mapping[str, str]) -> None:
    async with Client(Settings.from_mapping(environ)) as client:
        keys = await client.account.api_keys()
    if keys:
        names = ("masked", "name", "status", "quota_used", "quota_limit", "expires", "created")
        heads = tuple(english(f"cli.key_{name}", {}) for name in names)
        rows = [tuple(str(getattr(key, name) or "-") for name in names) for key in keys]
        terminal.table([heads, *rows])
    terminal.document({"keys": [asdict(key) for key in keys]})


async def _or_its_error(call: Awaitable[T]) -> T | RunningHubError:
    try:
        return await call
    except RunningHubError as error:
        return error


def _status_document(status: Account | None, queue: QueueStatus | None) -> dict[str, object]:
    running = queue.running if queue else status.running if status else None
    return {
        "kind": (status.kind if status else "") or (queue.kind if queue else "") or None,
        "coins": status.coins if status else None,
        "money": status.money if status else None,
        "currency": status.currency if status else None,
        "limit": queue.limit if queue else None,
        "running": running,
        "queued": queue.queued if queue else None,
        **({"instances": queue.instances} if queue and queue.instances is not None else {}),
    }
