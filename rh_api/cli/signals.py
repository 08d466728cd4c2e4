"""Signal handling: the first stop cancels the work, which cleans up; a second Ctrl-C exits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Collection, Coroutine, Sequence
from types import FrameType
from typing import Any

from ..texts import english
from .exit_codes import Exit
from .help_texts import PROGRAM

_STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals by which a user, `timeout`, a service manager or a closed terminal stops a process."""


def run_to_end(work: Coroutine[Any, Any, None], placed: Sequence[str]) -> None:
    """Run `work` in a new event loop. Raises what it raises; CancelledError after a stop.

    `placed`: tasks that it has placed so far, printed on an immediate exit. Not `asyncio.run`
    alone: before Python 3.11 that cancels every task at once, including those that cancel an order
    in the cloud. On any version a second Ctrl-C makes it wait.
    """

    async def supervised() -> None:
        task = asyncio.ensure_future(work)
        _handle(previous, task, placed)
        await task

    previous = _current_handlers()
    try:
        asyncio.run(supervised())
    finally:  # not before: the loop waits at its end for threads, as for a drive that hangs
        for sig, handler in previous.items():
            signal.signal(sig, handler)


def _current_handlers() -> dict[int, Any]:
    """Return the handlers of the signals that stop the work."""
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread may set handlers and gets Ctrl-C
    # Signals that `nohup` ignores stay ignored; not SIGINT, which shells ignore behind every `&`.
    return {
        sig: handler
        for sig in signal.Signals
        if sig.name in _STOPS
        and ((handler := signal.getsignal(sig)) != signal.SIG_IGN or sig == signal.SIGINT)
    }


def _handle(signals: Collection[int], task: asyncio.Task[None], placed: Sequence[str]) -> None:
    """Have the first of `signals` cancel `task`, and a Ctrl-C after it exit at once."""
    loop = asyncio.get_running_loop()

    def exit_now(_number: int, _frame: FrameType | None) -> None:
        """Exit without exit hooks, which would wait for threads."""
        params = {"tasks": ", ".join(placed), "command": f"{PROGRAM} task"}
        sentence = english("cli.left_tasks" if placed else "cli.left", params)
        with contextlib.suppress(OSError):
            os.write(2, f"\n{sentence}\n".encode())
        os._exit(Exit.STOPPED)

    def cancel_work(_number: int, _frame: FrameType | None) -> None:
        for sig in signals:  # `timeout` and shells send theirs twice
            signal.signal(sig, exit_now if sig == signal.SIGINT else signal.SIG_IGN)
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the work over
            loop.call_soon_threadsafe(task.cancel)

    for sig in signals:
        signal.signal(sig, cancel_work)
