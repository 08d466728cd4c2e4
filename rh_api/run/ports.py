"""Protocols through which the engine gets its clock and its transports."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from ..wire.call import Call, Response
from ..wire.filetypes import FileType
from ..wire.integrity import Verdict

T = TypeVar("T")


class Clock(Protocol):
    """Monotonic seconds, and sleeping. No wall time."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Transport(Protocol):
    """Calls, uploads and the progress WebSocket: what needs the API key."""

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """One attempt of a call, no retry. `fresh`: on no connection that was idle for longer than
        a quarter of a second, as it may be dead.

        Raises the reader's errors, and Unreachable, with fate NOT_STARTED only when no byte of
        the request left this machine.
        """
        ...

    async def upload(
        self,
        path: str,
        body: bytes | Path,
        name: str,
        mime: str,
        fields: Mapping[str, str],
        meter: Meter,
    ) -> Response:
        """POST a multipart form to `path` of the own origin. One attempt, no retry."""
        ...

    def socket(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[str | bytes]]:
        """Frames of a progress WebSocket until it closes; raises Unreachable or HostRefused."""
        ...


class Send(Protocol):
    """Sends a call: a transport once, a sender with retries."""

    async def __call__(self, call: Call[T], /) -> T: ...


@dataclass(slots=True)
class Meter:
    """Progress and cancel of a transfer: `moved` runs on the event loop, a thread polls `stop`."""

    moved: Callable[[int, int | None], None] = lambda done, total: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete download: `size` bytes at `path`; `type` by their magic bytes (None: unknown).

    All announced bytes were received; `verdict`: whether the file's own structure agrees.
    """

    path: Path
    size: int
    type: FileType | None
    verdict: Verdict = Verdict.CANNOT_TELL


class Bulk(Protocol):
    """Files from and to storage, in threads: no method blocks the event loop, none retries."""

    async def put(self, url: str, file: Path, meter: Meter) -> None:
        """PUT a file's bytes to a presigned URL, without the API key."""
        ...

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        """Download a result to the file `into` plus a suffix, resuming `into`.part if it exists.
        Creates the folder."""
        ...

    async def forget(self, into: Path) -> None:
        """Delete the partial download of `into`, unless a download is under way."""
        ...
