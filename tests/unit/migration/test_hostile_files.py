"""Files whose lengths and counts lie: read as far as they go, at once, and in little memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from rh_api.errors import BadInput
from rh_api.media import carrier_of
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import KEY, chunk, flac, gif, wav
from tests.unit.migration.test_gif_and_avif import box, heic

CATALOGUE = Catalogue((), date="")
SIZE = 200_000
"""Work that grows with the square of it takes longer than a test may."""
MAX_MEMORY = 40  # times the file
FULL = b"\xff" * 4


def exif_that_shares(count: int, size: int) -> bytes:
    """`count` texts, each of all the block."""
    rows = b"".join(struct.pack("<HHII", 0x010E, 2, size - 8, 8) for _ in range(count))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + rows).ljust(size, b"a")


def heif(*parts: bytes, mdat: bytes = b"") -> bytes:
    return box(b"ftyp", b"avif" + bytes(4)) + box(b"meta", bytes(4), *parts) + box(b"mdat", mdat)


def infos(count: int) -> bytes:
    rows = [
        box(b"infe", b"\2\0\0\0" + struct.pack(">H", number) + bytes(2) + b"mime\0text/x\0")
        for number in range(count)
    ]
    return box(b"iinf", bytes(4) + struct.pack(">H", count), *rows)


def places(row: Callable[[int], bytes], count: int, *, sizes: bytes = b"\x44\0") -> bytes:
    rows = b"".join(row(number) for number in range(count))
    return box(b"iloc", bytes(4), sizes, struct.pack(">H", count), rows)


def shared(number: int) -> bytes:
    return struct.pack(">HHHII", number, 0, 1, 0, SIZE)


def page(flags: int, table: bytes, body: bytes, stream: int = 1) -> bytes:
    return (
        b"OggS\0"
        + struct.pack("<BqIII", flags, 0, stream, 0, 0)
        + bytes([len(table)])
        + table
        + body
    )


def comments(count: int, text: bytes, claimed: int | None = None) -> bytes:
    comment = struct.pack("<I", len(text)) + text
    return bytes(4) + struct.pack("<I", count if claimed is None else claimed) + comment * count


def block(body: bytes) -> bytes:
    return b"\4" + len(body).to_bytes(3, "big") + body


def tag(version: int, body: bytes, flags: int = 0) -> bytes:
    length = bytes(len(body) >> 7 * place & 0x7F for place in (3, 2, 1, 0))
    return b"ID3" + bytes([version, 0, flags]) + length + body


def chunks(*parts: bytes) -> bytes:
    return b"RIFF" + FULL + b"WAVE" + b"".join(parts)


TEXT = f"apiKey {KEY}".encode()
PIECE = bytes([len(TEXT)]) + TEXT + b"\0"
HEAD = page(2, b"\1", b"x")
FILES: dict[str, bytes] = {
    "items that share the file": heif(infos(5000), places(shared, 5000), mdat=bytes(SIZE)),
    "an item in pieces of nothing": heif(
        infos(9000),
        places(lambda n: struct.pack(">HHH", n, 0, 0xFFFF), 9000, sizes=b"\0\0"),
        mdat=bytes(SIZE),
    ),
    "an item in many pieces of the file": heif(
        infos(1),
        places(lambda n: struct.pack(">HHH", n, 0, 40000) + struct.pack(">II", 0, SIZE) * 40000, 1),
        mdat=bytes(SIZE),
    ),
    "more items than there are": heif(infos(3), box(b"iloc", b"\2\0\0\0\x44\0", FULL, bytes(SIZE))),
    "items of one number": heif(infos(1), places(lambda _: shared(0), 20000), mdat=bytes(SIZE)),
    "an item beyond the file": heif(
        infos(2), places(lambda n: struct.pack(">HHH", n, 0, 1) + FULL + FULL, 2)
    ),
    "an Exif item that tells a wrong begin": heic(FULL + b"II*\0", b"<x/>"),
    "an empty table": heif(box(b"iinf"), box(b"iloc")),
    "boxes of no length": heif(bytes(SIZE)),
    "Exif that shares its bytes": b"\xff\xd8\xff\xe1"
    + struct.pack(">H", 0xFFFF)
    + b"Exif\0\0"
    + exif_that_shares(900, 0xFFF7)
    + b"\xff\xd9",
    "a picture of much Exif": b"RIFF"
    + FULL
    + b"WEBP"
    + chunk(b"EXIF", exif_that_shares(1000, SIZE)),
    "comments in a GIF": gif()[:-1] + (b"!\xfe" + PIECE) * 8000 + b";",
    "pieces in a GIF": gif()[:-1] + b"!\xfe" + b"\1a" * (SIZE // 2) + b"\0;",
    "XMP in a GIF without an end": gif()[:-1] + b"!\xff\x0bXMP DataXMP" + b"<x>" * 100_000,
    "comments in a FLAC": flac()[:4] + block(comments(8000, b"a=" + TEXT)) * 1 + flac()[4:],
    "blocks in a FLAC": b"fLaC" + b"\4\0\0\0" * (SIZE // 4),
    "comments of nothing": b"fLaC" + block(comments(SIZE // 4, b"", 0xFFFFFFFF)),
    "a comment beyond its block": b"fLaC" + block(FULL + FULL + bytes(20)),
    "another one": b"fLaC" + block(bytes(4) + FULL + FULL + bytes(20)),
    "pages of nothing": b"OggS\0" + bytes(22) * 1 + page(2, b"", b"") * (SIZE // 27),
    "streams of a page each": b"".join(
        page(2, b"\1", b"x", n) + page(0, bytes([60]), b"OpusTags" + bytes(52), n)
        for n in range(4000)
    ),
    "a packet without an end": HEAD + page(0, b"\xff" * 255, b"OpusTags" + bytes(65017)) * 6,
    "packets of nothing": HEAD + page(0, bytes(255), b"") * (SIZE // 282),
    "comments in an Opus": HEAD
    + b"".join(
        page(0, b"\xff" * 255, part) if len(part) == 65025 else page(0, b"\xff\0", part[:255])
        for part in (
            (b"OpusTags" + comments(7000, b"a=" + TEXT))[place : place + 65025]
            for place in range(0, 330_000, 65025)
        )
    ),
    "frames in a tag": tag(
        4, (b"TXXX" + bytes([0, 0, 0, 3 + len(TEXT)]) + bytes(3) + b"a\0" + TEXT) * 8000
    ),
    "frames of nothing": tag(3, (b"TXXX" + bytes(6)) * (SIZE // 10)),
    "tags of nothing": tag(4, b"") * (SIZE // 10),
    "a tag of zeros to take out": tag(3, b"TXXX\0\4\0\0\0\0" + b"\xff\0" * (SIZE // 2), 0x80),
    "a head beyond its tag": tag(3, FULL + bytes(40), 0x40),
    "a frame beyond its tag": tag(3, b"TXXX" + FULL + bytes(40)),
    "a description without an end": tag(3, b"TXXX\0\4\0\0\0\0\1" + b"a\0\0b" * 65000),
    "facts in a WAV": chunks(chunk(b"LIST", b"INFO" + chunk(b"ICMT", TEXT) * 8000), wav()[12:]),
    "chunks of nothing": chunks(b"LIST\4\0\0\0INFO" * (SIZE // 12)),
    "a chunk beyond the file": chunks(b"LIST" + FULL + b"INFOICMT" + FULL + TEXT),
    "tags in a WAV": chunks(chunk(b"id3 ", tag(3, b"TXXX\0\0\0\2\0\0\0a")) * (SIZE // 30)),
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
