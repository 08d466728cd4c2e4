"""What every codec is: a pair of functions between a ComfyUI value and the files that carry it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Kind(str, enum.Enum):
    """A ComfyUI type that travels as a file; the value is ComfyUI's own name for it."""

    IMAGE = "IMAGE"
    MASK = "MASK"
    AUDIO = "AUDIO"
    VIDEO = "VIDEO"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One file in memory; `suffix` begins with a dot."""

    data: bytes = field(repr=False)
    suffix: str
    mime: str


# What files hold: a list of values for each type that they give.
Decoded = dict[Kind, list[Any]]


@dataclass(frozen=True, slots=True)
class Codec:
    """Both raise MediaError for what they cannot take.

    Attributes:
        encode: the files of one value, a file for each of its items, in order.
        decode: the values of some files, in order.
    """

    encode: Callable[..., list[Encoded]]
    decode: Callable[[Sequence[Path]], Decoded]
