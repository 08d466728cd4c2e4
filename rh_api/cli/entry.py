"""The entry point: runs a command and maps its errors to an exit code."""

from __future__ import annotations

import contextlib
import importlib
import logging
from argparse import Namespace
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import TextIO

from ..errors import BadInput, Fate, RunningHubError
from ..texts import english
from .arguments import PROGRAM, parse
from .exit_codes import Exit, Interrupted, document, exit_code, order_to_settle
from .terminal import Notes, Terminal

Command = Callable[[Namespace, Terminal, Mapping[str, str]], Awaitable[None]]


def main(argv: Sequence[str], stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> int:
    """Run one command; returns its exit code."""
    terminal = Terminal(stdout, stderr, environ, as_json="--json" in argv)
    try:
        with contextlib.redirect_stdout(stdout):
            arguments = parse(argv)
        with _logged(terminal):
            try:
                _run(arguments, terminal, environ)
            except BadInput as error:
                if error.key != "error.several_journals" or not _journal_chosen(terminal, environ):
                    raise
                _run(arguments, terminal, environ)
    except SystemExit:
        return Exit.OK  # after `--help`
    except RunningHubError as error:
        return _failed(error, terminal)
    except KeyboardInterrupt:
        return _failed(Interrupted(), terminal)
    return Exit.OK


def _journal_chosen(terminal: Terminal, environ: Mapping[str, str]) -> bool:
    from .journals import ask_for_journal  # rarely needed

    return ask_for_journal(terminal, environ)


def _run(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    import asyncio

    from .signals import run_to_end

    async def work() -> None:
        await command_of(arguments.command)(arguments, terminal, environ)

    try:
        run_to_end(work(), terminal.placed)
    except asyncio.CancelledError:
        raise Interrupted from None


# Commands whose module has another name, or holds several commands.
_MODULES = {
    "emulator": "emulate",
    "upload": "uploads",
    "lora": "uploads",
    "model": "models",
    "spend": "history",
}


def command_of(name: str) -> Command:
    """Return a command's function; imports only its module. BadInput names a missing package."""
    try:
        module = importlib.import_module(f".{_MODULES.get(name, name)}", __package__)
    except ModuleNotFoundError as error:
        raise BadInput("cli.not_installed", name=error.name) from error
    return getattr(module, name)


def _failed(error: RunningHubError, terminal: Terminal) -> int:
    terminal.note(str(error))
    if (order := order_to_settle(error)) is not None:
        command = f"{PROGRAM} task --order {order}"
        terminal.note(english("cli.order_asked", {"command": command}))
    before = [task_id for task_id in terminal.placed if task_id != error.task_id]
    if before and error.fate is Fate.NOT_STARTED:  # which speaks of one order only
        terminal.note(english("cli.ordered_before", {"tasks": ", ".join(before)}))
    others = {"other_tasks": before} if before else {}
    terminal.document({**terminal.done, **others, **document(error)})
    return exit_code(error, terminal.placed)


@contextlib.contextmanager
def _logged(terminal: Terminal) -> Generator[None]:
    log = logging.getLogger("runninghub")
    notes = Notes(terminal)
    log.addHandler(notes)
    try:
        yield
    finally:
        log.removeHandler(notes)
