"""MP4, MOV and M4A by their boxes (ISO/IEC 14496-12, 4.2 and 8.7).

Complete boxes prove nothing: a file may be truncated between two of them. It is whole if all
chunks of samples in its index (`moov`) begin within it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..filetypes import BLOCK, STEPS, Reading, Verdict

_MEDIA = frozenset({b"mdat", b"moov", b"moof", b"meta"})
_OTHER = frozenset(
    b"ftyp styp free skip wide uuid pnot udta pdin sidx ssix prft emsg mfra meco".split()
)
_CONTAINERS = frozenset({b"trak", b"mdia", b"minf", b"stbl", b"dinf"})  # container boxes
_DEPTH = 8  # maximum nesting of these below moov; trak/mdia/minf/stbl are 4


@dataclass(frozen=True, slots=True)
class _Box:
    """A box with content in [`start`, `end`); `is_open`: size 0, up to the end of the file."""

    name: bytes
    start: int
    end: int
    is_open: bool = False


@dataclass(slots=True)
class _Index:
    """From `moov`. `last`: highest chunk offset, -1: none. `is_external`: external media."""

    last: int = -1
    is_fragmented: bool = False
    is_external: bool = False


def judge_movie(file: Reading) -> Verdict:
    """CUT if a media box ends or a chunk of samples begins beyond the end, or without an index."""
    names: set[bytes] = set()
    index = _Index()
    doubtful = False
    for number, box in enumerate(_boxes(file, 0, file.size), 1):
        if number == STEPS:
            return Verdict.CANNOT_TELL
        if box.end > file.size:
            if box.name in _MEDIA:
                return Verdict.CUT
            # A non-media box, or trailing bytes that merely look like a box.
            doubtful = box.name in _OTHER
            break
        doubtful = doubtful or (box.is_open and box.name in _MEDIA | _OTHER)
        names.add(box.name)
        if box.name == b"moov":
            _read_index(file, box, index)
    if not names & {b"moov", b"moof", b"meta"}:
        return Verdict.CUT if not doubtful or b"mdat" not in names else Verdict.CANNOT_TELL
    if index.is_external or index.is_fragmented or b"moof" in names:
        return Verdict.CANNOT_TELL
    if index.last >= file.size:
        return Verdict.CUT
    return Verdict.WHOLE if index.last >= 0 and not doubtful else Verdict.CANNOT_TELL


def _boxes(file: Reading, start: int, end: int) -> Iterator[_Box]:
    """Yield the boxes from `start` on; the last one's end may be beyond `end`."""
    for _ in range(STEPS):
        head = file.at(start, 16)
        if start + 8 > end or len(head) < 8:
            return
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 0:
            yield _Box(name, start + 8, end, is_open=True)
            return
        header = 8
        if size == 1:
            header, size = 16, int.from_bytes(head[8:16].ljust(8, b"\xff"), "big")
        yield _Box(name, start + header, start + max(size, header))
        start += max(size, header)


def _read_index(file: Reading, box: _Box, index: _Index, depth: int = 0) -> None:
    for inner in _boxes(file, box.start, box.end):
        end = min(inner.end, box.end)
        if inner.name in _CONTAINERS and depth < _DEPTH:
            _read_index(file, _Box(inner.name, inner.start, end), index, depth + 1)
        elif inner.name == b"mvex":
            index.is_fragmented = True
        elif inner.name == b"dref":
            references = _boxes(file, inner.start + 8, end)
            flags = (file.at(reference.start, 4) for reference in references)
            index.is_external |= any(len(bits) == 4 and not bits[3] & 1 for bits in flags)
        elif inner.name in (b"stco", b"co64"):
            index.last = max(index.last, _last_offset(file, inner.start + 8, end, inner.name))


def _last_offset(file: Reading, start: int, end: int, name: bytes) -> int:
    code, width = ("I", 4) if name == b"stco" else ("Q", 8)
    farthest = -1
    for offset in range(start, end, BLOCK):
        block = file.at(offset, min(BLOCK, end - offset))
        count = len(block) // width
        numbers = struct.unpack(f">{count}{code}", block[: count * width])
        farthest = max(farthest, *numbers, -1)
    return farthest
