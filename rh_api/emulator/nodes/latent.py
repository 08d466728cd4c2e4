"""ComfyUI's core nodes for latents; one latent cell is 8 x 8 pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from .image import QUARTERS
from .pictures import RESAMPLING
from .sampling import Latent

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext

LEAST = 64
"""The smallest side that LatentUpscale makes, in pixels."""


def _mapped(samples: Latent, change: Callable[[Image.Image], Image.Image]) -> tuple[Latent]:
    return (replace(samples, pictures=tuple(change(image) for image in samples.pictures)),)


def upscale(
    _context: NodeContext, samples: Latent, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Latent]:
    del crop
    if not width and not height:
        return (samples,)
    old_width, old_height = (side // 8 for side in samples.pictures[0].size)
    wide = max(LEAST, width or round(old_width * max(LEAST, height) / old_height))
    high = max(LEAST, height or round(old_height * max(LEAST, width) / old_width))
    size = (wide // 8 * 8, high // 8 * 8)
    return _mapped(samples, lambda image: image.resize(size, RESAMPLING[upscale_method]))


def upscale_by(
    _context: NodeContext, samples: Latent, upscale_method: str, scale_by: float
) -> tuple[Latent]:
    width, height = (max(1, round(side // 8 * scale_by)) * 8 for side in samples.pictures[0].size)
    return _mapped(samples, lambda image: image.resize((width, height), RESAMPLING[upscale_method]))


def flip(_context: NodeContext, samples: Latent, flip_method: str) -> tuple[Latent]:
    way = (
        Image.Transpose.FLIP_TOP_BOTTOM
        if flip_method.startswith("x")
        else Image.Transpose.FLIP_LEFT_RIGHT
    )
    return _mapped(samples, lambda image: image.transpose(way))


def rotate(_context: NodeContext, samples: Latent, rotation: str) -> tuple[Latent]:
    angle = -90 * QUARTERS[rotation]
    return _mapped(samples, lambda image: image.rotate(angle, expand=True))


def from_batch(
    _context: NodeContext, samples: Latent, batch_index: int, length: int
) -> tuple[Latent]:
    count = len(samples.pictures)
    index = batch_index + count if batch_index < 0 else batch_index
    index = max(0, min(count - 1, index))
    masks = samples.noise_mask
    if masks and len(masks) > 1:
        masks = tuple(masks[number % len(masks)] for number in range(count))
        masks = masks[index : index + length]
    pictures = samples.pictures[index : index + length]
    return (replace(samples, pictures=pictures, noise_mask=masks),)


def repeat_batch(_context: NodeContext, samples: Latent, amount: int) -> tuple[Latent]:
    masks = samples.noise_mask
    if masks and len(masks) > 1:
        masks *= amount
    return (replace(samples, pictures=samples.pictures * amount, noise_mask=masks),)


def blend(
    _context: NodeContext, samples1: Latent, samples2: Latent, blend_factor: float
) -> tuple[Latent]:
    size = samples1.pictures[0].size
    seconds = [image.resize(size, Image.Resampling.BICUBIC) for image in samples2.pictures]
    count = max(len(samples1.pictures), len(seconds))
    return (
        replace(
            samples1,
            pictures=tuple(
                Image.blend(
                    seconds[number % len(seconds)],
                    samples1.pictures[number % len(samples1.pictures)],
                    blend_factor,
                )
                for number in range(count)
            ),
        ),
    )


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "LatentUpscale": upscale,
    "LatentUpscaleBy": upscale_by,
    "LatentFlip": flip,
    "LatentRotate": rotate,
    "LatentFromBatch": from_batch,
    "RepeatLatentBatch": repeat_batch,
    "LatentBlend": blend,
}
