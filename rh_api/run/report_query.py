"""Queries of one task's state, by V2 and where that does not settle it by V1, the record of what
ended it, and completeness of a success's result list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ..errors import (
    NO_REASON,
    DiskFull,
    Fate,
    RateLimited,
    Refused,
    RunningHubError,
    Say,
    StoreUnavailable,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    TaskUnfinished,
    Uncertain,
    about_task,
)
from ..journal import OrderRow, SqliteJournal
from ..journal.clock import age
from ..money.amounts import costs_of, say_sums
from ..wire import tasks
from ..wire.tasks import Phase, Report, is_native
from . import native
from .ports import Clock, Send

UNKNOWN_SECONDS = 150.0
"""Until "not found", or another refusal, by both polls is believed. A new task may be unknown for a
while, and so may all while a gateway is redeployed. One given up too early is paid for twice."""
TASKS_LAST = 24 * 3600.0
"""Upper bound of a task's lifetime, seconds."""
_SAYS_NOTHING = frozenset({NO_REASON, "unknown error", "apikey_task_status_error"})
"""What stands in lower case for the reason of a failed task without one, whose code is general."""


async def look(send: Send, task_id: str) -> Report:
    """Query a task once: by V2, and by V1 if V2 fails, or tells an unknown phase, an end without a
    reason, or a success without a result list.

    Where both fail, a passing fault is raised rather than a refusal, which would be believed.
    """
    try:
        if is_native(task_id):
            return await native.report(send, task_id)
        return await _look_by_both(send, task_id)
    except RunningHubError as error:
        raise about_task(error) from error.__cause__


async def _look_by_both(send: Send, task_id: str) -> Report:
    newer: Report | RunningHubError
    try:
        newer = await send(tasks.query(task_id))
    except (RateLimited, TaskUnfinished):
        raise
    except RunningHubError as error:
        if _is_end(error):
            raise
        newer = error
    else:
        if newer.is_conclusive:
            return newer
    try:
        older = await send(tasks.outputs(task_id))
    except RunningHubError as error:
        if isinstance(newer, Report) and (newer.phase.is_over or not _is_end(error)):
            return newer
        if isinstance(error, Refused) and not isinstance(newer, (Refused, Report)):
            raise newer from newer.__cause__
        raise
    if isinstance(newer, Report) and newer.phase.is_over:
        return _end_by_both(newer, older)
    return older


def _end_by_both(newer: Report, older: Report) -> Report:
    """Return what both polls tell of a task that V2 calls over: V1 tells a cost with results
    alone, and a cancelled task as failed."""
    if newer.phase is Phase.SUCCESS:
        return replace(newer, results=older.results) if older.phase is newer.phase else newer
    is_end = older.phase.is_over and older.phase is not Phase.SUCCESS
    return newer if is_end else older


def _is_end(error: RunningHubError) -> bool:
    """Return whether an error tells how a task ended; "not found" does not."""
    return error.fate is Fate.OVER and not isinstance(error, TaskNotFound)


def is_long_over(row: OrderRow, now: float) -> bool:
    """Return whether an order is older than any task can be."""
    seconds = age(row.created, now)
    return seconds is not None and seconds > TASKS_LAST


async def record_and_map(
    journal: SqliteJournal, order: int, earlier: OrderRow | None, error: RunningHubError
) -> RunningHubError:
    """Record the error that ended following an order; return the error to raise. `earlier`: its
    row if it was resumed.

    "Not found" by both polls proves nothing about a task less than a day old: the order becomes
    uncertain.
    """
    is_old = earlier is not None and is_long_over(earlier, journal.now())
    if isinstance(error, TaskNotFound) and not (is_old and error.fate is Fate.OVER):
        key = "error.task_lost" if error.fate is Fate.OVER else error.key
        await journal.record_uncertain_again(order, key=key)
        return Uncertain(key, order=order, origin=journal.origin, task_id=error.task_id)
    if error.fate is Fate.OVER:
        await journal.record_failed(order, key=error.key, code=error.code)
    return error


async def explain_unrecorded(
    journal: SqliteJournal, order: int | None, task_id: str, error: RunningHubError
) -> RunningHubError:
    """Return the error for a full disk that also kept an order's task out of the journal, so that
    equal inputs raise a question; any other error as it is."""
    if order is None or not isinstance(error, DiskFull):
        return error
    with contextlib.suppress(StoreUnavailable):
        if await journal(journal.store.of_task, *journal.owner, task_id) is not None:
            return error
    return error.with_context("error.disk_full_unnoted", params={"order": order})


def may_be_cancel(error: RunningHubError) -> bool:
    """Return whether a task that somebody cancelled may have ended with this error. The older poll
    reports it as failed, with a general code and no reason; so does V2 by the documentation's
    list."""
    if isinstance(error, TaskFailed) and error.code in (None, 805, 1000):
        return str(error.params.get("remote")).lower() in _SAYS_NOTHING
    return isinstance(error, TaskCancelled)


