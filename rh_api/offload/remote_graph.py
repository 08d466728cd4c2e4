"""Generates the graph of one order: a piece's nodes as they run in the cloud, and their savers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from ..graph.prompt import is_link
from .boundary_types import crossing_of
from .dependencies import Piece, Target
from .graph_index import GraphIndex, IndexedNode, Value
from .node_allocator import NodeAllocator
from .plan import CannotOffload, LocalFile, LocalLora, ModelName
from .savers import PREFIX_INPUT, SAVERS, WITHOUT_PREFIX
from .special_classes import LORA_CLASSES, MODEL_KINDS, OTHER, REMOTE_CLASS, model_kind

PREFIX = "runninghub_"
"""Prefix of the file names that remote savers write, by which results are matched to savers."""

_HALF_LEVEL = 0.5001 / 255
"""Half a level and an epsilon: in float32 the sum may fall below a level, and a mask of 0.5 would
be returned as 127 of 255."""
_HALF_LEVEL_SIDE = 64


@dataclass(frozen=True, slots=True)
class RemoteGraph:
    """A piece's graph, without loaders for its inlets, and the files and models that it names.

    `saver_of`: the remote saver of each value that leaves, and of each local saver. `prefixes`: the
    file name prefix of each saver. `redirected`: inputs of the local graph that `graph` lacks, and
    the inputs that stand for them.
    """

    graph: Mapping[str, Any]
    files: tuple[LocalFile, ...]
    loras: tuple[LocalLora, ...]
    models: tuple[ModelName, ...]
    saver_of: Mapping[Value | str, str]
    prefixes: Mapping[str, str]
    redirected: Mapping[Target, Target]


def build_remote_graph(index: GraphIndex, piece: Piece) -> RemoteGraph:
    """Generate the graph of a piece. Raises CannotOffload for a node with invalid inputs."""
    return _Builder(index, piece).build()


def _check_range(node: IndexedNode, name: str, value: object) -> None:
    """Raise CannotOffload for a number out of range, as ComfyUI validates local nodes."""
    about = node.traits.definition.inputs.get(name)
    if about is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    refused = partial(
        CannotOffload, local_id=node.id, node=node.label, input=name, value=str(value)
    )
    if about.least is not None and value < about.least:
        raise refused("segment.too_small", least=str(about.least))
    if about.most is not None and value > about.most:
        raise refused("segment.too_large", most=str(about.most))


class _Builder:
    def __init__(self, index: GraphIndex, piece: Piece) -> None:
        self.index = index
        self.piece = piece
        self.carried = {target for targets in piece.inlets.values() for target in targets}
        self.graph: dict[str, Any] = {}
        self.new_nodes = NodeAllocator(self.graph, piece.nodes)
        self.files: list[LocalFile] = []
        self.loras: list[LocalLora] = []
        self.models: list[ModelName] = []
        self.prefixes: dict[str, str] = {}
        self.redirected: dict[Target, Target] = {}
        self._half_level = ""
        self._equal_savers: dict[str, str] = {}

    def build(self) -> RemoteGraph:
        index, piece = self.index, self.piece
        savers: list[tuple[IndexedNode, dict[str, Any]]] = []
        for node_id in sorted(piece.nodes, key=index.id_rank.__getitem__):
            node = index.nodes[node_id]
            inputs = self._inputs(node)
            if node_id in piece.savers:
                savers.append((node, inputs))
            else:
                class_type = REMOTE_CLASS.get(node.class_type, node.class_type)
                self.graph[node_id] = {"class_type": class_type, "inputs": inputs}
        saver_of: dict[Value | str, str] = {
            node.id: self._remote_saver_of(node, inputs) for node, inputs in savers
        }
        for value in sorted(piece.outlets, key=index.value_order):
            saver_of[value] = self._boundary_saver(value)
        return RemoteGraph(
            self.graph,
            tuple(self.files),
            tuple(self.loras),
            tuple(self.models),
            saver_of,
            self.prefixes,
            self.redirected,
        )

    def _inputs(self, node: IndexedNode) -> dict[str, Any]:
        """A node's remote inputs, without undeclared ones and those that inlets feed; the files and
        models that they name are recorded."""
        for name in node.traits.required:
            if name not in node.inputs:
                # Where no model of that kind is installed there is none to choose.
                is_model = (node.class_type, name) in MODEL_KINDS
                key = "segment.no_model" if is_model else "segment.input_missing"
                raise CannotOffload(key, local_id=node.id, node=node.label, input=name)
        linked = {edge.input for edge in node.edges}
        inputs = {
            name: self._record_names(node, name, value)
            for name, value in node.inputs.items()
            if name not in linked and node.traits.declares(name)
        }
        for name, source, slot in self.index.edges[node.id]:
            if node.traits.declares(name) and (node.id, name) not in self.carried:
                inputs[name] = [source, slot]
        return inputs

    def _record_names(self, node: IndexedNode, name: str, value: object) -> object:
        """An input's value as the cloud gets it; the file or model that it names is recorded."""
        if isinstance(value, dict):
            return self._lora_row(node, name, cast("dict[str, object]", value))
        _check_range(node, name, value)
        loaded = node.traits.files.get(name)
        if loaded and not (value == "" and node.traits.definition.inputs[name].type == "STRING"):
            if not isinstance(value, str) or not value.strip():
                raise CannotOffload(
                    "segment.file_unnamed", local_id=node.id, node=node.label, input=name
                )
            if node.class_type in REMOTE_CLASS and not value.endswith("]"):
                value = f"{value} [output]"
            self.files.append(LocalFile(node.id, name, value, loaded))
            return value
        kind = model_kind(node.class_type, name, value)
        declared = node.traits.definition.inputs.get(name)
        is_text = declared is not None and declared.type == "STRING"
        # A text may end like a model's file, or be a pattern for such names.
        if kind and not (kind == OTHER and is_text):
            # Windows' path separators, normalized: the cloud does not run it.
            value = str(value).replace("\\", "/")
            self.models.append(ModelName(node.id, name, value, kind))
            if node.class_type in LORA_CLASSES and kind == "LORA":
                self.loras.append(LocalLora(node.id, name, str(node.inputs[name])))
        return value

    def _lora_row(self, node: IndexedNode, name: str, row: dict[str, object]) -> object:
        """An entry of other packs' lists of LoRAs, `{"on": true, "lora": "a.safetensors"}`,
        recorded as a model: such a node silently skips a missing one, and the run is paid."""
        lora = row.get("lora")
        if not isinstance(lora, str) or not model_kind(node.class_type, name, lora):
            return row
        lora = lora.replace("\\", "/")
        if row.get("on", True):
            self.models.append(ModelName(node.id, name, lora, "LORA"))
        return {**row, "lora": lora}

    def _remote_saver_of(self, node: IndexedNode, inputs: dict[str, Any]) -> str:
        """Add the remote counterpart of a local saver, under its id; returns the saver's id.

        An equal earlier saver serves both.
        """
        saver = SAVERS[node.class_type]
        inputs.pop(PREFIX_INPUT, None)
        # Not merged: one whose source an inlet will feed, or whose own output may be read.
        alone = (node.id, saver.input) in self.carried or not saver.passes
        if node.class_type == "MaskPreview":
            picture = self.new_nodes.add("MaskToImage", inputs)
            self.redirected[node.id, saver.input] = (picture, saver.input)
            inputs = {"images": [picture, 0]}
        elif saver.remote != node.class_type:
            inputs = {name: value for name, value in inputs.items() if name == saver.input}
        key = json.dumps([saver.remote, inputs], sort_keys=True)
        if not alone:
            if key in self._equal_savers:
                return self._equal_savers[key]
            self._equal_savers[key] = node.id
        self.graph[node.id] = {"class_type": saver.remote, "inputs": dict(inputs)}
        self._set_prefix(node.id)
        return node.id

    def _boundary_saver(self, value: Value) -> str:
        """The saver of a value that leaves, added unless there is an equal one; returns its id."""
        source, slot, type_name = value
        crossing = crossing_of(type_name)
        if crossing is None:
            raise CannotOffload(local_id=source)
        output = [source, slot]
        if type_name == "MASK":
            output = [self._rounded(output), 0]
        more = {"format": "auto", "codec": "auto"} if type_name == "VIDEO" else {}
        inputs = {crossing.saved: output, **more}
        key = json.dumps([crossing.saver, inputs], sort_keys=True)
        if key not in self._equal_savers:
            self._equal_savers[key] = self.new_nodes.add(crossing.saver, inputs)
            self._set_prefix(self._equal_savers[key])
        return self._equal_savers[key]

    def _set_prefix(self, saver: str) -> None:
        self.prefixes[saver] = ""
        entry = self.graph[saver]
        if entry["class_type"] not in WITHOUT_PREFIX:
            self.prefixes[saver] = f"{PREFIX}{len(self.prefixes)}"
            entry["inputs"][PREFIX_INPUT] = self.prefixes[saver]

    def _rounded(self, mask: list[Any]) -> str:
        """Add an image of a mask, half a level brighter; returns its node's id.

        Savers truncate to whole levels; a mask plus half a level, truncated, is rounded to nearest,
        as a mask has to be.
        """
        add = self.new_nodes.add
        picture = add("MaskToImage", {"mask": mask})
        inverse = add("ImageInvert", {"image": [picture, 0]})
        half_level = [self._half_level_picture(), 0]
        difference = {"blend_factor": 1.0, "blend_mode": "difference"}
        images = {"image1": [inverse, 0], "image2": half_level}
        darker = add("ImageBlend", {**images, **difference})
        return add("ImageInvert", {"image": [darker, 0]})

    def _half_level_picture(self) -> str:
        if not self._half_level:
            side = {"width": _HALF_LEVEL_SIDE, "height": _HALF_LEVEL_SIDE}
            mask = self.new_nodes.add("SolidMask", {"value": _HALF_LEVEL, **side})
            self._half_level = self.new_nodes.add("MaskToImage", {"mask": [mask, 0]})
        return self._half_level


