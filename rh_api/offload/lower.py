"""Lowers pieces to segments: ids, levels, inlets, outlets and what is saved locally."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..graph.constants import INLETS, OUTLETS
from ..graph.prompt import id_order
from .boundary_types import FILES
from .dependencies import LOCAL, Dependencies, Piece, Target
from .graph_index import PERHAPS, Value
from .node_allocator import input_order
from .plan import CannotOffload, Inlet, Link, Outlet, PulledNode, Saved, Segment
from .remote_graph import RemoteGraph, build_remote_graph


def lower(dependencies: Dependencies) -> dict[int, Segment]:
    """Lower each piece to a segment, in topological order. Raises CannotOffload."""
    pieces = dependencies.pieces
    levels = _levels(dependencies)
    ids = {number: _segment_id(dependencies, number) for number in pieces}
    remotes = {
        number: build_remote_graph(dependencies.index, piece) for number, piece in pieces.items()
    }
    outlets = {
        number: _outlets(dependencies, piece, remotes[number], ids[number])
        for number, piece in pieces.items()
    }
    return {
        number: _segment(dependencies, number, remotes[number], ids, outlets, levels[number])
        for number in sorted(pieces, key=lambda number: (levels[number], id_order(ids[number])))
    }


def _segment(
    dependencies: Dependencies,
    number: int,
    remote: RemoteGraph,
    ids: Mapping[int, str],
    outlets: Mapping[int, tuple[Outlet, ...]],
    level: int,
) -> Segment:
    piece, index = dependencies.pieces[number], dependencies.index
    rank = index.id_rank.__getitem__
    members = sorted((node_id for node_id in piece.nodes if node_id in remote.graph), key=rank)
    reasons = {
        node_id: reason
        for node_id in sorted(piece.nodes, key=rank)
        if (reason := dependencies.placement.pulled.get(node_id) or piece.cloned.get(node_id))
    }
    return Segment(
        id=ids[number],
        name=piece.mark.name,
        instance=piece.mark.instance,
        graph=remote.graph,
        inlets=_inlets(dependencies, piece, remote, number, ids, outlets),
        outlets=outlets[number],
        files=remote.files,
        loras=remote.loras,
        models=remote.models,
        saved=tuple(_saved(dependencies, piece, remote, outlets[number])),
        pulled=tuple(PulledNode(node_id, *reason) for node_id, reason in reasons.items()),
        members=tuple(members),
        titles={node_id: index.nodes[node_id].title for node_id in sorted(members)},
        level=level,
        ordering=piece.mark.ordering,
    )


def _segment_id(dependencies: Dependencies, number: int) -> str:
    """The smallest id of a marked node that is no longer local, else of a pulled-in one."""
    piece, index = dependencies.pieces[number], dependencies.index
    gone = [
        node_id
        for node_id in piece.nodes
        if dependencies.piece_of.get(node_id) == number
        and node_id not in dependencies.local
        and node_id not in piece.savers
    ]
    marked = [node_id for node_id in gone if node_id in dependencies.placement.marked_in_cloud]
    if gone:
        return min(marked or gone, key=index.id_rank.__getitem__)
    # Only savers, whose ids stay in use: a fresh id inside one, where the canvas has no node.
    free = f"{min(piece.savers, key=id_order)}:0"
    while free in index.nodes:
        free += ":0"
    return free


def _levels(dependencies: Dependencies) -> dict[int, int]:
    """Longest-path depth of each piece in the DAG of orders; 0 for one that waits for none."""
    pieces, piece_of, local = dependencies.pieces, dependencies.piece_of, dependencies.local
    if len(pieces) == 1:
        return dict.fromkeys(pieces, 0)
    behind: dict[str, frozenset[int]] = {}  # pieces that a local node depends on
    nothing: frozenset[int] = frozenset()
    for node_id in dependencies.index.order:
        if node_id in local:
            needed = nothing
            for _, source, _ in dependencies.placement.edges_of(node_id):
                if source in local:
                    needed |= behind.get(source, nothing)
                elif source in piece_of:
                    needed |= {piece_of[source]}
            behind[node_id] = needed
    before = {
        number: {
            earlier
            for producer, source, _, _ in piece.inlets
            for earlier in (behind.get(source, nothing) if producer == LOCAL else (producer,))
        }
        for number, piece in pieces.items()
    }
    levels: dict[int, int] = {}

    def level(number: int) -> int:
        if number not in levels:
            levels[number] = max((level(earlier) + 1 for earlier in before[number]), default=0)
        return levels[number]

    return {number: level(number) for number in pieces}


def _outlets(
    dependencies: Dependencies, piece: Piece, remote: RemoteGraph, segment_id: str
) -> tuple[Outlet, ...]:
    """Values first, in `value_order`; then the files of savers. Raises CannotOffload."""
    carried: list[tuple[str, Link, str]] = [
        (value.type, (value.source, value.slot), remote.saver_of[value])
        for value in sorted(piece.outlets, key=dependencies.index.value_order)
    ]
    savers = {remote.saver_of[node_id] for node_id in piece.savers}
    carried += [(FILES, (saver, 0), saver) for saver in sorted(savers, key=id_order)]
    if len(carried) > OUTLETS:
        raise CannotOffload(
            "segment.outlets_many",
            local_id=segment_id,
            node=dependencies.index.label(segment_id),
            count=len(carried),
            limit=OUTLETS,
        )
    return tuple(
        Outlet(number, type_name, source, saver, remote.prefixes[saver])
        for number, (type_name, source, saver) in enumerate(carried, 1)
    )


def _inlets(
    dependencies: Dependencies,
    piece: Piece,
    remote: RemoteGraph,
    number: int,
    ids: Mapping[int, str],
    outlets: Mapping[int, tuple[Outlet, ...]],
) -> tuple[Inlet, ...]:
    """Numbered by the first input that each feeds. Raises CannotOffload."""
    carried: list[tuple[tuple[Target, ...], str, Link, bool]] = []
    for (producer, source, slot, type_name), uses in piece.inlets.items():
        targets = sorted((remote.redirected.get(use, use) for use in uses), key=input_order)
        link, listed = (source, slot), False
        if producer == LOCAL:
            listed = dependencies.index.listed(source, slot) == PERHAPS
        else:
            link = (ids[producer], slot_of(outlets[producer], Value(source, slot, type_name)))
        carried.append((tuple(targets), type_name, link, listed))
    if len(carried) > INLETS:
        raise CannotOffload(
            "segment.inlets_many",
            local_id=ids[number],
            node=dependencies.index.label(ids[number]),
            count=len(carried),
            limit=INLETS,
        )
    carried.sort(key=lambda inlet: input_order(inlet[0][0]))
    return tuple(
        Inlet(inlet_number, type_name, link, targets, listed)
        for inlet_number, (targets, type_name, link, listed) in enumerate(carried)
    )


def slot_of(outlets: Iterable[Outlet], value: Value) -> int:
    """The output index of the segment's node that carries a value."""
    source = (value.source, value.slot)
    return next(
        outlet.number - 1
        for outlet in outlets
        if outlet.source == source and outlet.type == value.type
    )


def _saved(
    dependencies: Dependencies, piece: Piece, remote: RemoteGraph, outlets: Iterable[Outlet]
) -> Iterator[Saved]:
    index = dependencies.index
    files = {outlet.saver: outlet.number for outlet in outlets if outlet.type == FILES}
    for node_id in sorted(piece.savers, key=index.id_rank.__getitem__):
        node = index.nodes[node_id]
        saver = remote.saver_of[node_id]
        linked = {edge.input for edge in node.edges}
        plain = {
            name: value
            for name, value in sorted(node.inputs.items())
            if name not in linked and name in node.traits.definition.inputs
        }
        yield Saved(node_id, node.class_type, plain, saver, files[saver])
