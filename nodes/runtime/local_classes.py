"""What ComfyUI on this machine knows of a remote node's class, so that mistakes show early."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...rh_api.offload import ClassInfo, class_info
from ...rh_api.wire.envelope import as_number

# `model.safetensors`, `example.png`: the files of this machine say nothing about the cloud's.
_FILE = re.compile(r".*\.[A-Za-z][A-Za-z0-9_]{1,11}", re.DOTALL)
_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "image_folder", "remote")

Spec = tuple[object, Mapping[str, Any]]
"""What a class declares for one input: its type, or its choices, and the rest."""


def choices(class_type: str, field: str) -> Sequence[object] | None:
    """The options of a combo; None when it is none, lists files, or is not known here."""
    return choices_in(_spec(class_type, field))


def declared(class_type: str, field: str) -> str | None:
    """The type that the class declares for a field, such as FLOAT."""
    return type_in(_spec(class_type, field))


def bounds(class_type: str, field: str) -> tuple[float | None, float | None] | None:
    """The least and the greatest number that the class takes for a field."""
    return bounds_in(_spec(class_type, field))


def bounds_in(spec: Spec | None) -> tuple[float | None, float | None] | None:
    """The least and the greatest number that a declared input takes."""
    if spec is None or spec[0] not in ("INT", "FLOAT"):
        return None
    return as_number(spec[1].get("min")), as_number(spec[1].get("max"))


def choices_in(spec: Spec | None) -> Sequence[object] | None:
    """The options of a declared combo; None when it is none, or lists files."""
    if spec is None:
        return None
    kind, about = spec
    if any(about.get(flag) for flag in _UPLOADS):
        return None
    options = kind if isinstance(kind, list) else about.get("options")
    if not isinstance(options, list) or not options:
        return None
    plain = cast("list[object]", options)
    if not all(isinstance(option, (str, int, float)) for option in plain):
        return None
    if any(isinstance(option, str) and _FILE.fullmatch(option) for option in plain):
        return None
    return plain


def type_in(spec: Spec | None) -> str | None:
    return spec[0] if spec is not None and isinstance(spec[0], str) else None


def read(class_type: str) -> dict[str, Spec] | None:
    """All inputs that a class declares; None for one that is not known here.

    It may list the files of folders, so whoever has many nodes to ask about asks once a class.
    """
    node_class = _class(class_type)
    if node_class is None:
        return None
    try:
        inputs = node_class.INPUT_TYPES()
        return {
            name: (spec[0], spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {})
            for group in ("optional", "required")
            for name, spec in (inputs.get(group) or {}).items()
        }
    # Classes of other packs: what breaks there must not stop an order.
    except Exception:  # noqa: BLE001
        return None


def saves(class_type: str) -> bool | None:
    """Whether a class is an output node; None for one that is not known here."""
    node_class = _class(class_type)
    return None if node_class is None else bool(getattr(node_class, "OUTPUT_NODE", False))


def _class(class_type: str) -> Any:
    """A node class of this ComfyUI; None for one that is not known here."""
    # ComfyUI's own module of this name, not ours: that one is only imported relatively.
    from nodes import NODE_CLASS_MAPPINGS

    return NODE_CLASS_MAPPINGS.get(class_type)


def _spec(class_type: str, field: str) -> Spec | None:
    return (read(class_type) or {}).get(field)


_infos: dict[object, ClassInfo] = {}


def info(class_type: str) -> ClassInfo | None:
    """What cutting asks of a class, read once; None for one that is not known here."""
    node_class = _class(class_type)
    if node_class is None:
        return None
    if node_class not in _infos:
        try:
            changes = _changes(node_class)
            _infos[node_class] = class_info({**_node_info(node_class), "changes": changes})
        # A class of another pack that cannot describe itself takes and gives anything.
        except Exception:  # noqa: BLE001
            _infos[node_class] = ClassInfo(open=True)
    return _infos[node_class]


def _changes(node_class: Any) -> bool:
    """Whether a class decides for itself if it has to run again; a V3 class inherits the word."""
    own = (vars(c) for c in node_class.__mro__ if not c.__module__.startswith("comfy_api."))
    return any("IS_CHANGED" in members or "fingerprint_inputs" in members for members in own)


def _node_info(node_class: Any) -> Mapping[str, Any]:
    """A class as ComfyUI's /object_info describes it."""
    if hasattr(node_class, "GET_NODE_INFO_V1"):
        return node_class.GET_NODE_INFO_V1()
    outputs = getattr(node_class, "RETURN_TYPES", ())
    return {
        "input": node_class.INPUT_TYPES(),
        "is_input_list": getattr(node_class, "INPUT_IS_LIST", False),
        "output": outputs,
        "output_is_list": getattr(node_class, "OUTPUT_IS_LIST", (False,) * len(outputs)),
        "output_node": getattr(node_class, "OUTPUT_NODE", False),
        "api_node": getattr(node_class, "API_NODE", False),
        "python_module": getattr(node_class, "RELATIVE_PYTHON_MODULE", "nodes"),
    }
