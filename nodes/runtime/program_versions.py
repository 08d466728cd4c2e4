"""Which saved workflows and apps have changed since they were run here:
ComfyUI's cache cannot see that."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client, Job, Program
from ...rh_api.errors import RunningHubError
from . import cloud

READ_SECONDS = 5.0  # that reading one may hold up the start of a prompt

# By profile and the text that names it: its digest, and how often that was seen to change.
_seen: dict[tuple[str, str, str], tuple[str, int]] = {}


def remember(profile: str, job: Job, program: Program) -> None:
    """Note how what a job runs looked when it was first run here."""
    _seen.setdefault((profile, job.workflow, job.app), (program.graph_hash, 0))


async def changes(profile: str, job: Job) -> int:
    """How often what a job runs, if that was run here, was seen to have changed since.

    What cannot be read has not changed: if it matters, the run will say what is wrong.
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
