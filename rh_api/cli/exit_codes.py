"""Exit codes: a command's outcome for scripts."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from ..errors import (
    BadInput,
    BadReply,
    CostLimit,
    DiskFull,
    Fate,
    Redirected,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
    StoreUnavailable,
    Uncertain,
    Unreachable,
)


class Exit(enum.IntEnum):
    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    UNCERTAIN = 3
    UNREACHABLE = 4
    NOT_FETCHED = 5
    OTHERWISE = 6
    STOPPED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "the task failed, the service refused, or a part was refused after others were paid",
    Exit.BAD_INPUT: "wrong usage or input, found before anything was paid",
    Exit.UNCERTAIN: "a task may be running, and may cost money",
    Exit.UNREACHABLE: "the service could not be reached, or gave no usable answer; for `doctor`, or refused the key",
    Exit.NOT_FETCHED: "the task is over but its results are not here; its id is in the message",
    Exit.OTHERWISE: "`doctor`: the service answers otherwise than assumed",
    Exit.STOPPED: "stopped (Ctrl-C, SIGTERM, SIGHUP); the task was cancelled, or the message says otherwise",
}


class CommandEnd(RunningHubError):
    """An end of a command that has an exit code of its own."""

    exit: Exit


class Interrupted(CommandEnd):
    """The user or a signal stopped the command; the fate tells what became of the order."""

    default_key = "cli.stopped_before"
    exit = Exit.STOPPED


class Otherwise(CommandEnd):
    """Answers of the service are other than assumed (`doctor`)."""

    default_key = "cli.doctor_other"
    default_fate = Fate.NO_ORDER
    exit = Exit.OTHERWISE


class NoAnswer(CommandEnd):
    """The service told nothing of the account, or refused the key (`doctor`)."""

    default_key = "cli.doctor_no_answer"
    default_fate = Fate.NO_ORDER
    exit = Exit.UNREACHABLE


def order_to_settle(error: RunningHubError) -> int | None:
    """Return the number of the order whose fate the user has to settle, or None."""
    number = error.params.get("order")
    asks = isinstance(error, (Uncertain, Interrupted))
    return number if asks and isinstance(number, int) else None


def exit_code(error: RunningHubError, placed: Sequence[str] = ()) -> Exit:
    """Return the exit code for `error`; `placed`: tasks that the command has placed so far."""
    if isinstance(error, CommandEnd):
        return error.exit
    if isinstance(error, (BadInput, CostLimit, DiskFull, StoreUnavailable)):
        # With a task id the money is spent: only the results are missing.
        refused = Exit.FAILED if placed else Exit.BAD_INPUT
        return Exit.NOT_FETCHED if error.task_id else refused
    if isinstance(error, ResultUnavailable):
        return Exit.NOT_FETCHED
    if error.fate is Fate.RUNNING or isinstance(error, Uncertain):
        return Exit.UNCERTAIN
    if isinstance(error, (Unreachable, BadReply, Redirected, ServiceFault)):
        return Exit.UNREACHABLE
    return Exit.FAILED


def document(error: RunningHubError) -> dict[str, object]:
    """Return an error as `--json` prints it."""
    return {
        "error": {
            "key": error.key,
            "message": str(error),
            "code": error.code,
            "task_id": error.task_id,
            "fate": error.fate.name.lower(),
            "order": order_to_settle(error),
        }
    }
