"""Re-encodes an image to fit a field's limit, if the user chose that: other format, or smaller."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from .codec import Encoded
from .errors import MediaError

# Visually lossless, then nearly so; below that fewer pixels look better.
_QUALITIES = (95, 85)
_STEP = 0.8  # of each side
_LEAST = 64  # pixels of the shorter side
_FILES = {
    "JPEG": (".jpg", "image/jpeg"),
    "WEBP": (".webp", "image/webp"),
    "PNG": (".png", "image/png"),
}
_MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # pixels of a side that the encoders take
SMALLER_MEGABYTE = 1_000_000
"""Of the two meanings the one that a file is made to fit: no source says which counts."""

_NAMES = {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "png": "PNG"}


@dataclass(frozen=True, slots=True)
class Limit:
    """What a field takes: at most so many bytes, 0 for any; these formats (`jpg`), () for any."""

    bytes: int = 0
    formats: tuple[str, ...] = ()

    def takes(self, size: int, suffix: str) -> bool:
        name = _NAMES.get(suffix.lower().lstrip("."), suffix)
        is_known = not self.formats or name in self._names()
        return is_known and (not self.bytes or size <= self.bytes)

    def _names(self) -> set[str]:
        return {_NAMES.get(name.lower(), name) for name in self.formats}

    def order(self, *, has_alpha: bool) -> list[str]:
        """Pillow's names of the formats to try, best first; alpha is never dropped."""
        able = ("WEBP", "PNG") if has_alpha else ("JPEG", "WEBP", "PNG")
        names = self._names() or {"JPEG", "PNG"}
        return [name for name in able if name in names]


def fitted(file: bytes, limit: Limit) -> Encoded:
    """Re-encode a PNG: the first file within the limit, by descending quality, then size.

    Raises `media.does_not_fit` if none is, down to 64 pixels of the shorter side.
    """
    with Image.open(io.BytesIO(file), formats=("PNG",)) as picture:
        picture.load()
        names = limit.order(has_alpha=picture.mode == "RGBA")
        for smaller in _smaller(picture):
            for encoded in _files(smaller, names):
                if limit.takes(len(encoded.data), encoded.suffix):
                    return encoded
    raise MediaError(
        "media.does_not_fit",
        limit=f"{limit.bytes / SMALLER_MEGABYTE:g}",
        formats=", ".join(limit.formats),
    )


def _smaller(picture: Image.Image) -> Iterator[Image.Image]:
    yield picture
    size: Sequence[int] = picture.size
    while min(size) * _STEP >= _LEAST:
        size = [max(1, round(side * _STEP)) for side in size]
        yield picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _files(picture: Image.Image, names: Sequence[str]) -> Iterator[Encoded]:
    for name in names:
        if name in _MAX_SIDE and max(picture.size) > _MAX_SIDE[name]:
            continue
        for quality in _QUALITIES if name != "PNG" else (100,):
            data = io.BytesIO()
            # 4:4:4, since JPEG subsamples chroma by default.
            options = {"subsampling": 0} if name == "JPEG" else {}
            picture.save(data, name, quality=quality, **options)
            yield Encoded(data.getvalue(), *_FILES[name])
