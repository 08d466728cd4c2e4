"""Request bodies: streamed from memory and files, and the multipart form of an upload."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ..errors import BadInput
from .stalls import BLOCK, SEND_BLOCK, Transfer


class Body:
    """A request body streamed from pieces, in constant memory whatever the files' sizes.

    requests streams it because it is iterable, and sends Content-Length because it has `len`;
    aiohttp iterates it in the event loop, files are read in threads. It can be read only once; a
    retry needs a new one.
    """

    def __init__(self, pieces: Sequence[bytes | Path], transfer: Transfer) -> None:
        self._transfer = transfer
        self._pieces: list[memoryview | _OpenFile] = [
            _OpenFile(piece) if isinstance(piece, Path) else memoryview(piece) for piece in pieces
        ]
        self._files = [piece for piece in self._pieces if isinstance(piece, _OpenFile)]
        self._length = sum(len(piece) for piece in self._pieces)
        self._in_flight = 0  # bytes of the block that is being sent
        self.failure: BadInput | None = None
        """What ended an asynchronous iteration: aiohttp raises an error of its own instead."""
        transfer.total = self._length

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Body:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        in_file = bool(self._pieces) and isinstance(self._pieces[0], _OpenFile)
        try:
            block = (
                await asyncio.to_thread(self.read, SEND_BLOCK) if in_file else self.read(SEND_BLOCK)
            )
        except BadInput as error:
            self.failure = error
            raise
        if not block:
            raise StopAsyncIteration
        return block

    def read(self, size: int = BLOCK) -> bytes:
        """Return the next block, at most `size` bytes; b"" at the end. Counts the previous block
        as sent."""
        self._transfer.moved(self._in_flight)
        block = self._next(size if size > 0 else BLOCK)
        self._in_flight = len(block)
        return block

    def check_unchanged(self) -> None:
        """Raise BadInput if a file was modified meanwhile: the upload may mix both contents."""
        for file in self._files:
            file.check_unchanged()

    def _next(self, size: int) -> bytes:
        while self._pieces:
            piece = self._pieces[0]
            if isinstance(piece, _OpenFile):
                block = piece.read(size)
            else:
                block = bytes(piece[:size])
                self._pieces[0] = piece[size:]
            if block:
                return block
            self._pieces.pop(0)
        return b""


class _OpenFile:
    """An open file that must keep its size and mtime; BadInput otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise BadInput("error.file_unreadable", name=path.name, reason=reason) from None
        self._stamp = _stamp(os.fstat(self._file.fileno()))
        self._left = self._stamp[0]

    def __len__(self) -> int:
        return self._stamp[0]

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        if self._left and not block:
            raise self._changed()  # it shrank: the announced Content-Length cannot be met
        self._left -= len(block)
        return block

    def check_unchanged(self) -> None:
        try:
            now = _stamp(self._path.stat())
        except OSError:
            raise self._changed() from None
        if now != self._stamp:
            raise self._changed()

    def close(self) -> None:
        self._file.close()

    def _changed(self) -> BadInput:
        return BadInput("error.file_changed", name=self._path.name)


def _stamp(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def multipart(
    fields: Mapping[str, str], name: str, mime: str, content: bytes | Path
) -> tuple[str, list[bytes | Path]]:
    """Return Content-Type and Body pieces of a multipart form with one file, the field `file`.

    The service names files by content hash, so `name` only conveys the suffix: characters other
    than ASCII letters, digits and `._-` become underscores.
    """
    boundary = secrets.token_hex(16)
    safe_name = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-100:] or "file"
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    )
    head += (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{safe_name}"\r\n'
        f"Content-Type: {mime}\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n"
    kind = f"multipart/form-data; boundary={boundary}"
    return kind, [head.encode(), content, tail.encode()]
