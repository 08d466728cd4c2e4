"""Waiting for what happens on the other side, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rh_api.client import Client, Job, Progress, Stage


def when(stage: Stage, event: asyncio.Event) -> Callable[[Progress], None]:
    """A watch that sets `event` once an order is at a stage."""

    def watch(news: Progress) -> None:
        if news.stage is stage:
            event.set()

    return watch


async def begun(client: Client, job: Job, stage: Stage = Stage.RUNNING) -> asyncio.Task[object]:
    """`job` under way, and seen at `stage`."""
    reached = asyncio.Event()
    task: asyncio.Task[object] = asyncio.ensure_future(client.run(job, when(stage, reached)))
    await reached.wait()
    return task


async def until(happened: Callable[[], object], seconds: float = 120.0) -> float:
    """Seconds until something has happened; fails when it does not within `seconds`."""
    begin = time.monotonic()
    while not happened():
        assert time.monotonic() - begin < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - begin
