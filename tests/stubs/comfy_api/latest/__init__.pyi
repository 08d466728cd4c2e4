# The part of ComfyUI's V3 API that nodes/ uses, as of ComfyUI 0.33.
from abc import ABC, abstractmethod
from fractions import Fraction
from io import BytesIO
from typing import Any

from torch import Tensor

from . import io as io
from . import ui as ui

class ComfyExtension(ABC):
    async def on_load(self) -> None: ...
    @abstractmethod
    async def get_node_list(self) -> list[type[io.ComfyNode]]: ...

class _VideoComponents:
    images: Tensor
    frame_rate: Fraction
    audio: dict[str, Any] | None
    def __init__(
        self,
        images: Tensor,
        frame_rate: Fraction,
        audio: dict[str, Any] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None: ...

class _VideoInput(ABC):
    @abstractmethod
    def get_components(self) -> _VideoComponents: ...
    @abstractmethod
    def save_to(self, path: str) -> None: ...
    def get_stream_source(self) -> str | BytesIO: ...
    def get_dimensions(self) -> tuple[int, int]: ...

class _VideoFromFile(_VideoInput):
    def __init__(self, file: str) -> None: ...
    def get_components(self) -> _VideoComponents: ...
    def save_to(self, path: str) -> None: ...

class Input:
    Video = _VideoInput

class InputImpl:
    VideoFromFile = _VideoFromFile

class _File3D:
    def __init__(self, source: str, file_format: str = "") -> None: ...

class Types:
    File3D = _File3D
    VideoComponents = _VideoComponents
