"""Diagnostics of a valid plan, for the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..graph.prompt import downstream, id_order
from .boundary_types import crossing_of
from .dependencies import Dependencies
from .graph_index import GraphIndex
from .plan import Inlet, Mark, Note, Segment
from .savers import SAVERS
from .special_classes import CHEAP, FILE_LOADERS, OTHER

UNUSED = "segment.unused"
EACH_TURN = "segment.each_turn"
_IDLE = FILE_LOADERS | CHEAP | SAVERS.keys()


def unused_notes(index: GraphIndex, marks: Sequence[Mark]) -> Iterator[Note]:
    """A note for each dead marked node: no output needs it, so it does not run, as in ComfyUI."""
    marked = {node_id for mark in marks for node_id in mark.nodes} & index.nodes.keys()
    for node_id in sorted(marked.difference(index.order), key=id_order):
        yield Note(node_id, UNUSED, {"node": index.label(node_id)})


def plan_notes(dependencies: Dependencies, segments: Sequence[Segment]) -> Iterator[Note]:
    """Notes on lossy crossings, unchecked models, local nodes, splits, loops, nondeterminism."""
    placement, index = dependencies.placement, dependencies.index
    yield from placement.notes
    marked, rank = placement.marked_in_cloud, index.id_rank.__getitem__
    for node_id in sorted(marked & dependencies.local if segments else marked, key=rank):
        yield Note(node_id, "segment.runs_here", {"node": index.label(node_id)})
    for apart in dependencies.partition.apart:
        labels = {"node": index.label(apart.source), "other": index.label(apart.sibling)}
        yield Note(
            apart.reader, "segment.kept_apart", {**labels, "reader": index.label(apart.reader)}
        )
    here = sorted(dependencies.local, key=rank)
    loops = {node_id: body for node_id in here if (body := _loop_body(index, node_id))}
    for segment in segments:
        yield from _segment_notes(index, segment)
        turns = {node_id for node_id, body in loops.items() if body.intersection(segment.members)}
        turns.update(*(index.loops.get(node_id, ()) for node_id in segment.members))
        for node_id in sorted(turns, key=rank):
            yield Note(segment.members[0], EACH_TURN, {"node": index.label(node_id)})
        for node_id in segment.members:
            if index.nodes[node_id].traits.changes:
                key = (
                    "segment.changes_twice" if node_id in dependencies.local else "segment.changes"
                )
                yield Note(node_id, key, {"node": index.label(node_id)})


def _loop_body(index: GraphIndex, node_id: str) -> set[str]:
    """The nodes that a loop-end node runs again in each turn: those between the sources of its raw
    links, the loop's start among them."""
    node = index.nodes[node_id]
    inputs = node.traits.definition.inputs
    raw = {edge.source for edge in node.edges if edge.input in inputs and inputs[edge.input].raw}
    if not raw:
        return raw
    behind: set[str] = set()
    waiting = list(raw)
    while waiting:
        source = waiting.pop()
        if source in index.nodes and source not in behind:
            behind.add(source)
            waiting += [edge.source for edge in index.nodes[source].edges]
    started = set(raw)
    for reader in index.order:
        if any(edge.source in started for edge in index.nodes[reader].edges):
            started.add(reader)
    return behind & started


def _segment_notes(index: GraphIndex, segment: Segment) -> Iterator[Note]:
    if segment.files and all(index.nodes[i].class_type in _IDLE for i in segment.members):
        loader = segment.files[0].node_id
        yield Note(loader, "segment.only_loads", {"node": index.label(loader)})
    for outlet in segment.outlets:
        crossing = crossing_of(outlet.type)
        if crossing is not None:
            source = outlet.source[0]
            yield Note(source, crossing.loss, {"node": index.label(source)})
    for inlet in segment.inlets:
        if inlet.listed:
            reader = inlet.targets[0][0]
            yield Note(reader, "segment.one_item", {"node": index.label(reader)})
            yield from _blocked_notes(index, segment, inlet)
    unchecked = [model for model in segment.models if model.kind == OTHER]
    if unchecked:
        names = ", ".join(dict.fromkeys(model.value for model in unchecked))
        yield Note(unchecked[0].node_id, "segment.unchecked", {"names": names})


def _blocked_notes(index: GraphIndex, segment: Segment, inlet: Inlet) -> Iterator[Note]:
    """Warn of an outlet that does not depend on `inlet`: an inlet for which a cloud node made
    nothing blocks the whole segment. To split that would cost more."""
    reached = downstream(segment.graph, (node_id for node_id, _ in inlet.targets))
    spared = [outlet for outlet in segment.outlets if outlet.saver not in reached]
    if spared:
        source, reader = inlet.source[0], inlet.targets[0][0]
        labels = {"node": index.label(source), "reader": index.label(reader)}
        node = spared[0].source[0]
        yield Note(reader, "segment.blocks_all", {**labels, "other": index.label(node)})
