"""What may not come: an output that a cloud node did not make blocks whoever reads it, so a piece
of a part that does not need it is an order of its own.

ComfyUI stops a node with a blocker at any of its inputs before our code runs, and a segment is one
node. Nothing is kept apart where that would make something expensive twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import NamedTuple

from .graph_index import PERHAPS
from .placement import Placement, stuck_inwards, stuck_outwards

Doubts = frozenset[tuple[str, int]]
"""Outputs of cloud nodes here, by node and slot, without which something cannot run."""

NONE: Doubts = frozenset()

# What is loaded or encoded, and so may be made in two orders. A LATENT is sampled.
_MADE_AGAIN = frozenset(
    [
        "MODEL",
        "CLIP",
        "VAE",
        "CONDITIONING",
        "CLIP_VISION",
        "CLIP_VISION_OUTPUT",
        "CONTROL_NET",
        "STYLE_MODEL",
        "UPSCALE_MODEL",
        "GUIDER",
        "SAMPLER",
        "SIGMAS",
        "NOISE",
    ]
)


class Apart(NamedTuple):
    """`reader` waits for an output of `source`, and `sibling`, of the same part, does not."""

    reader: str
    source: str
    sibling: str


def doubts_of(placement: Placement) -> dict[str, Doubts]:
    """The doubts of each node in the cloud that has any; what only serves later pieces of its
    part has theirs."""
    if not placement.index.lists:  # every output that is asked for comes
        return {}
    doubts: Mapping[str, Doubts] = {}
    while True:
        # What is bound to a reader in doubt brings doubt to its other readers.
        spread = _spread_to_sources(placement, _spread_to_readers(placement, doubts))
        if spread == doubts:
            return spread
        doubts = spread


def kept_apart(placement: Placement, doubts: Mapping[str, Doubts]) -> Iterator[Apart]:
    """One line for each output in doubt that keeps pieces of a part apart."""
    part_of, seen = placement.part_of, set[tuple[int, tuple[str, int]]]()
    members: defaultdict[int | None, list[str]] = defaultdict(list)
    for node_id in placement.index.order:
        members[part_of.get(node_id)].append(node_id)
    for node_id in placement.index.order:
        part = part_of.get(node_id)
        for _, source, slot in placement.edges_of(node_id) if part is not None else ():
            doubt = (source, slot)
            if part is None or doubt not in doubts.get(node_id, NONE) or (part, doubt) in seen:
                continue
            seen.add((part, doubt))
            siblings = (node for node in members[part] if doubt not in doubts.get(node, NONE))
            sibling = next(siblings, None)
            if sibling is not None:
                yield Apart(node_id, source, sibling)


def _spread_to_readers(placement: Placement, own: Mapping[str, Doubts]) -> dict[str, Doubts]:
    """The doubts of each node and of all that it reads; none where the cloud reads none."""
    index = placement.index
    spread: dict[str, Doubts] = {}
    for node_id in index.order:
        doubts = own.get(node_id, NONE)
        for _, source, slot in placement.edges_of(node_id):
            doubts |= spread.get(source, NONE)
            node = index.nodes.get(source)
            if node is not None and node.traits.own and index.listed(source, slot) == PERHAPS:
                doubts |= {(source, slot)}
        if doubts:
            spread[node_id] = doubts
    return spread if any(node_id in placement.part_of for node_id in spread) else {}


def _spread_to_sources(placement: Placement, doubts: Mapping[str, Doubts]) -> dict[str, Doubts]:
    """Each node of the cloud with the doubts of all its readers, unless something else needs it;
    and with those of a reader that cannot have it from another order."""
    index, part_of = placement.index, placement.part_of
    readers: defaultdict[str, list[Doubts]] = defaultdict(list)
    bound: defaultdict[str, Doubts] = defaultdict(lambda: NONE)
    results = set(index.roots)
    spread: dict[str, Doubts] = {}
    for node_id in reversed(index.order):
        part = part_of.get(node_id)
        own = doubts.get(node_id, NONE)
        if part is not None:
            if node_id not in results and readers[node_id]:
                own |= reduce(lambda common, more: common & more, readers[node_id])
            own |= bound[node_id]
            if own:
                spread[node_id] = own
        reader = index.nodes[node_id]
        for edge in placement.edges_of(node_id):
            source = edge.source
            if source not in part_of:
                continue
            if part is None or part_of[source] != part:
                results.add(source)
                continue
            readers[source].append(own)
            stuck = stuck_inwards(index, reader, edge) or stuck_outwards(index, reader, edge)
            if stuck and stuck not in _MADE_AGAIN and index.edges[source]:
                bound[source] |= own
    return spread
