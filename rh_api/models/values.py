"""Converts a user's value for a model's parameter to its JSON value in the body."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from ..errors import BadField, quote_remote
from ..graph.check import LOWEST, GivenMedia, JsonText, Promised, Unsupported
from ..graph.fields import FieldKind, is_address
from ..graph.nearest import listed, nearest
from ..wire.apps import word
from ..wire.filetypes import Kind
from .labels import told
from .sanitize import number_of
from .schema import Parameter, option_for

MEGABYTE = 2**20
_DEEPEST = 20  # maximum nesting of JSON

_TAKES: dict[FieldKind, frozenset[Kind]] = {
    FieldKind.IMAGE: frozenset({Kind.IMAGE}),
    FieldKind.VIDEO: frozenset({Kind.VIDEO}),
    FieldKind.AUDIO: frozenset({Kind.AUDIO}),
    FieldKind.URL: frozenset({Kind.IMAGE, Kind.VIDEO, Kind.AUDIO}),
}
_MIDI = frozenset({"mid", "midi"})  # the one other file type that a field of AUDIO accepts
_SAME = {"jpeg": "jpg", "tif": "tiff"}


@dataclass(frozen=True, slots=True)
class MediaFile(GivenMedia):
    """A file that will be uploaded: `size` in bytes and `suffix` such as `png`, where known."""

    size: int | None = None
    suffix: str = ""


class Doubt(Protocol):
    """Reports a violation of the catalogue: the sentence's key, the parameter, its params."""

    def __call__(self, key: str, field: str, /, **params: object) -> None: ...


def convert(parameter: Parameter, value: object, doubt: Doubt) -> object:
    """Convert a value to its JSON value; None for an empty one.

    Files and Promised (of a link) stay as they are. Raises BadField for a value of a wrong type,
    and for several values where one is accepted.
    """
    if isinstance(value, Promised):
        return [value] if parameter.is_array else value
    if parameter.kind is FieldKind.JSON:
        return _json(parameter, value, doubt)
    if not parameter.is_array:
        if isinstance(value, (list, tuple)):
            value = _only(cast("Sequence[object]", value), parameter)
        return _single(parameter, value, doubt)
    items = [_single(parameter, item, doubt) for item in _items_of(parameter, value)]
    items = [item for item in items if item is not None]
    check_count(parameter.name, len(items), parameter.max_items, doubt)
    return items or None


def check_count(field: str, count: int, limit: int | None, doubt: Doubt) -> None:
    if limit is not None and count > limit:
        doubt("error.model_field_count", field, count=count, limit=limit)


def as_items(value: object) -> list[object]:
    """The items of a list; a single value as one item; none for None."""
    if value is None:
        return []
    return [*cast("Sequence[object]", value)] if isinstance(value, (list, tuple)) else [value]


