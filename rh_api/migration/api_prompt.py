"""Prompts in API format: parsed into an `OldGraph`, and rewritten by a `Plan`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import cast

from ..graph.prompt import is_link, read_nodes
from ..offload.core_classes import core_class
from .graph import Json, NewNode, OldGraph, OldNode, Output, Plan, Source, as_dict, readers_of
from .target_nodes import shape_of

_LAST = re.compile(r"[0-9]{1,15}")
_Link = Callable[[Source | Output], "list[object] | None"]


def is_prompt(document: Json) -> bool:
    """Whether an object is a prompt: it has objects, and each of them has a `class_type`."""
    entries = [entry for entry in map(as_dict, document.values()) if entry is not None]
    return bool(entries) and all("class_type" in entry for entry in entries)


def read_prompt(document: Json) -> OldGraph:
    """Parse a prompt into its one flat graph."""
    nodes = {
        node.id: OldNode(
            id=node.id,
            class_type=node.class_type,
            title=node.title,
            values={
                name: _plain(value) for name, value in node.inputs.items() if not is_link(value)
            },
            links={name: _source(link) for name, link in node.inputs.items() if is_link(link)},
            names=frozenset(node.inputs),
            types=_types(node.class_type),
        )
        for node in read_nodes(document).values()
    }
    readers = readers_of(nodes.values())
    dependents: dict[str, set[str]] = {}
    for source, reading in readers.items():
        dependents.setdefault(source.node, set()).update(reader.node for reader in reading)
    return OldGraph(nodes, readers, {node: frozenset(ids) for node, ids in dependents.items()})


def write_prompt(document: Json, plan: Plan) -> Json:
    """Return the prompt with the plan applied; unaffected nodes stay the same objects."""
    ids = _ids(document, plan)
    new = plan.new_nodes()

    def link(source: Source | Output) -> list[object] | None:
        start = plan.new_source(source)
        if isinstance(start, Output):
            return [ids[start.node], shape_of(new[start.node]).slot(start.name)]
        return None if start is None else [start.node, start.slot]

    written: Json = {}
    for node_id, entry in document.items():
        node = as_dict(entry)
        if node_id in plan.put:
            written[node_id] = _written(plan.put[node_id], link)
        elif node is not None and node_id not in plan.dropped:
            written[node_id] = _relinked(node, plan, link)
        elif node is None:
            written[node_id] = entry
    for name, new_node in plan.added.items():
        written[ids[name]] = _written(new_node, link)
    return written


def _types(class_type: str) -> dict[str, str]:
    """Types of a core class's inputs; a prompt does not have those of others."""
    about = core_class(class_type)
    return {name: entry.type for name, entry in about.inputs.items()} if about else {}


def _plain(value: object) -> object:
    """Unwrap `{"__value__": [...]}`: the canvas wraps lists so that they are not read as links."""
    wrapped = as_dict(value)
    return wrapped["__value__"] if wrapped is not None and set(wrapped) == {"__value__"} else value


def _source(link: list[object]) -> Source:
    slot = cast("float", link[1])
    # Python's JSON parser accepts NaN.
    return Source(cast("str", link[0]), int(slot) if math.isfinite(slot) else -1)


def _ids(document: Json, plan: Plan) -> dict[str, str]:
    """New ids: `plan.put` keeps the old ones, each of `plan.added` gets the next unused number."""
    last = max((int(part) for node in document for part in _LAST.findall(node)), default=0)
    added = {name: str(last + place) for place, name in enumerate(plan.added, start=1)}
    return {**{node: node for node in plan.put}, **added}


def _written(node: NewNode, link: _Link) -> Json:
    linked = {name: link(source) for name, source in node.links.items()}
    inputs = {**node.values, **{name: start for name, start in linked.items() if start is not None}}
    return {
        "inputs": inputs,
        "class_type": node.class_type,
        "_meta": {"title": node.title or node.class_type},
    }


def _relinked(node: Json, plan: Plan, link: _Link) -> Json:
    inputs = as_dict(node.get("inputs"))
    if inputs is None:
        return node
    changed = {
        name: link(_source(value))
        for name, value in inputs.items()
        if is_link(value) and plan.removes(cast("str", value[0]))
    }
    if not changed:
        return node
    relinked = {name: changed.get(name, value) for name, value in inputs.items()}
    return {
        **node,
        "inputs": {
            name: value
            for name, value in relinked.items()
            if name not in changed or changed[name] is not None
        },
    }
