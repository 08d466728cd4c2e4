"""What a power cut may not take: bytes are on the disk before anybody relies on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def sync(file: BinaryIO) -> None:
    """Returns when all that was written to `file` is on the disk. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Returns when a closed file is on the disk. Raises OSError."""
    # For writing: Windows syncs nothing else.
    with path.open("r+b") as file:
        sync(file)


def replace_text(path: Path, text: str) -> None:
    """Put a whole text in the place of a file, which is the old one or the new one at any time."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: Path, data: bytes) -> None:
    """Put bytes in the place of a file, which is the old one or the new one at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            sync(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
