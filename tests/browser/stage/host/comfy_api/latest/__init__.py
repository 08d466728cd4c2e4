"""Nodes as classes with a schema, and as much of the media types as is needed to import them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from . import io as io
from . import ui as ui


class ComfyExtension:
    async def on_load(self) -> None: ...

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        raise NotImplementedError


class _Video:
    def get_stream_source(self) -> Any:
        raise NotImplementedError


class _VideoFromFile(_Video):
    def __init__(self, file: Any) -> None:
        self._file = file

    def get_stream_source(self) -> Any:
        return self._file


class _VideoComponents(SimpleNamespace):
    pass


Input = SimpleNamespace(Video=_Video)
InputImpl = SimpleNamespace(VideoFromFile=_VideoFromFile, VideoFromComponents=_VideoFromFile)


class _File3D:
    def __init__(self, source: Any, file_format: str = "") -> None:
        self.source, self.format = source, file_format


Types = SimpleNamespace(
    VideoComponents=_VideoComponents, VideoContainer=object, VideoCodec=object, File3D=_File3D
)
