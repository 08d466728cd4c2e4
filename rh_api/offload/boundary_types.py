"""Serialization of each ComfyUI type across the local/cloud boundary, and its losses."""

from __future__ import annotations

import contextlib
import numbers
from dataclasses import dataclass
from typing import cast

FILES = "FILES"
"""Outlet type: a saver's result files, undecoded."""

PLAIN_TYPES = ("STRING", "INT", "FLOAT", "BOOLEAN")
"""Types with JSON values: inlined into the graph, returned as text."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """How values of a type are transferred.

    To the cloud: as a file that class `loader` reads by its input `field`; a `plain` value is
    inlined into the graph. Lossless but for the last bits of an image's alpha: LoadImage returns
    1 - alpha, and JoinImageWithAlpha inverts that again. From the cloud: written by class `saver`
    from its input `saved`; `loss` is the text key of what that loses.
    """

    type: str
    loader: str
    field: str
    saver: str
    saved: str
    loss: str
    plain: bool = False


IMAGE = Crossing("IMAGE", "LoadImage", "image", "SaveImage", "images", "segment.loss_image")

_CROSSINGS = {
    crossing.type: crossing
    for crossing in (
        IMAGE,
        Crossing("MASK", "LoadImageMask", "image", "SaveImage", "images", "segment.loss_mask"),
        Crossing("AUDIO", "LoadAudio", "audio", "SaveAudio", "audio", "segment.loss_audio"),
        Crossing("VIDEO", "LoadVideo", "file", "SaveVideo", "video", "segment.loss_video"),
        *(
            Crossing(type_name, "", "", "PreviewAny", "source", "segment.unproven_text", plain=True)
            for type_name in PLAIN_TYPES
        ),
    )
}


def crossing_of(type_name: str) -> Crossing | None:
    """The Crossing of a type; None for one that cannot cross, such as LATENT."""
    return _CROSSINGS.get(type_name)


ALIASES = {"COMBO": "STRING"}
"""Types that are transferred as another type."""


def plain_of(value: object, type_name: str) -> object:
    """Coerce a value to the plain type of its link: many nodes return 3.0 for an INT, or 1 for a
    BOOLEAN. Raises ValueError for a value that is not one."""
    if type_name == "STRING" and isinstance(value, str):
        return value
    if type_name != "STRING" and isinstance(value, numbers.Real):
        number = cast("float", value)
        with contextlib.suppress(OverflowError):
            if type_name == "FLOAT":
                return float(number)
            if number == int(number) and (type_name == "INT" or number in (0, 1)):
                return int(number) if type_name == "INT" else bool(number)
    raise ValueError(f"no {type_name}")
