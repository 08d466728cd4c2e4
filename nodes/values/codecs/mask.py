"""Encodes MASK as PNG that LoadImage and LoadImageMask, by any channel, read back as the mask."""

from __future__ import annotations

import numpy as np

from .codec import Encoded
from .errors import MediaError
from .pixels import to_levels
from .png import png_file


def encode(masks: np.ndarray, *, threads: int = 1) -> list[Encoded]:
    """Encode each mask as an RGBA PNG: the mask in the colours, 1 - mask in alpha.

    LoadImage returns 1 - alpha as its mask and LoadImageMask a colour as it is, so that each of the
    four channels gives the mask. Not a grey PNG: ComfyUI reads most of its levels off by one.

    Raises `media.not_a_mask`, `media.empty_picture`, `media.wrong_samples`.
    """
    return [png_file(_rgba(mask), threads=threads) for mask in stacked(masks)]


def stacked(masks: np.ndarray) -> np.ndarray:
    """The masks as (count, height, width), from that, (height, width) or (count, 1, height, width).

    Raises `media.not_a_mask` for other shapes, `media.empty_picture` for an empty one.
    """
    if masks.ndim == 4 and masks.shape[1] == 1:
        masks = masks[:, 0]
    elif masks.ndim == 2:
        masks = masks[None]
    if masks.ndim != 3:
        raise MediaError("media.not_a_mask", shape=list(masks.shape))
    if not masks.size:
        raise MediaError("media.empty_picture", shape=list(masks.shape))
    return masks


def _rgba(mask: np.ndarray) -> np.ndarray:
    levels = to_levels(mask)
    rgba = np.empty((*levels.shape, 4), np.uint8)
    rgba[..., :3] = levels[..., None]
    np.subtract(255, levels, out=rgba[..., 3])
    return rgba
