"""Progress of open orders for the page: from the news of orders followed in this process, and from
throttled status polls for the others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from ...rh_api.client import Client, OpenOrder, Phase, Report
from ...rh_api.errors import RunningHubError
from ...rh_api.money.amounts import say_unit
from .. import language
from . import node_outcomes, thumbnails
from .media_threads import in_media_thread
from .node_display import progress_line

ASK_SECONDS = 8.0  # minimum interval between polls of a task that is not followed here
LOOK_SECONDS = 3.0  # timeout of `end_of` for such a poll
FORGET = 500  # tasks in either cache, which is cleared beyond that

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
    """Return an order's progress as JSON: text, done share (0 to 1, None if unknown), elapsed and
    usual seconds, node id, preview (data URL), cost. Polls in the background if not followed."""
    usual = await client.costs.estimate(order.program_key, order.instance)
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
        shown["line"] = progress_line(order.news, 0.0)
        shown["share"] = order.news.overall
        shown["preview"] = await _preview(order)
    elif order.task_id:
        report = _last_report(client, order.task_id)
        # While a task is being cancelled its phase is not shown: only its end is.
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
        url = thumbnails.url_of(await in_media_thread(thumbnails.of_bytes, data))
        if len(_previews) > FORGET:
            _previews.clear()
        preview = _previews[order.task_id] = hash(data), url
    return preview[1]


async def end_of(client: Client, task_id: str) -> str:
    """Return how a task ended as text; "" while it may run. Waits up to LOOK_SECONDS for a poll."""
    _last_report(client, task_id)
    answer = _answers[task_id]
    if answer.asking is not None:
        await asyncio.wait((answer.asking,), timeout=LOOK_SECONDS)
    phase = answer.report.phase if answer.report else Phase.QUEUED
    return language.say(_PHASES[phase], {}) if phase.is_over else ""


def _last_report(client: Client, task_id: str) -> Report | None:
    """Return the latest report; starts a background poll if it is older than ASK_SECONDS."""
    if len(_answers) > FORGET:
        _answers.clear()
    answer = _answers.setdefault(task_id, _LastAnswer())
    if answer.asking is None and time.monotonic() - answer.at > ASK_SECONDS:

        async def ask() -> None:
            try:
                answer.report = await client.task(task_id).refresh()
            except RunningHubError:
                pass  # keep the last report; polled again after ASK_SECONDS
            finally:
                answer.at, answer.asking = time.monotonic(), None

        answer.asking = asyncio.ensure_future(ask())
    return answer.report
