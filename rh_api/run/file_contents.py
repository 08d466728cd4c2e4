"""Stat and content hash of local files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ..errors import BadInput

_BLOCK = 1024 * 1024


def about_file(path: Path) -> tuple[Path, os.stat_result]:
    """Return real path and stat of a non-empty regular file; BadInput for anything else."""
    try:
        full = path.resolve(strict=True)
        about = full.stat()
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error
    if not full.is_file() or about.st_size == 0:
        raise BadInput("error.file_empty", name=path.name)
    return full, about


def hash_bytes(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def hash_file(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error
    return digest.hexdigest()
