"""The boxes that an mp4, an AVIF and a HEIC are made of (ISO/IEC 14496-12, section 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, body start, body end) of each box, up to a truncated one."""
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        body = start + 8
        if length == 1 and body + 8 <= end:
            (length,) = struct.unpack(">Q", data[body : body + 8])
            body += 8
        elif length == 0:
            length = end - start
        if length < body - start or start + length > end:
            return
        yield kind, body, start + length
        start += length
