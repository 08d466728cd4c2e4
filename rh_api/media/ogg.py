"""Texts in the comments of an Opus, Vorbis or FLAC stream in Ogg, replaced in place.

A packet is split over pages, each with a checksum (RFC 3533, section 6; RFC 7845, section 5.2;
Vorbis I specification, section 5). A new text is padded to the length of the old one, so that no
page changes its size or number.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import vorbis
from .own_texts import changed_texts
from .pieces import joined, put

SIGNATURE = b"OggS"
_HEAD = 27  # bytes of a page before its segment table
_CHECKSUM = 22  # its offset in a page
_FIRST = 2  # page flag: a stream begins
_FULL = 0xFF  # lacing value of a segment that the next one continues
_COMMENTS = 1  # index of the comment packet in a stream
_FORMS = {b"OpusTags": 8, b"\3vorbis": 7, b"\x81theora": 7, b"\x84": 4, b"\4": 4}
"""Magic bytes of a comment packet to the offset of the comments; the last two are FLAC's."""
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class _Page:
    """`body`: offset behind the segment table; `lengths`: that table (lacing values)."""

    start: int
    body: int
    end: int
    flags: int
    stream: bytes
    lengths: bytes


@dataclass(slots=True)
class _Stream:
    """The number of complete packets, and the spans of the incomplete one."""

    packets: int = 0
    pieces: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def read_texts(data: bytes) -> list[tuple[str, str]]:
    packets = [joined(data, pieces) for pieces in _packets(data)]
    return [text for packet in packets for text in vorbis.read_texts(packet, _form(packet))]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that is longer than the old one."""
    changed = bytearray(data)
    first = 0
    for pieces in _packets(data):
        packet = joined(data, pieces)
        start = _form(packet)
        old = vorbis.read_texts(packet, start)
        own = changed_texts(texts, first, old)
        first += len(old)
        if own:
            put(changed, pieces, vorbis.write_texts(packet, start, own, as_long=True))
    return with_checksums(data, bytes(changed))


def with_checksums(before: bytes, after: bytes) -> bytes:
    """Return `after`, as long as `before`, with the checksums of changed pages recomputed."""
    changed = bytearray(after)
    for page in _pages(before):
        if before[page.start : page.end] != after[page.start : page.end]:
            place = page.start + _CHECKSUM
            changed[place : place + 4] = bytes(4)
            checksum = _checksum(bytes(changed[page.start : page.end]))
            changed[place : place + 4] = struct.pack("<I", checksum)
    return bytes(changed)


def _checksum(page: bytes) -> int:
    """Ogg's CRC-32 by zlib's: the bits of each byte and of the sum mirrored, initially zero."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _form(packet: bytes) -> int:
    """Offset of the comments in a packet; its length for one of another kind."""
    return next((size for head, size in _FORMS.items() if packet.startswith(head)), len(packet))


def _packets(data: bytes) -> Iterator[list[tuple[int, int]]]:
    """Yield the spans of each stream's comment packet."""
    streams: dict[bytes, _Stream] = {}
    for page in _pages(data):
        if page.flags & _FIRST or page.stream not in streams:
            streams[page.stream] = _Stream()
        stream = streams[page.stream]
        place = start = page.body
        for length in page.lengths:
            if stream.packets > _COMMENTS:
                break
            place += length
            if length == _FULL:
                continue
            if stream.packets == _COMMENTS:
                yield [*stream.pieces, (start, place)]
            stream.packets += 1
            stream.pieces, start = [], place
        if start < place and stream.packets == _COMMENTS:
            stream.pieces.append((start, place))


def _pages(data: bytes) -> Iterator[_Page]:
    start = 0
    while data.startswith(SIGNATURE, start) and start + _HEAD <= len(data):
        body = start + _HEAD + data[start + _HEAD - 1]
        lengths = data[start + _HEAD : body]
        end = body + sum(lengths)
        if end > len(data):
            return
        yield _Page(start, body, end, data[start + 5], data[start + 14 : start + 18], lengths)
        start = end
