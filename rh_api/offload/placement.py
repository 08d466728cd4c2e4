"""Places each node: locally, or in one of the parts that go to the cloud.

A part is a connected set of nodes of one mark. A local node is pulled into it if it reads a value
of the part that cannot cross the boundary. A node downstream of any part of the mark is also pulled
in if the part reads a value of it that cannot cross. So is one that is cheap and read by the part
alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .boundary_types import crossing_of
from .eligibility import FOLLOWING, Eligible
from .graph_algorithms import DisjointSets
from .graph_index import MANY, Edge, GraphIndex, IndexedNode
from .plan import CannotOffload, Mark, Note
from .special_classes import CHEAP, MADE_VIDEO

Reason = tuple[str, Mapping[str, str]]
"""Text key and parameters: why a node was pulled along."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`part_of`: the part of each cloud node; nodes without an entry are local.

    `marks`: the mark of each part, `marked_in_cloud`: cloud nodes that carry a mark (so without
    marked savers and video nodes that stay here), `pulled`: why others were pulled along.
    """

    index: GraphIndex
    part_of: Mapping[str, int]
    marks: Mapping[int, Mark]
    marked_in_cloud: frozenset[str]
    pulled: Mapping[str, Reason]
    notes: tuple[Note, ...] = ()

    def edges_of(self, node_id: str) -> tuple[Edge, ...]:
        """The effective links of a node: between local nodes as written, all others with savers and
        switches folded away."""
        edges = self.index.edges[node_id]
        if node_id in self.part_of:
            return edges
        part_of, written = self.part_of, self.index.nodes[node_id].edges
        return tuple(
            folded if as_written.source in part_of else as_written
            for as_written, folded in zip(written, edges, strict=True)
        )

    def keeping_here(self, savers: Collection[str]) -> Placement:
        """A copy with these savers placed locally, and a note on each."""
        label, rank = self.index.label, self.index.id_rank
        saved_here = (
            Note(saver, "segment.saves_here", {"node": label(saver)})
            for saver in sorted(savers, key=rank.__getitem__)
        )
        return replace(
            self,
            part_of={node: part for node, part in self.part_of.items() if node not in savers},
            marked_in_cloud=self.marked_in_cloud.difference(savers),
            notes=(*self.notes, *saved_here),
        )


def place(eligible: Eligible) -> Placement:
    """Grow the parts to a fixpoint. Raises CannotOffload for a node that cannot be pulled in."""
    growing = _GrowingParts(eligible)
    growing.pull_readers()
    while growing.pull_sources():
        growing.pull_readers()
    return growing.placement()


class _GrowingParts:
    """Parts under construction: connected nodes of one mark. `mark_of`: indices of marks."""

    def __init__(self, eligible: Eligible) -> None:
        self.eligible = eligible
        self.index = eligible.index
        self.marks = eligible.marks
        self.mark_of = dict(eligible.mark_of)
        self.sets: DisjointSets[str] = DisjointSets()
        self.pulled: dict[str, Reason] = {}
        self.ancestor_marks = _ancestor_marks(eligible)
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
        return Placement(self.index, part_of, marks, marked, self.pulled, eligible.notes)

    def pull_readers(self) -> None:
        """Pull in readers of what cannot leave a part, and join connected nodes of one mark."""
        for node_id in self.index.order:
            mark_index = self.mark_of.get(node_id)
            if mark_index is None:
                mark_index = self._pull_reader(node_id)
            if mark_index is not None:
                for _, source, _ in self.index.edges[node_id]:
                    around = self.index.loops.get(source) == self.index.loops.get(node_id)
                    if self.mark_of.get(source) == mark_index and around:
                        self.sets.union(node_id, source)

    def _pull_reader(self, node_id: str) -> int | None:
        """Pull a node into the first part from which it reads a value that cannot cross.

        Producers of such values in parts of other marks are cloned later (`dependencies.py`).
        """
        index, mark_of = self.index, self.mark_of
        node = index.nodes[node_id]
        for written, edge in zip(node.edges, index.edges[node_id], strict=True):
            if written.source not in mark_of or edge.source not in mark_of:
                continue
            stuck = blocked_outwards(index, node, edge)
            if stuck:
                mark_index = mark_of[edge.source]
                why = self._reason_to_follow(self.marks[mark_index], node, edge.source, stuck)
                self._pull(node_id, mark_index, ("segment.pulled_reader", why))
                return mark_index
        return None

    def _reason_to_follow(
        self, mark: Mark, node: IndexedNode, source: str, stuck: str
    ) -> dict[str, str]:
        """Parameters of the reason to pull a node in. Raises CannotOffload if it must stay here."""
        why = {"node": node.label, "other": self.index.label(source), "type": stuck}
        if mark.only:
            raise CannotOffload("segment.only", local_id=node.id, **why)
        if node.obstacle:
            raise CannotOffload(FOLLOWING[node.obstacle], local_id=node.id, **why)
        return why

    def _pull(self, node_id: str, mark_index: int, reason: Reason) -> None:
        self.pulled[node_id] = reason
        self.sets.add(node_id)
        self.mark_of[node_id] = mark_index

    def pull_sources(self) -> bool:
        """Pull in nodes downstream of a mark with values that its nodes read and that cannot cross.

        Cheap nodes too, if that mark's nodes alone read them: a sum must not split an order.
        Returns whether any was pulled in.
        """
        index, any_pulled, staying = self.index, False, self.eligible.staying
        sole_reader: dict[str, int] = {}  # the mark of all readers of a cheap node, else -1
        for node_id in reversed(index.order):
            node = index.nodes[node_id]
            mark_index = self.mark_of.get(node_id, -1)
            above = self.ancestor_marks[node_id]
            if mark_index < 0 and node.class_type in CHEAP and node_id not in staying:
                mark_index = sole_reader.get(node_id, -1)
                if mark_index >= 0 and above >> mark_index & 1 and not self.marks[mark_index].only:
                    self._pull(node_id, mark_index, ("segment.pulled_cheap", {"node": node.label}))
                    any_pulled = True
                else:
                    mark_index = -1
            for edge in index.edges[node_id]:
                source = edge.source
                source_marks = self.ancestor_marks.get(source, 0)
                if not source_marks or source in self.mark_of:
                    continue
                producer = index.nodes[source]
                if producer.class_type in CHEAP:
                    same = sole_reader.get(source, mark_index) == mark_index
                    sole_reader[source] = mark_index if same else -1
                if mark_index < 0 or not source_marks >> mark_index & 1:
                    continue
                if self.marks[mark_index].only or producer.obstacle:
                    continue
                stuck = blocked_inwards(index, node, edge)
                if stuck:
                    why = {"node": producer.label, "other": node.label, "type": stuck}
                    self._pull(source, mark_index, ("segment.pulled_source", why))
                    any_pulled = True
        return any_pulled


def _ancestor_marks(eligible: Eligible) -> dict[str, int]:
    """Bit set, by index, of the marks among each node's ancestors."""
    ancestor_marks: dict[str, int] = {}
    for node_id in eligible.index.order:
        bits = 0
        for _, source, _ in eligible.index.edges[node_id]:
            bits |= ancestor_marks.get(source, 0)
            if source in eligible.mark_of:
                bits |= 1 << eligible.mark_of[source]
        ancestor_marks[node_id] = bits
    return ancestor_marks


def blocked_outwards(index: GraphIndex, reader: IndexedNode, edge: Edge) -> str:
    """The type of a link whose value cannot leave the cloud, else "". `IMAGE[]`: a list."""
    _, source, slot = edge
    type_name = index.link_type(reader, edge)
    if index.listed(source, slot) == MANY:
        return f"{type_name}[]"
    if crossing_of(type_name) is None:
        return type_name
    if type_name != "VIDEO" or index.is_file_video(source):
        return ""
    # A video that is made of images is made locally: its images cross instead.
    return "" if index.nodes[source].class_type == MADE_VIDEO else type_name


def blocked_inwards(index: GraphIndex, reader: IndexedNode, edge: Edge) -> str:
    """The type of a link whose value cannot enter the cloud, else "". `IMAGE?`: a lazy input, which
    is known to be needed only while it runs in the cloud."""
    name, source, slot = edge
    type_name = index.link_type(reader, edge)
    if index.listed(source, slot) == MANY:
        return f"{type_name}[]"
    if reader.traits.definition.is_lazy(name):
        return f"{type_name}?"
    if crossing_of(type_name) is None:
        return type_name
    return type_name if type_name == "VIDEO" and index.is_made_video(source) else ""
