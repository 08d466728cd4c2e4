"""How each type crosses the boundary between this machine and the cloud, and what it loses."""

from __future__ import annotations

import contextlib
import numbers
from dataclasses import dataclass
from typing import cast

FILES = "FILES"
"""The type of an outlet that brings a saver's results as they are."""

PLAIN_TYPES = ("STRING", "INT", "FLOAT", "BOOLEAN")
"""Types whose values are JSON: they are written into the graph and come back as text."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What carries the values of a type.

    Inwards: `loader`, by its input `field`; a `plain` value is in the graph itself. Nothing is
    lost but the last bits of a picture's alpha: LoadImage gives 1 - alpha, and what joins it
    again takes that from 1. Outwards: `saver`, by its input `saved`; `loss` is the key of the
    sentence that says what is lost.
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
    """How a type crosses; None for one that cannot, such as LATENT."""
    return _CROSSINGS.get(type_name)


ALIASES = {"COMBO": "STRING"}
"""Types that cross as another one."""


def plain_of(value: object, type_name: str) -> object:
    """A value as the plain type that its link promises: many nodes give 3.0 for an INT, and 1 for
    a BOOLEAN. Raises ValueError for another value."""
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
