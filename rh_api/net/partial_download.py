"""A partial download on disk, and the validator with which the next attempt resumes it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from ..system.disk import rename_over, sync, sync_path

if sys.platform != "win32":
    import fcntl

SYNC_BYTES = 32 * 2**20
SYNC_SECONDS = 2.0  # between two fsyncs: the most of a slow download that a power cut loses


class Part:
    """The file `into`.part; `into`.part.tag holds its fsynced length and its content's validator.

    A power cut can keep a file's length and lose its data: only fsynced bytes are resumed.
    """

    def __init__(self, into: Path) -> None:
        self._into = into
        self.path = into.with_name(into.name + ".part")
        self._tag = into.with_name(into.name + ".part.tag")

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Hold the part's lock; if another process has it, use a uniquely named, temporary part."""
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
        """Take the part's lock without blocking; None if another process holds it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if sys.platform == "win32":
                return _held_beside(self.path)
            file = self.path.open("ab")
        except FileExistsError:
            return None
        except OSError:
            return contextlib.nullcontext()  # the first write reports the error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            pass  # a file system without locks
        return file

    def resume_point(self) -> tuple[int, str]:
        """Return an earlier attempt's resumable bytes and their validator; (0, "") if none."""
        try:
            synced, _, mark = self._tag.read_text("latin-1").partition("\n")
            have = min(int(synced), self.path.stat().st_size)
        except (OSError, ValueError):
            return 0, ""
        return (have, mark) if have > 0 and mark else (0, "")

    @contextlib.contextmanager
    def growing(self, start: int, mark: str) -> Generator[Growing]:
        """Open it for writing at `start`, truncating there. `mark`: validator of a new content (if
        `start` is 0), "" if the server sent none."""
        if start:
            _, mark = self.resume_point()
        else:
            self._tag.unlink(missing_ok=True)
        with self.path.open("r+b" if start else "wb") as file:
            if start:
                file.seek(start)
                file.truncate()
            yield Growing(file, self._tag, mark)

    def named(self, suffix: str) -> Path:
        """Fsync the complete file and rename it atomically to `into` plus `suffix`."""
        sync_path(self.path)
        path = self._into.with_name(self._into.name + suffix)
        rename_over(self.path, path)
        self._tag.unlink(missing_ok=True)
        return path

    def drop_unheld(self) -> None:
        """Delete what an earlier attempt left, unless another process holds its lock."""
        if self.path.exists() and (claim := self._claim()) is not None:
            with claim:
                self.drop()

    def drop(self) -> None:
        for path in (self.path, self._tag):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                pass  # the next attempt overwrites or resumes it


if sys.platform == "win32":

    def _held_beside(path: Path) -> BinaryIO:
        """Create a lock file beside `path`, deleted when closed (Windows cannot rename an open
        file). Raises FileExistsError while another process has it."""
        lock = path.with_name(path.name + ".held")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_TEMPORARY
        return os.fdopen(os.open(lock, flags), "wb")


class Growing:
    """A `Part` open for writing."""

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
        """Fsync, and record the length to resume from; no-op for content without a validator."""
        if self._mark:
            sync(self._file)
            self._synced = self._file.tell()
            with self._tag.open("wb") as tag:
                tag.write(f"{self._synced}\n{self._mark}".encode("latin-1", "replace"))
                sync(tag)
        self._due = time.monotonic() + SYNC_SECONDS
