"""PNG by its chunks (W3C PNG, section 5), JPEG by its segments and scans (ITU T.81, annex B)."""

from __future__ import annotations

import re

from ..filetypes import BLOCK, STEPS, Reading, Verdict

_CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")

_END = b"\xff\xd9"
_SCAN = 0xDA
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RST0 to RST7, SOI
_JPEG_LS = 0xF7  # uses bit stuffing in scans
# In a scan 0xFF is no marker before 0x00 (stuffing), 0xD0 to 0xD7 (RSTn) and 0xFF (fill byte).
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def judge_png(file: Reading) -> Verdict:
    """WHOLE if the chunks, also those of an animated PNG, lead to a complete IEND."""
    position = 8
    for _ in range(STEPS):
        head = file.at(position, 8)
        if len(head) < 8:
            return Verdict.CUT
        if not _CHUNK_NAME.fullmatch(head[4:]):
            return Verdict.CANNOT_TELL
        position += 12 + int.from_bytes(head[:4], "big")
        if position > file.size:
            return Verdict.CUT
        if head[4:] == b"IEND":
            return Verdict.WHOLE
    return Verdict.CANNOT_TELL


def judge_jpeg(file: Reading) -> Verdict:
    """WHOLE at the first EOI marker outside of segments, which may embed thumbnails."""
    position: int | None = 2
    for _ in range(STEPS):
        head = file.at(position, 4)
        if len(head) < 2:
            return Verdict.CUT
        if head[:2] == _END:
            return Verdict.WHOLE
        position = _next_marker(file, position, head)
        if position is None:
            break
    return Verdict.CANNOT_TELL


def _next_marker(file: Reading, position: int, head: bytes) -> int | None:
    """Return the offset of the marker after that at `position`; None if undecidable."""
    marker = head[1]
    if head[0] != 0xFF or marker == _JPEG_LS:
        return None
    if marker == 0xFF:
        return position + 1
    if marker in _STANDALONE:
        return position + 2
    length = int.from_bytes(head[2:], "big")
    if len(head) < 4:
        return file.size
    if marker < 0xC0 or length < 2:
        return None
    position += 2 + length
    return _end_of_scan(file, position) if marker == _SCAN else position


def _end_of_scan(file: Reading, position: int) -> int:
    """Return the offset of the marker that ends a scan, or the end of the file."""
    while block := file.at(position, BLOCK):
        marker = _MARKER_IN_SCAN.search(block)
        if marker:
            return position + marker.start()
        if len(block) == 1:
            break
        position += len(block) - 1  # the last byte may be the first of a marker
    return file.size
