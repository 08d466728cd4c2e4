"""ComfyUI's core mask nodes; a mask is a batch of single-plane pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from .pictures import (
    Batch,
    Picture,
    Plane,
    bigger,
    clamped,
    computed,
    cropped,
    filled,
    inverted,
    mixed,
    paired,
    pasted,
    repeated,
    resized,
    smaller,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext


def mask_to_image(_context: NodeContext, mask: Batch) -> tuple[Batch]:
    return ([Picture(picture.planes * 3) for picture in mask],)


def image_to_mask(_context: NodeContext, image: Batch, channel: str) -> tuple[Batch]:
    index = ("red", "green", "blue", "alpha").index(channel)
    return ([Picture((picture.planes[index],)) for picture in image],)


def invert_mask(_context: NodeContext, mask: Batch) -> tuple[Batch]:
    return ([picture.mapped(inverted) for picture in mask],)


def solid_mask(_context: NodeContext, value: float, width: int, height: int) -> tuple[Batch]:
    return ([filled((width, height), value)],)


def crop_mask(
    _context: NodeContext, mask: Batch, x: int, y: int, width: int, height: int
) -> tuple[Batch]:
    if x >= mask[0].width or y >= mask[0].height:
        raise ValueError("CropMask: nothing of the mask is left")
    return ([cropped(picture, (x, y, x + width, y + height)) for picture in mask],)


def threshold_mask(_context: NodeContext, mask: Batch, value: float) -> tuple[Batch]:
    return ([mixed(lambda x: x > value, picture) for picture in mask],)


def grow_mask(
    _context: NodeContext, mask: Batch, expand: int, tapered_corners: bool
) -> tuple[Batch]:
    spread = bigger if expand > 0 else smaller
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    if not tapered_corners:
        steps += [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    grown = list(mask)
    for _ in range(abs(expand)):
        grown = [picture.mapped(lambda plane: _grown(plane, steps, spread)) for picture in grown]
    return (grown,)


def _grown(plane: Plane, steps: list[tuple[int, int]], spread: Callable[[Any, Any], Any]) -> Plane:
    grown = plane
    for x, y in steps:
        moved = plane.copy()
        moved.paste(plane, (x, y))
        grown = computed(spread, grown, moved)
    return grown


def _rounded(value: Any) -> Any:
    """Round half to even: for values in 0 to 1, a half becomes 0."""
    return value > 0.5


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "multiply": lambda under, over: under * over,
    "add": lambda under, over: under + over,
    "subtract": lambda under, over: under - over,
    "and": lambda under, over: _rounded(under) * _rounded(over),
    "or": lambda under, over: bigger(_rounded(under), _rounded(over)),
    "xor": lambda under, over: abs(_rounded(under) - _rounded(over)),
}


def mask_composite(
    _context: NodeContext, destination: Batch, source: Batch, x: int, y: int, operation: str
) -> tuple[Batch]:
    if len(source) not in (1, len(destination)):
        raise RuntimeError("MaskComposite: the masks do not fit")
    return (
        [
            clamped(_combined(under, over, (x, y), _OPERATIONS[operation]))
            for under, over in paired(destination, source)
        ],
    )


def _combined(
    under: Picture,
    over: Picture,
    place: tuple[int, int],
    operation: Callable[[Any, Any], Any],
) -> Picture:
    x, y = place
    width, height = min(over.width, under.width - x), min(over.height, under.height - y)
    if width <= 0 or height <= 0:
        return under
    below = cropped(under, (x, y, x + width, y + height))
    above = cropped(over, (0, 0, width, height))
    return pasted(under, mixed(operation, below, above), place)


def join_image_with_alpha(_context: NodeContext, image: Batch, alpha: Batch) -> tuple[Batch]:
    count = max(len(image), len(alpha))
    fitting = [resized(picture, *image[0].size, "bilinear") for picture in alpha]
    return (
        [
            Picture((*picture.planes[:3], inverted(mask.planes[0])))
            for picture, mask in zip(repeated(image, count), repeated(fitting, count), strict=True)
        ],
    )


def split_image_with_alpha(_context: NodeContext, image: Batch) -> tuple[Batch, Batch]:
    return [Picture(picture.planes[:3]) for picture in image], [
        Picture((inverted(_alpha(picture)),)) for picture in image
    ]


def _alpha(picture: Picture) -> Plane:
    return picture.planes[3] if picture.channels > 3 else Image.new("F", picture.size, 1.0)


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "MaskToImage": mask_to_image,
    "ImageToMask": image_to_mask,
    "InvertMask": invert_mask,
    "SolidMask": solid_mask,
    "CropMask": crop_mask,
    "ThresholdMask": threshold_mask,
    "GrowMask": grow_mask,
    "MaskComposite": mask_composite,
    "JoinImageWithAlpha": join_image_with_alpha,
    "SplitImageWithAlpha": split_image_with_alpha,
}
