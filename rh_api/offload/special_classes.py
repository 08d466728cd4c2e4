"""Tables of node classes that the compiler special-cases: loaders of files and models, cheap nodes,
switches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

REMOTE_CLASS = {"LoadImageOutput": "LoadImage"}
"""Loaders from a folder that the cloud lacks, and the class that reads the upload instead."""

MODEL_KINDS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "CHECKPOINT",
    ("CheckpointLoader", "ckpt_name"): "CHECKPOINT",
    ("unCLIPCheckpointLoader", "ckpt_name"): "CHECKPOINT",
    ("ImageOnlyCheckpointLoader", "ckpt_name"): "CHECKPOINT",
    ("UNETLoader", "unet_name"): "UNET",
    ("LoraLoader", "lora_name"): "LORA",
    ("LoraLoaderModelOnly", "lora_name"): "LORA",
    ("UnetLoaderGGUF", "unet_name"): "GGUF",
    ("UnetLoaderGGUFAdvanced", "unet_name"): "GGUF",
}
"""Inputs (class, name) of models that RunningHub's resource list covers; their type there."""

LORA_CLASSES = frozenset({"LoraLoader", "LoraLoaderModelOnly"})
"""LoRA loaders that CLOUD_LORA_LOADER can replace."""

CLOUD_LORA_LOADER = "RHLoraLoader"
"""RunningHub's class, the only one that loads uploaded LoRAs; its outputs are LoraLoader's."""

CLIP_LOADERS = {
    "CheckpointLoaderSimple": 1,
    "CheckpointLoader": 1,
    "CLIPLoader": 0,
    "DualCLIPLoader": 0,
    "TripleCLIPLoader": 0,
    "QuadrupleCLIPLoader": 0,
}
"""Classes that load a CLIP, with the index of that output."""
CLIP_OUTPUTS = {**CLIP_LOADERS, "LoraLoader": 1, CLOUD_LORA_LOADER: 1}

_MODEL_FILE = re.compile(r".+\.(safetensors|sft|ckpt|pt|pth|pt2|bin|gguf|onnx)", re.IGNORECASE)

CHEAP = frozenset(
    {
        "PrimitiveInt",
        "PrimitiveFloat",
        "PrimitiveBoolean",
        "PrimitiveString",
        "PrimitiveStringMultiline",
        "SeedNode",
        "CustomCombo",
        "ResolutionSelector",
        "ComfyMathExpression",
        "ComfyNumberConvert",
        "ComfyNotNode",
        "ComfyAndNode",
        "ComfyOrNode",
        "StringFormat",
        "StringConcatenate",
        "StringSubstring",
        "StringLength",
        "CaseConverter",
        "StringTrim",
        "StringReplace",
        "StringContains",
        "StringCompare",
        "RegexMatch",
        "RegexExtract",
        "RegexReplace",
        "JsonExtractString",
        "GetImageSize",
    }
)
"""Pure core classes that return numbers or texts, so cheap that either side may run them too."""

FILE_LOADERS = frozenset(
    {"LoadImage", "LoadImageMask", "LoadImageOutput", "LoadAudio", "LoadVideo"}
)
"""Core classes that decode a file of this machine, and do nothing else."""

LOOP_START, LOOP_END = "StartLoop", "EndLoop"
"""Core's loop, since ComfyUI 0.37: the nodes between them are copied for each turn."""

SWITCH, SWITCHED_BY, SWITCHED = "ComfySwitchNode", "switch", ("on_false", "on_true")
"""Core's switch, and its inputs; with a constant condition it is folded to the chosen input."""
PLAIN_CHOICE = "PrimitiveBoolean"

FILE_VIDEO, MADE_VIDEO, OPENED_VIDEO = "LoadVideo", "CreateVideo", "GetVideoComponents"


def edits_video(class_type: str, inputs: Mapping[str, object]) -> bool:
    """Whether it is a Load Video that trims or crops (`edit`, since ComfyUI 0.35). Its file is
    another film than what it gives, and the cloud's class may not know the input."""
    return class_type == FILE_VIDEO and _holds(inputs.get("edit"))


def _holds(value: object) -> bool:
    """Whether a link, or any value of an object that is not zero."""
    if isinstance(value, dict):
        return any(map(_holds, cast("Mapping[str, object]", value).values()))
    return bool(value)


OTHER = "OTHER"
"""The kind of a model that the resource list does not cover."""


def model_kind(class_type: str, name: str, value: object) -> str:
    """The kind of model that an input's value names: one of MODEL_KINDS, OTHER, or "" for none."""
    if not isinstance(value, str):
        return ""
    kind = MODEL_KINDS.get((class_type, name))
    if kind is not None:
        return kind
    return OTHER if _MODEL_FILE.fullmatch(value) else ""
