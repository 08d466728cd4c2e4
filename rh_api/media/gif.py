"""Texts in a GIF's comments and XMP: images and all else stay byte for byte.

GIF89a, sections 15 to 26; XMP specification, part 3, section 1.1.2. Nothing in a GIF is addressed
by offset, so a text may be of any length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .exif import decoded, encoded

SIGNATURES = (b"GIF87a", b"GIF89a")
_HEAD = 13  # bytes before the first palette
_EXTENSION, _PICTURE = 0x21, 0x2C
_COMMENT, _APPLICATION = 0xFE, 0xFF
_XMP = b"\x0bXMP DataXMP"
_TRAILER = b"\1" + bytes(range(0xFF, -1, -1)) + b"\0"
"""Follows XMP, which has no sub-blocks: any byte of it read as a length leads to its end."""
_MAX_BLOCK = 0xFF  # bytes of a sub-block


@dataclass(frozen=True, slots=True)
class _Text:
    """`sizes`: of its sub-blocks, kept for a new text of the same length; None for a text that is
    not in sub-blocks."""

    name: str
    start: int
    end: int
    plain: bytes
    sizes: bytes | None

    def written(self, plain: bytes) -> bytes:
        return plain if self.sizes is None else _cut(plain, self.sizes)


def read_texts(data: bytes) -> list[tuple[str, str]]:
    return [(text.name, decoded(text.plain)) for text in _texts(data)]


def write_texts(data: bytes, texts: Mapping[int, str]) -> bytes:
    parts: list[bytes] = []
    done = 0
    for number, old in enumerate(_texts(data)):
        plain = encoded(texts[number]) if number in texts else old.plain
        if plain != old.plain:
            parts += [data[done : old.start], old.written(plain)]
            done = old.end
    return b"".join([*parts, data[done:]])


def _texts(data: bytes) -> Iterator[_Text]:
    for label, start, end in _extensions(data):
        if label == _COMMENT:
            yield _in_pieces("comment", data, start)
        elif label == _APPLICATION and data.startswith(_XMP, start):
            start += len(_XMP)
            if data.endswith(_TRAILER, start, end):
                end -= len(_TRAILER)
                yield _Text("XMP", start, end, data[start:end], None)
            else:  # written in sub-blocks, without the trailer
                yield _in_pieces("XMP", data, start)


def _in_pieces(name: str, data: bytes, start: int) -> _Text:
    plain, sizes = bytearray(), bytearray()
    for begin, end in _pieces(data, start):
        plain += data[begin:end]
        sizes.append(end - begin)
    return _Text(name, start, start + len(sizes) + len(plain), bytes(plain), bytes(sizes))


def _cut(plain: bytes, sizes: bytes) -> bytes:
    if len(plain) != sum(sizes):
        whole, rest = divmod(len(plain), _MAX_BLOCK)
        sizes = bytes([_MAX_BLOCK] * whole + [rest] * (rest > 0))
    parts: list[bytes] = []
    done = 0
    for size in sizes:
        parts += [bytes([size]), plain[done : done + size]]
        done += size
    return b"".join(parts)


def _extensions(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (label, start, end) of each extension's sub-blocks, their terminator included."""
    place = _HEAD + _palette(data, 10)
    while place + 2 <= len(data):
        if data[place] == _PICTURE:
            # Descriptor, palette and LZW code size.
            start = place + 11 + _palette(data, place + 9)
        elif data[place] == _EXTENSION:
            start = place + 2
        else:
            return
        end = _after(data, start)
        if data[place] == _EXTENSION:
            yield data[place + 1], start, end
        place = end


def _palette(data: bytes, place: int) -> int:
    """Size in bytes of the palette that the flags at offset `place` declare."""
    flags = data[place] if place < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after(data: bytes, start: int) -> int:
    """Offset behind the terminator of the sub-blocks."""
    return max((end for _, end in _pieces(data, start)), default=start) + 1


def _pieces(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sub-block, up to the terminator or a truncated one."""
    while start < len(data) and data[start]:
        end = start + 1 + data[start]
        if end > len(data):
            return
        yield start + 1, end
        start = end
