"""Texts in a WAV's LIST INFO, XMP and ID3 chunks: the audio and all else stay byte for byte.

Multimedia Programming Interface and Data Specifications 1.0, chapter 2, "INFO List Chunk"; XMP
specification, part 3. Nothing is addressed by offset, so a text may be of any length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import id3
from .errors import DoesNotFit
from .exif import decoded, encoded
from .own_texts import changed_texts

_FILE_HEAD, _HEAD, _LIST_HEAD = 12, 8, 4  # bytes before the chunks of a file, of a chunk, of a list
_TAGS = (b"id3 ", b"ID3 ")
_WHOLE = {b"_PMX": "XMP", b"iXML": "iXML", b"axml": "axml"}
_NAMES = {b"INAM": "title", b"ICMT": "comment", b"ISBJ": "description"}
_MAX_LENGTH = 0xFFFFFFFF  # bytes; streaming writers put it where they do not know the length yet


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    length: int
    whole: bytes

    @property
    def body(self) -> bytes:
        return self.whole[_HEAD : _HEAD + self.length]

    def written(self, body: bytes) -> bytes:
        same = len(body) == self.length
        after = self.whole[_HEAD + len(body) :] if same else b"\0" * (len(body) % 2)
        return self.kind + struct.pack("<I", len(body)) + body + after


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for chunk in _chunks(data, _FILE_HEAD) for text in _texts(chunk)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a file that would exceed the format's 4 GiB."""
    parts: list[bytes] = []
    first, end = 0, _FILE_HEAD
    for chunk in _chunks(data, _FILE_HEAD):
        old = _texts(chunk)
        own = changed_texts(texts, first, old)
        first, end = first + len(old), end + len(chunk.whole)
        parts.append(chunk.written(_replaced(chunk, own)) if own else chunk.whole)
    inside = b"".join(parts)
    return data[:4] + _length(data, len(inside) - end + _FILE_HEAD) + inside + data[end:]


def _length(data: bytes, more: int) -> bytes:
    """The RIFF header's length field, plus `more` bytes if it is known, and the form type."""
    (length,) = struct.unpack("<I", data[4:_HEAD])
    if 0 < length < _MAX_LENGTH:
        length = max(0, length + more)
    if length > _MAX_LENGTH:
        raise DoesNotFit(length - _MAX_LENGTH)
    return struct.pack("<I", length) + data[_HEAD:_FILE_HEAD]


def _texts(chunk: _Chunk) -> list[tuple[str, str]]:
    if chunk.kind in _TAGS:
        return id3.read_texts(chunk.body)
    if chunk.kind in _WHOLE:
        return [(_WHOLE[chunk.kind], _text(chunk.body))]
    return [
        (_NAMES.get(fact.kind, fact.kind.decode("latin-1")), _text(fact.body))
        for fact in _facts(chunk)
    ]


def _replaced(chunk: _Chunk, texts: Mapping[int, str]) -> bytes:
    body = chunk.body
    if chunk.kind in _TAGS:
        return id3.write_texts(body, texts)
    if chunk.kind in _WHOLE:
        return _plain(body, texts[0])
    parts, end = [body[:_LIST_HEAD]], _LIST_HEAD
    for number, fact in enumerate(_facts(chunk)):
        end += len(fact.whole)
        is_new = number in texts
        parts.append(fact.written(_plain(fact.body, texts[number])) if is_new else fact.whole)
    return b"".join([*parts, body[end:]])


def _text(body: bytes) -> str:
    return decoded(body).rstrip("\0")


def _plain(old: bytes, text: str) -> bytes:
    """The text, followed by as many zeros as the old one has."""
    return encoded(text) + old[len(old.rstrip(b"\0")) :]


def _facts(chunk: _Chunk) -> Iterator[_Chunk]:
    is_list = chunk.kind == b"LIST" and chunk.whole.startswith(b"INFO", _HEAD)
    return _chunks(chunk.body, _LIST_HEAD) if is_list else iter(())


def _chunks(data: bytes, place: int) -> Iterator[_Chunk]:
    while place + _HEAD <= len(data):
        kind, length = struct.unpack("<4sI", data[place : place + _HEAD])
        end = place + _HEAD + length
        if end > len(data):
            return
        end += length % 2
        yield _Chunk(kind, length, data[place:end])
        place = end
