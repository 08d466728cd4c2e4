"""ComfyUI's core image nodes; a batch is a list of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .pictures import (
    Batch,
    Picture,
    bigger,
    clamped,
    cropped,
    decoded,
    filled,
    flipped,
    from_levels,
    inverted,
    mixed,
    paired,
    pasted,
    repeated,
    resized,
    scaled,
    to_levels,
    turned,
    with_channels,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext

QUARTERS = {"none": 0, "90 degrees": 1, "180 degrees": 2, "270 degrees": 3}


def load_image(context: NodeContext, image: str) -> tuple[Batch, Batch]:
    return loaded(context.read_input(image))


def load_image_from_url(
    context: NodeContext, url: str | None = None, image: str | None = None
) -> tuple[Batch, Batch]:
    return loaded(context.read_url(url or image or ""))


def loaded(data: bytes) -> tuple[Batch, Batch]:
    """Decode a file as LoadImage does: colours, and 1 - alpha or an empty 64 x 64 mask."""
    picture = decoded(data)
    colours = from_levels(picture.convert("RGB"))
    if "A" not in picture.getbands():
        return [colours], [filled((64, 64), 0.0)]
    alpha = from_levels(picture.convert("RGBA").getchannel("A"))
    return [colours], [alpha.mapped(inverted)]


def load_image_mask(context: NodeContext, image: str, channel: str) -> tuple[Batch]:
    [colours], masks = loaded(context.read_input(image))
    if channel == "alpha":
        return (masks,)
    return ([Picture((colours.planes["rgb".index(channel[0])],))],)


def save_image(context: NodeContext, images: Batch, filename_prefix: str) -> tuple[Batch]:
    for picture in images:
        context.save_picture(filename_prefix, to_levels(picture), temporary=False)
    return (images,)


def preview_image(context: NodeContext, images: Batch) -> tuple[Batch]:
    for picture in images:
        context.save_picture("ComfyUI_temp", to_levels(picture), temporary=True)
    return (images,)


def empty_image(
    _context: NodeContext, width: int, height: int, batch_size: int, color: int
) -> tuple[Batch]:
    colours = (color >> 16 & 255, color >> 8 & 255, color & 255)
    return ([filled((width, height), *(level / 255 for level in colours))] * batch_size,)


def image_invert(_context: NodeContext, image: Batch) -> tuple[Batch]:
    return ([picture.mapped(inverted) for picture in image],)


def image_scale(
    _context: NodeContext, image: Batch, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Batch]:
    if not width and not height:
        return (image,)
    old_width, old_height = image[0].size
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    return ([scaled(picture, upscale_method, width, height, crop) for picture in image],)


def image_scale_by(
    _context: NodeContext, image: Batch, upscale_method: str, scale_by: float
) -> tuple[Batch]:
    width, height = (max(1, round(side * scale_by)) for side in image[0].size)
    return ([resized(picture, width, height, upscale_method) for picture in image],)


def _overlay(base: Any, top: Any) -> Any:
    dark = base <= 0.5
    return dark * (base * top * 2.0) + (1 - dark) * (1.0 - (1.0 - base) * (1.0 - top) * 2.0)


def _soft_light(base: Any, top: Any) -> Any:
    low = base <= 0.25
    root = low * (((base * 16.0 - 12.0) * base + 4.0) * base) + (1 - low) * bigger(base, 0.0) ** 0.5
    dark = top <= 0.5
    darker = base - (1.0 - top * 2.0) * base * (1.0 - base)
    return dark * darker + (1 - dark) * (base + (top * 2.0 - 1.0) * (root - base))


_BLENDS: dict[str, Callable[[Any, Any], Any]] = {
    "normal": lambda _base, top: top,
    "multiply": lambda base, top: base * top,
    "screen": lambda base, top: 1.0 - (1.0 - base) * (1.0 - top),
    "overlay": _overlay,
    "soft_light": _soft_light,
    "difference": lambda base, top: base - top,
}


def image_blend(
    _context: NodeContext, image1: Batch, image2: Batch, blend_factor: float, blend_mode: str
) -> tuple[Batch]:
    width, height = image1[0].size
    second = with_channels(image2, image1[0].channels)
    if second[0].size != (width, height):
        second = [scaled(picture, "bicubic", width, height, "center") for picture in second]
    blend = _BLENDS[blend_mode]
    return (
        [
            clamped(
                mixed(
                    lambda x, y: x * (1 - blend_factor) + blend(x, y) * blend_factor,
                    base,
                    top,
                )
            )
            for base, top in paired(image1, second)
        ],
    )


def image_crop(
    _context: NodeContext, image: Batch, width: int, height: int, x: int, y: int
) -> tuple[Batch]:
    left, top = min(x, image[0].width - 1), min(y, image[0].height - 1)
    return ([cropped(picture, (left, top, left + width, top + height)) for picture in image],)


def image_pad_for_outpaint(
    _context: NodeContext,
    image: Batch,
    left: int,
    top: int,
    right: int,
    bottom: int,
    feathering: int,
) -> tuple[Batch, Batch]:
    width, height = image[0].size
    size = (width + left + right, height + top + bottom)
    canvas = filled(size, *([0.5] * image[0].channels))
    inner = filled((width, height), 0.0)
    if 0 < feathering < min(width, height) / 2:
        sides = (left, top, right, bottom)
        for y in range(height):
            for x in range(width):
                distance = _edge_distance(x, y, (width, height), sides)
                if distance < feathering:
                    inner.planes[0].putpixel((x, y), ((feathering - distance) / feathering) ** 2)
    mask = pasted(filled(size, 1.0), inner, (left, top))
    return [pasted(canvas, picture, (left, top)) for picture in image], [mask]


def _edge_distance(x: int, y: int, size: tuple[int, int], sides: tuple[int, int, int, int]) -> int:
    """Return the distance to the nearest padded side; the side's length if none."""
    width, height = size
    left, top, right, bottom = sides
    return min(
        y if top else height,
        height - y if bottom else height,
        x if left else width,
        width - x if right else width,
    )


