"""Local files that a segment uploads: `file` and `lora` implement the driver's LocalFiles."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import folder_paths

from ...rh_api.client import hash_file
from ...rh_api.errors import BadInput
from ...rh_api.journal import FileStamp
from ...rh_api.offload import CannotOffload, LocalFile, Segment
from ...rh_api.offload.driver import check_media

LORAS = "loras"

KEPT_HASHES = 1_000  # files; an unchanged one is hashed once while it is among the latest


def file(file: LocalFile, /) -> Path:
    """Return the path of a loader's file. Raises CannotOffload for a name that leads out of its
    folder, to no file, or to one of another media kind."""
    missing = CannotOffload("segment.file_missing", local_id=file.node_id, name=file.value[:200])
    name, base = folder_paths.annotated_filepath(file.value)
    try:
        folder = Path(base or folder_paths.get_input_directory()).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            raise missing
        check_media(file, path)
    except (OSError, ValueError, RuntimeError):
        raise missing from None
    return path


def lora(name: str, /) -> Path | None:
    """Return the path of a LoRA by its listed name; None if it is not listed."""
    if name not in folder_paths.get_filename_list(LORAS):
        return None
    path = folder_paths.get_full_path(LORAS, name)
    return None if path is None else Path(path)


def lora_name(path: Path) -> str | None:
    """Return the listed name of a LoRA file; None if it is not listed. `path`: resolved.

    Blocks: it resolves every listed path, since one may be a symlink. Not in the server's loop.
    """
    for name in folder_paths.get_filename_list(LORAS):
        listed = folder_paths.get_full_path(LORAS, name)
        if listed is not None and Path(listed).resolve() == path:
            return name
    return None


def check(segment: Segment) -> None:
    """Raise CannotOffload, naming the loader, if a file of the segment cannot be uploaded."""
    for loaded in segment.files:
        file(loaded)


def state(segment: Segment) -> list[str]:
    """Return fingerprints of the files that a segment uploads, in place of its loaders' own.

    SHA-256 of media; path and file stamp of LoRAs, which may be gigabytes; "" for a missing file.
    """
    states: list[str] = []
    for loaded in segment.files:
        try:
            path = file(loaded)
            states.append(_hash(path, FileStamp.of(path.stat())))
        except BadInput:
            states.append("")
    for used in segment.loras:
        path = lora(used.value)
        states.append("" if path is None else repr((str(path), *FileStamp.of(path.stat()))))
    return states


@lru_cache(KEPT_HASHES)
def _hash(path: Path, _: FileStamp) -> str:
    return hash_file(path, "sha256")
