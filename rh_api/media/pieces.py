"""Blocks that are split over several (start, end) spans of a file."""

from __future__ import annotations

from collections.abc import Iterable


def joined(data: bytes | bytearray, pieces: Iterable[tuple[int, int]]) -> bytes:
    return b"".join(data[start:end] for start, end in pieces)


def put(changed: bytearray, pieces: Iterable[tuple[int, int]], block: bytes) -> None:
    """Overwrite the pieces, in order, with `block`, as long as all of them."""
    done = 0
    for start, end in pieces:
        changed[start:end] = block[done : done + end - start]
        done += end - start
