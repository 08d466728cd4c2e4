"""Pictures as arrays and as files, real ones and such as no encoder writes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

MIB = 1024 * 1024


def noise(*shape: int, seed: int = 1) -> np.ndarray[Any, Any]:
    """Levels of 8 bits of which no two neighbours have to be alike."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def png(levels: np.ndarray[Any, Any]) -> bytes:
    """A PNG of 8-bit levels, (height, width[, channels])."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def plain_png(
    colour: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (16, 8)
) -> bytes:
    """A PNG of one colour; `size` is width and height."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A part of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_file(head: bytes, data: bytes) -> bytes:
    """A PNG of a header (IHDR) and of packed rows (IDAT)."""
    parts = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def deep_png(levels: np.ndarray[Any, Any]) -> bytes:
    """A 16-bit PNG without filters: Pillow writes none in colour."""
    height, width, channels = levels.shape
    rows = levels.astype(">u2").view(np.uint8).reshape(height, -1)
    head = struct.pack(">2I5B", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    return png_file(head, zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes()))


def huge_png(side: int = 30_000) -> bytes:
    """A picture of gigabytes in a file of kilobytes."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return png_file(head, zlib.compress(bytes(4 * MIB), 9))
