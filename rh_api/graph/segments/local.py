"""The prompt that stays: segments in place of what went, and links to them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from ...wire.workflows import Graph
from ..stand_ins import SAVED_CLASS, SEGMENT_CLASS
from .building import slot_of
from .ground import Spot
from .needs import Needs
from .plan import Saved, Segment
from .savers import PREFIX_INPUT
from .written import dump


def rewrite(prompt: Graph, needs: Needs, segments: Mapping[int, Segment]) -> dict[str, Any]:
    """The local prompt; nodes that nothing of it concerns are the same objects as before."""
    gone = [node_id for node_id in needs.ground.order if node_id not in needs.here]
    dropped = _without_source(needs, gone)
    passed: dict[str, Any] = {}
    for node_id, entry in prompt.items():
        if node_id in needs.here:
            passed[node_id] = _entry(needs, segments, node_id, entry)
        elif node_id not in dropped:
            passed[node_id] = entry
    for segment in segments.values():
        passed[segment.id] = _segment_entry(segment)
        for saved in segment.saved:
            passed[saved.node_id] = _saved_entry(needs, segments, prompt, segment, saved)
    return passed


def _without_source(needs: Needs, gone: list[str]) -> set[str]:
    """What is gone, and what no output needed and would read from it."""
    spots, live = needs.ground.spots, set(needs.ground.order)
    readers: defaultdict[str, list[str]] = defaultdict(list)
    for spot in spots.values():
        if spot.id not in live:
            for _, source, _ in spot.raw:
                readers[source].append(spot.id)
    dropped = set(gone)
    waiting = list(gone)
    while waiting:
        for reader in readers.get(waiting.pop(), ()):
            if reader not in dropped:
                dropped.add(reader)
                waiting.append(reader)
    return dropped


def _entry(needs: Needs, segments: Mapping[int, Segment], node_id: str, entry: object) -> object:
    spot = needs.ground.spots[node_id]
    changed: dict[str, Any] = {}
    for raw, link in zip(spot.raw, needs.homes.links_of(node_id), strict=True):
        found = _found(needs, segments, spot, link)
        if found != raw[1:]:
            changed[raw[0]] = list(found)
    if not changed:
        return entry
    return {**cast("Mapping[str, Any]", entry), "inputs": {**spot.inputs, **changed}}


def _found(
    needs: Needs, segments: Mapping[int, Segment], reader: Spot, link: tuple[str, str, int]
) -> tuple[str, int]:
    """Where a node here gets a value from: a node here, or a segment's output."""
    name, source, slot = link
    if source in needs.here or source not in needs.piece_of:
        return source, slot
    segment = segments[needs.piece_of[source]]
    kind = needs.ground.link_type(reader, name, source, slot)
    return segment.id, slot_of(segment.outlets, (source, slot, kind))


def _segment_entry(segment: Segment) -> dict[str, Any]:
    inputs: dict[str, Any] = {"segment": dump(segment)}
    for inlet in segment.inlets:
        inputs[f"in_{inlet.number}"] = list(inlet.source)
    # Beside the inputs, where ComfyUI's cache does not look: a title orders nothing anew.
    about = {"name": segment.name, "titles": dict(segment.titles)}
    meta = {"title": segment.name, "runninghub": about}
    return {"class_type": SEGMENT_CLASS, "inputs": inputs, "_meta": meta}


def _saved_entry(
    needs: Needs,
    segments: Mapping[int, Segment],
    prompt: Graph,
    segment: Segment,
    saved: Saved,
) -> dict[str, Any]:
    spot = needs.ground.spots[saved.node_id]
    about = {"class_type": saved.class_type, "inputs": saved.inputs}
    inputs: dict[str, Any] = {
        "saver": json.dumps(about, sort_keys=True, separators=(",", ":")),
        "files": [segment.id, saved.outlet - 1],
    }
    for link in spot.links:
        if link[0] == PREFIX_INPUT:
            inputs[PREFIX_INPUT] = list(_found(needs, segments, spot, link))
    entry: dict[str, Any] = {"class_type": SAVED_CLASS, "inputs": inputs}
    meta = cast("Mapping[str, Any]", prompt[saved.node_id]).get("_meta")
    return entry if meta is None else {**entry, "_meta": meta}
