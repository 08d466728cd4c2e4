"""Validates a model's body: 1007 with the parameter's name, and a few other codes.

Strict where the sources leave it open: an optional key is absent or valid. Node keys such as
``53##image``, which the site itself publishes, are refused (live probes, April and September 2026),
and so are numbers in place of an option's string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import urlsplit

from ..catalog import LORAS
from ..codes import Json, Refused
from .catalogue import MEDIA, Model, Parameter

if TYPE_CHECKING:
    from ..state import State

ALLOWED = ("webhookUrl",)
"""Keys accepted in every body besides the model's parameters."""

RESERVED_HOSTS = ("example.com", "example.org", "example.net", "localhost")
RESERVED_ENDS = (".example", ".invalid", ".test", ".localhost", ".example.com")

MEGABYTE = 1_000_000
"""Whether the lists' megabytes are these or of 2**20 bytes is told nowhere."""

TEXTS_THAT_ARE_READ = ("prompt", "text", "lyrics")
FILLERS = ("lorem ipsum", "placeholder")


def check_body(state: State, key: str, model: Model, body: Json) -> None:
    """Raise ``Refused`` for the first error in a body."""
    parameters = {param.name: param for param in model.parameters}
    node_keys = {alias for param in model.parameters for alias in param.aliases}
    for name, value in body.items():
        if name in ALLOWED:
            continue
        if name in node_keys or "##" in name:
            _refuse(name, "is no parameter of this API")
        if name not in parameters:
            if model.schema == "full":
                _refuse(name, "is unknown")
            continue
        _check_value(state, key, parameters[name], value)
    _check_together(model, body)


def _refuse(name: str, reason: str) -> NoReturn:
    raise Refused(1007, f"Invalid parameters: {name} {reason}")


def _check_together(model: Model, body: Json) -> None:
    for param in model.parameters:
        applies = param.only_with is None or str(body.get(param.only_with[0])) == param.only_with[1]
        if param.name not in body:
            if param.required and applies and param.excludes not in body:
                _refuse(param.name, "is required")
            continue
        if not applies and param.only_with:
            _refuse(param.name, f"is only for {param.only_with[0]}={param.only_with[1]}")
        if param.needs and param.needs not in body:
            _refuse(param.name, f"needs {param.needs}")
        if param.excludes and param.excludes in body:
            _refuse(param.name, f"excludes {param.excludes}")
    for pair in model.one_of:
        if sum(name in body for name in pair) != 1:
            _refuse(pair[0], f"or {pair[1]} is required, and not both")


def _check_value(state: State, key: str, parameter: Parameter, value: Any) -> None:
    if value is None or (value in ("", [], {}) and value not in parameter.options):
        _refuse(parameter.name, "must not be empty")
    if not parameter.array:
        _check_item(state, key, parameter, value)
        return
    if not isinstance(value, list):
        _refuse(parameter.name, "must be a list")
    items = cast("list[Any]", value)
    if parameter.max_items is not None and len(items) > parameter.max_items:
        _refuse(parameter.name, f"takes at most {parameter.max_items} items")
    for item in items:
        _check_item(state, key, parameter, item)


def _check_item(state: State, key: str, parameter: Parameter, value: Any) -> None:
    if parameter.made_by and parameter.type == "JSON":
        _check_ids_within(state, key, parameter, value)
    elif parameter.type in MEDIA:
        if not (parameter.made_by and is_issued(state, key, parameter, value)):
            _check_media(state, parameter, value)
    elif parameter.type == "JSON":
        if not isinstance(value, (dict, list)):
            _refuse(parameter.name, "must be an object or a list")
    elif parameter.type == "BOOLEAN":
        if not isinstance(value, bool):
            _refuse(parameter.name, "must be true or false")
    elif parameter.type in ("INT", "FLOAT"):
        _check_number(parameter, value)
    else:
        _check_text(state, key, parameter, value)


def _check_number(parameter: Parameter, value: Any) -> None:
    kinds = int if parameter.type == "INT" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        _refuse(parameter.name, f"must be a number ({parameter.type})")
    if (parameter.low is not None and value < parameter.low) or (
        parameter.high is not None and value > parameter.high
    ):
        _refuse(parameter.name, f"must be between {parameter.low} and {parameter.high}")


