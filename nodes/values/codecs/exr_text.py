"""Replaces the texts of an OpenEXR image without re-encoding: attributes of its header, as
ComfyUI's SaveImageAdvanced writes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_MAGIC = b"\x76\x2f\x31\x01"
_OTHER = 0x1A00  # flags of tiles, deep data and multiple parts, which ComfyUI does not write


def with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """`data` with `texts` in place of attributes of these names; unchanged if it is damaged, or not
    a scan line EXR."""
    try:
        magic, flags = struct.unpack_from("<4sI", data)
        header, at = data[:8], 8
        while magic == _MAGIC and data[at]:
            name = data[at : data.index(b"\0", at)]
            kind = data.index(b"\0", at + len(name) + 1)
            (size,) = struct.unpack_from("<I", data, kind + 1)
            end = kind + 5 + size
            header += b"" if name.decode("latin-1") in texts else data[at:end]
            at = end
        # The header is followed by the table of all blocks' offsets, and that by the first block.
        (first,) = struct.unpack_from("<Q", data, at + 1)
        offsets = struct.unpack_from(f"<{(first - at - 1) // 8}Q", data, at + 1)
        is_known = magic == _MAGIC and not flags & _OTHER and max(offsets) < len(data)
        if not is_known or (min(offsets), at + 1 + 8 * len(offsets)) != (first, first):
            return data
    except (struct.error, ValueError, IndexError):
        return data
    for name, text in texts.items():
        content = text.encode()
        header += name.encode() + b"\0string\0" + struct.pack("<I", len(content)) + content
    grown = len(header) - at
    moved = struct.pack(f"<{len(offsets)}Q", *(offset + grown for offset in offsets))
    return header + b"\0" + moved + data[first:]
