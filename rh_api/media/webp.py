"""Texts in a WebP's EXIF and XMP chunks: all other chunks stay byte for byte.

WebP container specification, "Extended File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from . import exif
from .own_texts import own_texts


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for kind, body, _ in _chunks(data) for text in _texts(kind, body)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    parts: list[bytes] = []
    first, end = 0, 12
    for kind, body, whole in _chunks(data):
        count = len(_texts(kind, body))
        own = own_texts(texts, first, count)
        first, end = first + count, end + len(whole)
        parts.append(_chunk(kind, _replaced(kind, body, own)) if own else whole)
    inside = b"WEBP" + b"".join(parts)
    if len(inside) + 8 == end:
        return data[:12] + inside[4:] + data[end:]
    return b"RIFF" + struct.pack("<I", len(inside)) + inside + data[end:]


def _texts(kind: bytes, body: bytes) -> list[tuple[str, str]]:
    if kind == b"EXIF":
        return exif.read_texts(body)
    return [("XMP", exif.decoded(body))] if kind == b"XMP " else []


def _replaced(kind: bytes, body: bytes, texts: Mapping[int, str]) -> bytes:
    return exif.write_texts(body, texts) if kind == b"EXIF" else exif.encoded(texts[0])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (FourCC, body, whole chunk) of each chunk."""
    place = 12
    while place + 8 <= len(data):
        (length,) = struct.unpack("<I", data[place + 4 : place + 8])
        end = place + 8 + length + length % 2
        yield data[place : place + 4], data[place + 8 : place + 8 + length], data[place:end]
        place = end


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
