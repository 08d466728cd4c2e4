"""How each node's last run ended: sent to the page that queued it, and stored in the journal.

ComfyUI ends a prompt as soon as Stop is pressed, before the cloud confirms the cancel, and forgets
all runs when it exits, after which a page may still ask.
"""

from __future__ import annotations

import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
from server import PromptServer

from ...rh_api.client import Stopped
from ...rh_api.errors import RunningHubError
from ...rh_api.graph.extra_data import read_canvas
from ...rh_api.wire.call_example import without_key
from .. import language
from ..values.codecs.errors import MediaError
from ..values.cost_texts import cost_sentences
from ..values.missing_results import gaps_of
from ..values.result_files import TaskFiles
from . import comfyui

if TYPE_CHECKING:
    from ...rh_api.client import Client, Outcome

ENDED = "runninghub.ended"
"""WebSocket event with the payload of `tell`: ids of node and workflow, end state, and its text
in each language."""

PROGRAM_INPUTS = ("workflow", "app", "module", "model", "task_id")

_TEXT_OUTPUTS = ("text", "runninghub")
_MAX_RUNS = 100  # node runs whose reports of stopped tasks are kept, least recent evicted
_MAX_NAMES = 20_000  # of tasks and orders whose node is kept: more than any queue holds


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a run. `prompt`: id of the run. `graph`: id of its workflow, "" if the prompt has
    none. `page`: client id of the page that queued it, or None. `program`: what it was to run."""

    prompt: str
    graph: str
    node: str
    class_type: str
    program: str
    profile: str
    page: str | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class End:
    """`state`: "paid", "kept" (nothing was paid now), "stopped", "unsure" (may run on) or "failed".

    `line`: the message by language; `gaps`: likewise, results that were paid but are missing;
    `shown`: the node's `ui` output without texts; `tasks`: ids of tasks with results kept here;
    `at`: of a failed part of the graph, the node that failed in the cloud.
    """

    state: str
    line: Mapping[str, str]
    shown: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tasks: Sequence[str] = ()
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])
    at: str = ""

    @classmethod
    def done(
        cls,
        outcomes: Sequence[Outcome],
        line: Mapping[str, str],
        shown: Mapping[str, Any] | None = None,
    ) -> End:
        """Return the end of completed orders."""
        state = "paid" if any(outcome.is_paid for outcome in outcomes) else "kept"
        # Without texts: they are in the language of now, and `line` has them in each.
        pictures = {
            name: value for name, value in (shown or {}).items() if name not in _TEXT_OUTPUTS
        }
        gaps = language.in_languages(gaps_of(outcomes))
        return cls(state, line, pictures, [outcome.task_id for outcome in outcomes], gaps)

    @classmethod
    def stopped_while_decoding(cls, outcomes: Sequence[Outcome], currency: str) -> End:
        """Return the end of completed orders if Stop is pressed while their results are decoded."""
        late = [
            Stopped(outcome.task_id, confirmed=True, too_late=True, usage=outcome.usage)
            for outcome in outcomes
            if outcome.is_paid
        ]
        return cls(
            "stopped",
            stop_line(late, currency) if late else language.in_languages([("node.kept", {})]),
        )

    @classmethod
    def failed(cls, error: RunningHubError | MediaError, at: str = "") -> End:
        """Return the end of a run that failed with `error`, in short at another node (`at`)."""
        if at:
            return cls("failed", language.in_languages([("node.failed_there", {})]), at=at)
        if isinstance(error, RunningHubError):
            return cls("failed", language.error_in_languages(error))
        return cls("failed", language.in_languages([(error.key, error.params)]))


_places: OrderedDict[str | int, Place] = OrderedDict()
"""The node that ordered a task, by task id and by number of its order, which is known first; oldest
evicted first."""

_stops: OrderedDict[Place, list[Stopped]] = OrderedDict()
"""Reports of stopped tasks by node run; least recent evicted first."""


def place_of(node_id: str, prompt_id: str, page: str | None) -> Place:
    """Return the Place of a node; without details if the prompt is not running."""
    for _, number, prompt, extra, *_ in comfyui.running_prompts():
        if number == prompt_id:
            workflow = read_canvas(extra)
            ran = prompt.get(node_id) or {}
            inputs = ran.get("inputs") or {}
            named = [inputs[name] for name in PROGRAM_INPUTS if isinstance(inputs.get(name), str)]
            profile = inputs.get("profile")
            return Place(
                prompt_id,
                str(workflow.get("id") or ""),
                node_id,
                str(ran.get("class_type") or ""),
                without_key(next(iter(named), "")),
                profile if isinstance(profile, str) else "",
                page,
            )
    return Place(prompt_id, "", node_id, "", "", "", page)


def remember_place(name: object, place: Place) -> None:
    """Record which node ordered a task or order; no-op without a name (`_places`) or a node."""
    if isinstance(name, (str, int)) and name and place.node:
        _places[name] = place
        _places.move_to_end(name)
        if len(_places) > _MAX_NAMES:
            _places.popitem(last=False)


def move_to_page(place: Place, page: str) -> Place:
    """Return the place on another page, which from now on gets the events of all its tasks."""
    moved = replace(place, page=page)
    _places.update({task_id: moved for task_id, old in _places.items() if old == place})
    return moved


def node_of(task_id: str) -> str:
    """Return the id of the node that ordered a task since this start; "" if unknown."""
    place = _places.get(task_id)
    return "" if place is None else place.node


async def publish_stopped(client: Client, report: Stopped) -> None:
    """Publish the report of a stopped task, final or unconfirmed, together with those of the other
    tasks of its node's run."""
    place = _places.get(report.task_id) or _places.get(report.order)
    if place is None:
        return
    if report.confirmed:
        _places.pop(report.task_id, None)
        _places.pop(report.order, None)
    reports = _stops.setdefault(place, [])
    _stops.move_to_end(place)
    if len(_stops) > _MAX_RUNS:
        _stops.popitem(last=False)
    # An unconfirmed stop is reported again once it is confirmed.
    reports[:] = [*(earlier for earlier in reports if not _is_same(earlier, report)), report]
    unsure = [stop for stop in reports if not stop.confirmed]
    line = stop_line(reports, await client.costs.known_currency())
    await tell(client, place, End("unsure" if unsure else "stopped", line), unsure)


