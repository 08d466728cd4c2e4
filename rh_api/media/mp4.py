"""Texts in the metadata of an mp4 (moov/udta/meta or moov/meta), replaced in place.

Media data is addressed by file offset, so a new text may not be longer than the old one; a shorter
one is padded with spaces, which JSON allows (ISO/IEC 14496-12; QuickTime File Format, "Metadata"
and "User data text strings"). An m4a is the same with audio alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .boxes import boxes
from .errors import DoesNotFit
from .exif import decoded, encoded

_CONTAINERS = frozenset({b"moov", b"udta", b"ilst"})
_NAMES = {
    b"\xa9nam": "title",
    b"\xa9cmt": "comment",
    b"\xa9des": "description",
    b"desc": "description",
}
_UTF_8 = b"\0\0\0\1"  # type of a `data` box
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    start: int
    end: int


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [(text.name, decoded(data[text.start : text.end])) for text in _texts(data)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that is longer than the old one."""
    changed = bytearray(data)
    for number, old in enumerate(_texts(data)):
        if number in texts:
            plain = encoded(texts[number])
            room = old.end - old.start
            if len(plain) > room:
                raise DoesNotFit(len(plain) - room)
            changed[old.start : old.end] = plain.ljust(room)
    return bytes(changed)


def _texts(data: bytes) -> Iterator[_Text]:
    yield from _boxes_texts(data, 0, len(data), [], 0)


def _boxes_texts(data: bytes, start: int, end: int, keys: list[str], depth: int) -> Iterator[_Text]:
    if depth > _DEPTH:
        return
    for kind, body, after in boxes(data, start, end):
        if kind == b"meta":
            # QuickTime's `meta` has no version and flags before its boxes.
            skip = 0 if data[body + 4 : body + 8] == b"hdlr" else 4
            yield from _boxes_texts(data, body + skip, after, keys, depth + 1)
        elif kind == b"keys":
            keys[:] = _keys(data, body, after)
        elif kind in _CONTAINERS:
            yield from _boxes_texts(data, body, after, keys, depth + 1)
        elif depth and data[body + 4 : body + 8] == b"data":
            is_text = data[body + 8 : body + 12] == _UTF_8
            name = _NAMES.get(kind) or _numbered(kind, keys) or (_lettered(kind) if is_text else "")
            (length,) = struct.unpack(">I", data[body : body + 4])
            if name and 16 <= length <= after - body:
                yield _Text(name, body + 16, body + length)
        elif depth and kind == b"----":
            yield from _free_form(data, body, after)
        elif depth and kind.startswith(b"\xa9"):
            yield from _user_texts(data, kind, body, after)


def _numbered(kind: bytes, keys: list[str]) -> str:
    (number,) = struct.unpack(">I", kind)
    return keys[number - 1] if 0 < number <= len(keys) else ""


def _lettered(kind: bytes) -> str:
    return kind.decode("latin-1").lstrip("\xa9")


def _free_form(data: bytes, start: int, end: int) -> Iterator[_Text]:
    """The text of a free-form item `----`: boxes `mean` (the program), `name` and `data`."""
    name = ""
    for kind, body, after in boxes(data, start, end):
        if kind == b"name":
            name = decoded(data[body + 4 : after])
        elif kind == b"data" and body + 8 <= after:
            yield _Text(name, body + 8, after)


def _user_texts(data: bytes, kind: bytes, start: int, end: int) -> Iterator[_Text]:
    """QuickTime user data: one text per language, prefixed with its length and language code."""
    while start + 4 <= end:
        (length,) = struct.unpack(">H", data[start : start + 2])
        start += 4
        if start + length > end:
            return
        yield _Text(_NAMES.get(kind) or _lettered(kind), start, start + length)
        start += length


def _keys(data: bytes, start: int, end: int) -> list[str]:
    """The names of the box `keys`, to which `ilst` refers by number, from 1."""
    names: list[str] = []
    for _, body, after in boxes(data, start + 8, end):
        names.append(data[body:after].decode("utf-8", "replace"))
    return names
