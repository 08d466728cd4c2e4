"""What a power cut may not take: bytes are on the disk before anybody relies on them."""

from __future__ import annotations

import os
import secrets
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

HELD_SECONDS = 2.0  # a scanner of viruses, an indexer or a synced folder needs less
_PAUSE = 0.02


def sync(file: BinaryIO) -> None:
    """Returns when all that was written to `file` is on the disk. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Returns when a closed file is on the disk. Raises OSError."""
    # For writing: Windows syncs nothing else.
    with path.open("r+b") as file:
        sync(file)


def put(part: Path, path: Path) -> None:
    """Give a complete file its name, whoever has that. Raises OSError.

    Windows refuses it while anybody has one of both open, as scanners have each new file for a
    moment.
    """
    deadline = time.monotonic() + HELD_SECONDS
    while True:
        try:
            os.replace(part, path)  # noqa: PTH105 - which tests stand in for
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


def replace_text(path: Path, text: str) -> None:
    """Put a whole text in the place of a file, which is the old one or the new one at any time."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Put bytes in the place of a file, which is the old one or the new one at any time.

    `mode`: who may read and write the new one, less the umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb", opener=partial(os.open, mode=mode)) as file:
            file.write(data)
            sync(file)
        put(part, path)
    finally:
        part.unlink(missing_ok=True)
