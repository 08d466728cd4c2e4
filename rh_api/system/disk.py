"""File writes that a power cut leaves old or new, never half: fsync, atomic replacement."""

from __future__ import annotations

import os
import secrets
import stat
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

HELD_SECONDS = 2.0  # virus scanners, indexers and synced folders need less
_PAUSE = 0.02


def sync(file: BinaryIO) -> None:
    """Flush and fsync an open file. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Fsync a closed file. Raises OSError."""
    # Opened for writing: Windows syncs no other handle.
    with path.open("r+b") as file:
        sync(file)


def rename_over(part: Path, path: Path) -> None:
    """Atomically rename `part` to `path`, replacing it. Blocks. Raises OSError.

    Retries for HELD_SECONDS while Windows refuses because another process has either open, as
    scanners have each new file for a moment.
    """
    deadline = time.monotonic() + HELD_SECONDS
    while True:
        try:
            os.replace(part, path)  # noqa: PTH105 - tests replace it
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


def replace_text(path: Path, text: str) -> None:
    """`replace_bytes` for a text. Raises OSError."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Atomically replace a file with fsynced `data`, creating its folder. Raises OSError.

    The folder is not fsynced: a power cut may leave the old file. `mode`: less the umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb", opener=partial(os.open, mode=mode)) as file:
            file.write(data)
            sync(file)
        rename_over(part, path)
    finally:
        part.unlink(missing_ok=True)


def mode_of(path: Path) -> int:
    """Return the mode for what replaces a file, or copies it: either may hold a key. Writable,
    since Windows renames no other file. Raises OSError."""
    return stat.S_IMODE(path.stat().st_mode) | stat.S_IWUSR
