"""Demand analysis: which nodes each piece, and the local prompt, have to contain.

A walk backwards from the roots. Cheap nodes, and those whose value cannot cross, are cloned into
each piece that needs them; dead nodes are in none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .eligibility import FOLLOWING
from .graph_index import Edge, GraphIndex, IndexedNode, Value
from .partition import Partition
from .placement import Placement, Reason, blocked_inwards, blocked_outwards
from .plan import ORDERS, CannotOffload, Mark
from .savers import PREFIX_INPUT, SAVERS
from .special_classes import CHEAP, MADE_VIDEO

LOCAL = -1
"""The place of nodes that run locally; any other place is the number of a piece."""

Target = tuple[str, str]
"""A node and one of its inputs."""


class Incoming(NamedTuple):
    """A live-in of a piece: an output, the place of the node that produces it (LOCAL or another
    piece), and the type as which it is read."""

    producer: int
    source: str
    slot: int
    type: str


@dataclass(frozen=True, slots=True)
class Piece:
    """An order before lowering.

    `nodes` run in it; the first is one of its own. `inlets`: live-ins, and the inputs that read
    them. `outlets`: live-outs. `savers`: output nodes whose files it makes. `cloned`: nodes that
    were cloned into it because their value cannot cross, and why. `mark`: that of its own nodes.
    """

    mark: Mark
    nodes: Mapping[str, None]
    inlets: Mapping[Incoming, tuple[Target, ...]]
    outlets: frozenset[Value]
    savers: tuple[str, ...]
    cloned: Mapping[str, Reason]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The pieces by number. `local`: nodes that run locally, clones of cloud nodes among them."""

    partition: Partition
    pieces: Mapping[int, Piece]
    local: frozenset[str]

    @property
    def placement(self) -> Placement:
        return self.partition.placement

    @property
    def index(self) -> GraphIndex:
        return self.partition.placement.index

    @property
    def piece_of(self) -> Mapping[str, int]:
        return self.partition.piece_of


def find_dependencies(partition: Partition) -> Dependencies:
    """Find what runs where. Raises CannotOffload for a node or value that cannot cross."""
    cheap = _cheap(partition.placement)
    dependencies = _BackwardWalk(partition, cheap, {}).dependencies()
    pieces = dependencies.pieces
    # A node that was cloned for one link serves the others too: walk again with these clones.
    if any(
        incoming.source in piece.nodes for piece in pieces.values() for incoming in piece.inlets
    ):
        nodes = {number: piece.nodes.keys() for number, piece in pieces.items()}
        again = _BackwardWalk(partition, cheap, nodes).dependencies()
        # It clones nothing anew, so the reasons are those of the first walk.
        pieces = {n: replace(piece, cloned=pieces[n].cloned) for n, piece in again.pieces.items()}
        return replace(again, pieces=pieces)
    return dependencies


def _cheap(placement: Placement) -> frozenset[str]:
    """Cloud nodes to rematerialize: CHEAP ones whose sources are local or such nodes themselves."""
    index, part_of = placement.index, placement.part_of
    cheap: set[str] = set()
    for node_id in index.order:
        if index.nodes[node_id].class_type in CHEAP and all(
            source in cheap or source not in part_of for _, source, _ in index.edges[node_id]
        ):
            cheap.add(node_id)
    return frozenset(cheap.intersection(part_of))


@dataclass(slots=True)
class _PieceBuilder:
    """A Piece under construction."""

    nodes: dict[str, None] = field(default_factory=dict[str, None])
    inlets: dict[Incoming, list[Target]] = field(default_factory=dict[Incoming, list[Target]])
    outlets: set[Value] = field(default_factory=set[Value])
    savers: list[str] = field(default_factory=list[str])
    cloned: dict[str, Reason] = field(default_factory=dict[str, Reason])


