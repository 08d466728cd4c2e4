"""Links on the canvas that bring nothing, since their source is muted or bypassed.

ComfyUI's page leaves them out of a prompt, so that an input looks as if nobody had linked it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from ...rh_api.graph.json_values import as_object
from ...rh_api.graph.prompt import Node

_SWITCHED_OFF = (2, 4)  # a node's mode on the canvas: muted, bypassed


def dead_links(
    nodes: Mapping[str, Node],
    canvas: Mapping[str, Any],
    is_field: Callable[[Node, str], bool],
    is_known: Callable[[str], object],
) -> Iterator[tuple[str, str]]:
    """Yield node id and field of each socket that is linked on the canvas and not in the prompt.

    `nodes`: of the prompt; `is_field`: which of their inputs count; `is_known`: whether ComfyUI has
    a class. Left out: inputs that are widgets, which have a value of their own, and links of nodes
    that are switched on. The page sends the latter, so a program that posts the prompt has taken
    them out.
    """
    drawn = {str(saved.get("id")): saved for saved in _objects(canvas.get("nodes"))}
    sources = {str(link[0]): str(link[1]) for link in _lists(canvas.get("links"))}
    for node_id, saved in drawn.items():
        node = nodes.get(node_id)
        if node is None:
            continue
        for slot in _objects(saved.get("inputs")):
            name, link = str(slot.get("name")), slot.get("link")
            if link is None or "widget" in slot or name in node.inputs or not is_field(node, name):
                continue
            source = drawn.get(sources.get(str(link), ""), {})
            is_on = source and source.get("mode") not in _SWITCHED_OFF
            # Virtual nodes and subgraphs are no class: what is behind them may be switched off.
            if not (is_on and is_known(str(source.get("type")))):
                yield node_id, name


def _objects(values: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, empty ones for other values in it; none for anything else."""
    return map(as_object, cast("list[object]", values) if isinstance(values, list) else ())


def _lists(values: object) -> Iterator[list[object]]:
    """Yield the entries of a list that are lists of two or more."""
    for value in cast("list[object]", values) if isinstance(values, list) else ():
        if isinstance(value, list) and len(cast("list[object]", value)) > 1:
            yield cast("list[object]", value)
