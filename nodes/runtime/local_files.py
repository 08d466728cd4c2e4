"""Files of ComfyUI's folders that go up with a segment:
`file` and `lora` are a driver's LocalFiles."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...rh_api.client import hash_file
from ...rh_api.errors import BadInput
from ...rh_api.journal import FileStamp
from ...rh_api.offload import CannotOffload, LocalFile, Segment
from ...rh_api.offload.driver import check_media

LORAS = "loras"

# A file that has not changed is not read again.
_hashes: dict[tuple[Path, FileStamp], str] = {}


def file(file: LocalFile, /) -> Path:
    """Where a loader's file lies. A name that leads out of its folder, or to no file or one of
    another kind, is refused."""
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
    """Where a listed LoRA lies; None for one that is not here."""
    if name not in folder_paths.get_filename_list(LORAS):
        return None
    path = folder_paths.get_full_path(LORAS, name)
    return None if path is None else Path(path)


def lora_name(path: Path) -> str | None:
    """The name that a LoRA's file is listed by; None for one that is not. `path` is resolved.

    It may be reached by a link, so each is looked at: not in the server's loop.
    """
    for name in folder_paths.get_filename_list(LORAS):
        listed = folder_paths.get_full_path(LORAS, name)
        if listed is not None and Path(listed).resolve() == path:
            return name
    return None


def check(segment: Segment) -> None:
    """Refuse a segment whose files are not there; CannotOffload names the loader."""
    for loaded in segment.files:
        file(loaded)


def state(segment: Segment) -> list[str]:
    """What changes when a file that the segment uploads does: the cut-out loaders would have told.

    The content of media; of a LoRA, which may be gigabytes, its size and time.
    """
    states: list[str] = []
    for loaded in segment.files:
        try:
            states.append(_hash(file(loaded)))
        except BadInput:
            states.append("")
    for used in segment.loras:
        path = lora(used.value)
        states.append("" if path is None else repr((str(path), *FileStamp.of(path.stat()))))
    return states


def _hash(path: Path) -> str:
    stamp = (path, FileStamp.of(path.stat()))
    if stamp not in _hashes:
        _hashes[stamp] = hash_file(path, "sha256")
    return _hashes[stamp]
