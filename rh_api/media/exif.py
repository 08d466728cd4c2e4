"""Texts in an EXIF block (TIFF 6.0, section 2; Exif 2.32, 4.6), as WebP, JPEG and PNG hold one.

ComfyUI writes `prompt:{…}` and `workflow:{…}` into the first directory (IFD), other savers into
UserComment. A new text overwrites the old one if it fits there, else it is appended to the block
and the old one is zeroed: no other offset changes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_BYTE, _ASCII, _UNDEFINED = 1, 2, 7
_DIRECTORY = 0x8769  # pointer to the Exif directory
_USER_COMMENT = 0x9286
_WINDOWS = range(0x9C9B, 0x9CA0)  # XPTitle, XPComment …, in UTF-16
_NO_TEXT = 0xA420  # ImageUniqueID: 32 hexadecimal characters that are no key
_NAMES = {
    0x010E: "description",
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    _USER_COMMENT: "user comment",
    0x9C9C: "comment",
}
_PREFIX = re.compile(r"([A-Za-z_]\w{0,40}):(?=\s*[\[{])")
_MAX_ENTRIES = 1000
_CODE = 8  # bytes of a user comment's character code


@dataclass(frozen=True, slots=True)
class _Entry:
    """A text: offset of its directory entry (`place`), span of its bytes, and encoding."""

    place: int
    start: int
    length: int
    head: bytes
    codec: str
    name: str
    prefix: str
    text: str
    tail: str

    def written(self, text: str) -> bytes:
        return self.head + encoded(self.prefix + text + self.tail, self.codec)


def decoded(plain: bytes, codec: str = "utf-8") -> str:
    """Decode bytes that may be invalid UTF-8, losslessly: `encoded` returns the same bytes."""
    return plain.decode(codec, "surrogateescape" if codec == "utf-8" else "surrogatepass")


def encoded(text: str, codec: str = "utf-8") -> bytes:
    return text.encode(codec, "surrogateescape" if codec == "utf-8" else "surrogatepass")


def read_texts(block: bytes) -> list[tuple[str, str]]:
    return [(entry.name, entry.text) for entry in _entries(block)]


def write_texts(block: bytes, texts: Mapping[int, str]) -> bytes:
    """Return the block with texts replaced, by their index in `read_texts`."""
    start, order = _header(block)
    changed = bytearray(block)
    for number, entry in enumerate(_entries(block)):
        if texts.get(number, entry.text) == entry.text:
            continue
        plain = entry.written(texts[number])
        place = entry.start
        changed[place : place + entry.length] = b"\0" * entry.length
        if len(plain) > entry.length:
            changed += b"\0" * ((len(changed) - start) % 2)
            place = len(changed)
        changed[place : place + len(plain)] = plain
        where = struct.pack(f"{order}II", len(plain), place - start)
        changed[entry.place + 4 : entry.place + 12] = where
    return bytes(changed)


def _header(block: bytes) -> tuple[int, str]:
    """Offset of the TIFF header, and its byte order as `struct` has it."""
    start = 6 if block.startswith(b"Exif\0\0") else 0
    return start, "<" if block[start : start + 2] == b"II" else ">"


def _entries(block: bytes) -> Iterator[_Entry]:
    start, order = _header(block)
    if block[start : start + 2] not in (b"II", b"MM") or len(block) < start + 8:
        return
    (first,) = struct.unpack(f"{order}I", block[start + 4 : start + 8])
    directories = [first]
    room = len(block)  # bounds all texts together, since entries may share bytes
    for directory in directories:
        for place, tag, kind, length, where in _rows(block, start + directory, order):
            if tag == _DIRECTORY and len(directories) == 1:
                directories.append(where)
            fits = 4 < length <= min(room, len(block) - start - where)
            if fits and tag != _NO_TEXT:
                room -= length
                raw = block[start + where : start + where + length]
                entry = _text_entry(place, start + where, tag, kind, raw)
                if entry is not None:
                    yield entry


def _rows(block: bytes, place: int, order: str) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (offset, tag, type, count, value) of each entry of a directory."""
    if place + 2 > len(block):
        return
    (count,) = struct.unpack(f"{order}H", block[place : place + 2])
    for number in range(min(count, _MAX_ENTRIES)):
        at = place + 2 + 12 * number
        if at + 12 > len(block):
            return
        yield at, *struct.unpack(f"{order}HHII", block[at : at + 12])


def _text_entry(place: int, start: int, tag: int, kind: int, raw: bytes) -> _Entry | None:
    head, codec = b"", "utf-8"
    if tag == _USER_COMMENT and kind in (_UNDEFINED, _BYTE):  # Pillow writes BYTE
        head = raw[:_CODE]
        if head.startswith(b"UNICODE"):
            codec = _utf_16(raw[_CODE:])
    elif tag in _WINDOWS and kind == _BYTE:
        codec = "utf-16-le"
    elif kind != _ASCII:
        return None
    plain = raw[len(head) :]
    if codec != "utf-8" and len(plain) % 2:
        return None
    whole = decoded(plain, codec)
    text = whole.rstrip("\0")
    tail = whole[len(text) :]
    match = _PREFIX.match(text)
    prefix = match[0] if match else ""
    name = match[1] if match else _NAMES.get(tag, f"tag {tag:#06x}")
    return _Entry(place, start, len(raw), head, codec, name, prefix, text[len(prefix) :], tail)


def _utf_16(plain: bytes) -> str:
    """Detect the byte order, on which writers disagree, by the zero bytes of Latin letters."""
    return "utf-16-be" if plain[::2].count(0) >= plain[1::2].count(0) else "utf-16-le"
