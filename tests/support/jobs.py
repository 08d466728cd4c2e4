"""Jobs for the workflows that the emulator comes with."""

from __future__ import annotations

from collections.abc import Mapping

from rh_api.client import Job, Source
from rh_api.emulator import Emulator, catalog
from rh_api.wire.filetypes import Kind
from tests.support.pictures import plain_png


def picture(red: int = 10, size: tuple[int, int] = (16, 8)) -> Source:
    """A one-coloured picture; another `red` is another content."""
    return Source(Kind.IMAGE, plain_png((red, 20, 30), size), ".png", "image/png")


def invert(red: int = 10, **fields: object) -> Job:
    """The emulator's picture-in, picture-out workflow."""
    return Job(catalog.INVERT, {"10.image": picture(red), **named(fields)})


def paint(text: str = "a cat", **options: object) -> Job:
    """The emulator's text-to-image workflow."""
    fields = {"6.text": text, "3.seed": 7, "5.width": 64, "5.height": 64}
    return Job(catalog.TEXT_TO_IMAGE, fields, **options)  # type: ignore[arg-type]


PAINTER = "rhart-image-n-pro/text-to-image"


def paint_by_model(prompt: str = "a cat", **options: object) -> Job:
    """A standard model from text to image."""
    fields = {"prompt": prompt, "resolution": "1k"}
    return Job(model=PAINTER, fields=fields, **options)  # type: ignore[arg-type]


def with_lora(name: str) -> Job:
    """The emulator's workflow with a LoRA, which is uploaded already."""
    return Job(catalog.LORA_TEXT_TO_IMAGE, {"20.file_name": name})


def painting_small(emulator: Emulator) -> Emulator:
    """It with 64 by 64 pixels where a workflow paints 512: these took most of an order's time."""
    emulator.workflows[catalog.TEXT_TO_IMAGE].graph["5"]["inputs"] |= {"width": 64, "height": 64}
    return emulator


def named(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields by their full names, from keywords that have two underscores for the dot."""
    return {name.replace("__", "."): value for name, value in fields.items()}
