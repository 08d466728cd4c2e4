"""Types that the codecs share: ComfyUI types, encoded files, decoded values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

# Bytes as float32, of one video or of images that are read together: 23 seconds of 1080p at 30 fps,
# 10 minutes of 240p.
BYTE_LIMIT = 2**34


class Kind(str, enum.Enum):
    """A ComfyUI type that is transferred as a file; the value is ComfyUI's own name for it."""

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


# The decoded values of files: a list for each type.
Decoded = dict[Kind, list[Any]]
