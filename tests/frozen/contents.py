"""The bytes that pictures, masks and sounds become: their hash is a part of an order's identity."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping

import numpy as np

from nodes.values.codecs import audio, image, mask
from nodes.values.codecs.codec import Encoded
from tests.support.archives import zipped

HEAD = 8  # bytes of a PNG before its first chunk
CLASSIC = ("1.2.", "1.3.")  # versions of zlib proper, which pack alike


def shares(*shape: int) -> np.ndarray:
    """Numbers from a little below 0 to a little above 1, computed and not drawn."""
    count = int(np.prod(shape))
    return ((np.arange(count) * 7919 % 1117) / 1000.0 - 0.05).astype(np.float32).reshape(shape)


def contents() -> Mapping[str, list[Encoded]]:
    """By name, what is uploaded for it."""
    batch, masks = shares(2, 5, 7, 3), shares(2, 5, 7)
    return {
        "a batch of pictures": image.encode(batch),
        "pictures with alpha": image.encode(shares(1, 5, 7, 4)),
        "a grey picture": image.encode(shares(1, 5, 7, 1)),
        "pictures with masks": image.encode(batch, masks),
        "a large picture, on several threads": image.encode(shares(1, 600, 500, 3), threads=3),
        "masks": mask.encode(masks),
        "sounds": audio.encode(shares(2, 2, 9), 44100),
        "an archive": [Encoded(zipped([batch]), ".zip", "application/zip")],
    }


def digests() -> dict[str, list[str]]:
    """Of each file as it goes up."""
    return {name: [_digest(file.data) for file in files] for name, files in contents().items()}


def unpacked_digests() -> dict[str, list[str]]:
    """The same of what is packed in pictures, which is not for a compressor to decide."""
    return {
        name: [_digest(_unpacked(file.data)) for file in files]
        for name, files in contents().items()
        if files[0].suffix == ".png"
    }


def packs_as_recorded() -> bool:
    """Whether this Python's zlib is the one whose packing is recorded, and no successor of it."""
    version = zlib.ZLIB_RUNTIME_VERSION
    return version.startswith(CLASSIC) and "ng" not in version


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unpacked(png: bytes) -> bytes:
    """Its chunks without their lengths and checksums; those of the pixels as one, unpacked."""
    chunks: dict[bytes, bytes] = {}
    at = HEAD
    while at < len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        chunks[name] = chunks.get(name, b"") + png[at + 8 : at + 8 + length]
        at += length + 12
    chunks[b"IDAT"] = zlib.decompress(chunks[b"IDAT"])
    return b"".join(name + body for name, body in chunks.items())
