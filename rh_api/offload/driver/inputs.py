"""Inputs of a segment's order: values of its inlets, and local files."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...client import LazySource, Source
from ...wire.filetypes import HEAD, sniff
from .. import CannotOffload, Inlet, Item, LocalFile, Segment


class LocalFiles(Protocol):
    """Resolves the file names of a prompt to local paths."""

    def file(self, file: LocalFile, /) -> Path:
        """Raises CannotOffload, on the loader, for a missing file or one that is no media."""
        ...

    def lora(self, name: str, /) -> Path | None:
        """None for a missing one."""
        ...


@dataclass(frozen=True, slots=True)
class InletValue:
    """The run-time value of an inlet: a plain value as the one Item, or a file for each Item."""

    inlet: Inlet
    items: Sequence[Item]
    files: Sequence[Source | LazySource] = ()


_MEDIA = ("image", "video", "audio")
_MORE_PICTURES = frozenset({".avif", ".dds", ".exr", ".hdr", ".heic", ".jxl", ".psd", ".tga"})


def check_media(file: LocalFile, path: Path) -> None:
    """Raise CannotOffload unless a media loader's file is an image, audio or video, by its magic
    bytes, else by its suffix. An untrusted graph may name any file of the input folder.

    Raises OSError.
    """
    if file.type == "FILE":
        return
    with path.open("rb") as opened:
        file_type = sniff(opened.read(HEAD))
    guessed = file_type.mime if file_type else mimetypes.guess_type(path.name)[0] or ""
    if guessed.partition("/")[0] not in _MEDIA and path.suffix.lower() not in _MORE_PICTURES:
        name = file.value[:200]
        raise CannotOffload("segment.file_no_media", local_id=file.node_id, name=name)


def title_of(segment: Segment, node_id: str) -> str:
    """Id and title of a segment's node, for messages."""
    name = name_of(segment, node_id)
    return f"{node_id} ({name})" if name else node_id


def name_of(segment: Segment, node_id: str) -> str:
    """The title of a segment's node, else its class; "" for an unknown id."""
    node: Mapping[str, Any] = segment.graph.get(node_id) or {}
    return segment.titles.get(node_id) or str(node.get("class_type", ""))
