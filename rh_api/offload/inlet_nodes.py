"""Binds a segment's graph to its run-time values: inserts loaders, plain values and file names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..errors import BadInput
from ..graph.prompt import Graph, downstream, id_order, is_link, read_nodes
from .boundary_types import IMAGE, Crossing, crossing_of
from .node_allocator import NodeAllocator
from .plan import Inlet, LocalFile, LocalLora
from .remote_graph import PREFIX
from .savers import PREFIX_INPUT
from .special_classes import CLIP_LOADERS, CLIP_OUTPUTS, CLOUD_LORA_LOADER

_RGB, _RGBA = 3, 4
_SOUND_CHANNELS = 2


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an inlet: an image or mask of a batch, audio, a video, or a plain value.

    `channels` of an image or audio, 0 if unknown; `value` of a plain one.
    """

    channels: int = 0
    value: object = None


def with_inlet(
    graph: Graph, inlet: Inlet, items: Sequence[Item]
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a copy of `graph` whose inlet targets read the items, by loaders or as a plain value.

    Also the fields to set, as `node.input`, each with the index of the item whose uploaded name it
    takes; none for a plain value, which is inlined. Raises BadInput.
    """
    if not items:
        raise BadInput("segment.inlet_empty", inlet=_target(inlet))
    loaders = _Loaders(dict(graph))
    crossing = crossing_of(inlet.type)
    if crossing is None:
        raise BadInput("segment.unreadable")
    if crossing.plain:
        _single(inlet, items)
        value: object = _plain(inlet, items[0].value)
    else:
        value = [_ADD_LOADERS[inlet.type](loaders, crossing, inlet, items), 0]
    for node_id, name in inlet.targets:
        entry = cast("Mapping[str, Any]", loaders.graph[node_id])
        loaders.graph[node_id] = {**entry, "inputs": {**entry["inputs"], name: value}}
    return loaders.graph, loaders.fields


def with_file(graph: Graph, file: LocalFile, remote_name: str) -> dict[str, Any]:
    """Return a copy of `graph` whose loader reads the uploaded file `remote_name`."""
    entry = cast("Mapping[str, Any]", graph[file.node_id])
    named = {**entry, "inputs": {**entry["inputs"], file.input: remote_name}}
    return {**graph, file.node_id: named}


def with_lora(graph: Graph, lora: LocalLora, remote_name: str) -> dict[str, Any]:
    """Return a copy of `graph` that loads the uploaded LoRA `remote_name`.

    Only RunningHub's own `RHLoraLoader` loads uploaded LoRAs; its field is `file_name` by newer
    reports and `lora_name` by older ones, so both are set. It has both of LoraLoader's outputs, in
    their order. In place of a LoraLoaderModelOnly it gets a CLIP of the graph, with strength 0.
    """
    entry = cast("Mapping[str, Any]", graph[lora.node_id])
    inputs: dict[str, Any] = dict(entry["inputs"])
    if "clip" not in inputs:
        clip = _clip_for(graph, lora.node_id)
        if clip:
            inputs["clip"] = clip
        inputs["strength_clip"] = 0.0
    named = {"file_name": remote_name, "lora_name": remote_name}
    return {
        **graph,
        lora.node_id: {**entry, "class_type": CLOUD_LORA_LOADER, "inputs": {**inputs, **named}},
    }


class _Loaders:
    """Adds loaders to `graph`, in place. `fields`: the index of the item whose upload each of their
    fields takes."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.graph = graph
        self.add = NodeAllocator(graph).add
        self.fields: dict[str, int] = {}

    def load(self, crossing: Crossing, item: int, **inputs: Any) -> str:
        """Add the loader of an item; returns its node id."""
        node_id = self.add(crossing.loader, {crossing.field: "", **inputs})
        self.fields[f"{node_id}.{crossing.field}"] = item
        return node_id


def _pictures(loaders: _Loaders, crossing: Crossing, inlet: Inlet, items: Sequence[Item]) -> str:
    channels = {item.channels or _RGB for item in items}
    if len(channels) != 1 or not channels <= {_RGB, _RGBA}:
        raise BadInput(
            "segment.channels", inlet=_target(inlet), channels=", ".join(map(str, sorted(channels)))
        )
    images: list[str] = []
    for index in range(len(items)):
        loader = loaders.load(crossing, index)
        if channels == {_RGBA}:
            # LoadImage's mask is 1 - alpha, which is what this node expects.
            loader = loaders.add("JoinImageWithAlpha", {"image": [loader, 0], "alpha": [loader, 1]})
        images.append(loader)
    return _batch(loaders, images)


def _masks(loaders: _Loaders, crossing: Crossing, inlet: Inlet, items: Sequence[Item]) -> str:
    del inlet
    if len(items) == 1:
        return loaders.load(crossing, 0, channel="red")
    # Older versions of LoadImageMask read one mask only; the colour channels hold it too.
    pictures = [loaders.load(IMAGE, index) for index in range(len(items))]
    batch = _batch(loaders, pictures)
    return loaders.add("ImageToMask", {"image": [batch, 0], "channel": "red"})


def _sound(loaders: _Loaders, crossing: Crossing, inlet: Inlet, items: Sequence[Item]) -> str:
    _single(inlet, items)
    if items[0].channels > _SOUND_CHANNELS and _reaches_audio_outlet(loaders.graph, inlet):
        raise BadInput(
            "segment.sound_channels",
            inlet=_target(inlet),
            channels=items[0].channels,
            limit=_SOUND_CHANNELS,
        )
    return loaders.load(crossing, 0)


def _video(loaders: _Loaders, crossing: Crossing, inlet: Inlet, items: Sequence[Item]) -> str:
    _single(inlet, items)
    return loaders.load(crossing, 0)


_ADD_LOADERS = {"IMAGE": _pictures, "MASK": _masks, "AUDIO": _sound, "VIDEO": _video}


def _batch(loaders: _Loaders, images: Sequence[str]) -> str:
    """Concatenate all, in their order, as a balanced tree of ImageBatch: O(n log n) copies."""
    row = list(images)
    while len(row) > 1:
        joined = [
            loaders.add("ImageBatch", {"image1": [first, 0], "image2": [second, 0]})
            for first, second in zip(row[::2], row[1::2], strict=False)
        ]
        row = [*joined, *row[2 * len(joined) :]]
    return row[0]


def _single(inlet: Inlet, items: Sequence[Item]) -> None:
    if len(items) != 1:
        raise BadInput("segment.one_only", inlet=_target(inlet), count=len(items))


def _plain(inlet: Inlet, value: object) -> object:
    if not isinstance(value, (str, int, float)):
        raise BadInput("segment.not_plain", inlet=_target(inlet), given=type(value).__name__)
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput("segment.not_finite", inlet=_target(inlet), value=str(value))
    return value


def _target(inlet: Inlet) -> str:
    node_id, name = inlet.targets[0]
    return f"{node_id}.{name}"


def _reaches_audio_outlet(graph: Graph, inlet: Inlet) -> bool:
    """Whether a boundary SaveAudio is downstream of the inlet."""
    nodes = read_nodes(graph)
    reached = downstream(graph, (node_id for node_id, _ in inlet.targets))
    return any(
        nodes[node_id].class_type == "SaveAudio"
        and str(nodes[node_id].inputs.get(PREFIX_INPUT, "")).startswith(PREFIX)
        for node_id in reached
        if node_id in nodes
    )


def _clip_for(graph: Graph, node_id: str) -> list[Any] | None:
    """A link to the nearest CLIP upstream of the model, else to any loader's; None without one."""
    nodes = read_nodes(graph)
    seen: set[str] = set()
    at = nodes.get(node_id)
    while at is not None and at.id not in seen:
        seen.add(at.id)
        if at.id != node_id and at.class_type in CLIP_OUTPUTS:
            return [at.id, CLIP_OUTPUTS[at.class_type]]
        above = at.inputs.get("model")
        at = nodes.get(str(above[0])) if is_link(above) else None
    loaders = (node.id for node in nodes.values() if node.class_type in CLIP_LOADERS)
    first = min(loaders, key=id_order, default="")
    return [first, CLIP_LOADERS[nodes[first].class_type]] if first else None
