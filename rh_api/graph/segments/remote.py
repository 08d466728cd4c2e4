"""The graph of one order: the nodes of a piece as they run in the cloud, and their savers."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from .crossing import route
from .facts import LORA_CLASSES, REMOTE_CLASS, model_kind
from .ground import Spot
from .needs import Made, Needs
from .numbering import next_number
from .plan import CannotOffload, LocalFile, LocalLora, ModelName
from .savers import PREFIX_INPUT, SAVERS, WITHOUT_PREFIX

PREFIX = "runninghub_"
_HALF_LEVEL = 0.5001 / 255
"""A hair more than half: in float32 the sum may fall short of a level, and a mask of 0.5 would come
back as 127 of 255."""
_STEP_SIDE = 64

Target = tuple[str, str]
"""A node and one of its inputs."""


@dataclass(slots=True)
class Remote:
    """A graph under way; `free` is the next number for a node of ours.

    `saver_of` has the remote saver of each value that comes out and of each local saver,
    `prefixes` what the names of a saver's files begin with, `instead` the inputs that stand for
    others (node, input) of the local graph.
    """

    free: int
    graph: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[LocalFile] = field(default_factory=list[LocalFile])
    loras: list[LocalLora] = field(default_factory=list[LocalLora])
    models: list[ModelName] = field(default_factory=list[ModelName])
    saver_of: dict[Made | str, str] = field(default_factory=dict[Made | str, str])
    prefixes: dict[str, str] = field(default_factory=dict[str, str])
    instead: dict[Target, Target] = field(default_factory=dict[Target, Target])
    _half_level: str = ""
    _savers: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, class_type: str, inputs: Mapping[str, Any]) -> str:
        """A node of ours, under the next free number."""
        node_id = str(self.free)
        self.free += 1
        self.graph[node_id] = {"class_type": class_type, "inputs": dict(inputs)}
        return node_id

    def save(self, class_type: str, inputs: Mapping[str, Any]) -> str:
        """A saver at the border: one for all who want the same."""
        key = json.dumps([class_type, inputs], sort_keys=True)
        if key not in self._savers:
            self._savers[key] = self.add(class_type, inputs)
            self._told_apart(self._savers[key])
        return self._savers[key]

    def keep(self, node_id: str, class_type: str, inputs: Mapping[str, Any], *, alone: bool) -> str:
        """A saver of the local graph, under its id; an equal one before it serves both."""
        key = json.dumps([class_type, inputs], sort_keys=True)
        if key in self._savers and not alone:
            return self._savers[key]
        if not alone:
            self._savers[key] = node_id
        self.graph[node_id] = {"class_type": class_type, "inputs": dict(inputs)}
        self._told_apart(node_id)
        return node_id

    def half_level(self) -> str:
        """A picture of half a level. Savers cut pictures down to whole levels; a mask plus half a
        level, cut down, is rounded, as a mask has to be."""
        if not self._half_level:
            side = {"width": _STEP_SIDE, "height": _STEP_SIDE}
            mask = self.add("SolidMask", {"value": _HALF_LEVEL, **side})
            self._half_level = self.add("MaskToImage", {"mask": [mask, 0]})
        return self._half_level

    def _told_apart(self, saver: str) -> None:
        self.prefixes[saver] = ""
        entry = self.graph[saver]
        if entry["class_type"] not in WITHOUT_PREFIX:
            self.prefixes[saver] = f"{PREFIX}{len(self.prefixes)}"
            entry["inputs"][PREFIX_INPUT] = self.prefixes[saver]


def build(needs: Needs, number: int) -> Remote:
    """The graph of a piece, without loaders for its inlets. Raises CannotOffload."""
    piece = needs.pieces[number]
    remote = Remote(next_number(piece.nodes))
    carried = {target for targets in piece.inlets.values() for target in targets}
    saved: list[tuple[Spot, dict[str, Any]]] = []
    for node_id in sorted(piece.nodes, key=needs.ground.rank.__getitem__):
        spot = needs.ground.spots[node_id]
        inputs = _inputs(remote, spot, carried)
        if node_id in piece.savers:
            saved.append((spot, inputs))
        else:
            class_type = REMOTE_CLASS.get(spot.class_type, spot.class_type)
            remote.graph[node_id] = {"class_type": class_type, "inputs": inputs}
    for spot, inputs in saved:
        remote.saver_of[spot.id] = _keep(remote, spot, inputs, carried)
    for made in sorted(piece.outlets, key=needs.ground.made_order):
        remote.saver_of[made] = _save(remote, *made)
    return remote


def _inputs(remote: Remote, spot: Spot, carried: Container[Target]) -> dict[str, Any]:
    """A node's inputs as they go up: what its class does not declare is left behind."""
    for name in spot.traits.required:
        if name not in spot.inputs:
            raise CannotOffload(
                "segment.input_missing", local_id=spot.id, node=spot.label, input=name
            )
    linked = {name for name, _, _ in spot.raw}
    inputs = {
        name: _value(remote, spot, name, value)
        for name, value in spot.inputs.items()
        if name not in linked and spot.traits.declares(name)
    }
    for name, source, slot in spot.links:
        if spot.traits.declares(name) and (spot.id, name) not in carried:
            inputs[name] = [source, slot]
    return inputs


