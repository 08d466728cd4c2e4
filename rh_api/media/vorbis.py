"""Vorbis comments, as in FLAC, Opus and Vorbis: each is `NAME=text`, prefixed with its length.

Vorbis I specification, section 5.2; all integers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import DoesNotFit
from .exif import decoded, encoded

_LENGTH = 4  # bytes of an integer


@dataclass(frozen=True, slots=True)
class _Comment:
    """`place`: its offset, behind its length; `start`: offset of its text."""

    name: str
    place: int
    start: int
    end: int


def read_texts(block: bytes, start: int) -> list[tuple[str, str]]:
    """`start`: offset of the comments in the block."""
    return [(text.name, decoded(block[text.start : text.end])) for text in _comments(block, start)]


def write_texts(
    block: bytes, start: int, texts: Mapping[int, str], *, as_long: bool = False
) -> bytes:
    """Return the block with texts replaced. `as_long`: each is padded with spaces to the old
    one's length; raises DoesNotFit for a longer one."""
    parts: list[bytes] = []
    done = 0
    for number, old in enumerate(_comments(block, start)):
        if number not in texts:
            continue
        plain, room = encoded(texts[number]), old.end - old.start
        if as_long:
            if len(plain) > room:
                raise DoesNotFit(len(plain) - room)
            plain = plain.ljust(room)
        length = struct.pack("<I", old.start - old.place + len(plain))
        parts += [block[done : old.place - _LENGTH], length, block[old.place : old.start], plain]
        done = old.end
    return b"".join([*parts, block[done:]])


def _comments(block: bytes, start: int) -> Iterator[_Comment]:
    _, place = _span(block, start)  # behind the vendor string
    count = _number(block, place)
    place += _LENGTH
    for _ in range(count):
        begin, end = _span(block, place)
        if end > len(block):
            return
        name, sign, _ = block[begin:end].partition(b"=")
        head = len(name) + 1 if sign else 0
        # Some writers use upper case for names.
        yield _Comment(decoded(name).lower() if sign else "", begin, begin + head, end)
        place = end


def _span(block: bytes, place: int) -> tuple[int, int]:
    """(start, end) of a length-prefixed item; `end` is beyond the block if it is truncated."""
    start = place + _LENGTH
    return start, start + _number(block, place) if start <= len(block) else len(block) + 1


def _number(block: bytes, place: int) -> int:
    return int.from_bytes(block[place : place + _LENGTH], "little")
