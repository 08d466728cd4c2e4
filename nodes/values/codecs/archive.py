"""Writes images to one zip, for fields that take a zip of images."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from . import image
from .codec import Encoded
from .errors import MediaError

# The earliest date of the format: equal images make equal bytes, which are uploaded once.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


def write(file: BinaryIO, batches: Iterable[np.ndarray], *, threads: int = 1) -> None:
    """Write `00001.png` and so on, with one image in memory at a time; sizes may differ.

    Stored without compression, because a PNG is compressed already. Raises what `image.encode`
    raises, and `media.empty_picture` when there is none.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        number = 0
        for batch in batches:
            # At least one slice, so that a batch of nothing is refused by the codec.
            for first in range(max(1, len(batch))):
                (picture,) = image.encode(batch[first : first + 1], threads=threads)
                number += 1
                archive.writestr(_entry(number, picture), picture.data)
        if not number:
            raise MediaError("media.empty_picture", shape=[0])


def _entry(number: int, picture: Encoded) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{number:05}{picture.suffix}", _DATE)
    entry.create_system = _UNIX  # zipfile writes the system it runs on
    entry.external_attr = _READABLE
    return entry
