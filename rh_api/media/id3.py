"""Texts in the ID3 tags at the start of an MP3: the audio stays byte for byte.

ID3v2.2, 2.3 and 2.4, "structure". Nothing behind a tag is addressed by offset, so a text may be of
any length. Compressed and encrypted frames are not read, and a tag's CRC, which FFmpeg and mutagen
ignore, is left as it is.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .errors import DoesNotFit
from .id3_frames import Content, content_of
from .own_texts import changed_texts

SIGNATURE = b"ID3"
_HEAD = 10  # bytes of a tag's header, and of its footer
_UNSYNC, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10  # a tag's flags
_MAX_TAG = (1 << 28) - 1  # bytes of a tag's body
_NAME = re.compile(rb"[A-Z][A-Z0-9]{2,3}")
_ZERO = re.compile(rb"\xff\0")
_FALSE_SYNC = re.compile(rb"\xff(?=[\0\xe0-\xff]|\Z)")


@dataclass(frozen=True, slots=True)
class _Version:
    """A frame's header: bytes of its id, length and flags; bits used per byte of the length.
    Flags: group byte, data length (4 bytes), unsynchronised, and compressed or encrypted."""

    name: int
    length: int
    flags: int
    bits: int
    group_flag: int = 0
    has_length: int = 0
    unsync: int = 0
    unreadable: int = 0

    @property
    def head(self) -> int:
        return self.name + self.length + self.flags


_VERSIONS = {
    2: _Version(3, 3, 0, 8),
    3: _Version(4, 4, 2, 8, group_flag=0x20, unreadable=0xC0),
    4: _Version(4, 4, 2, 7, group_flag=0x40, has_length=0x01, unsync=0x02, unreadable=0x0C),
}


@dataclass(frozen=True, slots=True)
class _Tag:
    """`number`: of the version (2.x). `start`, `end`: of its body, without header and footer."""

    number: int
    flags: int
    start: int
    end: int

    @property
    def version(self) -> _Version:
        return _VERSIONS[self.number]

    @property
    def is_unsync(self) -> bool:
        """Whether the tag is unsynchronised as a whole; in version 2.4 each frame is by itself."""
        return self.number < 4 and bool(self.flags & _UNSYNC)

    @property
    def frames_unsync(self) -> bool:
        return self.number == 4 and bool(self.flags & _UNSYNC)

    @property
    def foot(self) -> int:
        return _HEAD if self.number == 4 and self.flags & _FOOTER else 0


@dataclass(frozen=True, slots=True)
class _Frame:
    """A text frame. `start`, `end`: its span in the bytes that `_plain` returns."""

    start: int
    end: int
    head: bytes
    more: bytes
    bits: int
    has_length: bool
    unsync: bool
    content: Content

    def written(self, version: _Version, text: str) -> bytes:
        """Serialize it with a new text. Raises DoesNotFit for more than a frame can hold."""
        body, more = self.content.written(text), self.more
        if self.has_length:
            more = more[:-4] + _number(len(body), 7, 4)
        body = more + (_unsynchronised(body) if self.unsync else body)
        most = (1 << self.bits * version.length) - 1
        if len(body) > most:
            raise DoesNotFit(len(body) - most)
        length = _number(len(body), self.bits, version.length)
        flags = self.head[version.name + version.length :]
        return self.head[: version.name] + length + flags + body


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [text for tag in _tags(data) for text in _texts(_frames(tag, _plain(data, tag)[0]))]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    """Raises DoesNotFit for a text that exceeds the maximum of its tag or frame."""
    parts: list[bytes] = []
    first = done = 0
    for tag in _tags(data):
        plain, zeros = _plain(data, tag)
        frames = list(_frames(tag, plain))
        own = changed_texts(texts, first, _texts(frames))
        first += len(frames)
        if own:
            body = _replaced(data, tag, zeros, [(frames[place], own[place]) for place in own])
            if len(body) > _MAX_TAG:
                raise DoesNotFit(len(body) - _MAX_TAG)
            length = _number(len(body), 7, 4)
            parts += [data[done : tag.start - 4], length, body]
            done = tag.end
            if tag.foot:
                parts += [data[done : done + 6], length]
                done += _HEAD
    return b"".join([*parts, data[done:]])


def is_sound(data: bytes) -> bool:
    """Whether a file begins with an MP3 frame header, without a tag (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    return data[1] & 0x18 != 0x08 and data[2] & 0xF0 != 0xF0 and data[2] & 0x0C != 0x0C


def end_of(data: bytes) -> int:
    """Offset behind the leading tags, where the audio begins."""
    return max((tag.end + tag.foot for tag in _tags(data)), default=0)


def _tags(data: bytes) -> Iterator[_Tag]:
    place = 0
    while data.startswith(SIGNATURE, place) and place + _HEAD <= len(data):
        length = data[place + 6 : place + _HEAD]
        start = place + _HEAD
        tag = _Tag(data[place + 3], data[place + 5], start, start + _value(length, 7))
        if tag.number not in _VERSIONS or max(length) > 0x7F or tag.end > len(data):
            return
        yield tag
        place = tag.end + tag.foot


def _plain(data: bytes, tag: _Tag) -> tuple[bytes, Sequence[int]]:
    """A tag's body with unsynchronisation undone, and for each zero that this removed how many of
    the remaining bytes precede it."""
    body = data[tag.start : tag.end]
    if not tag.is_unsync:
        return body, ()
    zeros = enumerate(_ZERO.finditer(body))
    return _resynced(body), array("Q", (match.start() + 1 - number for number, match in zeros))


def _replaced(
    data: bytes, tag: _Tag, zeros: Sequence[int], texts: Sequence[tuple[_Frame, str]]
) -> bytes:
    parts: list[bytes] = []
    done = tag.start
    for frame, text in texts:
        new = frame.written(tag.version, text)
        start, end = (
            tag.start + place + bisect_left(zeros, place + 1) for place in (frame.start, frame.end)
        )
        parts += [data[done:start], _unsynchronised(new) if tag.is_unsync else new]
        done = end
    return b"".join([*parts, data[done : tag.end]])


def _texts(frames: Iterator[_Frame] | Sequence[_Frame]) -> list[tuple[str, str]]:
    return [(frame.content.name, frame.content.text) for frame in frames]


def _frames(tag: _Tag, plain: bytes) -> Iterator[_Frame]:
    version = tag.version
    start = _first(tag, plain)
    while _NAME.fullmatch(plain, start, start + version.name):
        body = start + version.head
        bits = _bits(version, plain, start)
        end = body + _value(plain[start + version.name : body - version.flags], bits)
        if end > len(plain):
            return
        frame = _frame(tag, plain, (start, body, end), bits)
        if frame is not None:
            yield frame
        start = end


def _frame(tag: _Tag, plain: bytes, places: tuple[int, int, int], bits: int) -> _Frame | None:
    start, body, end = places
    version = tag.version
    flags = plain[body - 1] if version.flags else 0
    has_length = bool(flags & version.has_length)
    more = bool(flags & version.group_flag) + 4 * has_length
    if flags & version.unreadable or body + more > end:
        return None
    unsync = tag.frames_unsync or bool(flags & version.unsync)
    raw = plain[body + more : end]
    kind = plain[start : start + version.name]
    content = content_of(kind, _resynced(raw) if unsync else raw)
    if content is None:
        return None
    head, before = plain[start:body], plain[body : body + more]
    return _Frame(start, end, head, before, bits, has_length, unsync, content)


def _first(tag: _Tag, plain: bytes) -> int:
    """Offset of the first frame, behind an extended header."""
    if not tag.flags & _EXTENDED:
        return 0
    if tag.number == 2:  # the flag means: compressed
        return len(plain)
    return _value(plain[:4], 7) if tag.number == 4 else 4 + _value(plain[:4], 8)


def _bits(version: _Version, plain: bytes, start: int) -> int:
    """Bits per byte of a length: some programs use all eight where the version has seven."""
    length = plain[start + version.name : start + version.name + version.length]
    body = start + version.head
    places = {bits: body + _value(length, bits) for bits in (version.bits, 8)}
    follows = [
        bits
        for bits, place in places.items()
        if plain[place : place + 1] == b"\0"
        or place == len(plain)
        or _NAME.fullmatch(plain, place, place + version.name)
    ]
    return follows[0] if follows else version.bits


def _unsynchronised(plain: bytes) -> bytes:
    """Insert zeros so that nothing looks like an MPEG frame sync."""
    return _FALSE_SYNC.sub(b"\xff\0", plain)


def _resynced(plain: bytes) -> bytes:
    return plain.replace(b"\xff\0", b"\xff")


def _value(plain: bytes, bits: int) -> int:
    value = 0
    for byte in plain:
        value = value << bits | byte & (1 << bits) - 1
    return value


def _number(value: int, bits: int, width: int) -> bytes:
    places = reversed(range(width))
    return bytes(value >> bits * place & (1 << bits) - 1 for place in places)
