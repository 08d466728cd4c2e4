"""Nodes for plain values and text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .arithmetic import evaluated

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext


def value_itself(_context: NodeContext, value: Any) -> tuple[Any]:
    return (value,)


def preview_any(context: NodeContext, source: Any) -> tuple[str]:
    plain = isinstance(source, (str, int, float, bool))
    text = str(source) if plain else json.dumps(source, default=repr)
    context.show_text(text)
    return (text,)


def save_text(context: NodeContext, text: str, filename_prefix: str) -> tuple[str]:
    context.save_file(filename_prefix, text.encode(), "txt")
    return (text,)


def concatenate(_context: NodeContext, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
    return (delimiter.join((string_a, string_b)),)


def replace_text(_context: NodeContext, string: str, find: str, replace: str) -> tuple[str]:
    return (string.replace(find, replace),)


def convert_case(_context: NodeContext, string: str, mode: str) -> tuple[str]:
    ways: dict[str, Callable[[str], str]] = {
        "UPPERCASE": str.upper,
        "lowercase": str.lower,
        "Capitalize": str.capitalize,
        "Title Case": str.title,
    }
    return (ways[mode](string),)


def text_length(_context: NodeContext, string: str) -> tuple[int]:
    return (len(string),)


def switch(_context: NodeContext, switch: bool, on_false: Any, on_true: Any) -> tuple[Any]:
    """Both branches were evaluated; ComfyUI's core evaluates only the selected one."""
    return (on_true if switch else on_false,)


def negated(_context: NodeContext, value: Any) -> tuple[bool]:
    return (not value,)


def math_expression(
    _context: NodeContext, expression: str, **values: Any
) -> tuple[float, int, bool]:
    names = {name.removeprefix("values."): value for name, value in values.items()}
    number = evaluated(expression, names)
    return float(number), int(number), bool(number)


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "PreviewAny": preview_any,
    "SaveText": save_text,
    "PrimitiveInt": value_itself,
    "PrimitiveFloat": value_itself,
    "PrimitiveString": value_itself,
    "PrimitiveStringMultiline": value_itself,
    "PrimitiveBoolean": value_itself,
    "StringConcatenate": concatenate,
    "StringReplace": replace_text,
    "CaseConverter": convert_case,
    "StringLength": text_length,
    "ComfySwitchNode": switch,
    "ComfyNotNode": negated,
    "ComfyMathExpression": math_expression,
}
