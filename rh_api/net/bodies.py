"""Request bodies in blocks, from memory and from files, with their length known beforehand."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ..errors import BadInput
from .adapter import BLOCK
from .worker import Line


class Body:
    """Pieces sent one after the other. Memory stays flat whatever a file's size.

    requests takes it for a stream because it can be iterated, and sends Content-Length because it
    has a length. A new one starts at the beginning again.
    """

    def __init__(self, pieces: Sequence[bytes | Path], line: Line) -> None:
        self._line = line
        self._pieces: list[memoryview | _Open] = [
            _Open(one) if isinstance(one, Path) else memoryview(one) for one in pieces
        ]
        self._files = [one for one in self._pieces if isinstance(one, _Open)]
        self._length = sum(len(one) for one in self._pieces)
        self._given = 0  # bytes of the block that is being sent
        line.total = self._length

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

    def read(self, size: int = BLOCK) -> bytes:
        """The next block, at most `size` bytes; b"" at the end. Asking says the last one left."""
        self._line.moved(self._given)
        block = self._next(size if size > 0 else BLOCK)
        self._given = len(block)
        return block

    def check_unchanged(self) -> None:
        """Raise BadInput when a file is another one now: what arrived may be a mixture."""
        for file in self._files:
            file.check_unchanged()

    def _next(self, size: int) -> bytes:
        while self._pieces:
            piece = self._pieces[0]
            if isinstance(piece, _Open):
                block = piece.read(size)
            else:
                block = bytes(piece[:size])
                self._pieces[0] = piece[size:]
            if block:
                return block
            self._pieces.pop(0)
        return b""


class _Open:
    """A file that has the length it had when it was opened, or is an error."""

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
            raise self._changed()  # it shrank: the length that was announced cannot be kept
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
    """A form with one file, `file`, as its content type and the pieces of a Body.

    The service names files by content, so `name` only tells it the type: what is not plain ASCII
    becomes an underscore.
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
