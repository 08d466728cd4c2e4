"""Where each node belongs: to this machine, or to one of the parts that go to the cloud.

A part is what is marked and touches. What reads something from a part that cannot cross the
boundary moves into that part, and so does what would take its way out of a part only to bring
back something that cannot cross.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .boundary_types import crossing_of
from .class_facts import CHEAP, MADE_VIDEO
from .eligibility import FOLLOWING, Eligible
from .graph_algorithms import DisjointSets
from .graph_index import MANY, Edge, GraphIndex, IndexedNode
from .plan import CannotOffload, Mark, Note

Reason = tuple[str, Mapping[str, str]]
"""Key and parameters of the sentence why a node goes along."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`part_of` is the part of each node that goes to the cloud; nodes without an entry stay here.

    `marks` has the mark of each part, `marked` the nodes that somebody marked (and that run),
    `moved` why others went along.
    """

    index: GraphIndex
    part_of: Mapping[str, int]
    marks: Mapping[int, Mark]
    marked: frozenset[str]
    moved: Mapping[str, Reason]
    notes: tuple[Note, ...] = ()

    def edges_of(self, node_id: str) -> tuple[Edge, ...]:
        """The links that count once nodes are placed: a node here reads other nodes here as
        written; all else is read past savers and switches."""
        edges = self.index.edges[node_id]
        if node_id in self.part_of:
            return edges
        part_of, written = self.part_of, self.index.nodes[node_id].edges
        return tuple(
            past if as_written.source in part_of else as_written
            for as_written, past in zip(written, edges, strict=True)
        )

    def keeping_here(self, savers: Collection[str]) -> Placement:
        """With these savers on this machine, which notes tell."""
        label, rank = self.index.label, self.index.rank
        saved_here = (
            Note(saver, "segment.saves_here", {"node": label(saver)})
            for saver in sorted(savers, key=rank.__getitem__)
        )
        return replace(
            self,
            part_of={node: part for node, part in self.part_of.items() if node not in savers},
            marked=self.marked.difference(savers),
            notes=(*self.notes, *saved_here),
        )


def place(eligible: Eligible) -> Placement:
    """Raises CannotOffload for a node that would have to go along and cannot."""
    growing = _GrowingParts(eligible)
    growing.follow_readers()
    while growing.fetch_sources():
        growing.follow_readers()
    return growing.placement()


class _GrowingParts:
    """Parts under way: sets of nodes of the same mark that touch. `mark_of`: the mark's number."""

    def __init__(self, eligible: Eligible) -> None:
        self.eligible = eligible
        self.index = eligible.index
        self.marks = eligible.marks
        self.mark_of = dict(eligible.mark_of)
        self.sets: DisjointSets[str] = DisjointSets()
        self.moved: dict[str, Reason] = {}
        self.behind = _marks_behind(eligible)
        for node_id in eligible.mark_of:
            self.sets.add(node_id)

    def placement(self) -> Placement:
        numbers: dict[str, int] = {}
        part_of: dict[str, int] = {}
        marks: dict[int, Mark] = {}
        for node_id in self.index.order:
            if node_id in self.mark_of:
                root = self.sets.find(node_id)
                part = part_of[node_id] = numbers.setdefault(root, len(numbers))
                marks[part] = self.marks[self.mark_of[root]]
        eligible = self.eligible
        marked = frozenset(eligible.mark_of)
        return Placement(self.index, part_of, marks, marked, self.moved, eligible.notes)

    def follow_readers(self) -> None:
        """Move what reads from a part what cannot come out, and join what touches."""
        for node_id in self.index.order:
            number = self.mark_of.get(node_id)
            if number is None:
                number = self._follow(node_id)
            if number is not None:
                for _, source, _ in self.index.edges[node_id]:
                    if self.mark_of.get(source) == number:
                        self.sets.union(node_id, source)

    def _follow(self, node_id: str) -> int | None:
        """Move a node to the first part that it reads something from which cannot come to it.

        What it needs in the same way from a part of another mark goes along as a copy.
        """
        index, mark_of = self.index, self.mark_of
        node = index.nodes[node_id]
        for written, edge in zip(node.edges, index.edges[node_id], strict=True):
            if written.source not in mark_of or edge.source not in mark_of:
                continue
            stuck = stuck_outwards(index, node, edge)
            if stuck:
                number = mark_of[edge.source]
                why = self._may_follow(self.marks[number], node, edge.source, stuck)
                self._move(node_id, number, ("segment.pulled_reader", why))
                return number
        return None

    def _may_follow(self, mark: Mark, node: IndexedNode, source: str, stuck: str) -> dict[str, str]:
        why = {"node": node.label, "other": self.index.label(source), "type": stuck}
        if mark.only:
            raise CannotOffload("segment.only", local_id=node.id, **why)
        if node.obstacle:
            raise CannotOffload(FOLLOWING[node.obstacle], local_id=node.id, **why)
        return why

    def _move(self, node_id: str, number: int, reason: Reason) -> None:
        self.moved[node_id] = reason
        self.sets.add(node_id)
        self.mark_of[node_id] = number

    def fetch_sources(self) -> bool:
        """Move what comes after a mark and is needed by the same mark where it cannot cross.

        So does what is cheap and only read there: no order is cut in two for a sum. Whether
        anything moved.
        """
        index, moved = self.index, False
        sole_reader: dict[str, int] = {}  # the mark of all readers of a cheap node, else -1
        for node_id in reversed(index.order):
            node = index.nodes[node_id]
            number = self.mark_of.get(node_id, -1)
            bits = self.behind[node_id]
            if number < 0 and bits and node.class_type in CHEAP:
                number = sole_reader.get(node_id, -1)
                if number >= 0 and bits >> number & 1 and not self.marks[number].only:
                    self._move(node_id, number, ("segment.pulled_cheap", {"node": node.label}))
                    moved = True
                else:
                    number = -1
            for edge in index.edges[node_id]:
                source = edge.source
                bits = self.behind.get(source, 0)
                if not bits or source in self.mark_of:
                    continue
                producer = index.nodes[source]
                if producer.class_type in CHEAP:
                    same = sole_reader.get(source, number) == number
                    sole_reader[source] = number if same else -1
                if number < 0 or not bits >> number & 1:
                    continue
                if self.marks[number].only or producer.obstacle:
                    continue
                stuck = stuck_inwards(index, node, edge)
                if stuck:
                    why = {"node": producer.label, "other": node.label, "type": stuck}
                    self._move(source, number, ("segment.pulled_source", why))
                    moved = True
        return moved


