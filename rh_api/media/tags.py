"""Texts in the tags of films and sounds: read, and replaced by copying the packets.

A new file counts only if nothing but the tags that were to change differs: streams, packets, times,
rotation and all other tags. The bytes around them need not be the same.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .errors import DoesNotFit
from .remux import Tags, remux

_OF_THE_CONTAINER = ("encoder", "major_brand", "minor_version", "compatible_brands")
"""What FFmpeg lists among the tags, and each muxer writes by itself."""
_MP4 = {".mp4", ".mov", ".m4a"}


def suffix_of(data: bytes) -> str | None:
    """The kind of a film or a sound, by its magic bytes, as a suffix; None for any other file."""
    if data[4:8] == b"ftyp":
        return {b"qt  ": ".mov", b"M4A ": ".m4a"}.get(data[8:12], ".mp4")
    if data.startswith(b"\x1aE\xdf\xa3"):
        return ".webm" if b"webm" in data[:64] else ".mkv"
    if data.startswith(b"OggS"):
        return ".opus" if b"OpusHead" in data[:64] else ".ogg"
    if data.startswith(b"fLaC"):
        return ".flac"
    frame = data[:1] == b"\xff" and data[1:2] in (b"\xfb", b"\xf3", b"\xf2", b"\xfa")
    return ".mp3" if frame or data.startswith(b"ID3") else None


def read_texts(data: bytes) -> list[tuple[str, str]]:
    """Raises BadInput without PyAV, or for a file that cannot be read."""
    return [(name, text) for _, name, text in _tags(data)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit if anything else would change, BadInput as `read_texts`."""
    changes = {
        (place, name): texts[number]
        for number, (place, name, text) in enumerate(_tags(data))
        if texts.get(number, text) != text
    }
    if not changes:
        return data

    def edit(place: int | None, tags: Tags) -> Tags:
        return {
            name: changes.get((place, name), text)
            for name, text in tags.items()
            if name.lower() not in _OF_THE_CONTAINER
        }

    suffix = suffix_of(data) or ""
    # Texts stay where the old file has them: among keys of their own, or in the older list.
    options = {"movflags": "faststart" + "+use_metadata_tags" * (b"mdta" in data)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "old"), Path(folder, "new")
        source.write_bytes(data)
        try:
            remux(str(source), str(target), suffix, edit, **options if suffix in _MP4 else {})
            new = target.read_bytes()
            whole = _what_stays(new) == _what_stays(data, edit)
        # FFmpeg's errors, a codec that the muxer refuses, an odd stream: the old file stays.
        except Exception as error:
            raise DoesNotFit from error
    if not whole:
        raise DoesNotFit
    return new


def _opened(data: bytes) -> Any:
    try:
        av: Any = import_module("av")
    except ImportError:
        raise BadInput("migrate.no_pyav") from None
    try:
        return av.open(io.BytesIO(data))
    except (av.FFmpegError, OSError, ValueError):
        raise BadInput("migrate.unreadable") from None


def _tags(data: bytes) -> list[tuple[int | None, str, str]]:
    """(place, name, text) of each tag; place: index of its stream, None for the container. Of each
    place by name, since a muxer has an order of its own."""
    with _opened(data) as container:
        parts = [(None, container.metadata), *((s.index, s.metadata) for s in container.streams)]
        return [
            (place, name, tags[name])
            for place, tags in parts
            for name in sorted(tags, key=str.lower)
        ]


def _as_they_are(_: int | None, tags: Tags) -> Tags:
    return tags


def _what_stays(
    data: bytes, edit: Callable[[int | None, Tags], Tags] = _as_they_are
) -> list[object]:
    """All that must stay, with the tags as `edit` has them."""

    def tags_of(place: int | None, tags: Tags) -> Tags:
        edited = {name.lower(): text for name, text in edit(place, dict(tags)).items()}
        return {name: text for name, text in edited.items() if name not in _OF_THE_CONTAINER}

    with _opened(data) as container:
        streams = [
            (stream.type, stream.codec_context and stream.codec_context.name)
            for stream in container.streams
        ]
        facts: list[object] = [
            streams,
            container.duration,
            container.chapters(),
            tags_of(None, container.metadata),
            *(tags_of(stream.index, stream.metadata) for stream in container.streams),
        ]
        packets: dict[int, list[object]] = {}
        for packet in container.demux():
            if packet.size:
                times = [t and t * packet.time_base for t in (packet.pts, packet.dts)]
                what = (*times, packet.is_keyframe, hashlib.sha256(bytes(packet)).digest())
                packets.setdefault(packet.stream.index, []).append(what)
    return [*facts, packets, _rotation(data)]


def _rotation(data: bytes) -> int:
    """Degrees by which the first picture is to be turned."""
    with _opened(data) as container:
        for frame in container.decode(video=0) if container.streams.video else ():
            return frame.rotation
    return 0
