"""Nodes that carry plain values and text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Bench


def value_itself(_bench: Bench, value: Any) -> tuple[Any]:
    return (value,)


def preview_any(bench: Bench, source: Any) -> tuple[()]:
    plain = isinstance(source, (str, int, float, bool))
    bench.show_text(str(source) if plain else json.dumps(source, default=repr))
    return ()


def save_text(bench: Bench, text: str, filename_prefix: str) -> tuple[()]:
    bench.save_file(filename_prefix, text.encode(), "txt")
    return ()


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "PreviewAny": preview_any,
    "SaveText": save_text,
    "PrimitiveInt": value_itself,
    "PrimitiveFloat": value_itself,
    "PrimitiveString": value_itself,
    "PrimitiveStringMultiline": value_itself,
    "PrimitiveBoolean": value_itself,
}
