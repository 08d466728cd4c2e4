"""Exchanges with the service, kept as they were: what was asked, and what came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import (
    CutOff,
    KeyRefused,
    RateLimited,
    Redirected,
    RunningHubError,
    ServiceFault,
    Unreachable,
)
from ..run.ports import Meter, Transport
from ..wire.call import Call, Response
from ..wire.envelope import business_error, read_int, reply_of

CALL_SECONDS = 8.0

PASSING = (CutOff, KeyRefused, RateLimited, Redirected, ServiceFault, Unreachable)
"""Errors that say nothing of what the service would answer otherwise."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `response`: None if none came."""

    question: str
    method: str
    path: str
    body: Mapping[str, object]
    response: Response | None
    seconds: float


@dataclass(slots=True)
class Recorder:
    """Sends calls once each, and keeps every exchange; the key is in none of them."""

    transport: Transport
    exchanges: list[Exchange] = field(default_factory=list["Exchange"])

    async def ask(self, question: str, call: Call[Any]) -> Response:
        """Send a call; return its answer, unread. Raises Unreachable."""
        request = call.request
        as_it_is = replace(call, read=_unread, seconds=min(call.seconds, CALL_SECONDS))
        with self._kept(question, request.method, request.path, request.body or {}) as keep:
            return keep(await self.transport.send(as_it_is))

    async def upload(
        self,
        question: str,
        path: str,
        body: bytes | Path,
        name: str,
        mime: str,
        fields: Mapping[str, str],
    ) -> Response:
        """Upload a file; return the answer, unread. Raises Unreachable."""
        with self._kept(question, "POST", path, fields) as keep:
            sending = self.transport.upload(path, body, name, mime, fields, Meter())
            return keep(await sending)

    def _kept(self, question: str, method: str, path: str, body: Mapping[str, object]) -> _Keeping:
        return _Keeping(
            lambda response, seconds: self.exchanges.append(
                Exchange(question, method, path, body, response, seconds)
            )
        )


@dataclass(slots=True)
class _Keeping:
    """Records one exchange at its end, however it ends."""

    keep: Callable[[Response | None, float], None]
    _response: Response | None = None
    _start: float = 0.0

    def __enter__(self) -> Callable[[Response], Response]:
        self._start = time.monotonic()
        return self._take

    def __exit__(self, *_: object) -> None:
        self.keep(self._response, time.monotonic() - self._start)

    def _take(self, response: Response) -> Response:
        self._response = response
        return response


def _unread(response: Response) -> Response:
    return response


def code_of(response: Response) -> int:
    """Return an answer's business code, 0 for success. Raises what says nothing of the question:
    no JSON, a fault of the service, a refused key."""
    reply = reply_of(response)
    code = read_int(reply.get("errorCode")) or read_int(reply.get("code")) or 0
    error = business_error(code, reply, response) if code else None
    if isinstance(error, PASSING):
        raise error
    return code


def is_refusal(error: RunningHubError) -> bool:
    """Return whether the service understood the request, and refused it."""
    return error.code is not None and not isinstance(error, PASSING)
