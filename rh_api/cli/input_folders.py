"""Lookup of the files that a graph of `offload` names, without ComfyUI's folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..offload import CannotOffload, LocalFile
from ..offload.driver import check_media

_ANNOTATIONS = ("[input]", "[output]", "[temp]")
"""Suffixes that select one of ComfyUI's folders; ignored, as here all are one."""


@dataclass(frozen=True, slots=True)
class InputFolders:
    """Search path for a graph's files: `--input`, then the prompt's folder."""

    beside: Path
    input: str | None

    def _places(self) -> Iterator[Path]:
        if self.input:
            yield Path(self.input)
        yield self.beside

    def find(self, value: str) -> Path | None:
        """Return the file of a loader's name, or None; names that leave the folder do not count."""
        name = value
        for folder in _ANNOTATIONS:
            name = name.removesuffix(folder).rstrip()
        for place in self._places():
            try:
                base = place.resolve()
                for named in dict.fromkeys((name, Path(name).name)):
                    path = (base / named).resolve()
                    if path.is_relative_to(base) and path.is_file():
                        return path
            except (OSError, ValueError, RuntimeError):
                continue
        return None

    def file(self, file: LocalFile, /) -> Path:
        path = self.find(file.value)
        if path is None:
            raise CannotOffload("cli.offload_file", local_id=file.node_id, name=file.value[:200])
        check_media(file, path)
        return path

    def lora(self, name: str, /) -> Path | None:
        return self.find(name.replace("\\", "/"))
