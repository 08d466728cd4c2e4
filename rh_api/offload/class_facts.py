"""Facts of single classes that the compiler needs: loaders of files and models, cheap nodes,
switches."""

from __future__ import annotations

import re

REMOTE_CLASS = {"LoadImageOutput": "LoadImage"}
"""Loaders that look into a folder which the cloud does not have: another reads the upload."""

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
"""Models that RunningHub's resource list knows; their type there."""

LORA_CLASSES = frozenset({"LoraLoader", "LoraLoaderModelOnly"})
"""LoRA loaders that RunningHub's own can stand in for."""

CLOUD_LORA_LOADER = "RHLoraLoader"
"""RunningHub's own, the only one that knows uploaded LoRAs; its outputs are LoraLoader's."""

CLIP_LOADERS = {
    "CheckpointLoaderSimple": 1,
    "CheckpointLoader": 1,
    "CLIPLoader": 0,
    "DualCLIPLoader": 0,
    "TripleCLIPLoader": 0,
    "QuadrupleCLIPLoader": 0,
}
"""Classes that load a CLIP, and which output of them it is."""
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
"""Core classes that only count or write: running one here too changes nothing and costs nothing."""

SWITCH, SWITCHED_BY, SWITCHED = "ComfySwitchNode", "switch", ("on_false", "on_true")
"""Core's switch, and its inputs; with a plain condition it is as good as its chosen input."""
PLAIN_CHOICE = "PrimitiveBoolean"

FILE_VIDEO, MADE_VIDEO, OPENED_VIDEO = "LoadVideo", "CreateVideo", "GetVideoComponents"


OTHER = "OTHER"
"""A model of no kind that the resource list has."""


def model_kind(class_type: str, name: str, value: object) -> str:
    """The kind of model that a value names: one of the resource list's, OTHER, "" for none."""
    if not isinstance(value, str):
        return ""
    kind = MODEL_KINDS.get((class_type, name))
    if kind is not None:
        return kind
    return OTHER if _MODEL_FILE.fullmatch(value) else ""
