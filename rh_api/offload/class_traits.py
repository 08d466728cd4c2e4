"""Properties of a node that follow from its class alone; computed once per class."""

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
_BROWSER_TYPES = frozenset({"WEBCAM", "AUDIO_RECORD", "LOAD_3D", "COMPOSITOR", "BOUNDING_BOXES"})
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
    """`info` is the class's description, `definition` the same or a default where that is None.

    `outputs`: output types after ALIASES; MATCHED where they depend on the node's links.
    `obstacle`: text key why the class cannot run in the cloud, "" if it can; `paths`: inputs that
    are an obstacle when they are set. `files`: inputs that name a file in ComfyUI's folders, and
    its type. `own`: a class of this pack, which places orders by itself.
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
        """Whether an output's type is inferred from what is linked to the node."""
        return any(type_name.startswith(MATCHED) for type_name in self.outputs)

    @property
    def changes(self) -> bool:
        """Whether equal inputs may give other outputs, other than by a changed file: files are
        uploaded as they are."""
        return self.definition.changes and not self.files

    def declares(self, name: str) -> bool:
        """Whether the class takes that input; the browser leaves stale ones in a prompt."""
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
    """The type of file that an input names in ComfyUI's folders; "" if it names none.

    Many packs declare no upload, so their loaders are recognized by class and input name.
    """
    if about.upload or about.type not in ("COMBO", "STRING"):
        return about.upload
    return _LOADED.get(kind_of(class_type, name, ""), "")


def _obstacle(class_type: str, info: ClassInfo | None, *, own: bool) -> str:
    """Text key why no node of the class can run in the cloud; "" if it can."""
    if own:
        return "segment.own_node"
    if info is None:
        return "segment.unknown_class"
    if info.is_api:
        return "segment.api_node"
    if any(about.type in _BROWSER_TYPES for about in info.inputs.values()):
        return "segment.needs_window"
    if class_type in _DISK_CLASSES or _is_disk_name(class_type):
        return "segment.local_disk"
    return "segment.side_effect" if info.is_output and class_type not in SAVERS else ""


def _path_inputs(info: ClassInfo) -> tuple[str, ...]:
    """Inputs that take a local path; a node that sets one cannot be offloaded."""
    return tuple(
        name
        for name, about in info.inputs.items()
        if about.type in ("STRING", "COMBO") and _DISK_INPUT.fullmatch(name.rpartition(".")[2])
    )


def _is_disk_name(class_type: str) -> bool:
    words = {
        word.lower().removesuffix("s")
        for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_type)
    }
    return bool(words & _DISK_WORDS) and bool(words & _DISK_VERBS)
