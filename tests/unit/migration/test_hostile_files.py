"""Files whose lengths and counts lie: read as far as they go, at once, and in little memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest

from rh_api.errors import BadInput
from rh_api.media import carrier_of
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import KEY, chunk

CATALOGUE = Catalogue((), date="")
SIZE = 200_000
"""Work that grows with the square of it takes longer than a test may."""
MAX_MEMORY = 40  # times the file
FULL = b"\xff" * 4


def exif_that_shares(count: int, size: int) -> bytes:
    """`count` texts, each of all the block."""
    rows = b"".join(struct.pack("<HHII", 0x010E, 2, size - 8, 8) for _ in range(count))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + rows).ljust(size, b"a")


FILES: dict[str, bytes] = {
    "Exif that shares its bytes": b"\xff\xd8\xff\xe1"
    + struct.pack(">H", 0xFFFF)
    + b"Exif\0\0"
    + exif_that_shares(900, 0xFFF7)
    + b"\xff\xd9",
    "a picture of much Exif": b"RIFF"
    + FULL
    + b"WEBP"
    + chunk(b"EXIF", exif_that_shares(1000, SIZE)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_lies_costs_no_more_than_it_is_long(name: str) -> None:
    data = FILES[name]
    carrier = carrier_of(data)
    assert carrier is not None
    tracemalloc.start()
    try:
        texts = carrier.read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MAX_MEMORY * max(len(data), 20_000)
    assert sum(len(text) for _, text in texts) <= 2 * len(data)
    assert carrier.write(data, {}) == data
    assert carrier.write(data, {place: text for place, (_, text) in enumerate(texts)}) == data
    keys_in_file(data)
    clean_file(data, [KEY])
    migrated(data)


def migrated(data: bytes) -> bytes:
    try:
        return migrate_file(data, CATALOGUE).data
    except BadInput:
        return data


def test_packed_texts_take_no_more_together_than_one_may() -> None:
    packed = zlib.compress(bytes(2**24), 9)

    def text(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    data = b"\x89PNG\r\n\x1a\n" + text(b"zTXt", b"a\0\0" + packed) * 40 + text(b"IEND", b"")
    carrier = carrier_of(data)
    assert carrier is not None
    texts = carrier.read(data)
    assert 0 < sum(len(text) for _, text in texts) <= 2**26
    assert carrier.write(data, {}) == data
