"""Texts of ID3 frames (ID3v2.4, "native frames", 4.2, 4.3, 4.8, 4.10 and 4.27)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .exif import decoded, encoded

_WITH_LANGUAGE = (b"COMM", b"COM", b"USLT", b"ULT")
_WITH_DESCRIPTION = (b"TXXX", b"TXX", b"WXXX", b"WXX", *_WITH_LANGUAGE)
_XMP = b"XMP\0"  # the owner of a PRIV frame
_NAMES = {
    b"TIT2": "title",
    b"TT2": "title",
    b"COMM": "comment",
    b"COM": "comment",
    b"USLT": "lyrics",
    b"ULT": "lyrics",
}
_LATIN, _UTF_16 = b"\0", b"\1"
_LANGUAGE = 3  # bytes of a language code
_MARK = b"\xff\xfe"  # byte order mark of little-endian UTF-16
_MARKS = {_MARK: "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CODECS = {_UTF_16: "utf-16-le", b"\2": "utf-16-be", b"\3": "utf-8"}


@dataclass(frozen=True, slots=True)
class Content:
    """`head`: the bytes before the text, such as encoding, language code and description;
    `language`: length of the language code in it; `tail`: zeros."""

    name: str
    text: str
    head: bytes
    language: int
    codec: str
    tail: bytes

    def written(self, text: str) -> bytes:
        try:
            return self.head + encoded(text, self.codec) + self.tail
        except UnicodeEncodeError:
            if self.codec != "latin-1":
                raise
            return self._wide().written(text)

    def _wide(self) -> Content:
        """The frame in an encoding that has all of Unicode."""
        if not self.head.startswith(_LATIN):  # a plain URL
            return replace(self, codec="utf-8")
        language, about = self.head[1 : 1 + self.language], self.head[1 + self.language :]
        if about:
            about = _MARK + about.decode("latin-1").encode("utf-16-le")
        head = _UTF_16 + language + about + _MARK
        return replace(self, head=head, codec="utf-16-le", tail=self.tail + self.tail)


def content_of(kind: bytes, body: bytes) -> Content | None:
    """Parse the body of a frame of the id `kind`; None if it holds no text."""
    if kind == b"PRIV":
        return _content("XMP", body, 4, 0, "utf-8") if body.startswith(_XMP) else None
    is_text, is_described = kind.startswith(b"T"), kind in _WITH_DESCRIPTION
    if kind.startswith(b"W") and not is_described:
        return _content(kind.decode(), body, 0, 0, "latin-1")
    if not (is_text or is_described) or not body:
        return None
    language = _LANGUAGE if kind in _WITH_LANGUAGE else 0
    about, place = "", 1 + language
    if is_described:
        about, place = _description(body, place)
    codec, mark = _codec(body, place)
    if kind.startswith(b"W"):
        codec, mark = "latin-1", 0
    name = _NAMES.get(kind) or about or kind.decode()
    return _content(name, body, place + mark, language, codec)


def _content(name: str, body: bytes, start: int, language: int, codec: str) -> Content:
    end = len(body)
    if codec.startswith("utf-16"):
        end -= (end - start) % 2
    text = decoded(body[start:end], codec).rstrip("\0")
    tail = body[start + len(encoded(text, codec)) :]
    return Content(name, text, body[:start], language, codec, tail)


def _description(body: bytes, start: int) -> tuple[str, int]:
    """The description of a text, and the text's offset."""
    codec, mark = _codec(body, start)
    zero = b"\0\0" if codec.startswith("utf-16") else b"\0"
    end = body.find(zero, start)
    while end >= 0 and (end - start) % len(zero):
        end = body.find(zero, end + 1)
    if end < 0:
        return "", start
    return body[start + mark : end].decode(codec, "replace"), end + len(zero)


def _codec(body: bytes, start: int) -> tuple[str, int]:
    """Codec of the text at `start`, and the length of its byte order mark."""
    mark = body[start : start + 2]
    if body.startswith(_UTF_16) and mark in _MARKS:
        return _MARKS[mark], len(mark)
    return _CODECS.get(body[:1], "latin-1"), 0
