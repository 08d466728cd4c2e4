"""What follows from a node's class alone; worked out once for all nodes of a class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..graph.constants import OUTLETS, TASK_CLASSES
from ..graph.fields import FieldKind, kind_of
from .boundary_types import ALIASES
from .class_info import MATCHED
from .plan import CUT, ClassInfo, InputInfo
from .savers import SAVERS

_LOADED = {
    FieldKind.IMAGE: "IMAGE",
    FieldKind.VIDEO: "VIDEO",
    FieldKind.AUDIO: "AUDIO",
    FieldKind.ZIP: "FILE",
}
_UNKNOWN = ClassInfo(open=True)
_UNKNOWN_PROGRAM = ClassInfo(outputs=("*",) * OUTLETS, output_is_list=(True,) * OUTLETS, open=True)
_OWN = frozenset(
    {"RHUploadImage", "RHUploadVideo", "RHUploadAudio", "RHLoraUploader", *TASK_CLASSES}
)
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


@dataclass(frozen=True, slots=True)
class Traits:
    """`info` is what is known of the class, `definition` the same with nothing for None.

    `outputs`: what they give as it crosses the boundary; MATCHED where that depends on the node.
    `obstacle`: the key of the reason why it cannot run in the cloud, "" for none; `paths`: inputs
    that are one when they are set. `files`: inputs that name a file in ComfyUI's folders, and its
    type. `own`: it is one of ours, which orders from the cloud by itself.
    """

    info: ClassInfo | None
    definition: ClassInfo
    own: bool
    outputs: tuple[str, ...]
    obstacle: str
    paths: tuple[str, ...]
    required: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def is_matched(self) -> bool:
        """Whether an output takes on the type of what is linked to the node."""
        return any(type_name.startswith(MATCHED) for type_name in self.outputs)

    @property
    def changes(self) -> bool:
        """Whether it may give another value each time, and not for a file's sake: those go up as
        they are."""
        return self.definition.changes and not self.files

    def declares(self, name: str) -> bool:
        """Whether the class has that input; the browser leaves others in a prompt."""
        definition = self.definition
        if name in definition.inputs or definition.open:
            return True
        grown = definition.inputs.get(name.partition(".")[0])
        return grown is not None and grown.grows


def traits_of(class_type: str, info: ClassInfo | None) -> Traits:
    own = class_type.startswith("RunningHub") or class_type in _OWN
    definition = info or (_UNKNOWN_PROGRAM if own and class_type not in CUT else _UNKNOWN)
    inputs = definition.inputs
    return Traits(
        info,
        definition,
        own,
        tuple(ALIASES.get(type_name, type_name) for type_name in definition.outputs),
        _obstacle(class_type, info, own=own),
        _path_inputs(definition),
        tuple(name for name, about in inputs.items() if about.required and not about.grows),
        {name: kind for name, about in inputs.items() if (kind := _file(class_type, name, about))},
    )


def _file(class_type: str, name: str, about: InputInfo) -> str:
    """What an input loads from ComfyUI's folders; "" when it names no file there.

    Many packs declare no upload, so their loaders are told by their names.
    """
    if about.upload or about.type not in ("COMBO", "STRING"):
        return about.upload
    return _LOADED.get(kind_of(class_type, name, ""), "")


def _obstacle(class_type: str, info: ClassInfo | None, *, own: bool) -> str:
    """The key of the reason why no node of a class can run in the cloud; "": it can."""
    if own:
        return "segment.own_node"
    if info is None:
        return "segment.unknown_class"
    if info.is_api:
        return "segment.api_node"
    if any(about.type in _WINDOW for about in info.inputs.values()):
        return "segment.needs_window"
    if class_type in _DISK_CLASSES or _says_disk(class_type):
        return "segment.local_disk"
    return "segment.side_effect" if info.is_output and class_type not in SAVERS else ""


def _path_inputs(info: ClassInfo) -> tuple[str, ...]:
    """Inputs that take a path of this machine's disk; a node that sets one cannot go."""
    return tuple(
        name
        for name, about in info.inputs.items()
        if about.type in ("STRING", "COMBO") and _DISK_INPUT.fullmatch(name.rpartition(".")[2])
    )


def _says_disk(class_type: str) -> bool:
    words = {
        word.lower().removesuffix("s")
        for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_type)
    }
    return bool(words & _DISK_WORDS) and bool(words & _DISK_VERBS)
