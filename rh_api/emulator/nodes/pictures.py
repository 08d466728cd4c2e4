"""Images as ComfyUI holds them: float32 values in 0 to 1, one plane per channel.

Pillow computes in float32, as ComfyUI's tensors are, so that a chain of nodes keeps values between
two 8-bit levels here too.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from PIL import Image, ImageMath, ImageOps

Plane = Image.Image
"""A Pillow image of mode F."""

RESAMPLING = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "bislerp": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, slots=True)
class Picture:
    """Planes of equal size: three or four for an image, one for a mask."""

    planes: tuple[Plane, ...]

    @property
    def width(self) -> int:
        return self.planes[0].width

    @property
    def height(self) -> int:
        return self.planes[0].height

    @property
    def size(self) -> tuple[int, int]:
        return self.planes[0].size

    @property
    def channels(self) -> int:
        return len(self.planes)

    def mapped(self, change: Callable[[Plane], Plane]) -> Picture:
        return Picture(tuple(change(plane) for plane in self.planes))

    def __repr__(self) -> str:
        """Deterministic by content, like a tensor's repr."""
        digest = hashlib.sha256(b"".join(plane.tobytes() for plane in self.planes))
        return f"tensor({self.height}x{self.width}x{self.channels}, {digest.hexdigest()[:16]})"


Batch = list[Picture]

Formula = Callable[[Any], Any] | Callable[[Any, Any], Any] | Callable[[Any, Any, Any], Any]
"""A function with one operand per plane; operands support arithmetic and comparison."""


def computed(formula: Formula, *planes: Plane) -> Plane:
    """Apply ``formula`` per pixel."""
    apply = cast("Callable[..., Any]", formula)
    names = [f"p{number}" for number in range(len(planes))]

    def of_names(operands: dict[str, Any]) -> Any:
        return apply(*(operands[name] for name in names))

    named: dict[str, Any] = dict(zip(names, planes, strict=True))
    result = cast("Plane", ImageMath.lambda_eval(of_names, **named))
    return result if result.mode == "F" else result.convert("F")


def mixed(formula: Formula, *pictures: Picture) -> Picture:
    """Apply ``formula`` plane by plane to pictures with equally many planes."""
    channels = zip(*(picture.planes for picture in pictures), strict=True)
    return Picture(tuple(computed(formula, *planes) for planes in channels))


def filled(size: tuple[int, int], *values: float) -> Picture:
    return Picture(tuple(Image.new("F", size, value) for value in values))


def stretched(plane: Plane, by: float, add: float = 0.0) -> Plane:
    """Return ``x * by + add``, in one pass with one rounding."""

    def line(x: Any) -> Any:
        return x * by + add

    return plane.point(line)


def inverted(plane: Plane) -> Plane:
    return stretched(plane, -1.0, 1.0)


def smaller(first: Any, second: Any) -> Any:
    """Minimum of two operands of a formula."""
    return ImageMath.imagemath_min(first, second)


def bigger(first: Any, second: Any) -> Any:
    return ImageMath.imagemath_max(first, second)


def clamped(picture: Picture) -> Picture:
    return mixed(lambda x: bigger(smaller(x, 1.0), 0.0), picture)


def decoded(data: bytes) -> Image.Image:
    """Decode an image file, applying its EXIF orientation; raises Pillow's errors."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    turned = ImageOps.exif_transpose(picture)
    if "transparency" in turned.info:
        return turned.convert("RGBA")
    return turned


def from_levels(picture: Image.Image) -> Picture:
    """Convert 8-bit levels to floats: level / 255."""
    return Picture(tuple(stretched(band.convert("F"), 1 / 255) for band in picture.split()))


def to_levels(picture: Picture, *, add: float = 0.0) -> Image.Image:
    """Convert to 8-bit levels as SaveImage does: truncated, after ``add`` levels are added."""
    bands = [stretched(plane, 255.0, add).convert("L") for plane in picture.planes]
    return bands[0] if len(bands) == 1 else Image.merge(_MODES[picture.channels], bands)


def with_channels(batch: Batch, count: int, *, fill: float = 1.0) -> Batch:
    """Drop channels above ``count``, or append filled ones."""
    return [
        Picture(
            (
                *picture.planes[:count],
                *(Image.new("F", picture.size, fill) for _ in range(count - picture.channels)),
            )
        )
        for picture in batch
    ]


def repeated(batch: Batch, count: int) -> Batch:
    """Repeat or truncate a batch to ``count``."""
    return [batch[number % len(batch)] for number in range(count)]


def paired(first: Batch, second: Batch) -> list[tuple[Picture, Picture]]:
    """Pair two batches, broadcasting a batch of one; RuntimeError for other lengths."""
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise RuntimeError(f"batches of {len(first)} and {len(second)} pictures do not fit")
    count = max(len(first), len(second))
    return list(zip(repeated(first, count), repeated(second, count), strict=True))


def resized(picture: Picture, width: int, height: int, method: str) -> Picture:
    """Resize; ``lanczos`` goes through 8-bit levels, as in ComfyUI's core."""
    if method == "lanczos":
        levels = to_levels(picture).resize((width, height), RESAMPLING[method])
        return from_levels(levels)
    if picture.size == (width, height):
        return picture
    return picture.mapped(lambda plane: plane.resize((width, height), RESAMPLING[method]))


def cropped(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """Crop to the intersection of ``box`` (left, top, right, bottom) and the picture."""
    left, top, right, bottom = box
    inside = (left, top, min(right, picture.width), min(bottom, picture.height))
    return picture.mapped(lambda plane: plane.crop(inside))


def scaled(picture: Picture, method: str, width: int, height: int, crop: str) -> Picture:
    """Upscale as ComfyUI's core does; ``crop`` "center" crops to the new aspect ratio first."""
    old_width, old_height = picture.size
    if crop == "center":
        old, new = old_width / old_height, width / height
        x = y = 0
        if old > new:
            x = round((old_width - old_width * (new / old)) / 2)
        elif old < new:
            y = round((old_height - old_height * (old / new)) / 2)
        if x or y:
            picture = cropped(picture, (x, y, old_width - x, old_height - y))
    return resized(picture, width, height, method)


def pasted(onto: Picture, patch: Picture, place: tuple[int, int]) -> Picture:
    """Return a copy of ``onto`` with ``patch`` at ``place``."""
    planes: list[Plane] = []
    for under, over in zip(onto.planes, patch.planes, strict=True):
        plane = under.copy()
        plane.paste(over, place)
        planes.append(plane)
    return Picture(tuple(planes))


def turned(picture: Picture, *, quarters: int) -> Picture:
    """Rotate clockwise by ``quarters`` of a turn."""
    methods = (
        Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_180,
        Image.Transpose.ROTATE_90,
    )
    if not quarters:
        return picture
    return picture.mapped(lambda plane: plane.transpose(methods[quarters - 1]))


def flipped(picture: Picture, method: str) -> Picture:
    """Flip; ``method`` begins with the axis of reflection, as the flip nodes name it."""
    way = (
        Image.Transpose.FLIP_TOP_BOTTOM
        if method.startswith("x")
        else Image.Transpose.FLIP_LEFT_RIGHT
    )
    return picture.mapped(lambda plane: plane.transpose(way))
