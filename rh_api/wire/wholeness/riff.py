"""RIFF: WebP (RFC 9649), WAV and AVI (Microsoft, "Resource Interchange File Format").

Who streams a RIFF cannot come back to write its sizes: 0 and the largest number stand for "not
known", and some writers count the eight bytes before the size.
"""

from __future__ import annotations

from ..filetypes import STEPS, Reading, Verdict

_ROUNDING = 9  # bytes that a size is off by whose writer counted differently, with a pad byte
_PLACEHOLDER = 0x7FFF_0000  # sizes from here on are "as long as it gets" of some writers


def judge_webp(file: Reading) -> Verdict:
    """By its own size: nobody streams a WebP."""
    end = _end(file, 0)
    if end is None:
        return Verdict.CANNOT_TELL
    if end > file.size:
        return Verdict.CUT if end > file.size + _ROUNDING else Verdict.CANNOT_TELL
    return Verdict.WHOLE if _chunks_reach(file, end) else Verdict.CANNOT_TELL


def judge_wav(file: Reading) -> Verdict:
    """Cut only where both sizes, of the file and of a chunk, reach beyond the end."""
    end = _end(file, 0)
    if end is None:
        return Verdict.CANNOT_TELL
    if end <= file.size:
        return Verdict.WHOLE if _chunks_reach(file, end) else Verdict.CANNOT_TELL
    misses = file.size + _ROUNDING < _walk(file, end) <= end + _ROUNDING
    return Verdict.CUT if misses else Verdict.CANNOT_TELL


def judge_avi(file: Reading) -> Verdict:
    """A large one goes on in further RIFFs, each with a size of its own (OpenDML)."""
    position = 0
    for _ in range(STEPS):
        end = _end(file, position)
        if end is None:
            return Verdict.CANNOT_TELL
        if end > file.size:
            return Verdict.CUT if end > file.size + _ROUNDING else Verdict.CANNOT_TELL
        position = end + end % 2
        head = file.at(position, 12)
        if head[:4] != b"RIFF" or head[8:] != b"AVIX":
            return Verdict.WHOLE
    return Verdict.CANNOT_TELL


def _end(file: Reading, start: int) -> int | None:
    """Where a RIFF ends by its own size; None where that says nothing."""
    size = int.from_bytes(file.at(start + 4, 4), "little")
    if size <= 4 or (size >= _PLACEHOLDER and start + 8 + size > file.size):
        return None
    return start + 8 + size


def _chunks_reach(file: Reading, end: int) -> bool:
    """Whether the chunks follow each other up to `end`; a pad byte may be missing there."""
    return end - 1 <= _walk(file, end) <= end + _ROUNDING


def _walk(file: Reading, end: int) -> int:
    """Where the first chunk ends that reaches `end` or the end of what is here."""
    position = 12
    for _ in range(STEPS):
        head = file.at(position, 8)
        if len(head) < 8 or position >= end:
            break
        size = int.from_bytes(head[4:], "little")
        position += 8 + size + size % 2
    return position
