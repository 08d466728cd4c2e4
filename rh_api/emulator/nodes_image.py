"""Core ComfyUI's image and mask nodes on Pillow.

A batch is a list of 8-bit RGB or RGBA pictures, a mask a list of 8-bit grey pictures, 255 for 1.0.
Core computes in float; results agree with it to within one 8-bit step, and exactly where a node
only moves, inverts or selects values.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Bench

Picture = Image.Image
Batch = list[Picture]

_RESAMPLING = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def open_picture(data: bytes) -> Picture:
    """Decode a file; raises what Pillow raises when it is no picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    turned = ImageOps.exif_transpose(picture)
    if "transparency" in turned.info:
        return turned.convert("RGBA")
    return turned


def _no_mask() -> Picture:
    return Image.new("L", (64, 64), 0)


def _inverted(mask: Picture) -> Picture:
    return ImageChops.invert(mask)


def load_image(bench: Bench, image: str) -> tuple[Batch, Batch]:
    return _split(open_picture(bench.read_input(image)))


def load_image_from_url(
    bench: Bench, url: str | None = None, image: str | None = None
) -> tuple[Batch, Batch]:
    return _split(open_picture(bench.read_url(url or image or "")))


def _split(picture: Picture) -> tuple[Batch, Batch]:
    if "A" in picture.getbands():
        mask = _inverted(picture.convert("RGBA").getchannel("A"))
    else:
        mask = _no_mask()
    return [picture.convert("RGB")], [mask]


def load_image_mask(bench: Bench, image: str, channel: str) -> tuple[Batch]:
    picture = open_picture(bench.read_input(image)).convert("RGBA")
    band = picture.getchannel(channel[0].upper())
    return ([_inverted(band) if channel == "alpha" else band],)


def save_image(bench: Bench, images: Batch, filename_prefix: str) -> tuple[()]:
    for picture in images:
        bench.save_picture(filename_prefix, picture, temporary=False)
    return ()


def preview_image(bench: Bench, images: Batch) -> tuple[()]:
    for picture in images:
        bench.save_picture("ComfyUI_temp", picture, temporary=True)
    return ()


def empty_image(
    _bench: Bench, width: int, height: int, batch_size: int, color: int
) -> tuple[Batch]:
    colour = (color >> 16 & 255, color >> 8 & 255, color & 255)
    return ([Image.new("RGB", (width, height), colour) for _ in range(batch_size)],)


def image_invert(_bench: Bench, image: Batch) -> tuple[Batch]:
    return ([ImageChops.invert(picture) for picture in image],)


def _resized(picture: Picture, width: int, height: int, method: str) -> Picture:
    return picture.resize((width, height), _RESAMPLING[method])


def image_scale(
    _bench: Bench, image: Batch, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Batch]:
    return ([_scaled(one, upscale_method, width, height, crop) for one in image],)


def _scaled(picture: Picture, method: str, width: int, height: int, crop: str) -> Picture:
    old_width, old_height = picture.size
    if width == 0 and height == 0:
        return picture
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    if crop == "center":
        if old_width / old_height > width / height:
            x = round((old_width - old_width * (width / height) / (old_width / old_height)) / 2)
            picture = picture.crop((x, 0, old_width - x, old_height))
        elif old_width / old_height < width / height:
            y = round((old_height - old_height * (old_width / old_height) / (width / height)) / 2)
            picture = picture.crop((0, y, old_width, old_height - y))
    return _resized(picture, width, height, method)


def image_scale_by(
    _bench: Bench, image: Batch, upscale_method: str, scale_by: float
) -> tuple[Batch]:
    return (
        [
            _resized(
                one,
                max(1, round(one.width * scale_by)),
                max(1, round(one.height * scale_by)),
                upscale_method,
            )
            for one in image
        ],
    )


_BLENDS: dict[str, Callable[[Picture, Picture], Picture]] = {
    "normal": lambda _one, two: two,
    "multiply": ImageChops.multiply,
    "screen": ImageChops.screen,
    "overlay": ImageChops.overlay,
    "soft_light": ImageChops.soft_light,
    "difference": ImageChops.subtract,
}


