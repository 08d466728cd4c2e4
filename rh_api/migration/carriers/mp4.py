"""Texts in the metadata of an mp4 (moov/udta/meta or moov/meta), replaced where they stand.

All that follows in such a file is found by its distance from the beginning, so a new text has to
be as long as the old one: JSON takes blanks at its end (ISO/IEC 14496-12; QuickTime File Format,
"Metadata").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import DoesNotFit
from .exif import decoded, encoded

_CONTAINERS = frozenset({b"moov", b"udta", b"ilst"})
_NAMES = {
    b"\xa9nam": "title",
    b"\xa9cmt": "comment",
    b"\xa9des": "description",
    b"desc": "description",
}
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    start: int
    end: int


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [(one.name, decoded(data[one.start : one.end])) for one in _texts(data)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that is longer than the old one."""
    changed = bytearray(data)
    for number, one in enumerate(_texts(data)):
        if number in texts:
            plain = encoded(texts[number])
            room = one.end - one.start
            if len(plain) > room:
                raise DoesNotFit(len(plain) - room)
            changed[one.start : one.end] = plain.ljust(room)
    return bytes(changed)


def _texts(data: bytes) -> Iterator[_Text]:
    yield from _boxes_texts(data, 0, len(data), [], 0)


def _boxes_texts(data: bytes, start: int, end: int, keys: list[str], depth: int) -> Iterator[_Text]:
    if depth > _DEPTH:
        return
    for kind, body, after in _boxes(data, start, end):
        if kind == b"meta":
            # QuickTime's has no version before its boxes.
            skip = 0 if data[body + 4 : body + 8] == b"hdlr" else 4
            yield from _boxes_texts(data, body + skip, after, keys, depth + 1)
        elif kind == b"keys":
            keys[:] = _keys(data, body, after)
        elif kind in _CONTAINERS:
            yield from _boxes_texts(data, body, after, keys, depth + 1)
        elif depth and data[body + 4 : body + 8] == b"data":
            name = _NAMES.get(kind) or _numbered(kind, keys)
            (length,) = struct.unpack(">I", data[body : body + 4])
            if name and 16 <= length <= after - body:
                yield _Text(name, body + 16, body + length)


def _numbered(kind: bytes, keys: list[str]) -> str:
    (number,) = struct.unpack(">I", kind)
    return keys[number - 1] if 0 < number <= len(keys) else ""


def _keys(data: bytes, start: int, end: int) -> list[str]:
    """The names that the numbers of `ilst` mean."""
    found: list[str] = []
    for _, body, after in _boxes(data, start + 8, end):
        found.append(data[body:after].decode("utf-8", "replace"))
    return found


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the body of each box."""
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        body = start + 8
        if length == 1 and body + 8 <= end:
            (length,) = struct.unpack(">Q", data[body : body + 8])
            body += 8
        elif length == 0:
            length = end - start
        if length < body - start or start + length > end:
            return
        yield kind, body, start + length
        start += length
