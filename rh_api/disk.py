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
    """The same for a file that is closed already."""
    # For writing: Windows syncs nothing else.
    with path.open("r+b") as file:
        sync(file)
