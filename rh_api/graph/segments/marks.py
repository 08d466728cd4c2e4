"""What a person, or a program, has marked to run on RunningHub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from ...errors import BadInput
from ...wire.workflows import Graph
from ..nearest import listed as listed_names
from ..nearest import nearest
from ..prompt import id_order
from .canvas import canvas_marks
from .plan import ORDERS, CannotOffload, Mark

INSTANCES = ("default", "plus", "ultra")
_LONGEST = 200
_KEYS = frozenset({"nodes", "instance", "only", "name"})


def read_marks(extra_data: object, prompt: Graph) -> tuple[Mark, ...]:
    """The marks of `extra_data.runninghub.segments`, then those of the canvas' own workflow.

    The canvas' are properties of nodes, of nodes within subgraphs (they count for every
    instance), of subgraph nodes (all below them) and of groups. What marks a node most closely
    counts: a program, the node itself, its group, then the subgraph around it. A mark on a node
    that is not in the prompt (muted, a note) marks nothing; an id of a program must be there.
    Raises BadInput for nonsense.
    """
    extra = _object(extra_data)
    below = below_subgraphs(prompt)
    marks = list(_program(extra.get("runninghub"), prompt, below))
    named = {node_id for mark in marks for node_id in mark.nodes}
    workflow = _object(_object(extra.get("extra_pnginfo")).get("workflow"))
    found: dict[tuple[str, str, bool], list[str]] = {}
    for node_id, said in canvas_marks(workflow, prompt, below):
        if node_id not in named:
            named.add(node_id)
            mark = _read(said.get("segment"), said, node_id)
            found.setdefault(mark, []).append(node_id)
    ordered = sorted(found.items())
    marks += [
        Mark(name, tuple(sorted(nodes, key=id_order)), size, only)
        for (name, size, only), nodes in ordered
    ]
    return tuple(marks)


def below_subgraphs(prompt: Graph) -> dict[str, list[str]]:
    """The nodes of the prompt below each subgraph node: `7` and `7:6` for `7:6:3`."""
    below: dict[str, list[str]] = {}
    for node_id in prompt:
        at = node_id.find(":")
        while at > 0:
            below.setdefault(node_id[:at], []).append(node_id)
            at = node_id.find(":", at + 1)
    return below


def _program(said: object, prompt: Graph, below: Mapping[str, list[str]]) -> Iterator[Mark]:
    segments = _object(said).get("segments", [])
    if not isinstance(said, (dict, type(None))) or not isinstance(segments, list):
        raise BadInput("segment.bad_segments")
    listed = cast("list[object]", segments)
    if len(listed) > ORDERS:
        raise BadInput("segment.orders_many", count=len(listed), limit=ORDERS)
    first: dict[str, int] = {}
    for number, each in enumerate(listed, 1):
        about = _object(each)
        if not isinstance(each, dict) or not about.keys() <= _KEYS:
            raise BadInput("segment.bad_segment", number=number)
        name, size, only = _read(about.get("name", str(number)), about, "")
        nodes = dict.fromkeys(_ids(about.get("nodes"), number, prompt, below))
        for node_id in nodes:
            if first.setdefault(node_id, number) != number:
                raise CannotOffload("segment.twice", local_id=node_id, node=node_id)
        yield Mark(name, tuple(nodes), size, only)


def _ids(
    listed: object, number: int, prompt: Graph, below: Mapping[str, list[str]]
) -> Iterator[str]:
    """The nodes that a program names; a subgraph node stands for all below it."""
    ids = cast("list[object]", listed) if isinstance(listed, list) else []
    if not ids:
        raise BadInput("segment.no_nodes", number=number)
    for each in ids:
        if isinstance(each, bool) or not isinstance(each, (str, int)):
            raise BadInput("segment.bad_segment", number=number)
        node_id = str(each)[:_LONGEST]
        if node_id not in prompt and node_id not in below:
            near = listed_names(nearest(node_id, prompt))
            raise BadInput("segment.unknown_node", node=node_id, number=number, near=near)
        if node_id in prompt:
            yield node_id
        yield from below.get(node_id, ())


def _read(name: object, about: Mapping[str, object], node_id: str) -> tuple[str, str, bool]:
    """Name, size and strictness of a mark."""
    size, only = about.get("instance") or "default", about.get("only", False)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or not isinstance(only, bool):
        raise CannotOffload("segment.bad_mark", local_id=node_id)
    if size not in INSTANCES:
        raise CannotOffload(
            "segment.bad_instance",
            local_id=node_id,
            value=str(size)[:_LONGEST],
            choices=", ".join(INSTANCES),
        )
    return name, str(size), only


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
