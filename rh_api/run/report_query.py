"""How one task is doing: the recommended route, and the older one where that is mute; and whether
the list of a success is all that it gave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial

from ..errors import (
    Fate,
    Refused,
    RunningHubError,
    Say,
    TaskNotFound,
    Uncertain,
    about_task,
)
from ..journal import OrderRow
from ..journal.retention import age
from ..money.amounts import costs_of, say_sums
from ..wire import tasks
from ..wire.call import Call
from ..wire.tasks import Phase, Report, is_native
from . import native
from .ports import Clock, Journal, Send

Poll = Callable[[], Awaitable[Report]]

UNKNOWN_SECONDS = 150.0
"""Until two polls that do not know a task are believed: a new one may be unknown for a while, and
what is given up too early runs on, and is paid again."""
TASKS_LAST = 24 * 3600.0
"""No task runs for so many seconds."""


def polls(send: Send, task_id: str) -> tuple[Poll, Poll]:
    """The recommended way of asking how a task is doing, and the older one, which may know more.

    For a prompt of the native route both are its one way.
    """
    if is_native(task_id):
        poll = partial(native.report, send, task_id)
        return poll, poll
    return partial(_sent, send, tasks.query, task_id), partial(_sent, send, tasks.outputs, task_id)


async def _sent(send: Send, call: Callable[[str], Call[Report]], task_id: str) -> Report:
    return await send(call(task_id))


async def if_answered(poll: Poll) -> Report | None:
    """What a poll tells; None where it fails, which says nothing of the task."""
    try:
        return await poll()
    except RunningHubError:
        return None


def is_long_over(row: OrderRow, now: float) -> bool:
    """Whether an order is older than any task gets."""
    seconds = age(row.created, now)
    return seconds is not None and seconds > TASKS_LAST


async def record_error(
    journal: Journal, order: int, earlier: OrderRow | None, error: RunningHubError
) -> RunningHubError:
    """What ended the watching of an order's task; the error to raise. `earlier`: its row, where
    it was placed before.

    That neither poll knows its task proves nothing, unless it is more than a day old: it is a
    question.
    """
    is_old = earlier is not None and is_long_over(earlier, journal.now())
    if isinstance(error, TaskNotFound) and not (is_old and error.fate is Fate.OVER):
        key = "error.task_lost" if error.fate is Fate.OVER else error.key
        await journal.record_lost(order, key=key)
        return Uncertain(key, order=order, origin=journal.origin, task_id=error.task_id)
    if error.fate is Fate.OVER:
        await journal.record_failed(order, key=error.key, code=error.code)
    return error


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


def say_cost(report: Report, currency: str) -> Callable[[Say], str]:
    """The sentence on what a task that is over did cost; `currency`: of the account's money."""
    usage = report.usage
    costs = costs_of(usage.coins, usage.money, usage.third_party_money, currency=currency)
    paid = {unit: amount for unit, amount in (costs or {}).items() if amount}
    if paid:
        return lambda say: say("error.suffix.cost", {"cost": say_sums(paid, say)})
    key = "error.suffix.cost_untold" if costs is None else "error.suffix.cost_none"
    return lambda say: say(key, {})


async def resolved(report: Report, older: Poll) -> Report:
    """A report of an unknown state, as the older poll tells it, which has a code for each state;
    where that is refused, as for a task that is gone, results say that it has ended."""
    try:
        return await older()
    except Refused:
        return replace(report, phase=Phase.SUCCESS) if report.results else report
    except RunningHubError:
        return report


async def confirmed(report: Report, older: Poll) -> Report:
    """An end of the recommended route's that says nothing of itself, as the older one knows it:
    an order that is taken for over too early runs on, and is paid again."""
    later = await if_answered(older) if report.is_unexplained else None
    is_contrary = later is not None and (later.phase is Phase.SUCCESS or not later.phase.is_over)
    return later if later is not None and is_contrary else report