async def record_end(journal: SqliteJournal, order: int, report: Report) -> Report:
    """Record the end of an order from its task's final report, cost included. Return the report, as
    that of a cancelled task if a cancel was asked for and a failure does not contradict it."""
    if report.phase is Phase.FAILED and report.error is not None and may_be_cancel(report.error):
        with contextlib.suppress(StoreUnavailable):
            row = await journal(journal.store.order, order)
            if row is not None and row.cancel:
                report = replace(report, phase=Phase.CANCELLED, error=TaskCancelled())
    error = report.error
    if report.phase is Phase.SUCCESS:
        await journal.record_done(order, report)
    elif report.phase is Phase.CANCELLED or error is None:
        await journal.record_cancelled(order, report.usage)
    else:
        usage = report.usage
        await journal.record_failed(order, key=error.key, code=error.code, usage=usage)
    return report


def say_cost(report: Report, currency: str) -> Callable[[Say], str]:
    """Return the text on a finished task's cost. `currency`: of the account's money."""
    usage = report.usage
    costs = costs_of(usage.coins, usage.money, usage.third_party_money, currency=currency)
    paid = {unit: amount for unit, amount in (costs or {}).items() if amount}
    if paid:
        return lambda say: say("error.suffix.cost", {"cost": say_sums(paid, say)})
    key = "error.suffix.cost_untold" if costs is None else "error.suffix.cost_none"
    return lambda say: say(key, {})


Ask = Callable[[], Awaitable[Report | None]]
"""A poll that returns None if it fails."""


def asks(send: Send, task_id: str) -> tuple[Ask, Ask]:
    """Return the polls of a task by V1 and by V2; the same twice for the native route."""

    async def ask(poll: Callable[[], Awaitable[Report]]) -> Report | None:
        try:
            return await poll()
        except RunningHubError:
            return None

    if is_native(task_id):
        native_ask = partial(ask, partial(native.report, send, task_id))
        return native_ask, native_ask
    older, newer = (partial(send, call(task_id)) for call in (tasks.outputs, tasks.query))
    return partial(ask, older), partial(ask, newer)


COMPLETION_DEADLINE_SECONDS = 10.0
"""Deadline for polling a success whose result list is incomplete."""
COMPLETION_PAUSES_SECONDS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.5)
"""Pauses before each poll."""

Awaited = Collection[str]
"""Nodes whose results are expected; None in its place if the service announced none."""

UNNAMED = "?"
"""Stands for a node id that the service did not give."""


class Followed(NamedTuple):
    """The end of a followed task; `seconds`: its running time, `missing`: see `missing_nodes`."""

    report: Report
    seconds: float
    missing: tuple[str, ...]


def missing_nodes(report: Report, awaited: Awaited | None) -> tuple[str, ...]:
    """Return expected nodes without results, and nodes whose results have neither URL nor text.

    UNNAMED stands for results without a node id.
    """
    listed = report.results or ()
    here = {result.node_id for result in listed if not result.is_missing}
    without = [result.node_id or UNNAMED for result in listed if result.is_missing]
    absent = [node for node in awaited or () if node not in here]
    # A result without a node id may belong to any expected node, to one each.
    unnamed = sum(1 for result in listed if not result.node_id)
    if unnamed:
        absent = [UNNAMED] if unnamed < len(absent) else []
    return tuple(dict.fromkeys([*without, *absent]))


def is_complete(report: Report, awaited: Awaited | None) -> bool:
    """Return whether a result list is complete. An empty list is so only if output nodes were
    announced and all of them are known to produce nothing."""
    is_told = bool(report.results) or awaited is not None
    return is_told and not missing_nodes(report, awaited)


def fuller(report: Report, later: Report, awaited: Awaited | None) -> Report:
    """Return the more complete of two result lists of one success; `report` on a tie."""

    def worth(listed: Report) -> tuple[int, int]:
        here = sum(1 for result in listed.results or () if not result.is_missing)
        return -len(missing_nodes(listed, awaited)), here

    return later if worth(later) > worth(report) else report


async def completed(
    report: Report,
    awaited: Awaited | None,
    ways: Collection[Ask],
    clock: Clock,
    *,
    wait: bool = True,
) -> Report:
    """Return the most complete result list that the polls `ways` give before the deadline, polled
    concurrently; without `wait`, if an earlier call has waited already, by one poll each.
    What a hanging poll would have told is still available by `task ID --fetch`."""

    async def repeat(ask: Ask) -> None:
        nonlocal report
        for pause in COMPLETION_PAUSES_SECONDS if wait else COMPLETION_PAUSES_SECONDS[:1]:
            await clock.sleep(pause)
            later = await ask()
            if later is not None and later.phase is Phase.SUCCESS:
                report = fuller(report, later, awaited)
            if is_complete(report, awaited):
                return

    if is_complete(report, awaited):
        return report
    until = clock.now() + COMPLETION_DEADLINE_SECONDS
    probes = {asyncio.ensure_future(repeat(ask)) for ask in ways}
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
