"""The schema of a node class: typed inputs, and the types of the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")

Listing = Literal["", "checkpoints", "loras", "models", "uploads", "uploaded_loras", "urls"]


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``listing``: the source of a combo's options if they are not fixed."""

    kind: str
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    listing: Listing = ""
    optional: bool = False

    @property
    def is_widget(self) -> bool:
        return self.kind in WIDGETS


@dataclass(frozen=True, slots=True)
class NodeClass:
    """Inputs by name, output types in order, and whether it is an output node."""

    inputs: dict[str, Field]
    outputs: tuple[str, ...] = ()
    is_output: bool = False


def link(kind: str, *, optional: bool = False) -> Field:
    return Field(kind, optional=optional)


def combo(options: tuple[str, ...]) -> Field:
    return Field("COMBO", options=options)


IMAGE, MASK, LATENT = link("IMAGE"), link("MASK"), link("LATENT")
TEXT, FLAG, ANY = Field("STRING"), Field("BOOLEAN"), Field("*")
SIZE = Field("INT", 1, 16384)
PLACE = Field("INT", 0, 16384)
BATCH = Field("INT", 1, 4096)
UNIT = Field("FLOAT", 0.0, 1.0)
UPLOAD = Field("COMBO", listing="uploads")
