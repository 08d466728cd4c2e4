"""What ComfyUI on this machine knows of a remote node's class, so that mistakes show early."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

# `model.safetensors`, `example.png`: the files of this machine say nothing about the cloud's.
_FILE = re.compile(r".*\.[A-Za-z][A-Za-z0-9_]{1,11}", re.DOTALL)
_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "image_folder", "remote")


def choices(class_type: str, field: str) -> Sequence[object] | None:
    """The options of a combo; None when it is none, lists files, or is not known here."""
    spec = _spec(class_type, field)
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


def declared(class_type: str, field: str) -> str | None:
    """The type that the class declares for a field, such as FLOAT."""
    spec = _spec(class_type, field)
    return spec[0] if spec is not None and isinstance(spec[0], str) else None


def _spec(class_type: str, field: str) -> tuple[object, Mapping[str, Any]] | None:
    # ComfyUI's own module of this name, not ours: that one is only imported relatively.
    from nodes import NODE_CLASS_MAPPINGS

    known = NODE_CLASS_MAPPINGS.get(class_type)
    if known is None:
        return None
    try:
        inputs = known.INPUT_TYPES()
        for group in ("required", "optional"):
            found = (inputs.get(group) or {}).get(field)
            if found is not None:
                about = found[1] if len(found) > 1 and isinstance(found[1], dict) else {}
                return found[0], about
    # Classes of other packs: what breaks there must not stop an order.
    except Exception:  # noqa: BLE001
        return None
    return None
