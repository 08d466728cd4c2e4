"""Finds what a prompt lacks in a workflow's own JSON: marks on nodes, subgraph nodes and groups,
and the classes of nodes that are not installed.

Membership of groups is not stored. As on the canvas, a node belongs to a group whose box contains
its centre; this is computed anew for each prompt.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..graph.json_values import as_object
from ..graph.prompt import Graph

RawMark = Mapping[str, object]
"""The JSON object of a mark, not yet validated: `segment`, `instance`, `only`, …."""

_TITLE = 30  # pixels; the title bar is drawn above a node's `pos`
_COLLAPSED_WIDTH = 80
_LETTER = 8

Box = tuple[float, float, float, float]
"""Left, top, width, height."""


def canvas_marks(
    workflow: Mapping[str, Any], prompt: Container[str], above: Mapping[str, list[str]]
) -> Iterator[tuple[str, RawMark]]:
    """Yield (node id, mark) of each marked node of the prompt. Precedence: its own mark, its
    smallest group's, then the same of the enclosing subgraph node, and so on outwards.

    `above`: the prompt's nodes inside each subgraph node, by that node's id.
    """
    subgraphs = _subgraphs(workflow)
    waiting: list[tuple[Mapping[str, Any], str, RawMark | None]] = [(workflow, "", None)]
    while waiting:
        graph, path, outer = waiting.pop()
        groups = list(_groups(graph))
        for node in _objects(graph.get("nodes")):
            node_id = f"{path}{node.get('id')}"
            inner = subgraphs.get(str(node.get("type")))
            raw = _mark_of(as_object(node.get("properties"))) or _group_mark(groups, node) or outer
            if inner is not None and node_id in above:
                waiting.append((inner, f"{node_id}:", raw))
            elif raw is not None:
                yield from ((inner_id, raw) for inner_id in above.get(node_id, ()))
            if raw is not None and node_id in prompt:
                yield node_id, raw


def whole_mark(workflow: Mapping[str, Any]) -> RawMark | None:
    """The mark of the whole graph, if it is switched over: its options, without a name."""
    ours = as_object(as_object(workflow.get("extra")).get("runninghub"))
    raw = ours.get("whole")
    return as_object(cast("object", raw)) if isinstance(raw, dict) else None


def with_classes(prompt: Graph, workflow: Mapping[str, Any]) -> Graph:
    """Add the classes that the canvas leaves out of a prompt: those that are not installed."""
    lacking = {
        node_id: {**node, "class_type": _class_of(node_id.split(":"), workflow)}
        for node_id, node in ((node_id, as_object(about)) for node_id, about in prompt.items())
        if node and "class_type" not in node
    }
    return {**prompt, **{i: node for i, node in lacking.items() if node["class_type"]}}


def _class_of(steps: list[str], workflow: Mapping[str, Any]) -> str:
    """The class of the node of an execution id; "" if there is none."""
    subgraphs, graph, class_type = _subgraphs(workflow), workflow, ""
    for step in steps:
        types = {str(node.get("id")): node.get("type") for node in _objects(graph.get("nodes"))}
        class_type = str(types.get(step) or "")
        graph = subgraphs.get(class_type, {})
    return class_type


def _subgraphs(workflow: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The definitions of subgraphs, by id."""
    definitions = _objects(as_object(workflow.get("definitions")).get("subgraphs"))
    return {str(subgraph.get("id")): subgraph for subgraph in definitions}


@dataclass(frozen=True, slots=True)
class _Group:
    box: Box
    raw: RawMark


def _groups(graph: Mapping[str, Any]) -> Iterator[_Group]:
    for group in _objects(graph.get("groups")):
        raw = _mark_of(as_object(group.get("flags")))
        numbers = _numbers(group.get("bounding"))
        if raw is not None and len(numbers) == 4:
            yield _Group((numbers[0], numbers[1], numbers[2], numbers[3]), raw)


def _group_mark(groups: list[_Group], node: Mapping[str, Any]) -> RawMark | None:
    if not groups:
        return None
    position, size = _numbers(node.get("pos")), _numbers(node.get("size"))
    if len(position) < 2:
        return None
    width, height = size[:2] if len(size) >= 2 else (0.0, 0.0)
    if as_object(node.get("flags")).get("collapsed"):
        # A collapsed node's drawn width is not stored: estimate it from its title.
        title = str(node.get("title") or node.get("type") or "")
        width, height = min(width, _COLLAPSED_WIDTH + _LETTER * len(title)), 0.0
    x, y = position[0] + width / 2, position[1] - _TITLE + (height + _TITLE) / 2
    enclosing = [group for group in groups if _contains(group.box, x, y)]
    return min(enclosing, key=lambda group: group.box[2] * group.box[3]).raw if enclosing else None


def _contains(box: Box, x: float, y: float) -> bool:
    left, top, width, height = box
    return left <= x < left + width and top <= y < top + height


def _mark_of(holder: Mapping[str, Any]) -> RawMark | None:
    raw = as_object(holder.get("runninghub"))
    return raw if raw.get("segment") not in (None, "") else None


def _objects(value: object) -> list[Mapping[str, Any]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [as_object(entry) for entry in listed]


def _numbers(value: object) -> list[float]:
    """A list of numbers; older workflows write `{"0": 10, "1": 20}`."""
    if isinstance(value, dict):
        value = list(cast("dict[str, object]", value).values())
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [float(number) for number in listed if isinstance(number, (int, float))]
