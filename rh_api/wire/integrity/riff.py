"""RIFF: WebP (RFC 9649), WAV and AVI (Microsoft, "Resource Interchange File Format").

A streaming writer cannot seek back to fill in sizes: 0 and the maximum stand for "unknown". Some
writers include the 8-byte header in the size.
"""

from __future__ import annotations

from ..filetypes import STEPS, Reading, Verdict

_TOLERANCE = 9  # bytes: an 8-byte header counted or not, and a pad byte
_PLACEHOLDER = 0x7FFF_0000  # sizes from here on are some writers' placeholder for "unknown"


def judge_webp(file: Reading) -> Verdict:
    """Check the RIFF size, which is reliable: WebP is not streamed."""
    end = _end(file, 0)
    if end is None:
        return Verdict.CANNOT_TELL
    if end > file.size:
        return Verdict.CUT if end > file.size + _TOLERANCE else Verdict.CANNOT_TELL
    return Verdict.WHOLE if _chunks_reach(file, end) else Verdict.CANNOT_TELL


def judge_wav(file: Reading) -> Verdict:
    """CUT only if both the RIFF size and a chunk's size reach beyond the end."""
    end = _end(file, 0)
    if end is None:
        return Verdict.CANNOT_TELL
    if end <= file.size:
        return Verdict.WHOLE if _chunks_reach(file, end) else Verdict.CANNOT_TELL
    misses = file.size + _TOLERANCE < _walk(file, end) <= end + _TOLERANCE
    return Verdict.CUT if misses else Verdict.CANNOT_TELL


def judge_avi(file: Reading) -> Verdict:
    """Check the RIFF size, and those of the AVIX RIFFs that continue a large file (OpenDML)."""
    position = 0
    for _ in range(STEPS):
        end = _end(file, position)
        if end is None:
            return Verdict.CANNOT_TELL
        if end > file.size:
            return Verdict.CUT if end > file.size + _TOLERANCE else Verdict.CANNOT_TELL
        position = end + end % 2
        head = file.at(position, 12)
        if head[:4] != b"RIFF" or head[8:] != b"AVIX":
            return Verdict.WHOLE
    return Verdict.CANNOT_TELL


def _end(file: Reading, start: int) -> int | None:
    """Return the end of a RIFF by its size field; None if that is a placeholder."""
    size = int.from_bytes(file.at(start + 4, 4), "little")
    if size <= 4 or (size >= _PLACEHOLDER and start + 8 + size > file.size):
        return None
    return start + 8 + size


def _chunks_reach(file: Reading, end: int) -> bool:
    """Return whether the chunks add up to `end`, give or take padding."""
    return end - 1 <= _walk(file, end) <= end + _TOLERANCE


def _walk(file: Reading, end: int) -> int:
    """Return the end of the first chunk that reaches `end` or the end of the file."""
    position = 12
    for _ in range(STEPS):
        head = file.at(position, 8)
        if len(head) < 8 or position >= end:
            break
        size = int.from_bytes(head[4:], "little")
        position += 8 + size + size % 2
    return position
