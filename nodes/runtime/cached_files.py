"""Detects deleted temp files that cached segment outputs still refer to.

ComfyUI's temp folder may be emptied, by a second ComfyUI or by hand, while ComfyUI's cache still
holds outputs that read their files lazily.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

from ..values.codecs.comfy_video import ResultVideo
from ..values.result_files import SaverItem

# By the segment's JSON. Weak keys: dead outputs drop out, empty entries go at the next `track`.
_tracked: defaultdict[str, WeakKeyDictionary[object, Path]] = defaultdict(WeakKeyDictionary)
_losses: Counter[str] = Counter()


def track(segment: str, outputs: Sequence[Any]) -> None:
    """Track the files of a segment's outputs by weak reference, while the outputs are alive."""
    for gone in [text for text, files in _tracked.items() if not files]:
        del _tracked[gone]
    for output in outputs:
        items = cast("list[object]", output) if isinstance(output, list) else [output]
        _tracked[segment].update(_files(items))


def losses(segment: str) -> int:
    """Return how often files of a segment's outputs were found missing. Part of the node's
    fingerprint: a loss invalidates its cache entry, and a rerun is served at no cost."""
    files = _tracked.get(segment, {})
    if not all(path.is_file() for path in list(files.values())):
        _losses[segment] += 1
        del _tracked[segment]
    return _losses[segment]


def _files(items: Sequence[object]) -> Iterator[tuple[object, Path]]:
    for item in items:
        if isinstance(item, SaverItem) and item.path is not None:
            yield item, item.path
        elif isinstance(item, ResultVideo) and isinstance(file := item.get_stream_source(), str):
            yield item, Path(file)
