"""Texts in the tags of a WebM or Matroska file, replaced where they stand.

As in an mp4 all else is found by its distance from the beginning, so a new text has to be as long
as the old one. Elements have a checksum of their own, which follows (RFC 8794, section 11.3.1;
RFC 9559, section 5.1.8).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

from .errors import DoesNotFit
from .exif import decoded, encoded

SIGNATURE = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_TAGS, _TAG, _SIMPLE, _NAME, _STRING = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
_INFO, _TITLE = 0x1549A966, 0x7BA9
_CRC = b"\xbf\x84"  # the first child, of four bytes
_DEPTH = 8


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [(name, decoded(data[start:end]).rstrip("\0")) for name, start, end in _texts(data)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that is longer than the old one."""
    changed = bytearray(data)
    for number, (_, start, end) in enumerate(_texts(data)):
        if number in texts:
            plain = encoded(texts[number])
            if len(plain) > end - start:
                raise DoesNotFit(len(plain) - (end - start))
            changed[start:end] = plain.ljust(end - start)
    return sealed(data, bytes(changed))


def sealed(before: bytes, after: bytes) -> bytes:
    """`after`, as long as `before`, with the checksums of the elements that differ."""
    changed = bytearray(after)
    for _, start, end in _parts(before):
        if before[start : start + 2] == _CRC and before[start:end] != after[start:end]:
            changed[start + 2 : start + 6] = struct.pack("<I", zlib.crc32(after[start + 6 : end]))
    return bytes(changed)


def _parts(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The elements of each segment, up to pictures whose length nobody knew yet."""
    for kind, start, end in _elements(data, 0, len(data)):
        if kind == _SEGMENT:
            yield from _elements(data, start, end)


def _texts(data: bytes) -> Iterator[tuple[str, int, int]]:
    for kind, start, end in _parts(data):
        if kind == _TAGS:
            yield from _tag_texts(data, start, end, 0)
        elif kind == _INFO:
            yield from (
                ("title", begin, until)
                for inner, begin, until in _elements(data, start, end)
                if inner == _TITLE
            )


def _tag_texts(data: bytes, start: int, end: int, depth: int) -> Iterator[tuple[str, int, int]]:
    name = ""
    for kind, begin, until in _elements(data, start, end):
        if kind == _NAME:
            # Some writers have them in capitals.
            name = decoded(data[begin:until]).rstrip("\0").lower()
        elif kind == _STRING:
            yield name, begin, until
        elif kind in (_TAG, _SIMPLE) and depth < _DEPTH:
            yield from _tag_texts(data, begin, until, depth + 1)


def _elements(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of the body of each element."""
    while start < end:
        kind, body = _number(data, start, keep=True)
        length, body = _number(data, body, keep=False)
        if kind < 0 or length < 0 or body > end:
            return
        unknown = length == (1 << 7 * (body - start - _width(kind))) - 1
        if unknown and kind == _CLUSTER:
            return
        after = end if unknown else body + length
        if after > end:
            return
        yield kind, body, after
        start = after


def _width(kind: int) -> int:
    return (kind.bit_length() + 7) // 8


def _number(data: bytes, place: int, *, keep: bool) -> tuple[int, int]:
    """A number of variable length and where it ends; -1 for none. `keep`: with its marker, as ids
    have it."""
    if place >= len(data) or data[place] == 0:
        return -1, place
    width = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + width], "big")
    if place + width > len(data):
        return -1, place
    return value if keep else value & ((1 << 7 * width) - 1), place + width
