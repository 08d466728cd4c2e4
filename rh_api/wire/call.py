"""A call to the service as a value: what to send, how to read the answer, whether to ask twice."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Auth(enum.Enum):
    """Where the key goes. The transport puts it there: no value of ours ever holds it.

    V1 pages ask for both places; live reports say that the body is what counts and that a
    header alone is refused. `accountStatus` alone spells its field in lower case, and the call
    example of an AI app alone reads the key from the query.
    """

    BODY = "apiKey"
    LOWER_BODY = "apikey"
    BEARER = ""
    QUERY = "?"


@dataclass(frozen=True, slots=True)
class Request:
    """One control call; `body` is the JSON object without the key, None for a GET."""

    method: str
    path: str
    auth: Auth
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `headers` have lower-case names; `complete` is false when it broke off."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    complete: bool = True

    @property
    def at(self) -> float | None:
        """When it was sent, in unix seconds by the service's clock; None if it does not tell."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One operation. `repeatable`: asking twice has no effect beyond asking once.

    `seconds` bounds the whole call, the answer included.
    """

    request: Request
    read: Callable[[Response], T]
    repeatable: bool
    seconds: float = 20.0