def image_blend(
    _bench: Bench, image1: Batch, image2: Batch, blend_factor: float, blend_mode: str
) -> tuple[Batch]:
    blended: Batch = []
    for index, one in enumerate(image1):
        base = one.convert("RGB")
        two = image2[min(index, len(image2) - 1)].convert("RGB")
        if two.size != base.size:
            two = _scaled(two, "bicubic", base.width, base.height, "center")
        blended.append(Image.blend(base, _BLENDS[blend_mode](base, two), blend_factor))
    return (blended,)


def image_crop(
    _bench: Bench, image: Batch, width: int, height: int, x: int, y: int
) -> tuple[Batch]:
    cropped: Batch = []
    for one in image:
        left, top = min(x, one.width - 1), min(y, one.height - 1)
        right, bottom = min(left + width, one.width), min(top + height, one.height)
        cropped.append(one.crop((left, top, right, bottom)))
    return (cropped,)


def image_pad_for_outpaint(
    _bench: Bench, image: Batch, left: int, top: int, right: int, bottom: int, feathering: int
) -> tuple[Batch, Batch]:
    padded: Batch = []
    masks: Batch = []
    for one in image:
        size = (one.width + left + right, one.height + top + bottom)
        canvas = Image.new("RGB", size, (127, 127, 127))
        canvas.paste(one.convert("RGB"), (left, top))
        inner = Image.new("L", one.size, 0)
        mask = Image.new("L", size, 255)
        mask.paste(inner, (left, top))
        if feathering:
            blurred = mask.filter(ImageFilter.GaussianBlur(feathering / 2))
            mask = ImageChops.lighter(mask, blurred)
        padded.append(canvas)
        masks.append(mask)
    return padded, masks


def image_batch(_bench: Bench, image1: Batch, image2: Batch) -> tuple[Batch]:
    size, mode = image1[0].size, image1[0].mode
    second = [
        one if one.size == size else _scaled(one, "bilinear", size[0], size[1], "center")
        for one in image2
    ]
    return ([*image1, *(one.convert(mode) for one in second)],)


def image_composite_masked(
    _bench: Bench,
    destination: Batch,
    source: Batch,
    x: int,
    y: int,
    resize_source: bool,
    mask: Batch | None = None,
) -> tuple[Batch]:
    composed: Batch = []
    for index, one in enumerate(destination):
        canvas = one.copy()
        top = source[min(index, len(source) - 1)].convert(canvas.mode)
        if resize_source:
            top = _resized(top, canvas.width, canvas.height, "bilinear")
        if mask is None:
            canvas.paste(top, (x, y))
        else:
            cover = mask[min(index, len(mask) - 1)]
            canvas.paste(top, (x, y), _resized(cover, top.width, top.height, "bilinear"))
        composed.append(canvas)
    return (composed,)


def mask_to_image(_bench: Bench, mask: Batch) -> tuple[Batch]:
    return ([one.convert("RGB") for one in mask],)


def image_to_mask(_bench: Bench, image: Batch, channel: str) -> tuple[Batch]:
    band = channel[0].upper()
    return ([one.convert("RGBA").getchannel(band) for one in image],)


def invert_mask(_bench: Bench, mask: Batch) -> tuple[Batch]:
    return ([_inverted(one) for one in mask],)


def solid_mask(_bench: Bench, value: float, width: int, height: int) -> tuple[Batch]:
    return ([Image.new("L", (width, height), round(value * 255))],)


def join_image_with_alpha(_bench: Bench, image: Batch, alpha: Batch) -> tuple[Batch]:
    joined: Batch = []
    for index, one in enumerate(image):
        mask = alpha[min(index, len(alpha) - 1)]
        if mask.size != one.size:
            mask = _resized(mask, one.width, one.height, "bilinear")
        rgba = one.convert("RGBA")
        rgba.putalpha(_inverted(mask))
        joined.append(rgba)
    return (joined,)


def split_image_with_alpha(_bench: Bench, image: Batch) -> tuple[Batch, Batch]:
    masks = [_inverted(one.convert("RGBA").getchannel("A")) for one in image]
    return [one.convert("RGB") for one in image], masks


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
    "MaskToImage": mask_to_image,
    "ImageToMask": image_to_mask,
    "InvertMask": invert_mask,
    "SolidMask": solid_mask,
    "JoinImageWithAlpha": join_image_with_alpha,
    "SplitImageWithAlpha": split_image_with_alpha,
}
