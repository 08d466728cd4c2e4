"""Schemas of the nodes that a migration creates: inputs with defaults, and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..graph import node_options
from .graph import NewNode

TYPED = {
    "images": "IMAGE",
    "masks": "MASK",
    "video": "VIDEO",
    "audio": "AUDIO",
    "text": "STRING",
    "files": "STRING",
    "task_id": "STRING",
}
PROGRAMS = {"RunningHubRemoteWorkflow": "workflow", "RunningHubAIApp": "app"}
MODEL = "RunningHubModel"


def _widgets(
    named: str, options: Iterable[node_options.NodeOption]
) -> dict[str, tuple[str, object]]:
    own = {option.name: (option.type, option.default) for option in options}
    return {named: ("STRING", ""), "form": ("STRING", ""), **own}


@dataclass(frozen=True, slots=True)
class Shape:
    """`widgets`: (type, default) by name, in canvas order. `sockets`, `outputs`: type by name."""

    widgets: Mapping[str, tuple[str, object]]
    sockets: Mapping[str, str]
    outputs: Mapping[str, str]

    def slot(self, name: str) -> int:
        return list(self.outputs).index(name)


SHAPES: Mapping[str, Shape] = {
    **{
        name: Shape(_widgets(kind, node_options.PROGRAM), {}, TYPED)
        for name, kind in PROGRAMS.items()
    },
    MODEL: Shape(
        _widgets("model", node_options.MODEL),
        {},
        {**TYPED, "model_3d": "FILE_3D", "urls": "STRING"},
    ),
    "RunningHubTask": Shape(
        {"task_id": ("STRING", ""), "outputs": ("STRING", ""), "profile": ("STRING", "")},
        {},
        TYPED,
    ),
    "RHUploadImage": Shape(
        {"profile": ("STRING", "")},
        {"image": "IMAGE", "mask": "MASK"},
        {"file_name": "STRING", "url": "STRING"},
    ),
    "RHUploadVideo": Shape(
        {"profile": ("STRING", "")},
        {"video": "VIDEO"},
        {"file_name": "STRING", "url": "STRING"},
    ),
    "RHUploadAudio": Shape(
        {"profile": ("STRING", "")},
        {"audio": "AUDIO"},
        {"file_name": "STRING", "url": "STRING"},
    ),
    "LoadVideo": Shape({"file": ("COMBO", "")}, {}, {"VIDEO": "VIDEO"}),
    "LoadAudio": Shape({"audio": ("COMBO", "")}, {}, {"AUDIO": "AUDIO"}),
    "GetVideoComponents": Shape(
        {}, {"video": "VIDEO"}, {"images": "IMAGE", "audio": "AUDIO", "fps": "FLOAT"}
    ),
    "ImageFromBatch": Shape(
        {"batch_index": ("INT", 0), "length": ("INT", 1)}, {"image": "IMAGE"}, {"IMAGE": "IMAGE"}
    ),
    "PrimitiveString": Shape({"value": ("STRING", "")}, {}, {"STRING": "STRING"}),
    "PreviewAny": Shape({}, {"source": "*"}, {"STRING": "STRING"}),
}
"""Our classes and ComfyUI's, with inputs as `nodes/definitions` and `comfy_extras` declare."""


def shape_of(node: NewNode) -> Shape:
    return SHAPES[node.class_type]
