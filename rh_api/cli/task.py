"""`task`: show, cancel, follow or fetch a task by id; list open orders; settle uncertain ones."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from ..client import OpenOrder, Outcome, Report
from ..errors import BadInput, Fate, RunningHubError
from ..graph.outputs import select
from ..money.amounts import currency_of
from ..settings import Settings
from ..texts import english
from ..wire.tasks import file_name
from .exit_codes import Interrupted
from .files import out_folder
from .help_texts import PROGRAM
from .order_output import cost, cost_document, deliver
from .run import Service, connected
from .terminal import Terminal


async def task(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Act on one task, on all open orders with `--list`, or on an uncertain one with `--order`."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    _check_options(arguments)
    folder = out_folder(arguments.out or ".") if arguments.fetch or arguments.follow else None
    async with connected(settings, terminal) as service:
        if arguments.list:
            _print_open(await service.client.open_orders(), terminal)
        elif arguments.order is not None:
            await _settle(service, arguments)
        elif folder is not None:
            await _fetch(service, arguments.task.strip(), folder, follow=arguments.follow)
        else:
            await _show_status(service, arguments.task.strip(), cancel=arguments.cancel)


def _check_options(arguments: Namespace) -> None:
    """Raise BadInput for conflicting options that argparse does not exclude."""
    of_task = arguments.cancel or arguments.fetch or arguments.follow
    of_order = arguments.look or arguments.its is not None or arguments.not_started
    subjects = (arguments.task is not None) + arguments.list + (arguments.order is not None)
    reason = ""
    if subjects != 1:
        reason = "one of TASK, --list and --order is needed"
    elif of_task and arguments.task is None:
        reason = "--cancel, --fetch and --follow need a TASK"
    elif arguments.order is not None and not of_order:
        reason = "--order needs --look, --is or --not-started"
    elif of_order and arguments.order is None:
        reason = "--look, --is and --not-started need --order"
    elif arguments.out is not None and not (arguments.fetch or arguments.follow):
        reason = "--out needs --fetch or --follow"
    if reason:
        raise BadInput("cli.usage", reason=reason, command=f"{PROGRAM} task")


# A task


async def _show_status(service: Service, task_id: str, *, cancel: bool) -> None:
    """Show the task's state, after cancelling it if requested."""
    report = await service.client.task(task_id).refresh()
    if cancel:
        report = await _cancelled(service, task_id, report)
    _print_report(task_id, report, service.client.settings.origin, service.terminal)


async def _fetch(service: Service, task_id: str, folder: Path, *, follow: bool) -> None:
    """Save its results into a folder; `follow`: wait for its end first."""
    outcome = await (
        _followed(service, task_id) if follow else service.client.task(task_id).fetch()
    )
    await deliver(
        outcome,
        select((), results=outcome.results),
        folder,
        task_id,
        settings=service.client.settings,
        terminal=service.terminal,
        about={},
    )


async def _followed(service: Service, task_id: str) -> Outcome:
    try:
        return await service.client.task(task_id).wait(service.watch)
    except asyncio.CancelledError:
        raise Interrupted("cli.task_left", fate=Fate.RUNNING, task_id=task_id) from None


async def _cancelled(service: Service, task_id: str, report: Report) -> Report:
    """Cancel a task unless it is over; returns its state afterwards."""
    if report.phase.is_over:
        service.terminal.note(english("cli.task_over", {}))
        return report
    try:
        is_confirmed = await service.client.task(task_id).cancel()
    except asyncio.CancelledError:
        raise Interrupted("cli.stopped_unsure", fate=Fate.RUNNING, task_id=task_id) from None
    if not is_confirmed:
        raise RunningHubError("cli.cancel_unsure", fate=Fate.RUNNING, task_id=task_id)
    return await service.client.task(task_id).refresh()


def _print_report(task_id: str, report: Report, origin: str, terminal: Terminal) -> None:
    # This page of the site is undocumented; public clients link to it.
    link = f"{origin}/call-api/call-record-detail/{task_id}"
    state = report.phase.name.lower()
    usage, error = report.usage, report.error
    rows = [(english("cli.task_state", {}), state)]
    if report.phase.is_over:
        rows.append((english("cli.task_cost", {}), cost(usage, currency_of(origin))))
    if usage.seconds:
        rows.append((english("cli.task_seconds", {}), usage.seconds))
    if error is not None:
        rows.append((english("cli.task_failure", {}), str(error)))
    rows.append((english("cli.task_link", {}), link))
    terminal.table(rows)
    results = report.results or ()
    if results:
        terminal.say(english("cli.task_results", {"command": f"{PROGRAM} task {task_id} --fetch"}))
        files = [(result.node_id, file_name(result.url) or result.text or "") for result in results]
        terminal.table(files)
    terminal.document(
        {
            "task_id": task_id,
            "state": state,
            "seconds": usage.seconds,
            "cost": cost_document(usage),
            "failure": None if error is None else {"message": str(error), "code": error.code},
            "results": [
                {"node_id": result.node_id, "url": result.url or None, "text": result.text}
                for result in results
            ],
            "link": link,
        }
    )


# Open orders


def _print_open(listed: list[OpenOrder], terminal: Terminal) -> None:
    if listed:
        terminal.say(english("cli.orders_open", {"command": f"{PROGRAM} task"}))
        terminal.table([_row(order) for order in listed])
    else:
        terminal.say(english("cli.orders_none", {}))
    terminal.document(
        {
            "orders": [
                {
                    "order": order.order,
                    "task_id": order.task_id or None,
                    "state": order.state.value,
                    "kind": order.kind,
                    "program": order.program,
                    "placed_at": order.placed_at,
                    "uncertain": order.is_uncertain,
                    "cancelling": order.cancelling,
                    "before": order.before,
                }
                for order in listed
            ]
        }
    )


def _row(order: OpenOrder) -> tuple[str, ...]:
    placed = datetime.fromtimestamp(order.placed_at, tz=timezone.utc).astimezone()
    is_cancelled = order.cancelling and not order.is_uncertain
    state = english("cli.order_cancelling", {}) if is_cancelled else order.state.value
    argument = f"--order {order.order}" if order.is_uncertain else order.task_id
    return argument, state, f"{order.kind} {order.program}", f"{placed:%Y-%m-%d %H:%M}"


async def _settle(service: Service, arguments: Namespace) -> None:
    """Record the user's answer about an uncertain order, or show what can be observed of it."""
    client, terminal, order = service.client, service.terminal, arguments.order
    if arguments.look:
        inspection = await client.inspect_uncertain(order)
        for key, count in (
            ("cli.sight_before", inspection.before),
            ("cli.sight_now", inspection.now),
            ("cli.sight_ours", inspection.ours),
        ):
            shown = english("cli.unknown", {}) if count is None else count
            terminal.say(english(key, {"count": shown}))
        counts = {"before": inspection.before, "now": inspection.now, "ours": inspection.ours}
        terminal.document({"order": order, **counts})
        return
    task_id = (arguments.its or "").strip()
    if arguments.its is not None:
        if not task_id:
            raise BadInput("error.task_id", value="")
        is_cancelled = await client.settle_uncertain(order, task_id=task_id)
        key = "cli.order_is_cancelled" if is_cancelled else "cli.order_is"
        terminal.say(english(key, {"order": order, "task_id": task_id}))
    else:
        await client.settle_uncertain(order, not_started=True)
        terminal.say(english("cli.order_not_started", {"order": order}))
    terminal.document({"order": order, "task_id": task_id or None})
