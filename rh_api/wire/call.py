"""A call to the service as a value: what to send, how to read the answer, whether to ask twice."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from ..errors import Fate

T = TypeVar("T")

MIB = 1024 * 1024
ANSWER_LIMIT = MIB  # bytes, unpacked: states and lists of some kilobytes
# A whole program, with pictures in its widgets or long lists of choices; texts that a task made.
LARGE_ANSWER_LIMIT = 24 * MIB


class Auth(enum.Enum):
    """Where the key goes. The transport puts it there: no value of ours ever holds it.

    V1 pages ask for both places; live reports say that the body is what counts and that a
    header alone is refused. `accountStatus` alone spells its field in lower case, and the call
    example of an AI app alone reads the key from the query. What is public is asked for without.
    The native route reads it from the path, where `{key}` stands for it.
    """

    BODY = "apiKey"
    LOWER_BODY = "apikey"
    BEARER = ""
    QUERY = "?"
    PATH = "{key}"
    NONE = "-"


KEYED = ("/proxy/{key}", "/proxy-plus/{key}")
"""What addresses of the native route begin with, for machines of 24 and of 48 GB: paths of the own
origin, in which the transport puts the key."""


@dataclass(frozen=True, slots=True)
class Request:
    """One control call; `body` is the JSON object without the key, None for a GET."""

    method: str
    path: str
    auth: Auth
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


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

    `fate`: what its failure says of an order, whatever became of the call: NOT_STARTED where it
    may be made for one and neither orders anything nor is about a task, NO_ORDER where no order
    waits for it; None: as the error says.
    `seconds` bounds the whole call, the answer included; `limit` the answer's bytes, unpacked.
    """

    request: Request
    read: Callable[[Response], T]
    repeatable: bool
    fate: Fate | None = None
    seconds: float = 20.0
    limit: int = ANSWER_LIMIT
