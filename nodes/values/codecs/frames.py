"""Decodes image files by Pillow: every frame, sample for sample, a strip at a time.

Pillow and not PyAV, because PyAV shifts samples of lossless WebP by a level.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from .codec import BYTE_LIMIT
from .errors import MediaError
from .pixels import from_levels

# Pixels that one file may declare: a decompression bomb takes a few bytes.
PIXEL_LIMIT = 256_000_000
_PIXEL_BYTES = 16  # as ComfyUI's float32, image and mask

# An allow-list: some of Pillow's other formats start programs (EPS) or are no images.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Converted at a time: bounds the memory beside the result and Pillow's own image.
_STRIP_PIXELS = 1 << 18

_ORIENTATION = 0x0112
_UNREADABLE = "media.unreadable_picture"
_GREY_16 = ("I;16", "I;16B", "I;16L")


@dataclass(frozen=True, slots=True)
class Survey:
    """The headers of a file: `size` in pixels before EXIF rotation, and number of frames."""

    size: tuple[int, int]
    count: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded image, with its EXIF rotation applied.

    `fine` has the lower 8 bits of 16-bit colour, of which Pillow itself reads the upper ones.
    `clear` is the transparent level of 16-bit grey.
    """

    picture: Image.Image
    fine: Image.Image | None
    clear: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.size

    def read_into(self, image: np.ndarray, mask: np.ndarray) -> None:
        """Fill float32 (h, w, 3), and (h, w) with 1 - alpha; an opaque frame leaves `mask`."""
        width, height = self.size
        step = max(1, _STRIP_PIXELS // width)
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            box = (0, rows.start, width, rows.stop)
            levels = np.asarray(self.picture.crop(box))
            if self.fine is not None:
                fine = np.asarray(self.fine.crop(box))
                levels = levels.astype(np.uint16) << 8 | fine
            if levels.ndim == 2:
                levels = levels.astype(np.uint16)[..., None]
                if self.clear is not None:
                    mask[rows] = levels[..., 0] == self.clear
            from_levels(levels[..., :3], out=image[rows], threads=2)
            if levels.shape[2] == 4:
                from_levels(levels[..., 3], out=mask[rows])
                np.subtract(1, mask[rows], out=mask[rows])


def survey(paths: Sequence[Path]) -> list[Survey | MediaError]:
    """Size and number of frames of each file, from its headers, or the error why it is not read.

    That is `media.too_many_pixels` where it alone is over PIXEL_LIMIT, or over Pillow's limit for
    one image; `media.too_many_pictures` where the files so far are over BYTE_LIMIT with it;
    `media.unreadable_picture`.
    """
    surveys: list[Survey | MediaError] = []
    pixels = 0
    for path in paths:
        try:
            picture = look(path)
        except MediaError as error:
            surveys.append(error)
            continue
        more = picture.size[0] * picture.size[1] * picture.count
        if more > PIXEL_LIMIT:
            error = MediaError("media.too_many_pixels", file=path.name, limit=PIXEL_LIMIT)
            surveys.append(error)
        elif (pixels + more) * _PIXEL_BYTES > BYTE_LIMIT:
            limit = BYTE_LIMIT // 2**30
            surveys.append(MediaError("media.too_many_pictures", file=path.name, limit=limit))
        else:
            pixels += more
            surveys.append(picture)
    return surveys


def look(path: Path) -> Survey:
    """Size and number of frames of one file, from its headers. Raises as `survey` says."""
    with _opened(path) as picture:
        return Survey(picture.size, _count(picture))


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a file in order, each decoded on demand.

    Like ComfyUI's LoadImage this skips frames of another size than the first: they are previews.
    Raises `media.unreadable_picture`.
    """
    with _opened(path) as picture:
        first = None
        for index in range(_count(picture)):
            picture.seek(index)
            frame = _frame(picture, path)
            first = first or frame.size
            if frame.size == first:
                yield frame


def _count(picture: Image.Image) -> int:
    # A photo's second view, or its preview, is no frame: ComfyUI reads the first alone.
    return 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))


def _frame(picture: Image.Image, path: Path) -> Frame:
    fine = _fine(picture, path)
    picture.load()
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    # "I" is what Pillow before 10.3 makes of 16-bit grey.
    grey_16 = picture.mode in _GREY_16 or (picture.mode == "I" and picture.format == "PNG")
    clear = picture.info.get("transparency")
    if grey_16 and (not see_through or isinstance(clear, int)):
        return Frame(_upright(picture), None, clear)
    mode = "RGBA" if see_through else "RGB"
    colour = picture if picture.mode == mode else picture.convert(mode)
    return Frame(_upright(colour), fine and _upright(fine))


def _fine(picture: Image.Image, path: Path) -> Image.Image | None:
    """The low bytes of a 16-bit colour PNG, read as the high ones of the other byte order."""
    if picture.format != "PNG" or _count(picture) > 1:
        return None
    tiles = getattr(picture, "tile", [])
    upper = tiles[0][3] if tiles else None
    if upper not in ("RGB;16B", "RGBA;16B") or "transparency" in picture.info:
        return None
    with _opened(path) as lower:
        other_order = [(*tile[:3], upper.replace("16B", "16L")) for tile in tiles]
        lower.tile = other_order  # pyright: ignore[reportAttributeAccessIssue]
        lower.load()
        return lower


def _upright(picture: Image.Image) -> Image.Image:
    # Checked first, because exif_transpose copies even an upright image.
    if picture.getexif().get(_ORIENTATION, 1) == 1:
        return picture
    return ImageOps.exif_transpose(picture)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with path.open("rb") as file:
        try:
            if ImageFile.LOAD_TRUNCATED_IMAGES:
                # Many packs set it: then Pillow fills up in black what of a PNG cannot be read.
                _open(file).verify()
                file.seek(0)
            yield _open(file)
        except MediaError:
            raise
        except UnidentifiedImageError as error:
            # Its own message quotes the local path.
            raise MediaError(_UNREADABLE, file=path.name, reason="no known picture") from error
        except Image.DecompressionBombError as error:
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise MediaError("media.too_many_pixels", file=path.name, limit=limit) from error
        # Pillow's decoders raise any exception on a damaged file.
        except Exception as error:
            raise MediaError.of(error, _UNREADABLE, path.name) from error


def _open(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=_formats())
    # Pillow refuses a PNG for a text chunk that is damaged, or larger than a megabyte.
    except (UnidentifiedImageError, ValueError):
        file.seek(0)
        if file.read(4) != b"\x89PNG":
            raise
        file.seek(0)
        return Image.open(_without_texts(file), formats=["PNG"])


def _without_texts(png: BinaryIO) -> io.BytesIO:
    """A PNG's chunks except text chunks (PNG, third edition, 11.3.3)."""
    stripped = io.BytesIO()
    stripped.write(png.read(8))
    while len(head := png.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        body = png.read(length + 4)
        if name not in (b"tEXt", b"zTXt", b"iTXt"):
            stripped.write(head + body)
    stripped.seek(0)
    return stripped


def _formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]
