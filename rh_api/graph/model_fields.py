"""Which fields of a remote workflow name a model that the service lists."""

from __future__ import annotations

import re

from .fields import Field, FieldKind

_RESOURCES = {"ckpt": "CHECKPOINT", "unet": "UNET", "lora": "LORA"}
_NAMES_MODEL = re.compile(r"(ckpt|unet|lora)(_name)?(_?[0-9]+)?(_name)?", re.IGNORECASE)


def resource_of(field: Field) -> str:
    """The service's list of models (`ResourceKind`) that a field's value is from, or "".

    There is none of VAE, CLIP or ControlNet models.
    """
    if field.kind is FieldKind.LORA:
        return "LORA"
    named = _NAMES_MODEL.fullmatch(field.name) if isinstance(field.stored, str) else None
    if named is None:
        return ""
    is_gguf = "gguf" in field.node.class_type.lower()
    return "GGUF" if is_gguf else _RESOURCES[named[1].lower()]
