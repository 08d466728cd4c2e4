"""How each type crosses the border between this machine and the cloud, and what it loses."""

from __future__ import annotations

from dataclasses import dataclass

FILES = "FILES"
"""The type of an outlet that brings a saver's results as they are."""


@dataclass(frozen=True, slots=True)
class Route:
    """What carries a type's values: inwards `loader` by its input `field` (a `plain` value is in
    the graph itself), outwards `saver` by its input `saved`. `loss`: the key of what it loses
    outwards. Inwards nothing is lost but the last bits of a picture's alpha: LoadImage gives
    1 - alpha, and what joins it again takes that from 1."""

    type: str
    loader: str
    field: str
    saver: str
    saved: str
    loss: str
    plain: bool = False


PICTURES = Route("IMAGE", "LoadImage", "image", "SaveImage", "images", "segment.loss_image")

_ROUTES = {
    each.type: each
    for each in (
        PICTURES,
        Route("MASK", "LoadImageMask", "image", "SaveImage", "images", "segment.loss_mask"),
        Route("AUDIO", "LoadAudio", "audio", "SaveAudio", "audio", "segment.loss_audio"),
        Route("VIDEO", "LoadVideo", "file", "SaveVideo", "video", "segment.loss_video"),
        *(
            Route(kind, "", "", "PreviewAny", "source", "segment.unproven_text", plain=True)
            for kind in ("STRING", "INT", "FLOAT", "BOOLEAN")
        ),
    )
}


def route(type_name: str) -> Route | None:
    """The route of a type; None for one that cannot cross, such as LATENT."""
    return _ROUTES.get(type_name)


# What stands for another type on the way.
SAME = {"COMBO": "STRING"}
