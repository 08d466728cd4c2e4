"""Copies a film or a sound into a new container with other tags, packet by packet (PyAV)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Tags = dict[str, str]

_MUXERS: Mapping[str, str] = {
    ".flac": "flac",
    ".mp3": "mp3",
    ".opus": "opus",
    ".ogg": "ogg",
    ".webm": "webm",
    ".mkv": "matroska",
    ".mp4": "mp4",
    ".mov": "mov",
    ".m4a": "ipod",
}
"""FFmpeg's muxer for each suffix."""

SUFFIXES = frozenset(_MUXERS)


def remux(
    source: str, target: str, suffix: str, edit: Callable[[int | None, Tags], Tags], **options: str
) -> None:
    """Write the sound and the pictures of the file `source` to `target`, a container for `suffix`.

    `edit` is given the tags of the container (None) and of each stream (its index), and returns
    the new ones; `options` are FFmpeg's for the muxer. Raises ImportError without PyAV, and
    whatever PyAV raises for what cannot be read or copied.
    """
    av: Any = import_module("av")
    with (
        av.open(source) as old,
        av.open(target, "w", format=_MUXERS[suffix], options=options) as new,
    ):
        new.metadata.update(edit(None, dict(old.metadata)))
        new.set_chapters(old.chapters())
        streams = {
            stream.index: _added(new, stream, edit(stream.index, dict(stream.metadata)))
            for stream in old.streams
            if stream.type in ("audio", "video")
        }
        for packet in old.demux():
            # The first packets of a Matroska file have no dts if frames are reordered.
            if packet.size and packet.stream.index in streams:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)


def _added(new: Any, old: Any, tags: Tags) -> Any:
    """Add a stream like `old`: opaque, since PyAV may have no encoder of its codec."""
    stream = new.add_stream_from_template(old, opaque=True)
    stream.metadata.update(tags)  # includes the flag of alpha
    if new.format.name in ("webm", "matroska") and old.type == "video" and old.average_rate:
        stream.codec_context.framerate = old.average_rate
    return stream
