"""Parses a field of the site's catalogue as a parameter.

Its schema: `fieldKey`, `type`, `options` of `value`, `description` and `apiValue`, and a misspelt
`maxInpuNum`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..graph.fields import FieldKind
from ..wire.envelope import as_list, read_json, read_object
from .names import is_parameter_name
from .sanitize import MAX_OPTIONS, MAX_PARAMETERS, count_of, number_of, text_of, texts_of
from .schema import Parameter, option_for

_KINDS = {
    "STRING": FieldKind.STRING,
    "TEXT": FieldKind.STRING,
    "INT": FieldKind.INT,
    "INTEGER": FieldKind.INT,
    "FLOAT": FieldKind.FLOAT,
    "NUMBER": FieldKind.FLOAT,
    "BOOLEAN": FieldKind.BOOLEAN,
    "SWITCH": FieldKind.BOOLEAN,
    "LIST": FieldKind.COMBO,
    "COMBO": FieldKind.COMBO,
    "SELECT": FieldKind.COMBO,
    "IMAGE": FieldKind.IMAGE,
    "VIDEO": FieldKind.VIDEO,
    "AUDIO": FieldKind.AUDIO,
    "LORA": FieldKind.LORA,
    "JSON": FieldKind.JSON,
    "OBJECT": FieldKind.JSON,
    "ARRAY": FieldKind.JSON,
}
_CHOSEN = frozenset({FieldKind.COMBO, FieldKind.INT, FieldKind.FLOAT, FieldKind.BOOLEAN})
_NODE_KEY = re.compile(r"[0-9]+##")
_NOTHING = "empty"  # the option for "leave the key out"
_OURS = frozenset({"apiKey", "webhookUrl"})
_BYTES = 10_000  # a larger `maxSize` is in bytes, a smaller one in megabytes


def read_fields(listed: Iterable[object]) -> tuple[Parameter, ...]:
    """Parse the fields that have a usable key; of duplicates the last one wins."""
    parameters = filter(None, map(read_field, list(listed)[:MAX_PARAMETERS]))
    return tuple({parameter.name: parameter for parameter in parameters}.values())


def read_field(value: object) -> Parameter | None:
    about = read_object(value)
    key = text_of(about.get("fieldKey"), 64)
    # Self-hosted models list a node's key, which the API refuses; its title is what it takes.
    is_node = _NODE_KEY.match(key) is not None
    name = text_of(about.get("title"), 64) if is_node else key
    if not is_parameter_name(name) or name in _OURS:
        return None
    kind = _KINDS.get(text_of(about.get("type"), 20).upper(), FieldKind.STRING)
    options = _options(as_list(about.get("options")), by_label=is_node)
    many = about.get("multipleInputs") is True or about.get("multiple") is True
    limit = number_of(about.get("maxSize"))
    return Parameter(
        name=name,
        kind=kind,
        required=about.get("required") is True,
        default=default_of(kind, about.get("defaultValue"), options),
        options=options,
        low=number_of(about.get("min")),
        high=number_of(about.get("max")),
        step=number_of(about.get("step")),
        min_length=count_of(about.get("minLength")),
        max_length=count_of(about.get("maxLength")),
        is_array=many,
        max_items=count_of(about.get("maxInpuNum") or about.get("maxInputNum")) if many else None,
        max_mb=limit / 2**20 if limit and limit > _BYTES else limit or None,
        formats=_formats(about.get("accept")),
    )


def default_of(kind: FieldKind, value: object, options: tuple[str, ...]) -> object:
    """The default of a choice, a number or a boolean; None for other kinds.

    Those of texts and files are the vendor's samples, some of them presigned URLs.
    """
    if kind not in _CHOSEN or value is None or value == "":
        return None
    if kind is FieldKind.COMBO:
        return option_for(options, value) if isinstance(value, (str, int, float)) else None
    if kind is FieldKind.BOOLEAN:
        return {"true": True, "false": False}.get(text_of(value).lower())
    number = number_of(value)
    return None if kind is FieldKind.INT and not isinstance(number, int) else number


def _options(listed: list[object], *, by_label: bool) -> tuple[str, ...]:
    def text(option: object) -> str:
        about = read_object(option)
        if not about:
            return text_of(option)
        names = ("description", "value") if by_label else ("apiValue", "value")
        return next((named for name in names if (named := text_of(about.get(name)))), "")

    return texts_of((text(option) for option in listed if text(option) != _NOTHING), MAX_OPTIONS)


def _formats(value: object) -> tuple[str, ...]:
    """Parse `["JPG", ".png"]`, its JSON text, or `image/png,.webp`, as suffixes."""
    parsed = read_json(value) if isinstance(value, str) and value.startswith("[") else value
    listed = as_list(parsed) or (value.split(",") if isinstance(value, str) else [])
    names = (text_of(form, 30).lower().rpartition("/")[2].strip(" .") for form in listed)
    return texts_of((name for name in names if re.fullmatch(r"[a-z0-9]{2,5}", name)), 40)
