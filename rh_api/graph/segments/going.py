"""Which nodes can run in the cloud, and why another cannot."""

from __future__ import annotations

import re

from .plan import ClassInfo
from .savers import SAVERS

FOLLOWING = {
    "segment.own_node": "segment.own_node_follows",
    "segment.unknown_class": "segment.unknown_class_follows",
    "segment.api_node": "segment.api_node_follows",
    "segment.needs_window": "segment.needs_window_follows",
    "segment.local_disk": "segment.local_disk_follows",
    "segment.side_effect": "segment.side_effect_follows",
}
"""Each reason, and the sentence for a node that nobody marked but that would have to go along."""

_OWN = frozenset({"RHUploadImage", "RHUploadVideo", "RHUploadAudio", "RHLoraUploader"})
# Inputs that only the browser fills: a camera, a microphone, a 3D view, an editor.
_WINDOW = frozenset({"WEBCAM", "AUDIO_RECORD", "LOAD_3D", "COMPOSITOR", "BOUNDING_BOXES"})
_DISK_CLASSES = frozenset({"LoadLatent", "SaveLatent", "LoadTrainingDataset"})
_DISK_WORDS = frozenset({"path", "directory", "folder", "dir"})
_DISK_VERBS = frozenset({"load", "loader", "read", "save", "saver", "write", "list", "batch"})
_DISK_INPUT = re.compile(
    r"((file|image|video|audio|folder|dir|directory|input|output|save|text|json|load)_?)?"
    r"(path|folder|directory|dir)s?",
    re.IGNORECASE,
)


def is_own(class_type: str) -> bool:
    """Whether a node is one of ours: it orders from the cloud by itself."""
    return class_type.startswith("RunningHub") or class_type in _OWN


def class_hindrance(class_type: str, info: ClassInfo | None) -> str:
    """The key of the reason why no node of a class can run in the cloud; "": it can."""
    if is_own(class_type):
        return "segment.own_node"
    if info is None:
        return "segment.unknown_class"
    if info.is_api:
        return "segment.api_node"
    if any(each.type in _WINDOW for each in info.inputs.values()):
        return "segment.needs_window"
    if class_type in _DISK_CLASSES or _says_disk(class_type):
        return "segment.local_disk"
    return "segment.side_effect" if info.is_output and class_type not in SAVERS else ""


def path_inputs(info: ClassInfo) -> tuple[str, ...]:
    """Inputs that take a path of this machine's disk; a node that sets one cannot go."""
    return tuple(
        name
        for name, each in info.inputs.items()
        if each.type in ("STRING", "COMBO") and _DISK_INPUT.fullmatch(name)
    )


def _says_disk(class_type: str) -> bool:
    words = {
        word.lower().removesuffix("s")
        for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_type)
    }
    return bool(words & _DISK_WORDS) and bool(words & _DISK_VERBS)
