"""Whether a file was cut short, by its end mark or its outer lengths.

Content-Length proves nothing: a service that truncated a file announces what is left. Only CUT has
consequences: another download, and a warning if that is cut too. Trailing bytes are WHOLE, and what
a format leaves open (streamed sizes, fragments) is CANNOT_TELL.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import BinaryIO

from .filetypes import AVIF, HEAD, HEIC, JPEG, MP4, PNG, WAV, WEBP, ZIP, FileType, by_suffix, sniff

BLOCK = 256 * 1024  # bytes read at once
_MOST_BOXES = 10_000  # of a movie in fragments of a second that is three hours


class Verdict(enum.Enum):
    """Completeness of a file by its own structure: whole, truncated, or undecidable."""

    WHOLE = "whole"
    CUT = "cut"
    CANNOT_TELL = "cannot tell"


def judge(file: BinaryIO, size: int) -> Verdict:
    """Judge whether a seekable file of `size` bytes is complete, as the type of its magic bytes.

    A PNG and a JPEG are read through, a block at a time. Raises OSError if the file cannot be read.
    Blocking.
    """

    def at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    judge_type = _JUDGES.get(sniff(at(0, HEAD)))
    return Verdict.CANNOT_TELL if judge_type is None else judge_type(at, size)


_At = Callable[[int, int], bytes]
"""Up to that many bytes of the file from an offset on; fewer at its end."""


def _has(at: _At, mark: bytes, start: int) -> Verdict:
    while len(block := at(start, BLOCK)) >= len(mark):
        if mark in block:
            return Verdict.WHOLE
        start += len(block) - len(mark) + 1
    return Verdict.CUT


def _png(at: _At, _: int) -> Verdict:
    return _has(at, b"IEND\xaeB`\x82", 8)


def _jpeg(at: _At, _: int) -> Verdict:
    """By the end mark behind the first scan: segments before it may hold a whole preview, and in
    a scan each 0xFF is followed by another byte (ITU T.81, B.1.1)."""
    place = 2
    while len(head := at(place, 4)) == 4:
        if head[0] != 0xFF:
            return Verdict.CANNOT_TELL
        if head[1] == 0xDA:
            return _has(at, b"\xff\xd9", place)
        place += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:], "big")
    return Verdict.CUT


def _riff(at: _At, size: int) -> Verdict:
    """By the length in the head. Who streams writes 0, or the most there can be; some count the
    eight bytes of the head as well."""
    length = int.from_bytes(at(4, 4), "little")
    if length <= 4 or (length >= 0x7FFF_0000 and length > size):
        return Verdict.CANNOT_TELL
    return Verdict.WHOLE if length <= size else Verdict.CUT


def _movie(at: _At, size: int) -> Verdict:
    """By the outermost boxes (ISO/IEC 14496-12, 4.2): samples and their index, both to their end.
    Fragments go on until an index of them, which most writers leave out."""
    names: set[bytes] = set()
    place = 0
    for _ in range(_MOST_BOXES):
        head = at(place, 16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if name in _MEDIA and length == 0:  # to the end of the file
            return Verdict.CANNOT_TELL
        if len(head) < 8 or length < 8:
            break
        if place + length > size:
            if name in _MEDIA:
                return Verdict.CUT
            break
        names.add(name)
        place += length
    if b"moof" in names:
        return Verdict.WHOLE if b"mfra" in names else Verdict.CANNOT_TELL
    return Verdict.WHOLE if b"mdat" in names and names & {b"moov", b"meta"} else Verdict.CUT


_MEDIA = frozenset({b"mdat", b"moov", b"moof", b"meta"})


def _glb(at: _At, size: int) -> Verdict:
    """By the length in the head (glTF 2.0, 4.4.2)."""
    length = int.from_bytes(at(8, 4), "little")
    return Verdict.CUT if length > size or size < 12 else Verdict.WHOLE


def _zip(at: _At, size: int) -> Verdict:
    """By the end record behind the directory (APPNOTE, 4.3.16), which a comment may follow."""
    start = max(0, size - BLOCK)
    tail = at(start, BLOCK)
    place = tail.rfind(b"PK\x05\x06")
    record = tail[place : place + 22] if place >= 0 else b""
    directory = sum(int.from_bytes(record[at : at + 4], "little") for at in (12, 16))
    # One of an archive within this one does not fit its place; the largest number says zip64.
    fits = directory in (start + place, 2 * 0xFFFF_FFFF) or record[12:20].count(0xFF) >= 4
    return Verdict.WHOLE if len(record) == 22 and fits else Verdict.CUT


_JUDGES: dict[FileType | None, Callable[[_At, int], Verdict]] = {
    PNG: _png,
    JPEG: _jpeg,
    **dict.fromkeys((WEBP, WAV, by_suffix(".avi")), _riff),
    **dict.fromkeys((MP4, AVIF, HEIC, by_suffix(".mov"), by_suffix(".m4a")), _movie),
    by_suffix(".glb"): _glb,
    ZIP: _zip,
}
