"""Parses `extra_data` of a prompt, once, into one value."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..errors import BadInput
from .json_values import as_object
from .prompt import Graph, read_nodes

AGAIN = "again"
"""The input that makes a node place a new order, though it may cost twice. It is never saved: only
`extra_data` sets it."""

_WORDS = ("segments", AGAIN, "workflow", "models", "route")

STRICT = "strict"
MODEL_CHECKS = ("warn", STRICT)
"""How to handle a model that the cloud's list lacks: by a note, or by a refusal."""

TASK, NATIVE, AUTO = "task", "native", "auto"
ROUTES = (TASK, NATIVE, AUTO)
"""How a graph is submitted: as a task of the service, or as a prompt to its native ComfyUI.

AUTO: as a task, and as a prompt if the service refuses the placeholder for a workflow id.
"""


@dataclass(frozen=True, slots=True)
class ExtraData:
    """Our part of `extra_data` of POST /prompt.

    `segments`: not yet parsed. `again`: ids of nodes that must place new orders. `workflow`: the id
    or link that graphs are submitted under, "" for none. `models`: one of MODEL_CHECKS, or "".
    `route`: one of ROUTES, or "". These are from `extra_data.runninghub`; `canvas`, the canvas' own
    workflow, is from `extra_pnginfo`.
    """

    segments: tuple[object, ...] = ()
    again: frozenset[str] = frozenset()
    workflow: str = ""
    models: str = ""
    route: str = ""
    canvas: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_extra_data(extra_data: object) -> ExtraData:
    """Parse it. Raises BadInput for a malformed value below `runninghub`, and for an unknown key:
    a typo such as `segment` would silently run everything locally."""
    entry = as_object(extra_data).get("runninghub")
    if not isinstance(entry, (dict, type(None))):
        raise BadInput("segment.bad_segments")
    ours = as_object(cast("object", entry))
    for word in ours:
        if word not in _WORDS:
            raise BadInput("segment.bad_word", word=word[:80], known=", ".join(_WORDS))
    segments = ours.get("segments", [])
    if not isinstance(segments, list):
        raise BadInput("segment.bad_segments")
    models = ours.get("models", "")
    if models not in ("", *MODEL_CHECKS):
        raise BadInput("segment.bad_models", choices=", ".join(MODEL_CHECKS))
    route = ours.get("route", "")
    if route not in ("", *ROUTES):
        raise BadInput("segment.bad_route", choices=", ".join(ROUTES))
    return ExtraData(
        segments=tuple(cast("list[object]", segments)),
        again=_again(ours.get(AGAIN, [])),
        workflow=read_workflow(ours.get("workflow", "")),
        models=str(models),
        route=str(route),
        canvas=read_canvas(extra_data),
    )


def read_canvas(extra_data: object) -> Mapping[str, Any]:
    """The canvas' own workflow; empty if it is not an object (some clients send a string)."""
    return as_object(as_object(as_object(extra_data).get("extra_pnginfo")).get("workflow"))


def read_models(text: str) -> str:
    """Parse one of MODEL_CHECKS, "" for the default. Raises BadInput for any other word: a
    misspelt `strict` must not count as its opposite."""
    word = text.strip().lower()
    if word not in ("", *MODEL_CHECKS):
        raise BadInput("error.bad_models", value=text[:100])
    return word


def read_route(text: str) -> str:
    """Parse one of ROUTES, "" for the default. Raises BadInput for any other word."""
    word = text.strip().lower()
    if word not in ("", *ROUTES):
        raise BadInput("error.bad_route", value=text[:100])
    return word


def read_workflow(workflow: object) -> str:
    """Parse the id or link of a workflow. Raises BadInput for neither a string nor an integer."""
    if not isinstance(workflow, (str, int)) or isinstance(workflow, bool):
        raise BadInput("segment.bad_workflow")
    return str(workflow).strip()


def _again(again: object) -> frozenset[str]:
    ids = cast("list[object]", again) if isinstance(again, list) else [None]
    if not all(isinstance(node_id, (str, int)) for node_id in ids):
        raise BadInput("node.bad_again")
    return frozenset(str(node_id) for node_id in ids)


def mark_again(prompt: Graph, ids: Container[str], classes: Container[str]) -> dict[str, object]:
    """Return a copy of `prompt` in which, of the nodes of `classes`, exactly `ids` have AGAIN."""
    marked = dict(prompt)
    for node in read_nodes(prompt).values():
        if node.class_type not in classes:
            continue
        inputs = {name: value for name, value in node.inputs.items() if name != AGAIN}
        if node.id in ids:
            inputs[AGAIN] = True
        entry = cast("Mapping[str, object]", prompt[node.id])
        marked[node.id] = {**entry, "inputs": inputs}
    return marked