def _value(remote: Remote, spot: Spot, name: str, value: object) -> object:
    loaded = spot.traits.files.get(name)
    if loaded and not (value == "" and spot.traits.known.inputs[name].type == "STRING"):
        if not isinstance(value, str) or not value.strip():
            raise CannotOffload(
                "segment.file_unnamed", local_id=spot.id, node=spot.label, input=name
            )
        if spot.class_type in REMOTE_CLASS and not value.endswith("]"):
            value = f"{value} [output]"
        remote.files.append(LocalFile(spot.id, name, value, loaded))
        return value
    kind = model_kind(spot.class_type, name, value)
    if kind:
        # Windows divides folders in its own way; the cloud does not run it.
        value = str(value).replace("\\", "/")
        remote.models.append(ModelName(spot.id, name, value, kind))
        if spot.class_type in LORA_CLASSES and kind == "LORA":
            remote.loras.append(LocalLora(spot.id, name, str(spot.inputs[name])))
    return value


def _keep(remote: Remote, spot: Spot, inputs: dict[str, Any], carried: Container[Target]) -> str:
    """The remote saver that does the work of a local one."""
    saver = SAVERS[spot.class_type]
    inputs.pop(PREFIX_INPUT, None)
    # One whose source is not in the graph yet, or whose own output is read, is like no other.
    alone = (spot.id, saver.input) in carried or not saver.passes
    if spot.class_type == "MaskPreview":
        picture = remote.add("MaskToImage", inputs)
        remote.instead[spot.id, saver.input] = (picture, saver.input)
        inputs = {"images": [picture, 0]}
    elif saver.remote != spot.class_type:
        inputs = {name: value for name, value in inputs.items() if name == saver.input}
    return remote.keep(spot.id, saver.remote, inputs, alone=alone)


def _save(remote: Remote, source: str, slot: int, kind: str) -> str:
    """The saver that brings a value to the border."""
    way = route(kind)
    if way is None:
        raise CannotOffload(local_id=source)
    value = [source, slot]
    if kind == "MASK":
        value = [_rounded(remote, value), 0]
    more = {"format": "auto", "codec": "auto"} if kind == "VIDEO" else {}
    return remote.save(way.saver, {way.saved: value, **more})


def _rounded(remote: Remote, mask: list[Any]) -> str:
    """A picture of a mask, half a level brighter."""
    picture = remote.add("MaskToImage", {"mask": mask})
    inverse = remote.add("ImageInvert", {"image": [picture, 0]})
    step = {"blend_factor": 1.0, "blend_mode": "difference"}
    darker = remote.add(
        "ImageBlend",
        {"image1": [inverse, 0], "image2": [remote.half_level(), 0], **step},
    )
    return remote.add("ImageInvert", {"image": [darker, 0]})
