"""`task`: one task by its id: how it is doing, its end, or its results."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ..client import Report
from ..errors import BadInput, Fate, RunningHubError
from ..graph.outputs import file_name, select
from ..settings import Settings
from ..texts import english
from .arguments import PROGRAM
from .delivery import cost, cost_document, deliver
from .files import out_folder
from .look import table
from .order import Service, connected
from .terminal import Terminal


async def task(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show a task, after `--cancel` has stopped it; with `--fetch` its results are here instead."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    if arguments.out is not None and not arguments.fetch:
        raise BadInput("cli.usage", reason="--out needs --fetch", command=f"{PROGRAM} task")
    folder = out_folder(arguments.out or ".") if arguments.fetch else None
    task_id = arguments.task.strip()
    async with connected(settings, terminal) as service:
        if folder is not None:
            outcome = await service.client.fetch(task_id, service.watch)
            selected = select((), results=outcome.results)
            await deliver(
                outcome,
                selected,
                folder,
                task_id,
                settings=settings,
                terminal=terminal,
                about={},
            )
            return
        report = await service.client.report(task_id)
        if arguments.cancel:
            report = await _cancelled(service, task_id, report)
    _show(task_id, report, settings.origin, terminal)


async def _cancelled(service: Service, task_id: str, report: Report) -> Report:
    """What became of a task that was to stop: it may have ended before."""
    if report.phase.is_over:
        service.terminal.note(english("cli.task_over", {}))
        return report
    if not await service.client.cancel(task_id):
        raise RunningHubError("cli.cancel_unsure", fate=Fate.RUNNING, task_id=task_id)
    return await service.client.report(task_id)


def _show(task_id: str, report: Report, origin: str, terminal: Terminal) -> None:
    # Nothing documents this page of the site; public clients send people there.
    link = f"{origin}/call-api/call-record-detail/{task_id}"
    state = report.phase.name.lower()
    usage, error = report.usage, report.error
    rows = [(english("cli.task_state", {}), state)]
    if report.phase.is_over:
        rows.append((english("cli.task_cost", {}), cost(usage)))
    if usage.seconds:
        rows.append((english("cli.task_seconds", {}), usage.seconds))
    if error is not None:
        rows.append((english("cli.task_failure", {}), str(error)))
    rows.append((english("cli.task_link", {}), link))
    table(terminal, rows)
    results = report.results or ()
    if results:
        terminal.say(english("cli.task_results", {"command": f"{PROGRAM} task {task_id} --fetch"}))
        table(terminal, [(one.node_id, file_name(one.url) or one.text or "") for one in results])
    terminal.document(
        {
            "task_id": task_id,
            "state": state,
            "seconds": usage.seconds,
            "cost": cost_document(usage),
            "failure": None if error is None else {"message": str(error), "code": error.code},
            "results": [
                {"node_id": one.node_id, "url": one.url or None, "text": one.text}
                for one in results
            ],
            "link": link,
        }
    )
