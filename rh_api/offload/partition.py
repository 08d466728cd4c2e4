"""Parts that are left and entered again, split so that every piece can run as one order.

A part that needs a value of its own by way of another part or of this machine cannot be one
order. Parts and local nodes that need each other so are a strongly connected component of the
graph whose vertices are the parts and the nodes that stay here. In such a component the nodes
are layered by stages: how often a path to the node has left a part. A piece is what touches
within one part and one stage, and needs the same of what may not come (`uncertain_outputs.py`).
A piece of savers alone would make nothing: they stay here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from .class_facts import CHEAP
from .graph_algorithms import DisjointSets, strongly_connected_components
from .placement import Placement, stuck_inwards, stuck_outwards
from .savers import PREFIX_INPUT, SAVERS
from .uncertain_outputs import NONE, Apart, Doubts, doubts_of, kept_apart

Vertex = int | str
"""A part, or a node that stays here."""


@dataclass(frozen=True, slots=True)
class Partition:
    """`piece_of`: the piece of each node that goes to the cloud; `split`: how many parts became
    several pieces; `apart`: why pieces are apart that nothing else keeps from being one."""

    placement: Placement
    piece_of: Mapping[str, int]
    split: int = 0
    apart: tuple[Apart, ...] = ()


def partition_parts(placement: Placement) -> Partition:
    """Pieces of which none needs itself by way of another, and each makes something."""
    partition = _partitioned(placement)
    idle = _idle(partition)
    return partition_parts(placement.keeping_here(idle)) if idle else partition


def _idle(partition: Partition) -> set[str]:
    """The savers of pieces in which nothing makes what they save."""
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
            if piece_of[source] == piece:
                needed = (source in savers) != (node_id in savers)
            else:  # what cannot come out of another piece is made in this one too
                needed = stuck_inwards(index, node, edge) or stuck_outwards(index, node, edge)
            if needed:
                busy.add(piece)
    return {node_id for node_id in savers if piece_of[node_id] not in busy}


def _partitioned(placement: Placement) -> Partition:
    component_of = _components(placement) if _may_return(placement) else {}
    doubts = doubts_of(placement)
    if not component_of and not doubts:
        return Partition(placement, placement.part_of)
    stage_of = _sunk(placement, _stages(placement, component_of)) if component_of else {}
    stages: defaultdict[int, set[int]] = defaultdict(set)
    for node_id, part in placement.part_of.items():
        stages[part].add(stage_of.get(node_id, 0))
    split = sum(len(of_part) > 1 for of_part in stages.values())
    apart = tuple(kept_apart(placement, doubts))
    return Partition(placement, _pieces(placement, stage_of, doubts), split, apart)


def _may_return(placement: Placement) -> bool:
    """Whether anything in the cloud reads what comes from another part, the cheap question."""
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
    """The component of each vertex that is in a cycle."""
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
    """How often each node of a component has another piece of the component before it.

    For a node that stays here: how often what reads it will have.
    """
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


def _sunk(placement: Placement, stage_of: Mapping[str, int]) -> dict[str, int]:
    """The stages after sinking, as compilers say: what only later pieces of its own part read is
    in the stage of those, and not in an order of its own."""
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
    placement: Placement, stage_of: Mapping[str, int], doubts: Mapping[str, Doubts]
) -> dict[str, int]:
    """Nodes of one part, stage and doubt that touch."""

    def key(node_id: str) -> object:
        return part_of.get(node_id), stage_of.get(node_id, 0), doubts.get(node_id, NONE)

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
