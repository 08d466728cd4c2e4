"""Which saved workflows have changed since they were run here: ComfyUI's cache cannot see that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..rh_api.errors import RunningHubError
from . import cloud

if TYPE_CHECKING:
    from ..rh_api.client import Client, RemoteWorkflow

READ_SECONDS = 5.0  # that reading a workflow may hold up the start of a prompt

# By the text that names the workflow: its digest, and how often that was seen to change.
_seen: dict[str, tuple[str, int]] = {}


def remember(text: str, workflow: RemoteWorkflow) -> None:
    """Note how a workflow looked when it was first run here."""
    _seen.setdefault(text, (workflow.graph_hash, 0))


async def changes(text: str) -> int:
    """How often a workflow that was run here was seen to have changed since.

    What cannot be read has not changed: if it matters, the run will say what is wrong.
    """
    if text not in _seen:
        return 0

    async def digest(client: Client) -> str:
        return (await client.workflow(text)).graph_hash

    last, times = _seen[text]
    try:
        now = await cloud.ask(digest, READ_SECONDS)
    except (RunningHubError, asyncio.TimeoutError):
        return times
    if now != last:
        times += 1
        _seen[text] = (now, times)
    return times
