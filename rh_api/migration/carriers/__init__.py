"""Files that carry graphs: texts in the metadata of pictures and videos, read and replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import jpeg, matroska, mp4, png, webp
from .errors import DoesNotFit

__all__ = ["SUFFIXES", "Carrier", "DoesNotFit", "carrier_of"]

SUFFIXES = (".png", ".webp", ".jpg", ".jpeg", ".mp4", ".m4v", ".mov", ".webm", ".mkv")


def _as_it_is(_: bytes, after: bytes) -> bytes:
    return after


@dataclass(frozen=True, slots=True)
class Carrier:
    """`read`: name and text, one by one. `write`: the file with some of them replaced, by their
    places in that list; DoesNotFit. `sealed`: what a file became by bytes that were replaced
    where they stood, with its checksums right again."""

    read: Callable[[bytes], list[tuple[str, str]]]
    write: Callable[[bytes, Mapping[int, str]], bytes]
    sealed: Callable[[bytes, bytes], bytes] = _as_it_is


_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_PNG = Carrier(png.read_texts, png.write_texts, png.sealed)
_WEBP = Carrier(webp.read_texts, webp.write_texts)
_JPEG = Carrier(jpeg.read_texts, jpeg.write_texts)
_MP4 = Carrier(mp4.read_texts, mp4.write_texts)
_MATROSKA = Carrier(matroska.read_texts, matroska.write_texts, matroska.sealed)


def carrier_of(data: bytes) -> Carrier | None:
    """By a file's first bytes; None for a file of another kind."""
    if data.startswith(png.SIGNATURE):
        return _PNG
    if data.startswith(jpeg.SIGNATURE):
        return _JPEG
    if data.startswith(matroska.SIGNATURE):
        return _MATROSKA
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    # Pictures in the same boxes (AVIF, HEIC) keep texts elsewhere, and are not read.
    return _MP4 if data[4:8] == b"ftyp" and data[8:12] not in _PICTURES else None
