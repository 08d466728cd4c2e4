"""Parses and validates marks: those of an API caller, and those of the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from ..errors import BadInput
from ..graph.constants import INSTANCES
from ..graph.extra_data import MODEL_CHECKS, ROUTES, ExtraData, read_extra_data, read_workflow
from ..graph.json_values import as_object
from ..graph.nearest import listed as listed_names
from ..graph.nearest import nearest
from ..graph.prompt import Graph, id_order
from .canvas_marks import canvas_marks, whole_mark
from .plan import ORDERS, CannotOffload, Mark, Ordering

WHOLE = "*"
"""In place of node ids: all that can go."""

_LONGEST = 200
_KEYS = frozenset({"nodes", "instance", "only", "name", *Ordering.options()})


def read_marks(extra_data: object, prompt: Graph) -> tuple[Mark, ...]:
    """The marks of POST /prompt's `extra_data`; see `marks_of`."""
    return marks_of(read_extra_data(extra_data), prompt)


def marks_of(extra: ExtraData, prompt: Graph) -> tuple[Mark, ...]:
    """The marks that an API caller sent, then those of the canvas' own workflow.

    The canvas' are properties of nodes, of nodes within subgraphs (for every instance), of subgraph
    nodes (for all nodes inside) and of groups. Precedence: the API caller, the node itself, its
    group, then the enclosing subgraph. A canvas mark on a node that is not in the prompt (muted, a
    note) is ignored; an API caller's node id must exist. Raises BadInput for malformed marks.

    WHOLE in place of ids, or the canvas' switch, means all nodes that no other mark names; while
    the switch is on, the canvas' other marks do not count.
    """
    below = below_subgraphs(prompt)
    marks = list(_caller_marks(extra, prompt, below))
    named = {node_id for mark in marks for node_id in mark.nodes}
    whole = whole_mark(extra.canvas)
    if whole is not None:
        rest = tuple(sorted(prompt.keys() - named, key=id_order))
        first = rest[0] if rest else ""
        return (*marks, replace(_mark("1", whole, extra, first), nodes=rest, whole=True))
    nodes_of: dict[Mark, list[str]] = {}
    for node_id, raw in canvas_marks(extra.canvas, prompt, below):
        if node_id not in named:
            named.add(node_id)
            mark = _mark(raw.get("segment"), raw, extra, node_id)
            nodes_of.setdefault(mark, []).append(node_id)
    marks += [
        mark.on(sorted(nodes, key=id_order))
        for mark, nodes in sorted(nodes_of.items(), key=lambda item: item[0].sort_key)
    ]
    return tuple(marks)


def below_subgraphs(prompt: Graph) -> dict[str, list[str]]:
    """The prompt's nodes inside each subgraph node: `7:6:3` is inside `7` and `7:6`."""
    below: dict[str, list[str]] = {}
    for node_id in prompt:
        at = node_id.find(":")
        while at > 0:
            below.setdefault(node_id[:at], []).append(node_id)
            at = node_id.find(":", at + 1)
    return below


def _caller_marks(
    extra: ExtraData, prompt: Graph, below: Mapping[str, list[str]]
) -> Iterator[Mark]:
    if len(extra.segments) > ORDERS:
        raise BadInput("segment.orders_many", count=len(extra.segments), limit=ORDERS)
    first: dict[str, int] = {}
    whole: list[Mark] = []
    for number, segment in enumerate(extra.segments, 1):
        raw = as_object(segment)
        if not isinstance(segment, dict) or not raw.keys() <= _KEYS:
            raise BadInput("segment.bad_segment", number=number)
        mark = _mark(raw.get("name", str(number)), raw, extra, "")
        if raw.get("nodes") in (WHOLE, [WHOLE]):
            whole.append(replace(mark, whole=True))
            continue
        nodes = dict.fromkeys(_ids(raw.get("nodes"), number, prompt, below))
        for node_id in nodes:
            if first.setdefault(node_id, number) != number:
                raise CannotOffload("segment.twice", local_id=node_id, node=node_id)
        yield mark.on(nodes)
    for mark in whole[:1]:
        yield mark.on(sorted(prompt.keys() - first.keys(), key=id_order))


def _ids(
    listed: object, number: int, prompt: Graph, below: Mapping[str, list[str]]
) -> Iterator[str]:
    """Validate an API caller's node ids; a subgraph node expands to all nodes inside."""
    ids = cast("list[object]", listed) if isinstance(listed, list) else []
    if not ids:
        raise BadInput("segment.no_nodes", number=number)
    for raw_id in ids:
        if isinstance(raw_id, bool) or not isinstance(raw_id, (str, int)):
            raise BadInput("segment.bad_segment", number=number)
        node_id = str(raw_id)[:_LONGEST]
        if node_id not in prompt and node_id not in below:
            near = listed_names(nearest(node_id, prompt))
            raise BadInput("segment.unknown_node", node=node_id, number=number, near=near)
        if node_id in prompt:
            yield node_id
        yield from below.get(node_id, ())


def _mark(name: object, raw: Mapping[str, object], extra: ExtraData, node_id: str) -> Mark:
    """Validate a mark, without its nodes. `extra`: defaults for the prompt, which a mark overrides.

    Raises CannotOffload with `node_id`.
    """
    instance, only = raw.get("instance") or "default", raw.get("only", False)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or not isinstance(only, bool):
        raise CannotOffload("segment.bad_mark", local_id=node_id)
    if instance not in INSTANCES:
        raise CannotOffload(
            "segment.bad_instance",
            local_id=node_id,
            value=str(instance)[:_LONGEST],
            choices=", ".join(INSTANCES),
        )
    return Mark(name, (), str(instance), only, _ordering(raw, extra, node_id))


def _ordering(raw: Mapping[str, object], extra: ExtraData, node_id: str) -> Ordering:
    """Validate a mark's ordering options; null and "" count as absent. Raises CannotOffload."""

    def refused(name: str) -> CannotOffload:
        value = str(raw[name])[:_LONGEST]
        return CannotOffload("segment.bad_option", local_id=node_id, name=name, value=value)

    profile, timeout = raw.get("profile") or "", raw.get("timeout") or 0
    personal = raw.get("use_personal_queue") or False
    if not isinstance(profile, str) or len(profile) > _LONGEST:
        raise refused("profile")
    if not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 0:
        raise refused("timeout")
    if not isinstance(personal, bool):
        raise refused("use_personal_queue")
    try:
        own = read_workflow(raw.get("workflow") or "")
    except BadInput:
        raise refused("workflow") from None
    models = raw.get("models") or ""
    if models not in ("", *MODEL_CHECKS):
        raise refused("models")
    route = raw.get("route") or ""
    if route not in ("", *ROUTES):
        raise refused("route")
    return Ordering(
        profile.strip(),
        timeout,
        personal,
        own or extra.workflow,
        str(models) or extra.models,
        str(route) or extra.route,
    )
