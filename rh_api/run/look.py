"""How one task is doing, asked once: the recommended route, and the older one where that is mute."""

from __future__ import annotations

from ..errors import Refused, RunningHubError
from ..wire import tasks
from ..wire.tasks import Phase, Report
from .ports import Transport


async def look(transport: Transport, task_id: str) -> Report:
    """One report; what the recommended route refuses or leaves open, the older one may tell."""
    try:
        report = await transport.send(tasks.query(task_id))
    except Refused:
        # The route may be missing on this site, want another key, or have lost the task.
        return await transport.send(tasks.outputs(task_id))
    is_unlisted = report.phase is Phase.SUCCESS and report.results is None
    if report.phase is not Phase.OTHER and not is_unlisted:
        return report
    try:
        older = await transport.send(tasks.outputs(task_id))
    except RunningHubError:
        return report
    return older if older.phase.is_over or not is_unlisted else report
