"""A call to the service as a value: request, response parser, idempotence."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from ..errors import Fate

T = TypeVar("T")

MIB = 1024 * 1024
ANSWER_LIMIT = MIB  # bytes, decompressed: states and lists of some kilobytes
# A whole program, with images in its widgets or long lists of choices; texts made by a task.
LARGE_ANSWER_LIMIT = 24 * MIB


class Auth(enum.Enum):
    """Where the transport inserts the API key; no Request ever contains it.

    V1 pages ask for header and body; live reports say that the body counts and that the header
    alone is refused. Only `accountStatus` spells its field in lower case, and only the call example
    of an AI app reads the key from the query string. Public endpoints get none.
    The native route reads it from the path, in which `{key}` is its placeholder.
    """

    BODY = "apiKey"
    LOWER_BODY = "apikey"
    BEARER = ""
    QUERY = "?"
    PATH = "{key}"
    NONE = "-"


KEYED = ("/proxy/{key}", "/proxy-plus/{key}")
"""Prefixes of native-route paths on the own origin, for machines of 24 and of 48 GB; the transport
replaces `{key}`."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request without the key; `body`: JSON object, None for no body."""

    method: str
    path: str
    auth: Auth
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. `headers`: names in lower case; `complete`: False if it was truncated."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    complete: bool = True

    @property
    def at(self) -> float | None:
        """The Date header in unix seconds, by the service's clock; None if absent or invalid."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One operation. `repeatable`: it is idempotent, so it may be retried if its effect is unknown.

    `fate`: overrides the fate of its errors. NOT_STARTED for a call in preparation of an order,
    which neither places one nor concerns a task; NO_ORDER if it is independent of orders; None:
    the error's own.
    `seconds`: timeout of the whole call, answer included. `limit`: maximum bytes of the answer,
    decompressed. `read`: parses the response, or raises the error that it means."""

    request: Request
    read: Callable[[Response], T]
    repeatable: bool
    fate: Fate | None = None
    seconds: float = 20.0
    limit: int = ANSWER_LIMIT
