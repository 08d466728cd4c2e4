"""Inline pictures of results, small for an agent's context. Needs Pillow; PyAV for videos."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

LONGEST_SIDE = 1024
MOST = 4
MOST_BYTES = 700_000  # of all pictures of one answer together
_QUALITIES = (85, 70, 50)


def inline_pictures(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[bytes, str]]:
    """Yield picture and MIME type of the first images and videos, by path and kind; what cannot be
    shown, or has no room left, is skipped."""
    try:
        from PIL import Image
    except ImportError:
        return
    left, count = MOST_BYTES, 0
    for path, kind in files:
        if kind not in ("image", "video") or count == MOST:
            continue
        try:
            opened: Any = _poster(path) if kind == "video" else cast(Any, Image.open(path))
            with opened as picture:
                shown = _encoded(picture, left)
        except Exception:  # noqa: BLE001, S112 - whatever a decoder raises: the file is there as a link
            continue
        if shown is not None:
            left, count = left - len(shown[0]), count + 1
            yield shown


def _poster(path: Path) -> Any:
    """Return a video's first frame; ImportError without PyAV."""
    av: Any = importlib.import_module("av")

    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_image()


def _encoded(picture: Any, room: int) -> tuple[bytes, str] | None:
    """Scale down and encode: PNG for transparency or few colours, else JPEG; None above `room`."""
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded at a lower scale
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    shown = picture.convert("RGBA" if has_alpha else "RGB")
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if has_alpha or shown.getcolors(256) is not None:
        data = _saved(shown, "PNG")
        if len(data) <= room:
            return data, "image/png"
    for quality in _QUALITIES:
        data = _saved(shown.convert("RGB"), "JPEG", quality=quality)
        if len(data) <= room:
            return data, "image/jpeg"
    return None


def _saved(picture: Any, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()
