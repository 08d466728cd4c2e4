"""Reads and replaces texts in the metadata of media files, where graphs are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import flac, gif, heif, id3, jpeg, matroska, mp4, ogg, png, wav, webp
from .errors import DoesNotFit

__all__ = ["SUFFIXES", "Carrier", "DoesNotFit", "carrier_of"]

SUFFIXES = (
    *(".png", ".webp", ".jpg", ".jpeg", ".gif", ".avif", ".heic", ".heif"),
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv"),
    *(".flac", ".mp3", ".opus", ".ogg", ".oga", ".wav", ".m4a"),
)


def _as_it_is(_: bytes, after: bytes) -> bytes:
    return after


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container format. `read`: its (name, text) pairs. `write`: the file with texts replaced,
    by index in that list; raises DoesNotFit. `with_checksums(before, after)`: `after`, which
    differs by bytes that were overwritten in place, with its checksums recomputed."""

    read: Callable[[bytes], list[tuple[str, str]]]
    write: Callable[[bytes, Mapping[int, str]], bytes]
    with_checksums: Callable[[bytes, bytes], bytes] = _as_it_is


_PNG = Carrier(png.read_texts, png.write_texts, png.with_checksums)
_WEBP = Carrier(webp.read_texts, webp.write_texts)
_JPEG = Carrier(jpeg.read_texts, jpeg.write_texts)
_GIF = Carrier(gif.read_texts, gif.write_texts)
_HEIF = Carrier(heif.read_texts, heif.write_texts)
_MP4 = Carrier(mp4.read_texts, mp4.write_texts)
_MATROSKA = Carrier(matroska.read_texts, matroska.write_texts, matroska.with_checksums)
_FLAC = Carrier(flac.read_texts, flac.write_texts)
_MP3 = Carrier(id3.read_texts, id3.write_texts)
_OGG = Carrier(ogg.read_texts, ogg.write_texts, ogg.with_checksums)
_WAV = Carrier(wav.read_texts, wav.write_texts)

_SIGNATURES = {
    png.SIGNATURE: _PNG,
    jpeg.SIGNATURE: _JPEG,
    **dict.fromkeys(gif.SIGNATURES, _GIF),
    matroska.SIGNATURE: _MATROSKA,
    flac.SIGNATURE: _FLAC,
    ogg.SIGNATURE: _OGG,
}
_RIFF = {b"WEBP": _WEBP, b"WAVE": _WAV}


def carrier_of(data: bytes) -> Carrier | None:
    """The format of a file, by its magic bytes; None for an unsupported one."""
    for signature, carrier in _SIGNATURES.items():
        if data.startswith(signature):
            return carrier
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _HEIF if data[8:12] in heif.BRANDS else _MP4
    if data.startswith(id3.SIGNATURE):
        return _FLAC if data.startswith(flac.SIGNATURE, id3.end_of(data)) else _MP3
    return _MP3 if id3.is_sound(data) else None
