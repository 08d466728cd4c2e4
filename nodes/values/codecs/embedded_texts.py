"""Embeds texts, such as the prompt, in media files without re-encoding images or audio.

They are stored where ComfyUI's own savers store them, and where its front end reads them.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ....rh_api.media.remux import SUFFIXES, Tags, remux
from . import exr_text, png_text

_MODEL, _MAKE = 0x0110, 0x010F
"""EXIF tags: `prompt:{…}` is in the first, others from the second downwards."""
_EXIF_FLAG, _ALPHA_FLAG = 0x08, 0x10  # of a VP8X chunk


def copy(source: Path, target: Path, metadata: Mapping[str, Any]) -> None:
    """Copy `source` to `target`, with each value of `metadata` as JSON in place of its own.

    Formats without metadata, and damaged files, are copied unchanged. Raises OSError if `target`
    cannot be written.
    """
    texts = {name: json.dumps(value) for name, value in metadata.items()}
    if texts and source.suffix == ".png":
        with source.open("rb") as picture, target.open("wb") as output:
            png_text.copy(picture, output, texts)
    elif texts and source.suffix == ".webp":
        target.write_bytes(_webp(source, texts) or source.read_bytes())
    elif texts and source.suffix == ".exr":
        target.write_bytes(exr_text.with_texts(source.read_bytes(), texts))
    elif texts and target.suffix == ".svg":
        target.write_bytes(_svg(source.read_bytes(), metadata))
    elif texts and source.suffix == ".glb":
        target.write_bytes(_glb(source.read_bytes(), texts))
    elif not (texts and source.suffix in SUFFIXES and _remuxed(source, target, texts)):
        shutil.copyfile(source, target)


def _remuxed(source: Path, target: Path, texts: Tags) -> bool:
    """Remux all packets to a new container with the texts; returns whether that succeeded."""
    options = {"movflags": "use_metadata_tags+faststart"} if source.suffix == ".mp4" else {}
    try:
        remux(
            str(source),
            str(target),
            source.suffix,
            lambda place, tags: tags if place is not None else {**tags, **texts},
            **options,
        )
    # FFmpeg's errors, a codec that the muxer refuses, an odd stream: paid, so copied unchanged.
    except Exception:  # noqa: BLE001
        return False
    return True


def _svg(data: bytes, metadata: Mapping[str, Any]) -> bytes:
    """Replace the metadata that SaveSVGNode wrote in the cloud; unchanged if there is none."""
    before, begin, rest = data.partition(b"<![CDATA[")
    _, end, after = rest.partition(b"]]>")
    if not (end and before.rstrip().endswith(b"<metadata>")):
        return data
    text = json.dumps(metadata, indent=2).replace("]]>", "]]\\u003e")
    return b"".join((before, begin, b"\n", text.encode(), b"\n", end, after))


def _glb(data: bytes, texts: Mapping[str, str]) -> bytes:
    """Set the texts where SaveGLB does: glTF 2.0, asset.extras of the first chunk."""
    try:
        version, _, length, kind = struct.unpack_from("<4xIII4s", data)
        document = json.loads(data[20 : 20 + length])
        document["asset"]["extras"] = {**document["asset"].get("extras", {}), **texts}
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return data
    chunk = json.dumps(document).encode()
    chunk += b" " * (-len(chunk) % 4)
    body = struct.pack("<I4s", len(chunk), kind) + chunk + data[20 + length :]
    return b"glTF" + struct.pack("<II", version, 12 + len(body)) + body


def _webp(source: Path, texts: Mapping[str, str]) -> bytes | None:
    """The file with the texts as EXIF; None for a truncated file, or no WebP."""
    data = source.read_bytes()
    try:
        with Image.open(source) as picture:
            (width, height), alpha = picture.size, picture.mode in ("RGBA", "LA")
        chunks = [(kind, body) for kind, body in _chunks(data) if kind != b"EXIF"]
    except (OSError, ValueError, struct.error):
        return None
    if chunks and chunks[0][0] == b"VP8X":
        flags = chunks[0][1][0] | _EXIF_FLAG
        head = bytes([flags]) + chunks[0][1][1:]
        chunks = chunks[1:]
    else:
        flags = _EXIF_FLAG | (_ALPHA_FLAG if alpha else 0)
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        head = bytes([flags, 0, 0, 0]) + sides
    # EXIF comes before XMP, and both after the picture.
    xmp = [chunk for chunk in chunks if chunk[0] == b"XMP "]
    pictures = [chunk for chunk in chunks if chunk[0] != b"XMP "]
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for kind, content in ((b"VP8X", head), *pictures, (b"EXIF", _exif(texts)), *xmp)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and body of each RIFF chunk. Raises ValueError if truncated, or no WebP."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("no WebP")
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        content = data[at + 8 : at + 8 + length]
        if len(content) < length:
            raise ValueError("cut")
        yield kind, content
        at += 8 + length + length % 2


def _exif(texts: Mapping[str, str]) -> bytes:
    exif = Image.Exif()
    tag = _MAKE
    for name, text in texts.items():
        if name == "prompt":
            exif[_MODEL] = f"{name}:{text}"
        else:
            exif[tag] = f"{name}:{text}"
            tag -= 1
    return exif.tobytes().removeprefix(b"Exif\0\0")
