"""What goes up with a segment's order: values of its inlets, and files of this machine."""

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
    """Where the files of a prompt lie on this machine."""

    def file(self, file: LocalFile, /) -> Path:
        """Raises CannotOffload, on the loader, for one that is not there or no such media."""
        ...

    def lora(self, name: str, /) -> Path | None:
        """None for one that is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What came for one inlet: a plain value as the one Item's, or a file for each Item."""

    inlet: Inlet
    items: Sequence[Item]
    files: Sequence[Source | LazySource] = ()


_MEDIA = ("image", "video", "audio")
_MORE_PICTURES = frozenset({".avif", ".dds", ".exr", ".hdr", ".heic", ".jxl", ".psd", ".tga"})


def check_media(file: LocalFile, path: Path) -> None:
    """Refuse what is no picture, sound or video for a loader of such: a graph of somebody else's
    may name any file of the input folder. By its first bytes, else by its ending.

    Raises CannotOffload, and OSError.
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
    """A node of a segment as a sentence names it: its id, and what people call it."""
    name = name_of(segment, node_id)
    return f"{node_id} ({name})" if name else node_id


def name_of(segment: Segment, node_id: str) -> str:
    """What people call a node of a segment, else its class; "" for one that is not there."""
    node: Mapping[str, Any] = segment.graph.get(node_id) or {}
    return segment.titles.get(node_id) or str(node.get("class_type", ""))
