"""The half of a file that a download has brought so far, as the next try finds it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from ..disk import put, sync, sync_path

if sys.platform != "win32":
    import fcntl

SYNC_BYTES = 32 * 2**20
SYNC_SECONDS = 2.0  # what a slow line has brought until then is lost with the power


class Part:
    """`into`.part, and in `into`.part.tag how much of it is on the disk, and of which content.

    A power cut can keep a file's length and lose its bytes: only what was synced is resumed.
    """

    def __init__(self, into: Path) -> None:
        self._into = into
        self.path = into.with_name(into.name + ".part")
        self._tag = into.with_name(into.name + ".part.tag")

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """While another process fetches the same, this one writes under a name of its own."""
        claim = self._claim()
        if claim is not None:
            with claim:
                yield
            return
        own = f"{self.path.name}-{uuid.uuid4().hex[:8]}"
        self.path, self._tag = self._into.with_name(own), self._into.with_name(own + ".tag")
        try:
            yield
        finally:
            self.drop()

    def _claim(self) -> contextlib.AbstractContextManager[object] | None:
        """Holds the half file until it has its name; None when somebody else holds it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if sys.platform == "win32":
                return _held_beside(self.path)
            file = self.path.open("ab")
        except FileExistsError:
            return None
        except OSError:
            return contextlib.nullcontext()  # said when there is something to write
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            pass  # a file system without locks
        return file

    def left_over(self) -> tuple[int, str]:
        """Bytes of an earlier try that can be resumed, and the server's mark of their content."""
        try:
            synced, _, mark = self._tag.read_text("latin-1").partition("\n")
            have = min(int(synced), self.path.stat().st_size)
        except (OSError, ValueError):
            return 0, ""
        return (have, mark) if have > 0 and mark else (0, "")

    @contextlib.contextmanager
    def growing(self, start: int, mark: str) -> Generator[Growing]:
        """Open it behind its first `start` bytes. `mark`: of a new content, "" where the server
        knows none."""
        if start:
            _, mark = self.left_over()
        else:
            self._tag.unlink(missing_ok=True)
        with self.path.open("r+b" if start else "wb") as file:
            if start:
                file.seek(start)
                file.truncate()
            yield Growing(file, self._tag, mark)

    def named(self, suffix: str) -> Path:
        """The whole file under its name."""
        sync_path(self.path)
        path = self._into.with_name(self._into.name + suffix)
        put(self.path, path)
        self._tag.unlink(missing_ok=True)
        return path

    def drop_unheld(self) -> None:
        """What an earlier try left, unless another process fetches the same right now."""
        if self.path.exists() and (claim := self._claim()) is not None:
            with claim:
                self.drop()

    def drop(self) -> None:
        for path in (self.path, self._tag):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                pass  # it is overwritten or resumed next time


if sys.platform == "win32":

    def _held_beside(path: Path) -> BinaryIO:
        """FileExistsError while another process has it. A lock file beside it, since Windows does
        not rename an open file, and deletes this one when it is closed."""
        lock = path.with_name(path.name + ".held")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_TEMPORARY
        return os.fdopen(os.open(lock, flags), "wb")


class Growing:
    """A `Part` while blocks come in."""

    def __init__(self, file: BinaryIO, tag: Path, mark: str) -> None:
        self._file = file
        self._tag = tag
        self._mark = mark
        self._synced = file.tell()
        self._due = time.monotonic() + SYNC_SECONDS

    def write(self, block: bytes) -> None:
        self._file.write(block)
        if self._file.tell() - self._synced >= SYNC_BYTES or time.monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """From here on a next try may go on."""
        if self._mark:
            sync(self._file)
            self._synced = self._file.tell()
            with self._tag.open("wb") as tag:
                tag.write(f"{self._synced}\n{self._mark}".encode("latin-1", "replace"))
                sync(tag)
        self._due = time.monotonic() + SYNC_SECONDS