def _is_same(earlier: Stopped, report: Stopped) -> bool:
    """Whether both are of one order, whose task may not have been known before."""
    if earlier.order and report.order:
        return earlier.order == report.order
    return earlier.task_id == report.task_id


async def tell(client: Client, place: Place, end: End, unsure: Sequence[Stopped] = ()) -> None:
    """Send an end to the node's page and store it in the journal; in the server's loop.

    `unsure`: stopped orders whose cancel is unconfirmed: they may still run and cost."""
    if not place.node:
        return
    event = {
        "node": place.node,
        "at": end.at,
        "graph": place.graph,
        "state": end.state,
        "line": end.line,
        "unsure": [stop.task_id for stop in unsure if stop.task_id],
        "order": next((stop.order for stop in unsure if not stop.task_id), 0),
        "gaps": end.gaps,
        "tasks": list(end.tasks),
        "profile": place.profile,
    }
    if place.page is not None:
        PromptServer.instance.send_sync(ENDED, event, place.page)
    if place.graph:
        record = {**asdict(end), "class_type": place.class_type, "program": place.program}
        text = json.dumps({**record, "profile": place.profile}, ensure_ascii=False)
        await client.remember_end(place.graph, place.node, text)


async def of_graph(client: Client, graph: str) -> dict[str, dict[str, Any]]:
    """Return the stored last end of each node of a workflow, as JSON, by node id."""
    return {node: json.loads(text) for node, text in (await client.ends(graph)).items()}


async def bring_back(client: Client, end: Mapping[str, Any]) -> bool:
    """Restore a node's shown files in ComfyUI's temp folder, which it empties at start. Orders
    nothing; returns False if the results are not available any more."""
    files = [file for listed in end["shown"].values() for file in listed if isinstance(file, dict)]
    folder = Path(folder_paths.get_temp_directory())
    if all((folder / file["subfolder"] / file["filename"]).is_file() for file in files):
        return True
    with contextlib.suppress(RunningHubError):
        for task_id in end["tasks"]:
            outcome = await client.task(task_id).fetch()
            for result in outcome.results:
                if result.path is not None:
                    TaskFiles(task_id).put_in_temp(result)
        return True
    return False


_PLURAL_KEYS = {
    "node.stopped_unknown": "node.all_unknown",
    "node.stopped_goes_on": "node.all_go_on",
    "node.stopped_unsure": "node.all_unsure",
    "node.stopped_unrecorded": "node.all_unrecorded",
    "node.stopped_too_late": "node.all_too_late",
    "node.stopped": "node.all_stopped",
}
"""Message keys for one task and for several of a node's run, worst case first."""


def stop_line(reports: Sequence[Stopped], currency: str = "") -> dict[str, str]:
    """Return the text about a run's stopped tasks by language: the worst case first, then the cost
    of those whose stop is confirmed."""
    ends: dict[str, list[Stopped]] = {}
    for report in reports:
        ends.setdefault(_message_key(report), []).append(report)
    sentences = [
        (
            key if len(reports) == 1 else several,
            {
                "task_id": ", ".join(report.task_id for report in ends[key]),
                "order": ", ".join(str(report.order) for report in ends[key]),
                "count": len(ends[key]),
                "total": len(reports),
            },
        )
        for key, several in _PLURAL_KEYS.items()
        if key in ends
    ]
    over = [report.usage for report in reports if report.confirmed]
    costs = cost_sentences(over, currency)
    if over and not costs:
        is_told = all(usage.coins or usage.money or usage.third_party_money for usage in over)
        costs = [("node.cost_none" if is_told else "node.cost_untold", {})]
    return language.in_languages([*sentences, *costs])


def _message_key(report: Stopped) -> str:
    if not report.task_id:
        return "node.stopped_unknown"
    if report.goes_on:
        return "node.stopped_goes_on"
    if not report.confirmed:
        return "node.stopped_unsure" if report.is_recorded else "node.stopped_unrecorded"
    return "node.stopped_too_late" if report.too_late else "node.stopped"
