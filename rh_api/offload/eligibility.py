"""Selects the marked nodes that can be offloaded, and refuses the others with a reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .graph_index import GraphIndex, IndexedNode
from .plan import CUT, CannotOffload, Mark, Note
from .special_classes import LOOP_END, LOOP_START, OPENED_VIDEO, edits_video

FOLLOWING = {
    "segment.own_node": "segment.own_node_follows",
    "segment.unknown_class": "segment.unknown_class_follows",
    "segment.api_node": "segment.api_node_follows",
    "segment.needs_window": "segment.needs_window_follows",
    "segment.local_disk": "segment.local_disk_follows",
    "segment.side_effect": "segment.side_effect_follows",
    "segment.loop_border": "segment.loop_border_follows",
}
"""The text key of each obstacle, and the key for an unmarked node that would be pulled along."""


@dataclass(frozen=True, slots=True)
class Eligible:
    """`mark_of`: the index of the mark of each live marked node that is offloaded. `staying`: nodes
    of a whole graph that stay here, and are not pulled along."""

    index: GraphIndex
    marks: tuple[Mark, ...]
    mark_of: Mapping[str, int]
    notes: tuple[Note, ...] = ()
    staying: Collection[str] = ()


def find_eligible(
    index: GraphIndex,
    marks: Sequence[Mark],
    joining: Collection[str] = (),
    staying: Mapping[str, Note] = MappingProxyType({}),
) -> Eligible:
    """Select the marked nodes to offload; a node's first mark wins, equal marks are merged.

    `joining`: nodes that stay here, since their order would join a loop's body with the outside.
    `staying`: others that stay here, by the note on each.

    Raises CannotOffload for a live marked node that cannot run in the cloud.
    """
    same: dict[Mark, int] = {}
    named: dict[str, int] = {}
    for number, mark in enumerate(marks):
        first = same.setdefault(mark.on(()), number)
        for node_id in mark.nodes:
            named.setdefault(node_id, first)
    mark_of: dict[str, int] = {}
    notes: list[Note] = []
    for node_id in index.order:
        node = index.nodes[node_id]
        # Nodes that an earlier cut emitted in place of marked ones are offloaded already.
        if node_id not in named or node.class_type in CUT:
            continue
        note = staying.get(node_id) or _loop_note(node, joining)
        if note:
            notes.append(note)
            continue
        if node.obstacle:
            raise CannotOffload(node.obstacle, local_id=node_id, node=node.label)
        if edits_video(node.class_type, node.inputs):
            notes.append(Note(node_id, "segment.edits_here", {"node": node.label}))
        elif _unpacks_locally(index, node, named):
            notes.append(Note(node_id, "segment.opens_here", {"node": node.label}))
        else:
            mark_of[node_id] = named[node_id]
    return Eligible(index, tuple(marks), mark_of, tuple(notes), staying.keys())


def _loop_note(node: IndexedNode, joining: Collection[str]) -> Note | None:
    """The note on a node that a loop keeps here."""
    if node.class_type in (LOOP_START, LOOP_END):
        return Note(node.id, "segment.loop_border", {"node": node.label})
    if node.id in joining:
        return Note(node.id, "segment.loop_joined", {"node": node.label})
    return None


def _unpacks_locally(index: GraphIndex, node: IndexedNode, named: Mapping[str, int]) -> bool:
    """Whether a video that may be made of images is unpacked locally; its images are sent."""
    return node.class_type == OPENED_VIDEO and any(
        source not in named and not index.is_file_video(source) and not index.is_made_video(source)
        for _, source, _ in index.edges[node.id]
    )
