"""Parses and validates request bodies and queries; and the response that is a file."""

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
    """A file as response. `mime`: MIME type to show it inline, "" to send it as attachment."""

    path: Path
    name: str
    mime: str = ""


def read_body(data: bytes) -> Body:
    """Parse a request's JSON object; an empty body is {}. Raises BadInput for anything else."""
    if not data.strip():
        return {}
    try:
        parsed: object = json.loads(data, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise BadInput("node.route_body") from None
    if not isinstance(parsed, dict):
        raise BadInput("node.route_body")
    return cast("Body", parsed)


def _reject_constant(constant: str) -> None:
    """Reject NaN and infinities: they are not JSON, and browsers fail to parse them if echoed."""
    raise ValueError(constant)


def read_query(query: Mapping[str, str]) -> Body:
    """Convert a query to a body: decimal digits become int (the first 18), the rest stay str."""
    return {
        name: int(value[:18]) if value.isascii() and value.isdecimal() else value
        for name, value in query.items()
    }


def text_of(body: Body, name: str, default: str = "") -> str:
    """Return a string of a request, or `default` if missing. BadInput for another type."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def switch_of(body: Body, name: str) -> bool:
    """Return a bool of a request, False if missing. BadInput for another type."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def number_of(body: Body, name: str, default: int | None = None) -> int:
    """Return an int of a request, 0 to 2**62 - 1, or `default` if missing. BadInput otherwise."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**62:
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value
