"""Texts in the Exif and XMP items of an AVIF or a HEIC, replaced in place.

Items are addressed by file offset, as in an mp4: a new text may not be longer than the old one,
and a shorter one is padded (ISO/IEC 14496-12, section 8.11; ISO/IEC 23008-12, annex A).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import exif
from .boxes import boxes
from .errors import DoesNotFit
from .own_texts import changed_texts
from .pieces import joined, put

BRANDS = frozenset(
    b"avif avis avio heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 miaf".split()
)
_EXIF = "Exif"
_NAMES = {b"application/rdf+xml": "XMP"}
_TEXTS = (b"application/", b"text/")
_IN_FILE, _IN_META = 0, 1  # construction methods of `iloc`


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    pieces: tuple[tuple[int, int], ...]

    def texts(self, block: bytes) -> list[tuple[str, str]]:
        if self.name == _EXIF:
            return exif.read_texts(block[_tiff(block) :])
        return [(self.name, exif.decoded(block))]

    def written(self, block: bytes, texts: Mapping[int, str]) -> bytes:
        if self.name == _EXIF:
            start = _tiff(block)
            return block[:start] + exif.write_texts(block[start:], texts)
        return exif.encoded(texts[0]).ljust(len(block))


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for item in _items(data) for text in item.texts(joined(data, item.pieces))]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that is longer than the old one."""
    changed = bytearray(data)
    first = 0
    for item in _items(data):
        block = joined(data, item.pieces)
        old = item.texts(block)
        own = changed_texts(texts, first, old)
        first += len(old)
        if own:
            new = item.written(block, own)
            if len(new) > len(block):
                raise DoesNotFit(len(new) - len(block))
            put(changed, item.pieces, new)
    return bytes(changed)


def _tiff(block: bytes) -> int:
    """Offset of the TIFF header in an Exif item, by its first four bytes."""
    return 4 + int.from_bytes(block[:4], "big")


def _items(data: bytes) -> Iterator[_Item]:
    for kind, start, end in boxes(data, 0, len(data)):
        if kind == b"meta":
            inner = {kind: (body, after) for kind, body, after in boxes(data, start + 4, end)}
            if b"iinf" in inner and b"iloc" in inner:
                names = _names(data, *inner[b"iinf"])
                yield from _located(data, names, inner[b"iloc"], inner.get(b"idat", (0, 0)))


def _names(data: bytes, start: int, end: int) -> dict[int, str]:
    """Names of the items that hold texts, by item id."""
    names: dict[int, str] = {}
    skip = 6 if data[start : start + 1] == b"\0" else 8
    for kind, body, after in boxes(data, start + skip, end):
        version = data[body : min(body + 1, after)]
        if kind != b"infe" or version not in (b"\2", b"\3"):
            continue
        width = 2 if version == b"\2" else 4
        number = int.from_bytes(data[body + 4 : body + 4 + width], "big")
        place = body + 6 + width
        name = _name(data[place : place + 4], data[place + 4 : after])
        if name:
            names[number] = name
    return names


def _name(kind: bytes, rest: bytes) -> str:
    """An item's name, "" if not a text. `rest`: its name, MIME type and encoding, 0-terminated."""
    if kind != b"mime":
        return _EXIF if kind == b"Exif" else ""
    _, content, packed = (*rest.split(b"\0", 3), b"", b"", b"")[:3]
    is_text = content.startswith(_TEXTS) and not packed
    return _NAMES.get(content, content.decode("latin-1")) if is_text else ""


class _Reader:
    """Reads consecutive big-endian integers, each of a given width in bytes."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def number(self, width: int) -> int:
        self.place += width
        return int.from_bytes(self.data[self.place - width : self.place], "big")


def _located(
    data: bytes, names: dict[int, str], table: tuple[int, int], inner: tuple[int, int]
) -> Iterator[_Item]:
    """Parse `iloc` (at `table`) for the extents of those items. `inner`: span of `idat`."""
    start, end = table
    reader = _Reader(data, start)
    version = reader.number(1)
    reader.number(3)
    sizes = reader.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version in (1, 2) else 0
    count = reader.number(2 if version < 2 else 4)
    room = len(data)  # bounds all items together, since extents may overlap
    for _ in range(count):
        number = reader.number(2 if version < 2 else 4)
        method = reader.number(2) & 15 if version in (1, 2) else _IN_FILE
        reference = reader.number(2)
        begin = reader.number(base)
        extents = reader.number(2)
        following = reader.place + extents * (index + offset + length)
        if following > end:
            return
        name = names.pop(number, "") if method in (_IN_FILE, _IN_META) and not reference else ""
        if name and length:
            low, high = (0, len(data)) if method == _IN_FILE else inner
            pieces = _pieces(reader, low + begin, extents, (index, offset, length))
            room -= sum(until - since for since, until in pieces)
            if room < 0:
                return
            if all(low <= since and until <= high for since, until in pieces):
                yield _Item(name, pieces)
        reader.place = following


def _pieces(
    reader: _Reader, begin: int, count: int, widths: tuple[int, int, int]
) -> tuple[tuple[int, int], ...]:
    index, offset, length = widths
    pieces: list[tuple[int, int]] = []
    for _ in range(count):
        reader.number(index)
        start = begin + reader.number(offset)
        pieces.append((start, start + reader.number(length)))
    return tuple(pieces)