def with_float_masks(graph: Mapping[str, Any]) -> Mapping[str, Any]:
    """The graph as it is sent: a mask that is rounded is converted to floats first, since
    ImageInvert fails on the bool masks of many packs. Not part of the order's identity, which stays
    that of earlier versions."""
    sent = dict(graph)
    new_nodes = NodeAllocator(sent)
    for blend in graph.values():
        half_level = _linked_node(
            graph, _linked_node(graph, blend, "ImageBlend", "image2"), "MaskToImage", "mask"
        )
        if half_level.get("inputs", {}).get("value") != _HALF_LEVEL:
            continue
        inverse = _linked_node(graph, blend, "ImageBlend", "image1")
        if inverse.get("class_type") == "ImageInvert":
            mask = inverse["inputs"]["image"]
            itself = {"image1": mask, "image2": mask, "blend_factor": 0.0, "blend_mode": "normal"}
            floats = new_nodes.add("ImageBlend", itself)
            sent[blend["inputs"]["image1"][0]] = {**inverse, "inputs": {"image": [floats, 0]}}
    return sent


def _linked_node(
    graph: Mapping[str, Any], entry: Mapping[str, Any], class_type: str, name: str
) -> Mapping[str, Any]:
    """The node linked to an input of a `class_type` node; {} for another class or no link."""
    link = entry["inputs"].get(name) if entry.get("class_type") == class_type else None
    return graph.get(str(link[0]), {}) if is_link(link) else {}
