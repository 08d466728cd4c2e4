"""Where the files lie that a graph of `offload` names, since no ComfyUI's folders are here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..offload import CannotOffload, LocalFile
from ..offload.driver import check_media

_ANNOTATIONS = ("[input]", "[output]", "[temp]")
"""How a name says in which of ComfyUI's folders it is; here all are one."""


@dataclass(frozen=True, slots=True)
class InputFolders:
    """Where files of a graph are looked for: in `--input`, then beside the prompt."""

    beside: Path
    input: str | None

    def _places(self) -> Iterator[Path]:
        if self.input:
            yield Path(self.input)
        yield self.beside

    def find(self, value: str) -> Path | None:
        """The file of a loader's name; names that lead out of a folder are none."""
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
