"""Splits parts that are not convex, so that each piece can run as one order.

A part that reads a value of its own by way of another part or a local node cannot be one order.
Such parts and local nodes form a strongly connected component of the graph whose vertices are the
parts and the local nodes. The nodes of an SCC are layered into stages: the most times that any path
to a node leaves a part. A piece is a connected set of nodes of one part and one stage that depend
on the same uncertain outputs (`uncertain_outputs.py`). A piece of savers alone would compute
nothing: they stay local.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from .graph_algorithms import DisjointSets, strongly_connected_components
from .placement import Placement, blocked_inwards, blocked_outwards
from .savers import PREFIX_INPUT, SAVERS
from .special_classes import CHEAP
from .uncertain_outputs import NONE, Apart, UncertainOutputs, kept_apart, uncertain_of

Vertex = int | str
"""A part's number, or the id of a local node."""


@dataclass(frozen=True, slots=True)
class Partition:
    """`piece_of`: the piece of each cloud node. `split`: how many parts were not convex, so that
    each became several pieces. `apart`: pieces that could be one but for an uncertain output."""

    placement: Placement
    piece_of: Mapping[str, int]
    split: int = 0
    apart: tuple[Apart, ...] = ()


def partition_parts(placement: Placement) -> Partition:
    """Split parts into convex pieces; savers that would be a piece of their own stay local."""
    partition = _partitioned(placement)
    idle = _idle_savers(partition)
    return partition_parts(placement.keeping_here(idle)) if idle else partition


def _idle_savers(partition: Partition) -> set[str]:
    """The savers of pieces in which nothing computes what they save."""
    index, piece_of = partition.placement.index, partition.piece_of
    savers = {node_id for node_id in piece_of if index.nodes[node_id].class_type in SAVERS}
    busy: set[int] = set()
    for node_id, piece in piece_of.items():
        node = index.nodes[node_id]
        if node_id not in savers and node.class_type not in CHEAP:
            busy.add(piece)
        for edge in index.edges[node_id]:
            source = edge.source
            if source not in piece_of or (node_id in savers and edge.input == PREFIX_INPUT):
                continue
            if piece_of[source] == piece:  # a number that a saver takes is not what it saves
                takes = node_id in savers and edge.input != SAVERS[node.class_type].input
                needed = not takes and (source in savers) != (node_id in savers)
            else:  # a value that cannot cross is computed in this piece too
                needed = blocked_inwards(index, node, edge) or blocked_outwards(index, node, edge)
            if needed:
                busy.add(piece)
    return {node_id for node_id in savers if piece_of[node_id] not in busy}


def _partitioned(placement: Placement) -> Partition:
    component_of = _components(placement) if _may_have_cycles(placement) else {}
    uncertain = uncertain_of(placement)
    if not component_of and not uncertain:
        return Partition(placement, placement.part_of)
    stage_of = _sink(placement, _stages(placement, component_of)) if component_of else {}
    stages: defaultdict[int, set[int]] = defaultdict(set)
    for node_id, part in placement.part_of.items():
        stages[part].add(stage_of.get(node_id, 0))
    split = sum(len(of_part) > 1 for of_part in stages.values())
    apart = tuple(kept_apart(placement, uncertain))
    return Partition(placement, _pieces(placement, stage_of, uncertain), split, apart)


def _may_have_cycles(placement: Placement) -> bool:
    """Whether a part reads from another, or from a local node behind one: a cheap pre-check."""
    part_of = placement.part_of
    after_part: set[str] = set()
    for node_id in placement.index.order:
        own = part_of.get(node_id)
        for _, source, _ in placement.edges_of(node_id):
            if source not in after_part and (source not in part_of or part_of[source] == own):
                continue
            if own is not None:
                return True
            after_part.add(node_id)
    return False


def _vertex(placement: Placement, node_id: str) -> Vertex:
    return placement.part_of.get(node_id, node_id)


def _components(placement: Placement) -> dict[Vertex, int]:
    """The index of the SCC of each vertex that is on a cycle."""
    reads: defaultdict[Vertex, dict[Vertex, None]] = defaultdict(dict)
    for node_id in placement.index.order:
        reader = _vertex(placement, node_id)
        for _, source, _ in placement.edges_of(node_id):
            needed = _vertex(placement, source)
            if needed != reader:
                reads[reader][needed] = None
    cycles = (cycle for cycle in strongly_connected_components(reads) if len(cycle) > 1)
    return {vertex: number for number, cycle in enumerate(cycles) for vertex in cycle}


def _stages(placement: Placement, component_of: Mapping[Vertex, int]) -> dict[str, int]:
    """The stage of each node of an SCC: the most times that any path to it leaves a part."""
    stage_of: dict[str, int] = {}
    for node_id in placement.index.order:
        own = _vertex(placement, node_id)
        component = component_of.get(own)
        if component is None:
            continue
        latest = 0
        for _, source, _ in placement.edges_of(node_id):
            source_vertex = _vertex(placement, source)
            if component_of.get(source_vertex) == component:
                leaves_part = isinstance(source_vertex, int) and source_vertex != own
                latest = max(latest, stage_of[source] + leaves_part)
        stage_of[node_id] = latest
    return stage_of


def _sink(placement: Placement, stage_of: Mapping[str, int]) -> dict[str, int]:
    """Code sinking: a node that only later stages of its own part read is moved to the earliest of
    these, instead of an order of its own."""
    sunk = dict(stage_of)
    earliest_reader: dict[str, int] = {}
    pinned: set[str] = set()
    for node_id in reversed(placement.index.order):
        part = placement.part_of.get(node_id)
        if node_id in earliest_reader and node_id not in pinned:
            sunk[node_id] = max(sunk[node_id], earliest_reader[node_id])
        for _, source, _ in placement.edges_of(node_id):
            if source not in sunk:
                continue
            if part is None or placement.part_of.get(source) != part:
                pinned.add(source)
            else:
                stage = sunk[node_id]
                earliest_reader[source] = min(earliest_reader.get(source, stage), stage)
    return sunk


def _pieces(
    placement: Placement, stage_of: Mapping[str, int], uncertain: Mapping[str, UncertainOutputs]
) -> dict[str, int]:
    """Number the connected sets of nodes of equal part, stage and uncertain outputs."""

    def key(node_id: str) -> object:
        return part_of.get(node_id), stage_of.get(node_id, 0), uncertain.get(node_id, NONE)

    part_of = placement.part_of
    sets: DisjointSets[str] = DisjointSets()
    in_cloud = [node_id for node_id in placement.index.order if node_id in part_of]
    for node_id in in_cloud:
        sets.add(node_id)
        own = key(node_id)
        for _, source, _ in placement.edges_of(node_id):
            if key(source) == own:
                sets.union(node_id, source)
    numbers: dict[str, int] = {}
    return {node_id: numbers.setdefault(sets.find(node_id), len(numbers)) for node_id in in_cloud}