def _marks_behind(eligible: Eligible) -> dict[str, int]:
    """The marks that each node's ancestors have, as bits by their numbers."""
    behind: dict[str, int] = {}
    for node_id in eligible.index.order:
        bits = 0
        for _, source, _ in eligible.index.edges[node_id]:
            bits |= behind.get(source, 0)
            if source in eligible.mark_of:
                bits |= 1 << eligible.mark_of[source]
        behind[node_id] = bits
    return behind


def stuck_outwards(index: GraphIndex, reader: IndexedNode, edge: Edge) -> str:
    """What a link carries when it cannot come out of the cloud; "" when it can. `IMAGE[]`:
    a list."""
    _, source, slot = edge
    type_name = index.link_type(reader, edge)
    if index.listed(source, slot) == MANY:
        return f"{type_name}[]"
    if crossing_of(type_name) is None:
        return type_name
    if type_name != "VIDEO" or index.is_file_video(source):
        return ""
    # Of a video made of pictures these come instead, and it is made here.
    return "" if index.nodes[source].class_type == MADE_VIDEO else type_name


def stuck_inwards(index: GraphIndex, reader: IndexedNode, edge: Edge) -> str:
    """What a link carries when it cannot go into the cloud; "" when it can. `IMAGE?`: what is
    made only when it is needed, which shows in the cloud."""
    name, source, slot = edge
    type_name = index.link_type(reader, edge)
    if index.listed(source, slot) == MANY:
        return f"{type_name}[]"
    if reader.traits.definition.is_lazy(name):
        return f"{type_name}?"
    if crossing_of(type_name) is None:
        return type_name
    return type_name if type_name == "VIDEO" and index.is_made_video(source) else ""
