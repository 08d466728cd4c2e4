"""Texts in the tags of a WebM or Matroska file, replaced in place.

Elements are addressed by file offset, as in an mp4: a new text may not be longer than the old one,
and a shorter one is padded. CRC-32 elements are updated (RFC 8794, section 11.3.1; RFC 9559,
section 5.1.8).
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
_CRC = b"\xbf\x84"  # id and size (4 bytes) of a CRC-32, which is the first child
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
    return with_checksums(data, bytes(changed))


def with_checksums(before: bytes, after: bytes) -> bytes:
    """Return `after`, as long as `before`, with the CRCs of changed elements recomputed."""
    changed = bytearray(after)
    for _, start, end in _parts(before):
        if before[start : start + 2] == _CRC and before[start:end] != after[start:end]:
            changed[start + 2 : start + 6] = struct.pack("<I", zlib.crc32(after[start + 6 : end]))
    return bytes(changed)


def _parts(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the children of each segment, up to a cluster of unknown size."""
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
            # Some writers use upper case.
            name = decoded(data[begin:until]).rstrip("\0").lower()
        elif kind == _STRING:
            yield name, begin, until
        elif kind in (_TAG, _SIMPLE) and depth < _DEPTH:
            yield from _tag_texts(data, begin, until, depth + 1)


def _elements(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (id, body start, body end) of each element."""
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
    """A variable-length integer (-1 for none) and the offset behind it. `keep`: with its length
    marker, as in ids."""
    if place >= len(data) or data[place] == 0:
        return -1, place
    width = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + width], "big")
    if place + width > len(data):
        return -1, place
    return value if keep else value & ((1 << 7 * width) - 1), place + width
