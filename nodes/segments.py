"""The pass that cuts marked parts out of a prompt, and what they ask of the cloud."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ..rh_api.errors import BadInput, NoKey
from ..rh_api.graph.prompt import Graph
from ..rh_api.graph.segments import CannotOffload, Mark, Plan, cut
from ..rh_api.graph.wishes import AGAIN, read_again
from . import config, local_classes, local_files

if TYPE_CHECKING:
    from ..rh_api.offload import Models

_models: list[Models] = []


def models() -> Models:
    """What was learnt of the cloud's models since ComfyUI started."""
    from ..rh_api.offload import Models

    if not _models:
        _models.append(Models(time.monotonic))
    return _models[0]


def planned(
    prompt: Graph,
    marks: tuple[Mark, ...],
    extra_data: object,
    targets: Collection[str] | None = None,
) -> Plan:
    """The prompt with its marked parts cut out. Raises CannotOffload, BadInput, NoKey.

    Everything that can be known without the network is refused here, on the node concerned.
    """
    plan = cut(prompt, marks, local_classes.info, targets)
    for segment in plan.segments:
        local_files.check(segment)
    workflow, again = said(extra_data), read_again(extra_data)
    changed = dict(plan.prompt)
    for segment in plan.segments:
        node = cast("Mapping[str, Any]", changed[segment.id])
        inputs = dict(node["inputs"])
        if workflow:
            inputs["workflow"] = workflow
        if again & {segment.id, *segment.members, *(one.node_id for one in segment.saved)}:
            inputs[AGAIN] = True
        changed[segment.id] = {**node, "inputs": inputs}
    return replace(plan, prompt=changed)


def require_key(marks: Iterable[Mark]) -> None:
    """Refuse a shared workflow with marks on a machine without a key, on a marked node."""
    try:
        config.settings()
    except NoKey:
        first = next((node for mark in marks for node in mark.nodes), "")
        error = CannotOffload("segment.no_key", local_id=first)
        error.hint = "no_key"
        raise error from None


def said(extra_data: object) -> str:
    """The workflow that a program named for its graphs to go out under, or ""."""
    about = _object(_object(extra_data).get("runninghub"))
    workflow = about.get("workflow", "")
    if not isinstance(workflow, (str, int)) or isinstance(workflow, bool):
        raise BadInput("segment.bad_workflow")
    return str(workflow).strip()


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