def read_plain(text: str) -> object:
    """Parse a JSON text; None for invalid JSON, which NaN and Infinity are."""
    try:
        return cast("object", json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        return None


def is_plain(value: object, depth: int = 0) -> bool:
    """Whether a value is valid JSON, with finite numbers, and not nested too deeply."""
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    if value is None or isinstance(value, (str, int)):
        return True
    if depth > _DEEPEST:
        return False
    if isinstance(value, list):
        return all(is_plain(item, depth + 1) for item in cast("list[object]", value))
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return all(isinstance(key, str) and is_plain(item, depth + 1) for key, item in items)
    return False


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _single(parameter: Parameter, value: object, doubt: Doubt) -> object:
    if value is None or value == "":
        return None
    if isinstance(value, Promised):
        return value
    if isinstance(value, Unsupported):
        raise _wrong(parameter, value.type_name)
    if isinstance(value, GivenMedia):
        return check_file(parameter, value, doubt)
    if not isinstance(value, (str, int, float)):
        raise _wrong(parameter, type(value).__name__)
    return _CONVERTERS.get(parameter.kind, _text)(parameter, value, doubt)


def check_file(parameter: Parameter, value: GivenMedia, doubt: Doubt) -> GivenMedia:
    """Return a file as is, doubting its known size and format. Raises BadField for a wrong kind."""
    kinds = _TAKES.get(parameter.kind, frozenset[Kind]())
    is_midi = value.kind is Kind.FILE and not _MIDI.isdisjoint(parameter.formats)
    if value.kind not in kinds and not is_midi:
        raise _wrong(parameter, value.kind.value.upper())
    if not isinstance(value, MediaFile):
        return value
    if parameter.max_mb and value.size is not None and value.size > parameter.max_mb * MEGABYTE:
        size = f"{value.size / MEGABYTE:.1f}"
        doubt("error.model_field_size", parameter.name, size=size, limit=f"{parameter.max_mb:g}")
    suffix = value.suffix.lower().lstrip(".")
    formats = {_SAME.get(form, form) for form in parameter.formats}
    if suffix and formats and _SAME.get(suffix, suffix) not in formats:
        expected = ", ".join(parameter.formats)
        doubt("error.model_field_format", parameter.name, value=suffix, expected=expected)
    return value


def _address(parameter: Parameter, value: str | float, doubt: Doubt) -> str:
    text = _plain(parameter, value).strip()
    if not is_address(text):
        doubt("error.model_field_address", parameter.name, value=_shown(text))
    return text


def _plain(parameter: Parameter, value: str | float) -> str:
    if isinstance(value, (bool, JsonText)):
        raise _wrong(parameter, _shown(value))
    return word(value)


def _text(parameter: Parameter, value: str | float, doubt: Doubt) -> str:
    text = _plain(parameter, value)
    low, high = parameter.min_length or 0, parameter.max_length
    if len(text) < low or (high is not None and len(text) > high):
        bound = low if len(text) < low else high
        doubt("error.model_field_length", parameter.name, count=len(text), limit=bound)
    return text


def _option(parameter: Parameter, value: str | float, doubt: Doubt) -> str:
    text = word(value).strip()
    if not parameter.options:
        return text
    option = option_for(parameter.options, value)
    if option is None:
        near = listed(nearest(text, parameter.options, limit=5, cutoff=0))
        doubt("error.model_field_option", parameter.name, value=_shown(text), near=near)
    return option or text


def _number(parameter: Parameter, value: str | float, doubt: Doubt) -> float:
    number = number_of(value.strip() if isinstance(value, str) else value)
    if number is None or number < LOWEST:
        raise _wrong(parameter, _shown(value))
    low, high = parameter.low, parameter.high
    if (low is not None and number < low) or (high is not None and number > high):
        shown = {"low": "-" if low is None else low, "high": "-" if high is None else high}
        doubt("error.model_field_range", parameter.name, value=number, **shown)
    return number


def _whole(parameter: Parameter, value: str | float, doubt: Doubt) -> float:
    number = _number(parameter, value, doubt)
    if not isinstance(number, int):
        raise _wrong(parameter, _shown(value))
    return number


def _switch(parameter: Parameter, value: str | float, doubt: Doubt) -> bool:
    text = word(value).strip().lower()
    if text not in ("true", "1", "false", "0"):
        raise _wrong(parameter, _shown(value))
    return text in ("true", "1")


def _json(parameter: Parameter, value: object, doubt: Doubt) -> object:
    parsed = read_plain(value) if isinstance(value, str) else value
    if isinstance(parsed, (list, tuple)):
        parsed = [_json_item(item) for item in cast("Sequence[object]", parsed)]
        if any(isinstance(item, Promised) for item in parsed):
            return parsed  # linked values are checked once they are known
    if parameter.is_array and isinstance(parsed, dict):
        parsed = [cast("object", parsed)]
    if not isinstance(parsed, (list, dict)) or not is_plain(cast("object", parsed)):
        raise _wrong(parameter, _shown(value))
    document = cast("list[object] | dict[str, object]", parsed)
    count = len(document) if isinstance(document, list) else 0
    check_count(parameter.name, count, parameter.max_items, doubt)
    return document or None


def _json_item(item: object) -> object:
    """A list item, parsed if it is JSON text of an object or a list, since sockets carry texts."""
    if isinstance(item, str) and item.lstrip()[:1] in ("{", "["):
        parsed = read_plain(item)
        return item if parsed is None else parsed
    return item


_Converter = Callable[[Parameter, "str | float", Doubt], object]
_CONVERTERS: dict[FieldKind, _Converter] = {
    FieldKind.INT: _whole,
    FieldKind.FLOAT: _number,
    FieldKind.BOOLEAN: _switch,
    FieldKind.COMBO: _option,
    FieldKind.IMAGE: _address,
    FieldKind.VIDEO: _address,
    FieldKind.AUDIO: _address,
    FieldKind.URL: _address,
}


def _items_of(parameter: Parameter, value: object) -> list[object]:
    """The items of an array: of a list, of its JSON text, or of a single value.

    Several options may be given as one comma-separated text, unless one has a comma itself.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        parsed = read_plain(value)
        if isinstance(parsed, list):
            return cast("list[object]", parsed)
    if isinstance(value, str) and parameter.kind is FieldKind.COMBO and parameter.options:
        parts = [part.strip() for part in value.split(",")]
        if all(option_for(parameter.options, part) for part in parts):
            return [*parts]
    return as_items(value)


def _only(items: Sequence[object], parameter: Parameter) -> object:
    if len(items) == 1:
        return items[0]
    raise BadField("error.model_field_list", field=told(parameter.name), count=len(items))


def _wrong(parameter: Parameter, shown: object) -> BadField:
    kind = "IMAGE, VIDEO, AUDIO" if parameter.kind is FieldKind.URL else parameter.kind.value
    return BadField(
        "error.model_field_type", field=told(parameter.name), expected=kind, value=shown
    )


def _shown(value: object) -> str:
    return quote_remote(str(value), 80)
