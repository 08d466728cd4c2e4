"""Encodes IMAGE as PNG and decodes image files; alpha is apart, as a MASK, as in ComfyUI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import mask as mask_codec
from .codec import Decoded, Encoded, Kind
from .errors import MediaError
from .frames import Frame, Survey, frames, survey
from .pixels import to_levels
from .png import png_file

# Channels of the file as indices into an IMAGE's, by their count there. Grey is sent as RGB,
# because ComfyUI reads most levels of a grey PNG off by one.
_CHANNELS = {1: [0, 0, 0], 2: [0, 0, 0, 1], 3: None, 4: None}


def encode(
    images: np.ndarray, masks: np.ndarray | None = None, *, threads: int = 1
) -> list[Encoded]:
    """Encode each image of (count, height, width, 1 to 4 channels) as an 8-bit PNG: RGB, or RGBA.

    `masks`, one for all or one each, replace alpha (by 1 - mask, as LoadImage reads it). An
    all-zero mask of another size, which is what LoadImage returns for an opaque image, leaves it
    opaque.

    Raises `media.not_an_image`, `media.empty_picture`, `media.wrong_channels`,
    `media.wrong_samples`; of the masks also `media.not_a_mask`, `media.mask_size`,
    `media.mask_count`.
    """
    if images.ndim != 4:
        raise MediaError("media.not_an_image", shape=list(images.shape))
    if not images.size:
        raise MediaError("media.empty_picture", shape=list(images.shape))
    if images.shape[3] not in _CHANNELS:
        raise MediaError("media.wrong_channels", channels=images.shape[3])
    fitting = None if masks is None else _fitting(masks, images)
    files: list[Encoded] = []
    for index, picture in enumerate(images):
        levels = _levels(picture, None if fitting is None else fitting[index % len(fitting)])
        files.append(png_file(levels, threads=threads))
    return files


def _fitting(masks: np.ndarray, images: np.ndarray) -> np.ndarray | None:
    masks = mask_codec.stacked(masks)
    if masks.shape[1:] != images.shape[1:3]:
        if not masks.any():
            return None
        raise MediaError(
            "media.mask_size",
            mask="{2}x{1}".format(*masks.shape),
            picture="{2}x{1}".format(*images.shape),
        )
    if len(masks) not in (1, len(images)):
        raise MediaError("media.mask_count", masks=len(masks), pictures=len(images))
    return masks


def _levels(picture: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    levels = to_levels(picture)
    order = _CHANNELS[levels.shape[2]]
    if order is not None:
        levels = levels[..., order]
    if mask is None:
        return levels
    rgba = np.empty((*levels.shape[:2], 4), np.uint8)
    rgba[..., :3] = levels[..., :3]
    np.subtract(255, to_levels(mask), out=rgba[..., 3])
    return rgba


def decode(paths: Sequence[Path]) -> Decoded:
    """Decode all files in order, each frame of an animation as an image.

    IMAGE has float32 batches (n, h, w, 3), MASK as many of (n, h, w): one batch if all images have
    one size, else batches of one. Alpha is in the masks alone: 1 - alpha, zeros where an image is
    opaque. Values are bit-identical to what ComfyUI's LoadImage returns through Pillow; 16 bits are
    kept, except of grey with alpha and of colour with one transparent level. EXIF rotation is
    applied.

    Raises `media.too_many_pixels` and `media.too_many_pictures` before anything is decoded,
    `media.unreadable_picture`.
    """
    surveys = survey(paths)
    _raise_first(surveys)
    decoded, counts = _read(paths, surveys)
    _raise_first(counts)
    return decoded


def read(groups: Sequence[Sequence[Path]]) -> tuple[Decoded, list[int | MediaError]]:
    """Decode several groups of files; the limits of `decode` hold for each group.

    Also returns each file's number of images, or its error: the others are decoded all the same.
    """
    every = [path for paths in groups for path in paths]
    return _read(every, [surveyed for paths in groups for surveyed in survey(paths)])


def _read(
    paths: Sequence[Path], surveys: Sequence[Survey | MediaError]
) -> tuple[Decoded, list[int | MediaError]]:
    batches = _Batches([surveyed for surveyed in surveys if isinstance(surveyed, Survey)])
    counts: list[int | MediaError] = []
    for path, surveyed in zip(paths, surveys, strict=True):
        if isinstance(surveyed, MediaError):
            counts.append(surveyed)
            continue
        before = batches.count
        try:
            for frame in frames(path):
                batches.add(frame)
        except OSError:  # of the disk; Pillow's errors about the file are MediaErrors here
            raise
        # If Pillow has changed, or memory is short, a paid result is delivered as a file.
        except Exception as error:  # noqa: BLE001
            batches.drop_after(before)
            counts.append(MediaError.of(error, "media.unreadable_picture", path.name))
        else:
            counts.append(batches.count - before)
    return batches.decoded(), counts


def _raise_first(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, MediaError):
            raise result


class _Batches:
    """Batches of images: one of all while their sizes are equal, else one for each."""

    def __init__(self, surveys: Sequence[Survey]) -> None:
        # EXIF rotation, which may swap the sides, is known only when an image is decoded.
        self._alike = len({tuple(sorted(picture.size)) for picture in surveys}) == 1
        self._expected = sum(picture.count for picture in surveys)
        self._images: list[np.ndarray] = []
        self._masks: list[np.ndarray] = []
        self._filled = 0  # pictures in the last batch

    @property
    def count(self) -> int:
        """The number of images so far."""
        return self._filled if self._alike else len(self._images)

    def drop_after(self, count: int) -> None:
        """Keep the first `count` images."""
        if not self._alike:
            del self._images[count:], self._masks[count:]
        elif self._images:
            # Zeroed again: an opaque image does not write its mask, and one may be half read.
            self._masks[0][count:] = 0
            self._filled = count

    def add(self, frame: Frame) -> None:
        width, height = frame.size
        if not self._images:
            self._begin_batch(height, width)
        elif self._images[-1].shape[1:3] != (height, width) or not self._alike:
            self._separate()
            self._begin_batch(height, width)
        frame.read_into(self._images[-1][self._filled], self._masks[-1][self._filled])
        self._filled += 1

    def _begin_batch(self, height: int, width: int) -> None:
        room = self._expected if self._alike else 1
        self._images.append(np.empty((room, height, width, 3), np.float32))
        self._masks.append(np.zeros((room, height, width), np.float32))
        self._filled = 0

    def _separate(self) -> None:
        """Switch to one batch per image; those of the common batch become views of it."""
        if self._alike:
            self._alike = False
            images, masks = self._images.pop(), self._masks.pop()
            for index in range(self._filled):
                self._images.append(images[index : index + 1])
                self._masks.append(masks[index : index + 1])

    def decoded(self) -> Decoded:
        if self._alike and not self._filled:
            return {Kind.IMAGE: [], Kind.MASK: []}
        if self._alike:
            # Fewer than expected when previews were left out, or a file was damaged.
            self._images[0] = self._images[0][: self._filled]
            self._masks[0] = self._masks[0][: self._filled]
        return {Kind.IMAGE: self._images, Kind.MASK: self._masks}
