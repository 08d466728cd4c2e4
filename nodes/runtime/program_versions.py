"""Invalidates ComfyUI's cache when a workflow or app that was run here changed on the site."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client, Job, Program
from ...rh_api.errors import RunningHubError
from . import cloud

READ_SECONDS = 5.0  # timeout of reading one, which delays the start of a prompt

# (profile, workflow, app) -> (latest digest, number of changes seen).
_seen: dict[tuple[str, str, str], tuple[str, int]] = {}


def remember(profile: str, job: Job, program: Program) -> None:
    """Record the digest of a job's program at its first run here."""
    _seen.setdefault((profile, job.workflow, job.app), (program.graph_hash, 0))


async def changes(profile: str, job: Job) -> int:
    """Read a job's program; return the number of changes seen since its first run, 0 if not run.

    If it cannot be read it counts as unchanged: the run itself reports what is wrong.
    """
    key = (profile, job.workflow, job.app)
    if key not in _seen:
        return 0

    async def digest(client: Client) -> str:
        return (await client.program(job)).graph_hash

    last, times = _seen[key]
    try:
        now = await cloud.ask(digest, READ_SECONDS, profile)
    except (RunningHubError, asyncio.TimeoutError):
        return times
    if now != last:
        times += 1
        _seen[key] = (now, times)
    return times
