"""Thumbnails as WebP, cached beside their files. Images are decoded and encoded anew: downloaded
ones may be hostile, so that only pixels reach the page."""

from __future__ import annotations

import base64
import contextlib
import io
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image, ImageOps

from ...rh_api.system.disk import replace_bytes

SIDE = 256  # pixels, of the longer side
LARGEST_PIXELS = 64_000_000  # width times height; larger images are not decoded
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_SUFFIX = ".thumbnail.webp"


def of_file(path: Path) -> str:
    """Return a thumbnail of an image or a video's first frame as a data URL; "" if unreadable."""
    cached = path.with_name(path.name + _SUFFIX)
    try:
        return _url(cached.read_bytes())
    except OSError:
        pass
    small = _of_video(path) if path.suffix.lower() in (".mp4", ".webm", ".mov", ".mkv") else None
    thumbnail = encoded(path) if small is None else _encoded(small)
    if not thumbnail:
        return ""
    with contextlib.suppress(OSError):  # on a full disk it is only not cached
        replace_bytes(cached, thumbnail)
    return _url(thumbnail)


def of_bytes(data: bytes) -> bytes:
    """Return a WebP thumbnail of an encoded image; b"" if it cannot be decoded."""
    return encoded(io.BytesIO(data))


def encoded(source: Path | io.BytesIO) -> bytes:
    """Return a WebP thumbnail of an image file or buffer; b"" if it cannot be decoded."""
    try:
        with Image.open(source, formats=_FORMATS) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                return b""
            picture.draft("RGB", (2 * SIDE, 2 * SIDE))
            return _encoded(ImageOps.exif_transpose(picture) or picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""


def _encoded(picture: Image.Image) -> bytes:
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    small = picture.convert("RGBA" if has_alpha else "RGB")
    small.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return file.getvalue()


def _of_video(path: Path) -> Image.Image | None:
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            if frame.width * frame.height > LARGEST_PIXELS:
                return None
            return frame.to_image().rotate(frame.rotation, expand=True)
    except (FFmpegError, OSError, StopIteration, ValueError, IndexError):
        return None


def _url(data: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def url_of(data: bytes) -> str:
    """Return a WebP image as a data URL; "" for no bytes."""
    return _url(data) if data else ""
