"""Ctrl-C: the first one cancels the work, which then cleans up; the second one leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Coroutine, Generator
from types import FrameType
from typing import Any

from ..texts import english
from .exit_codes import Exit


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in a loop of its own. Raises what it raises; CancelledError after Ctrl-C.

    Not `asyncio.run` alone: before Python 3.11 that cancels every task at once, those that
    cancel an order in the cloud included, and on any version it takes a second Ctrl-C for a
    reason to wait.
    """

    async def supervised() -> None:
        task = asyncio.ensure_future(work)
        with _listening(asyncio.get_running_loop(), task):
            await task

    asyncio.run(supervised())


@contextlib.contextmanager
def _listening(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and Ctrl-C reaches nobody else
        return

    def first(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _leave)
        loop.call_soon_threadsafe(task.cancel)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Without the exit hooks: they wait for threads, and the person has waited enough."""
    with contextlib.suppress(OSError):
        os.write(2, f"\n{english('cli.left', {})}\n".encode())
    os._exit(Exit.STOPPED)
