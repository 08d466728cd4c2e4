"""How the orders under way are doing, for a page that is looking: told by whoever follows them
here, and asked of the service, now and then, for those that another process follows or nobody
does."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from ...rh_api.client import Client, OpenOrder, Phase, Report
from ...rh_api.errors import RunningHubError
from ...rh_api.money.amounts import say_unit
from .. import language
from . import cloud, node_outcomes, thumbnails
from .node_display import line_of

ASK_SECONDS = 8.0  # between two questions about a task that is not followed here
LOOK_SECONDS = 3.0  # that a list of tasks waits for such an answer
FORGET = 500  # tasks that are remembered

_PHASES = {
    Phase.CREATED: "progress.queued",
    Phase.QUEUED: "progress.queued",
    Phase.SUCCESS: "node.over_done",
    Phase.FAILED: "node.over_failed",
    Phase.CANCELLED: "node.over_cancelled",
}


@dataclass(slots=True)
class _LastAnswer:
    at: float = float("-inf")
    report: Report | None = None
    asking: asyncio.Task[None] | None = field(default=None, repr=False)


_answers: dict[str, _LastAnswer] = {}
_previews: dict[str, tuple[int, str]] = {}


async def progress_of(client: Client, order: OpenOrder) -> dict[str, object]:
    """What it is doing in a line, the share of it that is done (0 to 1, None: not known), seconds,
    what is usual, its node, its preview, its place in the queue and its cost, as far as told."""
    usual = await client.costs.estimate(order.kind_program, order.instance)
    elapsed = None if order.started_at is None else max(0.0, time.time() - order.started_at)
    shown: dict[str, object] = {
        "line": "",
        "share": None,
        "over": False,
        "elapsed": elapsed,
        "usual": usual.seconds,
        "node": node_outcomes.node_of(order.task_id),
        "preview": "",
        "coins": None,
        "money": None,
        "currency": say_unit(client.costs.currency, language.say),
    }
    if order.news is not None:
        shown["line"] = line_of(order.news, 0.0)
        shown["share"] = order.news.overall
        shown["preview"] = await _preview(order)
    elif order.task_id:
        report = _last_report(client, order.task_id)
        # Of a task that was stopped the one thing to say is that, until it is over.
        if report is not None and (report.phase.is_over or not order.cancelling):
            shown["line"] = language.say(_PHASES.get(report.phase, "node.running"), {})
            shown["over"] = report.phase.is_over
            shown["coins"], shown["money"] = report.usage.coins, report.usage.money
            if report.phase is Phase.RUNNING and elapsed and usual.seconds:
                shown["share"] = min(0.95, elapsed / usual.seconds)
    return shown


async def _preview(order: OpenOrder) -> str:
    data = order.news.preview if order.news else None
    if not data:
        return ""
    preview = _previews.get(order.task_id)
    if preview is None or preview[0] != hash(data):
        url = thumbnails.url_of(await cloud.in_worker(thumbnails.of_bytes, data))
        if len(_previews) > FORGET:
            _previews.clear()
        preview = _previews[order.task_id] = hash(data), url
    return preview[1]


async def end_of(client: Client, task_id: str) -> str:
    """How a task ended, as a line; "" while it may run. The service is asked first, for a while."""
    _last_report(client, task_id)
    answer = _answers[task_id]
    if answer.asking is not None:
        await asyncio.wait((answer.asking,), timeout=LOOK_SECONDS)
    phase = answer.report.phase if answer.report else Phase.QUEUED
    return language.say(_PHASES[phase], {}) if phase.is_over else ""


def _last_report(client: Client, task_id: str) -> Report | None:
    """What the service said last; it is asked again meanwhile when that was long ago."""
    if len(_answers) > FORGET:
        _answers.clear()
    answer = _answers.setdefault(task_id, _LastAnswer())
    if answer.asking is None and time.monotonic() - answer.at > ASK_SECONDS:

        async def ask() -> None:
            try:
                answer.report = await client.task(task_id).refresh()
            except RunningHubError:
                pass  # the line is bad for now; it is asked again
            finally:
                answer.at, answer.asking = time.monotonic(), None

        answer.asking = asyncio.ensure_future(ask())
    return answer.report
