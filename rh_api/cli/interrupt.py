"""A stop cancels the work, which then cleans up; Ctrl-C after that leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Coroutine, Generator, Sequence
from types import FrameType
from typing import Any

from ..texts import english
from .exit_codes import Exit
from .help_texts import PROGRAM

_STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Those by which a person, `timeout`, a service manager or a lost terminal ends a program."""


def run_to_end(work: Coroutine[Any, Any, None], placed: Sequence[str]) -> None:
    """Run `work` in a loop of its own. Raises what it raises; CancelledError after a stop.

    `placed`: the tasks that it has placed so far, for whoever leaves without waiting.

    Not `asyncio.run` alone: before Python 3.11 that cancels every task at once, those that
    cancel an order in the cloud included, and on any version it takes a second Ctrl-C for a
    reason to wait.
    """

    async def supervised() -> None:
        task = asyncio.ensure_future(work)
        with _listening(asyncio.get_running_loop(), task, placed):
            await task

    asyncio.run(supervised())


@contextlib.contextmanager
def _listening(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], placed: Sequence[str]
) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and Ctrl-C reaches nobody else
        return

    before: dict[int, Any] = {}

    def leave(_number: int, _frame: FrameType | None) -> None:
        """Without the exit hooks: they wait for threads, and the person has waited enough."""
        params = {"tasks": ", ".join(placed), "command": f"{PROGRAM} task"}
        sentence = english("cli.left_tasks" if placed else "cli.left", params)
        with contextlib.suppress(OSError):
            os.write(2, f"\n{sentence}\n".encode())
        os._exit(Exit.STOPPED)

    def first(_number: int, _frame: FrameType | None) -> None:
        for sig in before:  # `timeout` and shells send theirs twice
            signal.signal(sig, leave if sig == signal.SIGINT else signal.SIG_IGN)
        loop.call_soon_threadsafe(task.cancel)

    # What `nohup` had ignored stays so; shells have Ctrl-C ignored behind every `&`.
    for sig in signal.Signals:
        if sig.name in _STOPS and (sig.name == "SIGINT" or signal.getsignal(sig) != signal.SIG_IGN):
            before[sig] = signal.signal(sig, first)
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
