"""What goes up with a segment's order: values of its inlets, and files of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...client import LazySource, Source
from .. import Inlet, Item, LocalFile, Segment


class LocalFiles(Protocol):
    """Where the files of a prompt lie on this machine."""

    def file(self, file: LocalFile, /) -> Path:
        """Raises CannotOffload, on the loader, for one that is not there."""
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


def title_of(segment: Segment, node_id: str) -> str:
    """A node of a segment as a sentence names it: its id, and what people call it."""
    name = called(segment, node_id)
    return f"{node_id} ({name})" if name else node_id


def called(segment: Segment, node_id: str) -> str:
    """What people call a node of a segment, else its class; "" for one that is not there."""
    node: Mapping[str, Any] = segment.graph.get(node_id) or {}
    return segment.titles.get(node_id) or str(node.get("class_type", ""))
