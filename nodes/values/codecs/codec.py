"""What codecs take and give: arrays of a ComfyUI type, and the files that carry them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

# Of one video, or of pictures that are read together, as float32: 23 seconds of 1080p at 30 frames
# a second, 10 minutes of 240p.
BYTE_LIMIT = 2**34


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
