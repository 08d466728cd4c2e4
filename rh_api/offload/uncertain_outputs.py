"""Dataflow analysis of outputs that a local RunningHub node may not produce.

Such an output blocks its readers. So nodes of a part that do not depend on it become an order of
their own.

ComfyUI does not run a node with a blocker at any of its inputs, and a segment is one node. Nothing
is kept apart where that would compute something expensive twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import NamedTuple

from .graph_index import PERHAPS
from .placement import Placement, blocked_inwards, blocked_outwards

UncertainOutputs = frozenset[tuple[str, int]]
"""Uncertain outputs of local RunningHub nodes (node, slot) on which a node depends."""

NONE: UncertainOutputs = frozenset()

# Types cheap enough to compute in two orders (loaded, encoded). A LATENT is sampled.
_RECOMPUTABLE = frozenset(
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
    """`reader` depends on an uncertain output of `source`; `sibling`, of its part, does not."""

    reader: str
    source: str
    sibling: str


def uncertain_of(placement: Placement) -> dict[str, UncertainOutputs]:
    """The uncertain outputs that each cloud node depends on, by fixpoint iteration; a node that
    only serves later pieces of its part has theirs."""
    if not placement.index.lists:  # no output is uncertain
        return {}
    uncertain: Mapping[str, UncertainOutputs] = {}
    while True:
        # A node that must go with such a reader passes its uncertain outputs to its other readers.
        spread = _spread_to_sources(placement, _spread_to_readers(placement, uncertain))
        if spread == uncertain:
            return spread
        uncertain = spread


def kept_apart(placement: Placement, uncertain: Mapping[str, UncertainOutputs]) -> Iterator[Apart]:
    """Yield one Apart for each uncertain output that splits a part."""
    part_of, seen = placement.part_of, set[tuple[int, tuple[str, int]]]()
    members: defaultdict[int | None, list[str]] = defaultdict(list)
    for node_id in placement.index.order:
        members[part_of.get(node_id)].append(node_id)
    for node_id in placement.index.order:
        part = part_of.get(node_id)
        for _, source, slot in placement.edges_of(node_id) if part is not None else ():
            output = (source, slot)
            if part is None or output not in uncertain.get(node_id, NONE) or (part, output) in seen:
                continue
            seen.add((part, output))
            siblings = (node for node in members[part] if output not in uncertain.get(node, NONE))
            sibling = next(siblings, None)
            if sibling is not None:
                yield Apart(node_id, source, sibling)


def _spread_to_readers(
    placement: Placement, own: Mapping[str, UncertainOutputs]
) -> dict[str, UncertainOutputs]:
    """Forward pass: a node has its own uncertain outputs and its sources'; {} if no
    cloud node has any."""
    index = placement.index
    spread: dict[str, UncertainOutputs] = {}
    for node_id in index.order:
        uncertain = own.get(node_id, NONE)
        for _, source, slot in placement.edges_of(node_id):
            uncertain |= spread.get(source, NONE)
            node = index.nodes.get(source)
            if node is not None and node.traits.own and index.listed(source, slot) == PERHAPS:
                uncertain |= {(source, slot)}
        if uncertain:
            spread[node_id] = uncertain
    return spread if any(node_id in placement.part_of for node_id in spread) else {}


def _spread_to_sources(
    placement: Placement, uncertain: Mapping[str, UncertainOutputs]
) -> dict[str, UncertainOutputs]:
    """Backward pass: a cloud node has the uncertain outputs common to its readers, unless it is
    read outside its part. It also has those of a reader to which its value cannot cross."""
    index, part_of = placement.index, placement.part_of
    readers: defaultdict[str, list[UncertainOutputs]] = defaultdict(list)
    bound: defaultdict[str, UncertainOutputs] = defaultdict(lambda: NONE)
    results = set(index.roots)
    spread: dict[str, UncertainOutputs] = {}
    for node_id in reversed(index.order):
        part = part_of.get(node_id)
        own = uncertain.get(node_id, NONE)
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
            stuck = blocked_inwards(index, reader, edge) or blocked_outwards(index, reader, edge)
            if stuck and stuck not in _RECOMPUTABLE and index.edges[source]:
                bound[source] |= own
    return spread
