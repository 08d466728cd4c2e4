"""The adapters, one per ComfyUI type that is transferred."""

from __future__ import annotations

from ....rh_api.client import Result
from ....rh_api.wire.filetypes import Kind as FileKind
from .adapter import Adapter, Media
from .audio import AudioAdapter
from .image import ImageAdapter
from .mask import MaskAdapter
from .plain import PlainAdapter
from .video import VideoAdapter

PLAIN = PlainAdapter()
ADAPTERS: tuple[Adapter, ...] = (ImageAdapter(), MaskAdapter(), VideoAdapter(), AudioAdapter())

BY_TYPE = {adapter.kind.value: adapter for adapter in ADAPTERS}
"""By ComfyUI's name, such as IMAGE."""

_BY_FILE: dict[FileKind, Adapter] = {
    adapter.file_kind: adapter for adapter in ADAPTERS if adapter.outputs
}

READERS: tuple[Adapter | PlainAdapter, ...] = (*_BY_FILE.values(), PLAIN)
"""The adapters that decode results."""

TYPED = (*(name for adapter in ADAPTERS for name in adapter.outputs), *PLAIN.outputs)
"""The typed outputs before the task id, in their order."""


def adapter_of(value: object) -> Adapter | None:
    """The adapter of a value that is sent as files; None for any other value."""
    return next((adapter for adapter in ADAPTERS if adapter.detect(value)), None)


def media_of(value: object) -> list[Media]:
    """The items of a value that is sent as files; [] for any other value."""
    adapter = adapter_of(value)
    return [] if adapter is None else adapter.split(value)


def adapter_of_files(kind: str) -> Adapter | None:
    """The adapter that decodes files of a kind, such as `image`; None if it is no media."""
    return next((adapter for file, adapter in _BY_FILE.items() if file.value == kind), None)


def reader_of(result: Result) -> Adapter | PlainAdapter:
    """The adapter that decodes a result, by its detected file type."""
    if result.path is None or result.type is None:
        return PLAIN
    return _BY_FILE.get(result.type.kind, PLAIN)
