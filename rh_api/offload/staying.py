"""Which nodes of a graph that is offloaded as a whole stay here, and why.

Other marks are refused for what cannot go; a whole graph leaves it here, with a note. What is tied
to a node that stays, by a value that cannot cross, stays too: it must not run on both sides. Only
loaders may, which read no other node.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .graph_index import Edge, GraphIndex
from .placement import blocked_inwards, blocked_outwards
from .plan import CUT, Mark, Note

STAYING = {
    "segment.own_node": "segment.own_node_stays",
    "segment.unknown_class": "segment.unknown_class_stays",
    "segment.api_node": "segment.api_node_stays",
    "segment.needs_window": "segment.needs_window_stays",
    "segment.local_disk": "segment.local_disk_stays",
    "segment.side_effect": "segment.side_effect_stays",
    "segment.loop_border": "segment.loop_border",
}
"""The text key of each obstacle, and of the note on a node that stays here for it."""


def find_staying(
    index: GraphIndex, marks: Sequence[Mark], joining: Collection[str] = ()
) -> dict[str, Note]:
    """The note on each live node of whole marks that stays here. `joining`: as in `find_eligible`,
    nodes that stay too; they have notes of their own."""
    named = {node_id for mark in marks if not mark.whole for node_id in mark.nodes}
    whole = {node_id for mark in marks if mark.whole for node_id in mark.nodes} - named
    if not whole:
        return {}
    walk = _Staying(index, whole, set(joining))
    walk.find_obstacles()
    before = -1
    while len(walk.staying) != before:
        before = len(walk.staying)
        walk.keep_sources()
        walk.keep_readers()
    return walk.notes


class _Staying:
    """The set under construction, and the notes."""

    def __init__(self, index: GraphIndex, whole: Collection[str], staying: set[str]) -> None:
        self.index = index
        self.whole = whole
        self.staying = staying
        self.notes: dict[str, Note] = {}

    def find_obstacles(self) -> None:
        for node_id in self.index.order:
            node = self.index.nodes[node_id]
            if node_id in self.whole and node.obstacle and node.class_type not in CUT:
                self._stay(node_id, STAYING[node.obstacle], {"node": node.label})

    def keep_sources(self) -> None:
        """What a node that stays reads, and could not get from the cloud."""
        for reader in reversed(self.index.order):
            for edge in self.index.edges[reader] if reader in self.staying else ():
                stuck = blocked_outwards(self.index, self.index.nodes[reader], edge)
                if stuck and edge.source in self.whole:
                    self._stay_too(edge.source, reader, stuck)

    def keep_readers(self) -> None:
        """What reads a node that stays, and could not get that in the cloud."""
        for reader in self.index.order:
            for edge in self.index.edges[reader] if reader in self.whole else ():
                stuck = blocked_inwards(self.index, self.index.nodes[reader], edge)
                if stuck and edge.source in self.staying and not self._is_loader(edge):
                    self._stay_too(reader, edge.source, stuck)

    def _stay(self, node_id: str, key: str, why: dict[str, object]) -> None:
        if node_id not in self.staying:
            self.staying.add(node_id)
            self.notes[node_id] = Note(node_id, key, why)

    def _stay_too(self, node_id: str, other: str, stuck: str) -> None:
        labels = {"node": self.index.label(node_id), "other": self.index.label(other)}
        self._stay(node_id, "segment.stays_too", {**labels, "type": stuck})

    def _is_loader(self, edge: Edge) -> bool:
        """Whether a copy of the node may run in the cloud beside it."""
        node = self.index.nodes[edge.source]
        return not node.edges and not node.obstacle