def _check_text(state: State, key: str, parameter: Parameter, value: Any) -> None:
    if not isinstance(value, str):
        _refuse(parameter.name, "must be a text")
    if parameter.options and value not in parameter.options:
        _refuse(parameter.name, f"must be one of {', '.join(parameter.options)}")
    if parameter.max_length is not None and len(value) > parameter.max_length:
        _refuse(parameter.name, f"is longer than {parameter.max_length}")
    if parameter.min_length is not None and len(value) < parameter.min_length:
        _refuse(parameter.name, f"is shorter than {parameter.min_length}")
    if parameter.type == "LORA" and not (value in LORAS or state.exists("uploaded_loras", value)):
        _refuse(parameter.name, "is no LoRA that is known")
    if parameter.made_by and not is_issued(state, key, parameter, value):
        _refuse(parameter.name, f"{value} is not found or has expired")


def _check_media(state: State, parameter: Parameter, value: Any) -> None:
    """Accept a URL that can be fetched, or a data URI; a node's file name is neither."""
    if not isinstance(value, str):
        _refuse(parameter.name, "must be an address")
    kind = parameter.type.lower()
    if value.startswith("data:"):
        if not value.startswith(f"data:{kind}/") or ";base64," not in value:
            _refuse(parameter.name, f"must be a data URI of {kind}")
        return
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname:
        _refuse(parameter.name, "must be an address")
    if not value.startswith(_own_bases(state)):
        return
    stored = state.store.served(address.path)
    if stored is None:
        raise Refused(1001, f"Invalid URL: {parameter.name} cannot be fetched")
    if stored.kind not in (kind, "zip", "file") and parameter.name != "url":
        _refuse(parameter.name, f"is no {kind}")
    if (
        parameter.formats
        and stored.extension not in parameter.formats
        and "any" not in parameter.formats
    ):
        _refuse(parameter.name, f"must be one of {', '.join(parameter.formats)}")
    if parameter.max_mb is not None and len(stored.data) > parameter.max_mb * MEGABYTE:
        raise Refused(
            1008, f"File size limit exceeded: {parameter.name} is over {parameter.max_mb:g} MB"
        )


def _own_bases(state: State) -> tuple[str, ...]:
    return tuple(base for base in (state.base_url, state.result_base) if base)


def is_issued(state: State, key: str, parameter: Parameter, value: Any) -> bool:
    """Whether ``value`` is an id of this account, issued by a model that ``parameter`` accepts."""
    issued = state.issued_ids.get(str(value))
    return issued is not None and issued.fits(parameter, key)


def _check_ids_within(state: State, key: str, parameter: Parameter, value: Any) -> None:
    """The keys of such items are undocumented; an item is valid if any value is a valid id."""
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    for item in items:
        ids = list(cast("Json", item).values()) if isinstance(item, dict) else [item]
        if not any(is_issued(state, key, parameter, candidate) for candidate in ids):
            _refuse(parameter.name, f"{ids[0] if ids else item} is not found or has expired")


def placeholder_in(model: Model, body: Json) -> str | None:
    """Return the first parameter with a placeholder: filler text, or a URL without a real file."""
    for param in model.parameters:
        value = body.get(param.name)
        for text in cast("list[Any]", value) if isinstance(value, list) else [value]:
            if isinstance(text, str) and _is_placeholder(param, text):
                return param.name
    return None


def _is_placeholder(parameter: Parameter, value: str) -> bool:
    if parameter.type in MEDIA:
        host = urlsplit(value).hostname or ""
        empty = value.startswith("data:") and len(value.partition(",")[2]) < 200
        return empty or host in RESERVED_HOSTS or host.endswith(RESERVED_ENDS)
    if parameter.type != "STRING" or not parameter.name.lower().endswith(TEXTS_THAT_ARE_READ):
        return False
    plain = value.lower()
    return len(set(plain.split() and plain.replace(" ", ""))) < 2 or any(
        filler in plain for filler in FILLERS
    )
