"""How one task is doing: the recommended route, and the older one where that is mute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from ..errors import Refused, RunningHubError
from ..wire import tasks
from ..wire.call import Call
from ..wire.tasks import NATIVE, Phase, Report
from . import native
from .ports import Journal, Send

Poll = Callable[[], Awaitable[Report]]


def polls(send: Send, task_id: str) -> tuple[Poll, Poll]:
    """The recommended way of asking how a task is doing, and the older one, which may know more.

    For a prompt of the native route both are its one way.
    """
    if task_id.startswith(NATIVE):
        one = partial(native.report, send, task_id)
        return one, one
    return partial(_sent, send, tasks.query, task_id), partial(_sent, send, tasks.outputs, task_id)


async def _sent(send: Send, call: Callable[[str], Call[Report]], task_id: str) -> Report:
    return await send(call(task_id))


async def if_answered(poll: Poll) -> Report | None:
    """What a poll tells; None where it fails, which says nothing of the task."""
    try:
        return await poll()
    except RunningHubError:
        return None


async def record_end(journal: Journal, order: int, report: Report) -> None:
    """The end of an order whose task is over, with what it did cost."""
    error = report.error
    if report.phase is Phase.SUCCESS:
        await journal.record_done(order, report)
    elif report.phase is Phase.CANCELLED or error is None:
        await journal.record_cancelled(order, report.usage)
    else:
        usage = report.usage
        await journal.record_failed(order, key=error.key, code=error.code, usage=usage)


async def query_report(send: Send, task_id: str) -> Report:
    """One report; what the recommended route refuses or leaves open, the older one may tell."""
    newer, older = polls(send, task_id)
    try:
        report = await newer()
    except Refused:
        # The route may be missing on this site, want another key, or have lost the task.
        return await older()
    is_unlisted = report.phase is Phase.SUCCESS and report.results is None
    if report.phase is not Phase.OTHER and not is_unlisted:
        return report
    told = await if_answered(older)
    return told if told and (told.phase.is_over or not is_unlisted) else report
