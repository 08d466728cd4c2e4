"""What follows from a node's class alone; worked out once for all nodes of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..kinds import FieldKind, kind_of
from ..stand_ins import OUTLETS
from .going import class_hindrance, is_own, path_inputs
from .plan import CUT, ClassInfo, InputInfo

_LOADED = {
    FieldKind.IMAGE: "IMAGE",
    FieldKind.VIDEO: "VIDEO",
    FieldKind.AUDIO: "AUDIO",
    FieldKind.ZIP: "FILE",
}
_UNKNOWN = ClassInfo(open=True)
_UNKNOWN_PROGRAM = ClassInfo(outputs=("*",) * OUTLETS, output_is_list=(True,) * OUTLETS, open=True)


@dataclass(frozen=True, slots=True)
class Traits:
    """`info` is what is known of the class, `known` the same with nothing for None.

    `hindrance`: the key of the reason why it cannot run in the cloud, `paths`: inputs that hinder
    it when they are set. `files`: inputs that name a file in ComfyUI's folders, and its type.
    """

    info: ClassInfo | None
    known: ClassInfo
    own: bool
    hindrance: str
    paths: tuple[str, ...]
    required: tuple[str, ...]
    files: Mapping[str, str]

    def declares(self, name: str) -> bool:
        """Whether the class has that input; the browser leaves others in a prompt."""
        known = self.known
        if name in known.inputs or known.open:
            return True
        grown = known.inputs.get(name.partition(".")[0])
        return grown is not None and grown.grows


def traits_of(class_type: str, info: ClassInfo | None) -> Traits:
    own = is_own(class_type)
    known = info or (_UNKNOWN_PROGRAM if own and class_type not in CUT else _UNKNOWN)
    inputs = known.inputs
    return Traits(
        info,
        known,
        own,
        class_hindrance(class_type, info),
        path_inputs(known),
        tuple(name for name, each in inputs.items() if each.required and not each.grows),
        {name: kind for name, each in inputs.items() if (kind := _file(class_type, name, each))},
    )


def _file(class_type: str, name: str, about: InputInfo) -> str:
    """What an input loads from ComfyUI's folders; "" when it names no file there.

    Many packs declare no upload, so their loaders are told by their names.
    """
    if about.upload or about.type not in ("COMBO", "STRING"):
        return about.upload
    return _LOADED.get(kind_of(class_type, name, ""), "")