def image_batch(_context: NodeContext, image1: Batch, image2: Batch) -> tuple[Batch]:
    channels = max(image1[0].channels, image2[0].channels)
    first, second = with_channels(image1, channels), with_channels(image2, channels)
    width, height = first[0].size
    if second[0].size != (width, height):
        second = [scaled(picture, "bilinear", width, height, "center") for picture in second]
    return ([*first, *second],)


def image_composite_masked(
    _context: NodeContext,
    destination: Batch,
    source: Batch,
    x: int,
    y: int,
    resize_source: bool,
    mask: Batch | None = None,
) -> tuple[Batch]:
    count = len(destination)
    width, height = destination[0].size
    tops = with_channels(source, destination[0].channels)
    if resize_source:
        tops = [resized(top, width, height, "bilinear") for top in tops]
    tops = repeated(tops, count)
    masks = mask or [filled(tops[0].size, 1.0)]
    masks = repeated([resized(cover, *tops[0].size, "bilinear") for cover in masks], count)
    if x >= width or y >= height:
        return (destination,)
    return (
        [
            _composited(under, top, cover, (x, y))
            for under, top, cover in zip(destination, tops, masks, strict=True)
        ],
    )


def _composited(under: Picture, top: Picture, cover: Picture, place: tuple[int, int]) -> Picture:
    x, y = place
    width, height = min(top.width, under.width - x), min(top.height, under.height - y)
    above, through = (cropped(picture, (0, 0, width, height)) for picture in (top, cover))
    masks = Picture(through.planes * top.channels)
    below = cropped(under, (x, y, x + width, y + height))
    return pasted(under, mixed(lambda m, s, d: m * s + (1.0 - m) * d, masks, above, below), place)


def repeat_batch(_context: NodeContext, image: Batch, amount: int) -> tuple[Batch]:
    return (image * amount,)


def from_batch(_context: NodeContext, image: Batch, batch_index: int, length: int) -> tuple[Batch]:
    index = batch_index + len(image) if batch_index < 0 else batch_index
    index = max(0, min(len(image) - 1, index))
    return (image[index : index + length],)


def image_flip(_context: NodeContext, image: Batch, flip_method: str) -> tuple[Batch]:
    return ([flipped(picture, flip_method) for picture in image],)


def image_rotate(_context: NodeContext, image: Batch, rotation: str) -> tuple[Batch]:
    return ([turned(picture, quarters=QUARTERS[rotation]) for picture in image],)


def image_size(_context: NodeContext, image: Batch) -> tuple[int, int, int]:
    return image[0].width, image[0].height, len(image)


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "LoadImage": load_image,
    "LoadImageFromUrl": load_image_from_url,
    "LoadImageMask": load_image_mask,
    "SaveImage": save_image,
    "PreviewImage": preview_image,
    "EmptyImage": empty_image,
    "ImageInvert": image_invert,
    "ImageScale": image_scale,
    "ImageScaleBy": image_scale_by,
    "ImageBlend": image_blend,
    "ImageCrop": image_crop,
    "ImagePadForOutpaint": image_pad_for_outpaint,
    "ImageBatch": image_batch,
    "ImageCompositeMasked": image_composite_masked,
    "RepeatImageBatch": repeat_batch,
    "ImageFromBatch": from_batch,
    "ImageFlip": image_flip,
    "ImageRotate": image_rotate,
    "GetImageSize": image_size,
}
