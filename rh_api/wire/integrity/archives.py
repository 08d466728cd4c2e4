"""GLB by header length and chunks (glTF 2.0, 4.4), ZIP by central directory (APPNOTE, 4.3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..filetypes import BLOCK, STEPS, Reading, Verdict

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _END_64_BYTES = 22, 20, 56
_ZIP64_SENTINEL = 0xFFFF_FFFF  # the value is in the ZIP64 record


def judge_glb(file: Reading) -> Verdict:
    """Check the header's length, to which the chunks must add up."""
    end = int.from_bytes(file.at(8, 4), "little")
    if end <= 12 and file.size >= 12:
        return Verdict.CANNOT_TELL
    if file.size < 12 or end > file.size:
        return Verdict.CUT
    position = 12
    for _ in range(STEPS):
        if position >= end - 3:  # some writers leave padding out of the length
            return Verdict.WHOLE if position <= end + 3 else Verdict.CANNOT_TELL
        position += 8 + int.from_bytes(file.at(position, 4), "little")
    return Verdict.CANNOT_TELL


def judge_zip(file: Reading) -> Verdict:
    """WHOLE if a central directory ends at its end record; one inside an entry does not match."""
    has_end = False
    for position in _end_records(file):
        has_end = True
        if _directory_fits(file, position):
            return Verdict.WHOLE
    return Verdict.CANNOT_TELL if has_end else Verdict.CUT


def _end_records(file: Reading) -> Iterator[int]:
    """Yield offsets of possible end-of-central-directory records, last first."""
    overlap = _END_BYTES - 1
    stop = file.size
    while stop > 0:
        start = max(0, stop - BLOCK)
        block = file.at(start, stop - start + overlap)
        at = block.rfind(_END)
        while at >= 0:
            if at < stop - start and len(file.at(start + at, _END_BYTES)) == _END_BYTES:
                yield start + at
            at = block.rfind(_END, 0, at + 3)
        stop = start


def _directory_fits(file: Reading, position: int) -> bool:
    record = file.at(position, _END_BYTES)
    comment = int.from_bytes(record[20:22], "little")
    if record[4:8] != bytes(4) or position + _END_BYTES + comment > file.size:
        return False
    size = int.from_bytes(record[12:16], "little")
    offset = int.from_bytes(record[16:20], "little")
    if _ZIP64_SENTINEL in (size, offset) or record[10:12] == b"\xff\xff":
        zip64 = _zip64_record(file, position)
        if zip64 is not None:
            position, size, offset = zip64
    return offset + size == position


def _zip64_record(file: Reading, position: int) -> tuple[int, int, int] | None:
    """Return offset of the ZIP64 end record, and the directory's size and offset; None without."""
    locator = file.at(position - _LOCATOR_BYTES, _LOCATOR_BYTES)
    place = int.from_bytes(locator[8:16], "little")
    record = file.at(place, _END_64_BYTES)
    if locator[:4] != _LOCATOR_64 or record[:4] != _END_64:
        return None
    return (
        place,
        int.from_bytes(record[40:48], "little"),
        int.from_bytes(record[48:56], "little"),
    )
