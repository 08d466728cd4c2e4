"""Decodes images of one size to one batch, with every channel that the files have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from . import image
from .codec import Kind
from .errors import MediaError
from .frames import Survey, survey
from .pixels import from_levels


def read(paths: Sequence[Path]) -> np.ndarray:
    """A float32 batch (n, h, w, 3), or (n, h, w, 4) where every file has alpha.

    8-bit samples are divided by 255, as ComfyUI's LoadImage does; other files are decoded as by
    `image.decode`, alpha being 1 - mask. Raises `media.unreadable_picture`,
    `media.too_many_pixels`, `media.too_many_pictures`, `media.sizes_differ`.
    """
    surveys: list[Survey] = []
    for surveyed in survey(paths):
        if isinstance(surveyed, MediaError):
            raise surveyed
        surveys.append(surveyed)
    if len({picture.size for picture in surveys}) != 1:
        raise MediaError("media.sizes_differ", count=len(paths))
    if any(picture.count > 1 for picture in surveys) or not all(map(_is_plain, paths)):
        return _as_pictures(paths)
    (width, height) = surveys[0].size
    channels = 4 if all(_mode(path) == "RGBA" for path in paths) else 3
    batch = np.empty((len(paths), height, width, channels), np.float32)
    for index, path in enumerate(paths):
        try:
            with _opened(path) as picture:
                samples = np.asarray(picture)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(path, error) from None
        from_levels(samples[..., :channels], out=batch[index], threads=2)
    return batch


def _mode(path: Path) -> str:
    with _opened(path) as picture:
        return picture.mode


def _is_plain(path: Path) -> bool:
    """Whether a file is a PNG of 8-bit RGB or RGBA; Pillow reads 16-bit colour as RGB as well."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[1:4] == b"PNG" and head[24:26] in (b"\x08\x02", b"\x08\x06")


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=("PNG",))
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> MediaError:
    return MediaError("media.unreadable_picture", file=path.name, reason=str(error))


def _as_pictures(paths: Sequence[Path]) -> np.ndarray:
    decoded = image.decode(paths)
    pictures, masks = decoded[Kind.IMAGE], decoded[Kind.MASK]
    if len(pictures) != 1:
        raise MediaError("media.sizes_differ", count=len(paths))
    if not masks[0].any():
        return pictures[0]
    return np.concatenate((pictures[0], 1 - masks[0][..., None]), axis=3)
