"""Blocks that lie in a file in pieces, each from one place to another."""

from __future__ import annotations

from collections.abc import Iterable


def joined(data: bytes | bytearray, pieces: Iterable[tuple[int, int]]) -> bytes:
    return b"".join(data[start:end] for start, end in pieces)


def put(changed: bytearray, pieces: Iterable[tuple[int, int]], block: bytes) -> None:
    """`block`, as long as all pieces are, where they stand."""
    done = 0
    for start, end in pieces:
        changed[start:end] = block[done : done + end - start]
        done += end - start