class _BackwardWalk:
    """One backward worklist walk from the roots.

    `cheap`: cloud nodes that are rematerialized wherever they are read. `earlier_nodes`: those of
    each piece by an earlier walk, of which those of other pieces are clones.
    """

    def __init__(
        self,
        partition: Partition,
        cheap: frozenset[str],
        earlier_nodes: Mapping[int, Collection[str]],
    ) -> None:
        self.partition = partition
        self.placement = partition.placement
        self.index = partition.placement.index
        self.piece_of = partition.piece_of
        self.cheap = cheap
        self.earlier_nodes = earlier_nodes
        self.pieces: dict[int, _PieceBuilder] = {}
        self.local: dict[str, None] = {}
        self.worklist: list[tuple[int, str]] = []

    def dependencies(self) -> Dependencies:
        nodes = self.index.nodes
        for root in self.index.roots:
            self._need_root(nodes[root])
        while self.worklist:
            place, node_id = self.worklist.pop()
            if place == LOCAL:
                for edge in self.placement.edges_of(node_id):
                    self._need_locally(nodes[node_id], edge)
            else:
                self._need_in_piece(place, nodes[node_id])
        pieces = {number: self._built(piece) for number, piece in self.pieces.items()}
        return Dependencies(self.partition, pieces, frozenset(self.local))

    def _built(self, piece: _PieceBuilder) -> Piece:
        inlets = {incoming: tuple(targets) for incoming, targets in piece.inlets.items()}
        return Piece(
            self._mark(piece),
            piece.nodes,
            inlets,
            frozenset(piece.outlets),
            tuple(piece.savers),
            piece.cloned,
        )

    def _mark(self, piece: _PieceBuilder) -> Mark:
        # The first node of a piece is its own: a root, or read from outside the piece.
        return self.placement.marks[self.placement.part_of[next(iter(piece.nodes))]]

    def _need_root(self, root: IndexedNode) -> None:
        number = self.piece_of.get(root.id)
        if number is None:
            self._need(LOCAL, root.id)
            return
        self._need(number, root.id)
        self.pieces[number].savers.append(root.id)
        for edge in self.index.edges[root.id]:
            # The file name's prefix is computed locally, where the files are saved.
            if edge.input == PREFIX_INPUT:
                self._check_prefix(root, edge)
                self._need_locally(root, edge)

    def _need(self, place: int, node_id: str) -> None:
        nodes = self.local if place == LOCAL else self._piece(place, node_id).nodes
        if node_id not in nodes:
            nodes[node_id] = None
            self.worklist.append((place, node_id))

    def _piece(self, place: int, node_id: str) -> _PieceBuilder:
        if place not in self.pieces:
            count = len(self.pieces) + 1
            if count > ORDERS:
                raise CannotOffload(
                    "segment.orders_many", local_id=node_id, count=count, limit=ORDERS
                )
            self.pieces[place] = _PieceBuilder()
        return self.pieces[place]

    def _need_locally(self, node: IndexedNode, edge: Edge) -> None:
        source = edge.source
        if source not in self.index.nodes:
            return  # ComfyUI reports the missing node itself
        if source not in self.piece_of or self._is_cloned_locally(source):
            self._need(LOCAL, source)
        else:
            self._check_output(node, edge)
            self._add_outlet(node, edge)

    def _is_cloned_locally(self, source: str) -> bool:
        """Whether a cloud node that is read locally is cloned here, instead of sent as a value."""
        return self.index.nodes[source].class_type == MADE_VIDEO or source in self.cheap

    def _need_in_piece(self, place: int, node: IndexedNode) -> None:
        index, piece = self.index, self.pieces[place]
        earlier_nodes = self.earlier_nodes.get(place, ())
        is_saver = node.class_type in SAVERS
        for edge in index.edges[node.id]:
            name, source, slot = edge
            if (is_saver and name == PREFIX_INPUT) or not node.traits.declares(name):
                continue
            self._check_link(node, edge)
            producer = self.piece_of.get(source, LOCAL)
            if producer == place or source in self.cheap or source in earlier_nodes:
                self._need(place, source)
                continue
            if source in piece.cloned:
                continue
            stuck = blocked_inwards(index, node, edge)
            if producer != LOCAL:
                stuck = stuck or blocked_outwards(index, node, edge)
            if stuck:
                self._clone(place, node, source, stuck)
                continue
            if producer == LOCAL:
                self._need(LOCAL, source)
            else:
                self._add_outlet(node, edge)
            incoming = Incoming(producer, source, slot, index.link_type(node, edge))
            piece.inlets.setdefault(incoming, []).append((node.id, name))

    def _add_outlet(self, reader: IndexedNode, edge: Edge) -> None:
        number = self.piece_of[edge.source]
        self._need(number, edge.source)
        value = Value(edge.source, edge.slot, self.index.link_type(reader, edge))
        self.pieces[number].outlets.add(value)

    def _clone(self, place: int, reader: IndexedNode, source: str, stuck: str) -> None:
        """Clone `source` into the piece, since its value cannot cross. Raises CannotOffload."""
        piece, node = self.pieces[place], self.index.nodes[source]
        why = {"node": node.label, "other": reader.label, "type": stuck}
        if source not in self.placement.marked_in_cloud:
            if self._mark(piece).only:
                raise CannotOffload("segment.only", local_id=source, **why)
            if node.obstacle:
                raise CannotOffload(FOLLOWING[node.obstacle], local_id=source, **why)
        piece.cloned[source] = ("segment.pulled_source", why)
        self._need(place, source)

    def _check_prefix(self, node: IndexedNode, edge: Edge) -> None:
        if blocked_outwards(self.index, node, edge):
            raise CannotOffload(
                "segment.prefix_linked",
                local_id=node.id,
                node=node.label,
                input=edge.input,
                other=self.index.label(edge.source),
            )

    def _check_link(self, node: IndexedNode, edge: Edge) -> None:
        name, source, _ = edge
        if source not in self.index.nodes:
            raise CannotOffload(
                "segment.no_source", local_id=node.id, node=node.label, input=name, other=source
            )
        self._check_output(node, edge)
        if name in node.traits.files:
            raise CannotOffload(
                "segment.file_linked", local_id=node.id, node=node.label, input=name
            )

    def _check_output(self, reader: IndexedNode, edge: Edge) -> None:
        source = self.index.nodes[edge.source]
        if source.traits.info and not 0 <= edge.slot < len(source.traits.definition.outputs):
            raise CannotOffload(
                "segment.no_output_slot",
                local_id=reader.id,
                node=reader.label,
                other=source.label,
                slot=edge.slot,
            )