async def query_report(send: Send, task_id: str, *, is_open: bool = False) -> Report:
    """One report; what the recommended route refuses or leaves open, the older one may tell.

    `is_open`: nobody knows the task to be over, or has stopped it, so that an end is `confirmed`.
    """
    try:
        return await _queried(send, task_id, is_open)
    except RunningHubError as error:
        raise about_task(error) from error.__cause__


async def _queried(send: Send, task_id: str, is_open: bool) -> Report:
    newer, older = polls(send, task_id)
    try:
        report = await newer()
    except Refused:
        # The route may be missing on this site, want another key, or have lost the task.
        return await older()
    if report.phase is Phase.OTHER:
        return await resolved(report, older)
    if report.phase is not Phase.SUCCESS or report.results is not None:
        return await confirmed(report, older) if is_open else report
    later = await if_answered(older)
    return later if later and later.phase.is_over else report


Ask = Callable[[], Awaitable[Report | None]]
"""One poll; None when it says nothing."""

LOOK_SECONDS = 10.0
"""Seconds for which a success that lacks results is asked about."""
PAUSES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.5)
"""Seconds before each time that both polls are asked."""

Awaited = Collection[str]
"""Nodes whose results are waited for; None in its place where the service told of none."""

UNNAMED = "?"
"""In place of a node that the service did not name."""


def missing(report: Report, awaited: Awaited | None) -> tuple[str, ...]:
    """Nodes that gave nothing although they were to, and those whose results have no address.

    UNNAMED stands for results of nodes that the service did not name.
    """
    listed = report.results or ()
    here = {result.node_id for result in listed if not result.is_missing}
    without = [result.node_id or UNNAMED for result in listed if result.is_missing]
    absent = [node for node in awaited or () if node not in here]
    # Results that name no node may be those of any; each is one node's.
    unnamed = sum(1 for result in listed if not result.node_id)
    if unnamed:
        absent = [UNNAMED] if unnamed < len(absent) else []
    return tuple(dict.fromkeys([*without, *absent]))


def is_complete(report: Report, awaited: Awaited | None) -> bool:
    """Whether nothing more is to be waited for. An empty list is complete only where every node
    that was to run is known to give nothing."""
    is_told = bool(report.results) or awaited is not None
    return is_told and not missing(report, awaited)


def fuller(report: Report, later: Report, awaited: Awaited | None) -> Report:
    """Which of two lists of one success has more; `report` where they have the same."""

    def worth(listed: Report) -> tuple[int, int]:
        here = sum(1 for result in listed.results or () if not result.is_missing)
        return -len(missing(listed, awaited)), here

    return later if worth(later) > worth(report) else report


async def completed(
    report: Report,
    awaited: Awaited | None,
    asks: Collection[Ask],
    clock: Clock,
    *,
    wait: bool = True,
) -> Report:
    """The fullest list of a success that its polls, `asks`, give within LOOK_SECONDS; without
    `wait`, for one that has been waited for before, at the first look. Neither waits for the other.
    What a poll that hangs would have told, `task ID --fetch` still brings."""

    async def look(ask: Ask) -> None:
        nonlocal report
        for pause in PAUSES if wait else PAUSES[:1]:
            await clock.sleep(pause)
            later = await ask()
            if later is not None and later.phase is Phase.SUCCESS:
                report = fuller(report, later, awaited)
            if is_complete(report, awaited):
                return

    if is_complete(report, awaited):
        return report
    until = clock.now() + LOOK_SECONDS
    probes = {asyncio.ensure_future(look(ask)) for ask in asks}
    try:
        while probes and not is_complete(report, awaited) and (timeout := until - clock.now()) > 0:
            first = asyncio.FIRST_COMPLETED
            ended, probes = await asyncio.wait(probes, timeout=timeout, return_when=first)
            for probe in ended:
                probe.result()
    finally:
        for probe in probes:
            probe.cancel()
    return report
