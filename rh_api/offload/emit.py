"""Emits the local prompt: segment nodes in place of offloaded ones, and links to them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any, cast

from ..graph.constants import SAVED_CLASS, SEGMENT_CLASS
from ..graph.extra_data import AGAIN
from ..graph.prompt import Graph
from .dependencies import Dependencies
from .graph_index import Edge, IndexedNode, Value
from .lower import slot_of
from .plan import Link, Plan, Saved, Segment
from .savers import PREFIX_INPUT
from .segment_json import dump


def emit(
    prompt: Graph, dependencies: Dependencies, segments: Mapping[int, Segment]
) -> dict[str, Any]:
    """Return the local prompt; entries that do not change are the same objects."""
    dropped = _dropped(dependencies)
    emitted: dict[str, Any] = {}
    for node_id, entry in prompt.items():
        if node_id in dependencies.local:
            emitted[node_id] = _local_entry(dependencies, segments, node_id, entry)
        elif node_id not in dropped:
            emitted[node_id] = entry
    for segment in segments.values():
        emitted[segment.id] = _segment_entry(segment)
        for saved in segment.saved:
            entry = cast("Mapping[str, Any]", prompt[saved.node_id])
            emitted[saved.node_id] = _saved_entry(dependencies, segments, entry, segment, saved)
    return emitted


def order_again(plan: Plan, ids: Container[str]) -> Plan:
    """The plan with AGAIN (ignore known results) set on the segments with a node among `ids`."""
    prompt = dict(plan.prompt)
    for segment in plan.segments:
        savers = (saver.node_id for saver in segment.saved)
        if any(node_id in ids for node_id in (segment.id, *segment.members, *savers)):
            entry = cast("Mapping[str, Any]", prompt[segment.id])
            prompt[segment.id] = {**entry, "inputs": {**entry["inputs"], AGAIN: True}}
    return replace(plan, prompt=prompt)


def _dropped(dependencies: Dependencies) -> set[str]:
    """Offloaded nodes, and dead nodes that read from them, directly or not."""
    index = dependencies.index
    running = set(index.order)
    readers: defaultdict[str, list[str]] = defaultdict(list)
    for node in index.nodes.values():
        if node.id not in running:
            for _, source, _ in node.edges:
                readers[source].append(node.id)
    waiting = [node_id for node_id in index.order if node_id not in dependencies.local]
    dropped = set(waiting)
    while waiting:
        for reader in readers.get(waiting.pop(), ()):
            if reader not in dropped:
                dropped.add(reader)
                waiting.append(reader)
    return dropped


def _local_entry(
    dependencies: Dependencies, segments: Mapping[int, Segment], node_id: str, entry: object
) -> object:
    node = dependencies.index.nodes[node_id]
    changed: dict[str, Any] = {}
    edges = dependencies.placement.edges_of(node_id)
    for written, edge in zip(node.edges, edges, strict=True):
        link = _local_link(dependencies, segments, node, edge)
        if link != (written.source, written.slot):
            changed[written.input] = list(link)
    if not changed:
        return entry
    return {**cast("Mapping[str, Any]", entry), "inputs": {**node.inputs, **changed}}


def _local_link(
    dependencies: Dependencies, segments: Mapping[int, Segment], reader: IndexedNode, edge: Edge
) -> Link:
    """The link by which a local node reads a value: to a local node, or to a segment's output."""
    _, source, slot = edge
    if source in dependencies.local or source not in dependencies.piece_of:
        return source, slot
    segment = segments[dependencies.piece_of[source]]
    value = Value(source, slot, dependencies.index.link_type(reader, edge))
    return segment.id, slot_of(segment.outlets, value)


def _segment_entry(segment: Segment) -> dict[str, Any]:
    inputs: dict[str, Any] = {"segment": dump(segment), **segment.ordering.inputs}
    for inlet in segment.inlets:
        inputs[f"in_{inlet.number}"] = list(inlet.source)
    # Not an input, so no part of ComfyUI's cache key: a new title places no new order.
    about = {"name": segment.name, "titles": dict(segment.titles)}
    meta = {"title": segment.name, "runninghub": about}
    return {"class_type": SEGMENT_CLASS, "inputs": inputs, "_meta": meta}


def _saved_entry(
    dependencies: Dependencies,
    segments: Mapping[int, Segment],
    local: Mapping[str, Any],
    segment: Segment,
    saved: Saved,
) -> dict[str, Any]:
    index = dependencies.index
    saver = {"class_type": saved.class_type, "inputs": saved.inputs}
    inputs: dict[str, Any] = {
        "saver": json.dumps(saver, sort_keys=True, separators=(",", ":")),
        "files": [segment.id, saved.outlet - 1],
    }
    for edge in index.edges[saved.node_id]:
        if edge.input == PREFIX_INPUT:
            node = index.nodes[saved.node_id]
            inputs[PREFIX_INPUT] = list(_local_link(dependencies, segments, node, edge))
    entry: dict[str, Any] = {"class_type": SAVED_CLASS, "inputs": inputs}
    meta = local.get("_meta")
    return entry if meta is None else {**entry, "_meta": meta}
