"""A request's JSON, read value by value, and an answer that is a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...rh_api.errors import BadInput

Body = Mapping[str, Any]
"""A request's JSON object."""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """A file to be shown on a page; `mime` "": of a type that pages only save."""

    path: Path
    name: str
    mime: str = ""


def read_body(data: bytes) -> Body:
    """A request's JSON object; nothing at all is an empty one. BadInput for anything else."""
    if not data.strip():
        return {}
    try:
        parsed: object = json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise BadInput("node.route_body") from None
    if not isinstance(parsed, dict):
        raise BadInput("node.route_body")
    return cast("Body", parsed)


def _refused(constant: str) -> None:
    """NaN and infinities: no JSON, and no browser could read them in what is answered."""
    raise ValueError(constant)


def read_query(query: Mapping[str, str]) -> Body:
    """What stands in an address; whole numbers are numbers."""
    return {
        name: int(value[:18]) if value.isascii() and value.isdecimal() else value
        for name, value in query.items()
    }


def text_of(body: Body, name: str, default: str = "") -> str:
    """A text of a request, or its default when it is left out; BadInput for any other value."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def switch_of(body: Body, name: str) -> bool:
    """A true or false of a request, false when it is left out; BadInput for any other value."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def number_of(body: Body, name: str, default: int | None = None) -> int:
    """A whole number of a request, from 0; BadInput for any other value."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**62:
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value
