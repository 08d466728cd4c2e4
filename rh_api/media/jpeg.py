"""Texts in a JPEG's EXIF, XMP and comment segments: all other segments stay byte for byte.

ITU-T T.81, annex B; Exif 2.32, 4.5; XMP specification, part 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from . import exif
from .errors import DoesNotFit
from .own_texts import own_texts

SIGNATURE = b"\xff\xd8\xff"
_APP1, _COMMENT = 0xE1, 0xFE
_SCAN, _END = 0xDA, 0xD9  # image data follows
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_SEGMENT = 0xFFFF - 2  # bytes


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for kind, start, end in _segments(data) for text in _texts(kind, data[start:end])]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that makes a segment longer than JPEG allows."""
    parts: list[bytes] = []
    first = done = 0
    for kind, start, end in _segments(data):
        body = data[start:end]
        count = len(_texts(kind, body))
        own = own_texts(texts, first, count)
        first += count
        if own:
            new = _replaced(kind, body, own)
            if len(new) > _MAX_SEGMENT:
                raise DoesNotFit
            parts += [data[done : start - 2], struct.pack(">H", len(new) + 2), new]
            done = end
    return b"".join([*parts, data[done:]])


def _texts(kind: int, body: bytes) -> list[tuple[str, str]]:
    if kind == _COMMENT:
        return [("comment", exif.decoded(body))]
    if body.startswith(_EXIF):
        return exif.read_texts(body)
    return [("XMP", exif.decoded(body[len(_XMP) :]))] if body.startswith(_XMP) else []


def _replaced(kind: int, body: bytes, texts: Mapping[int, str]) -> bytes:
    if kind == _COMMENT:
        return exif.encoded(texts[0])
    if body.startswith(_EXIF):
        return exif.write_texts(body, texts)
    return _XMP + exif.encoded(texts[0])


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, body start, body end) of each segment that may hold texts."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        if kind == 0xFF:  # fill bytes before a marker
            place += 1
            continue
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        end = place + 2 + length
        if kind in (_SCAN, _END) or length < 2 or end > len(data):
            return
        if kind in (_APP1, _COMMENT):
            yield kind, place + 4, end
        place = end
