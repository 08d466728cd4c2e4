"""Texts in a FLAC's Vorbis comments: all other blocks, and the audio, stay byte for byte.

RFC 9639, sections 7 and 8. Seek offsets count from the first audio frame, so comments may change
their length. Some programs prepend an ID3 tag, which is not part of the format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from . import id3, vorbis
from .errors import DoesNotFit
from .own_texts import own_texts

SIGNATURE = b"fLaC"
_COMMENTS = 4
_LAST = 0x80  # flag in the last block's first byte
_MAX_BLOCK = 0xFFFFFF  # bytes


def read_texts(data: bytes) -> list[tuple[str, str]]:
    comments = [
        text for start, end in _blocks(data) for text in vorbis.read_texts(data[start:end], 0)
    ]
    return id3.read_texts(data) + comments


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for comments that are longer than a block may be."""
    parts: list[bytes] = []
    first, done = len(id3.read_texts(data)), 0
    before = own_texts(texts, 0, first)
    for start, end in _blocks(data):
        block = data[start:end]
        count = len(vorbis.read_texts(block, 0))
        own = own_texts(texts, first, count)
        first += count
        if own:
            new = vorbis.write_texts(block, 0, own)
            if len(new) > _MAX_BLOCK:
                raise DoesNotFit(len(new) - _MAX_BLOCK)
            parts += [data[done : start - 3], struct.pack(">I", len(new))[1:], new]
            done = end
    written = b"".join([*parts, data[done:]])
    return id3.write_texts(written, before) if before else written


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the body of each comment block."""
    place = id3.end_of(data)
    if not data.startswith(SIGNATURE, place):
        return
    place += len(SIGNATURE)
    while place + 4 <= len(data):
        kind, start = data[place], place + 4
        end = start + int.from_bytes(data[place + 1 : start], "big")
        if end > len(data):
            return
        if kind & ~_LAST == _COMMENTS:
            yield start, end
        if kind & _LAST:
            return
        place = end
