"""Specs of node classes in this ComfyUI, by which fields of remote nodes are validated early."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...rh_api.offload import ClassInfo, class_info
from ...rh_api.wire.envelope import as_number

# `model.safetensors`, `example.png`: combos of local files, which differ from the cloud's.
_FILE = re.compile(r".*\.[A-Za-z][A-Za-z0-9_]{1,11}", re.DOTALL)
_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "image_folder", "remote")

Spec = tuple[object, Mapping[str, Any]]
"""A declared input: (type or list of options, settings such as min, max, default)."""


def choices(class_type: str, field: str) -> Sequence[object] | None:
    """Return a combo's options; None if it is no combo, lists files, or the class is unknown."""
    return choices_in(_spec(class_type, field))


def declared(class_type: str, field: str) -> str | None:
    """Return the declared type of a field, such as FLOAT; None for a combo or unknown class."""
    return type_in(_spec(class_type, field))


def bounds(class_type: str, field: str) -> tuple[float | None, float | None] | None:
    """Return (min, max) that a class declares for a numeric field, each None if not declared."""
    return bounds_in(_spec(class_type, field))


def bounds_in(spec: Spec | None) -> tuple[float | None, float | None] | None:
    """Return (min, max) of an INT or FLOAT input, each None if not declared; None for others."""
    if spec is None or spec[0] not in ("INT", "FLOAT"):
        return None
    return as_number(spec[1].get("min")), as_number(spec[1].get("max"))


def choices_in(spec: Spec | None) -> Sequence[object] | None:
    """Return the options of a combo; None if it is no combo or lists files."""
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
    """Return all declared inputs by name; None for an unknown class or one that raises.

    Not cached, and slow where INPUT_TYPES lists folders: call it once per class.
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
    # A class of another pack may raise anything; that must not stop an order.
    except Exception:  # noqa: BLE001
        return None


def saves(class_type: str) -> bool | None:
    """Whether a class is an output node; None for an unknown class."""
    node_class = _class(class_type)
    return None if node_class is None else bool(getattr(node_class, "OUTPUT_NODE", False))


def _class(class_type: str) -> Any:
    """Return a node class of this ComfyUI; None if it has none of this name."""
    # ComfyUI's own module of this name, not ours: that one is only imported relatively.
    from nodes import NODE_CLASS_MAPPINGS

    return NODE_CLASS_MAPPINGS.get(class_type)


def _spec(class_type: str, field: str) -> Spec | None:
    return (read(class_type) or {}).get(field)


_infos: dict[object, ClassInfo] = {}


def info(class_type: str) -> ClassInfo | None:
    """Return a class's facts for the offload compiler, cached; None for an unknown class."""
    node_class = _class(class_type)
    if node_class is None:
        return None
    if node_class not in _infos:
        try:
            changes = _has_change_detection(node_class)
            _infos[node_class] = class_info({**_node_info(node_class), "changes": changes})
        # A class of another pack that raises is assumed to accept and return any type.
        except Exception:  # noqa: BLE001
            _infos[node_class] = ClassInfo(open=True)
    return _infos[node_class]


def _has_change_detection(node_class: Any) -> bool:
    """Whether a class has its own change detection; that of V3's base class does not count."""
    own = (vars(c) for c in node_class.__mro__ if not c.__module__.startswith("comfy_api."))
    return any("IS_CHANGED" in members or "fingerprint_inputs" in members for members in own)


def _node_info(node_class: Any) -> Mapping[str, Any]:
    """Return a class's description in the format of ComfyUI's /object_info."""
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
