"""Reads and replaces texts in the metadata of media files, where graphs are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import BadInput
from . import jpeg, png, tags, webp
from .errors import DoesNotFit

__all__ = ["SUFFIXES", "Carrier", "DoesNotFit", "carrier_of"]

SUFFIXES = (
    *(".png", ".webp", ".jpg", ".jpeg"),
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv"),
    *(".flac", ".mp3", ".opus", ".ogg", ".oga", ".m4a"),
)


def _as_it_is(_: bytes, after: bytes) -> bytes:
    return after


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container format. `read`: its (name, text) pairs. `write`: the file with texts replaced,
    by index in that list; raises DoesNotFit. `with_checksums(before, after)`: `after`, which
    differs by bytes that were overwritten in place, with its checksums recomputed; None where
    nothing can be overwritten."""

    read: Callable[[bytes], list[tuple[str, str]]]
    write: Callable[[bytes, Mapping[int, str]], bytes]
    with_checksums: Callable[[bytes, bytes], bytes] | None = _as_it_is


_PNG = Carrier(png.read_texts, png.write_texts, png.with_checksums)
_WEBP = Carrier(webp.read_texts, webp.write_texts)
_JPEG = Carrier(jpeg.read_texts, jpeg.write_texts)
_TAGGED = Carrier(tags.read_texts, tags.write_texts, None)

_UNSUPPORTED = {b"GIF8": "GIF", b"RIFF": "WAV"}
_HEIF = {b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"heim", b"heis"}


def carrier_of(data: bytes) -> Carrier | None:
    """The format of a file, by its magic bytes; None for one that is no known media file.

    Raises BadInput for pictures and sounds whose texts cannot be replaced.
    """
    if data.startswith(png.SIGNATURE):
        return _PNG
    if data.startswith(jpeg.SIGNATURE):
        return _JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    heif = data[4:8] == b"ftyp" and data[8:12] in _HEIF
    if heif or data[:4] == b"GIF8" or (data[:4] == b"RIFF" and data[8:12] == b"WAVE"):
        kind = "HEIC, AVIF" if heif else _UNSUPPORTED[data[:4]]
        raise BadInput("migrate.format", kind=kind)
    return _TAGGED if tags.suffix_of(data) else None
