"""Replaces the texts of a PNG without re-encoding its image."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"iTXt", b"zTXt", b"comf")
"""The last is ComfyUI's own, of animations: behind the image data."""


def copy(source: BinaryIO, target: BinaryIO, texts: Mapping[str, str]) -> None:
    """Write the PNG of `source` to `target` with `texts` in place of its own.

    What is no PNG, or a damaged one, is copied unchanged from where it cannot be parsed.
    """
    signature = source.read(len(_SIGNATURE))
    target.write(signature)
    if signature != _SIGNATURE:
        shutil.copyfileobj(source, target)
        return
    first = True
    while len(head := source.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            target.write(head)
            break
        body = source.read(length + 4)  # with its checksum
        if kind not in _TEXTS:
            target.write(head + body)
        if first:
            target.writelines(_chunk(name, text) for name, text in texts.items())
            first = False
    else:
        target.write(head)
    shutil.copyfileobj(source, target)


def _chunk(name: str, text: str) -> bytes:
    """Latin-1 text as tEXt, any other as iTXt, as Pillow writes and reads them."""
    try:
        kind, body = b"tEXt", text.encode("latin-1")
        body = name.encode("latin-1") + b"\0" + body
    except UnicodeEncodeError:
        kind = b"iTXt"
        body = name.encode("latin-1", "replace") + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
