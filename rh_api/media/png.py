"""Text chunks of a PNG (PNG specification, 11.3.3): all other chunks stay byte for byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

from . import exif
from .own_texts import own_texts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_UNPACKED = 64 * 1024 * 1024  # bytes of compressed texts once inflated: against bombs
_PACKED = (b"zTXt", b"iTXt")


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for _, _, _, texts in _chunks_with_texts(data) for text in texts]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Return the file with texts replaced; one that is not Latin-1 becomes an iTXt chunk."""
    parts = [SIGNATURE]
    first, end = 0, len(SIGNATURE)
    for kind, body, whole, old in _chunks_with_texts(data):
        own = own_texts(texts, first, len(old))
        first, end = first + len(old), end + len(whole)
        parts.append(_chunk(*_replaced(kind, body, own)) if own else whole)
    return b"".join([*parts, data[end:]])


def with_checksums(before: bytes, after: bytes) -> bytes:
    """Return `after`, as long as `before`, with the CRCs of changed chunks recomputed."""
    place = len(SIGNATURE)
    parts = [SIGNATURE]
    for kind, _, whole in _chunks(before):
        end = place + len(whole)
        same = after[place:end] == whole
        parts.append(whole if same else _chunk(kind, after[place + 8 : end - 4]))
        place = end
    return b"".join([*parts, after[place:]])


def _chunks_with_texts(
    data: bytes,
) -> Iterator[tuple[bytes, bytes, bytes, list[tuple[str, str]]]]:
    """Yield (type, body, whole chunk, texts) of each chunk."""
    room = _MAX_UNPACKED
    for kind, body, whole in _chunks(data):
        texts = _texts(kind, body, room)
        if kind in _PACKED:
            room -= sum(len(text) for _, text in texts)
        yield kind, body, whole, texts


def _texts(kind: bytes, body: bytes, room: int) -> list[tuple[str, str]]:
    if kind == b"eXIf":
        return exif.read_texts(body)
    text = _read(kind, body, room)
    return [] if text is None else [text]


def _replaced(kind: bytes, body: bytes, texts: Mapping[int, str]) -> tuple[bytes, bytes]:
    if kind == b"eXIf":
        return kind, exif.write_texts(body, texts)
    name = body.partition(b"\0")[0].decode("latin-1")
    return _write(kind, body, name, texts[0])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (type, body, whole chunk) of each chunk."""
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 12 + length
        if end > len(data):
            return
        yield data[place + 4 : place + 8], data[place + 8 : end - 4], data[place:end]
        place = end


def _read(kind: bytes, body: bytes, room: int) -> tuple[str, str] | None:
    keyword, nul, rest = body.partition(b"\0")
    if kind not in (b"tEXt", b"zTXt", b"iTXt") or not nul:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return name, rest.decode("latin-1")
    if kind == b"zTXt":
        plain = _unpacked(rest[1:], room)
        return None if plain is None else (name, plain.decode("latin-1"))
    text = rest[2:].split(b"\0", 2)
    if len(text) < 3:
        return None
    plain = _unpacked(text[2], room) if rest[:1] == b"\1" else text[2]
    return None if plain is None else (name, exif.decoded(plain))


def _write(kind: bytes, body: bytes, name: str, text: str) -> tuple[bytes, bytes]:
    keyword = name.encode("latin-1") + b"\0"
    if kind == b"iTXt":
        rest = body[len(keyword) :]
        head = rest[:2] + b"\0".join(rest[2:].split(b"\0", 2)[:2]) + b"\0"
        plain = exif.encoded(text)
        return kind, keyword + head + (zlib.compress(plain) if rest[:1] == b"\1" else plain)
    try:
        plain = text.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", keyword + b"\0\0\0\0" + text.encode()
    return kind, keyword + (b"\0" + zlib.compress(plain) if kind == b"zTXt" else plain)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _unpacked(packed: bytes, room: int) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, max(1, room))
    except zlib.error:
        return None
    return plain if unpacker.eof else None
