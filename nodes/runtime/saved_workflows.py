"""Workflow files that this ComfyUI has saved for its users: list, find, replace with a backup."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import folder_paths

from ...rh_api.errors import BadInput
from ...rh_api.system.disk import mode_of, replace_bytes
from . import comfyui

MOST = 5000


@dataclass(frozen=True, slots=True)
class Saved:
    """One file. `id`: opaque hash of its path, since routes accept no paths; `name`: to display."""

    path: Path
    name: str

    @property
    def id(self) -> str:
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:16]


def files() -> Iterator[Saved]:
    """Yield all users' workflows, at most MOST; with --multi-user only those of the default one."""
    users = Path(folder_paths.get_user_directory())
    whose = "default" if comfyui.has_logins() else "*"
    paths = sorted(users.glob(f"{whose}/workflows/**/*.json"))[:MOST]
    for path in paths:
        if path.is_file() and not path.is_symlink():
            yield Saved(path, path.relative_to(users).as_posix())


def find(file_id: str) -> Saved:
    """Return the file of an id. Raises BadInput if there is none (any more)."""
    file = next((file for file in files() if file.id == file_id), None)
    if file is None:
        raise BadInput("keys.no_file")
    return file


def replace(file: Saved, data: bytes) -> str:
    """Replace the file's content atomically; return the name of the backup of the old one."""
    backup = file.path.with_name(f"{file.path.name}.bak")
    number = 1
    while backup.exists():
        number += 1
        backup = file.path.with_name(f"{file.path.name}.{number}.bak")
    mode = mode_of(file.path)
    replace_bytes(backup, file.path.read_bytes(), mode)
    replace_bytes(file.path, data, mode)
    return backup.name
