"""Pictures between floats and files,
against Pillow as others call it and against ComfyUI's lines."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import video
from benchmarks.pictures import photo
from benchmarks.rows import Row, paired
from nodes.values.codecs import image
from nodes.values.codecs.codec import Kind
from nodes.values.codecs.pixels import from_levels, to_levels
from nodes.values.codecs.png import encode_png
from tests.support.pictures import png

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[Row]:
    return [
        *_writing(1024, threads=1),
        *_writing(1024, threads=2),
        *_writing(2048, threads=2),
        _to_levels(),
        _bias(),
        *_reading(8, 1024),
        _converting(8, 2048),
        *_memory(8, 2048),
        *video.rows(),
    ]


def _writing(side: int, threads: int) -> list[Row]:
    levels = to_levels(photo(side))
    ours, theirs = encode_png(levels, threads=threads), png(levels)
    for file in (ours, theirs):
        with Image.open(io.BytesIO(file)) as picture:
            assert np.array_equal(np.asarray(picture), levels), "a PNG was not exact"
    fast, slow = paired(partial(encode_png, levels, threads=threads), partial(png, levels), runs=5)
    name = f"PNG of a {side}² photo, {threads} thread{'s'[: threads - 1]}"
    return [
        Row(f"{name}: time", _ms(fast), f"Pillow default {_ms(slow)}", fast / slow, 1 / 4),
        Row(
            f"{name}: bytes",
            f"{len(ours) / 1e6:.2f} MB",
            f"Pillow default {len(theirs) / 1e6:.2f} MB",
            len(ours) / len(theirs),
            1.05,
            "both exact through Pillow",
        ),
    ]


def _core_levels(samples: np.ndarray) -> np.ndarray:
    """ComfyUI's SaveImage."""
    return np.clip(255.0 * samples, 0, 255).astype(np.uint8)


def _to_levels() -> Row:
    samples = photo(2048)
    fast, slow = paired(partial(to_levels, samples), partial(_core_levels, samples), runs=15)
    against = f"SaveImage's line {_ms(slow)}"
    return Row("float to 8 bits at 2048²: time", _ms(fast), against, fast / slow, 0.5)


def _bias() -> Row:
    samples = photo(1024)
    bias, core = (
        abs(float((way(samples) - samples.astype(np.float64) * 255).mean()))
        for way in (to_levels, _core_levels)
    )
    measured, against = f"{bias:.4f} level", f"SaveImage's line {core:.4f} level"
    return Row("float to 8 bits: mean bias", measured, against, bias / core, 0.01)


def _reading(count: int, side: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        paths = _files(Path(folder), count, side)
        ours = image.decode(paths)[Kind.IMAGE][0]
        assert np.array_equal(ours, _core_decode(paths)), "a picture was not exact"
        fast, slow = paired(partial(image.decode, paths), partial(_core_decode, paths), runs=5)
    against = f"LoadImage's lines {_ms(slow)}"
    name = f"{count} PNG of {side}² to one batch: time"
    return [Row(name, _ms(fast), against, fast / slow, 1.0, "both decode with Pillow; equal bits")]


def _converting(count: int, side: int) -> Row:
    """Decoding apart: what is made of levels that Pillow has decoded."""
    levels = [to_levels(photo(side))] * count
    # Its memory is there already; whoever makes a batch pays for it once.
    batch = np.ones((count, side, side, 3), np.float32)

    def ours() -> None:
        for index, picture in enumerate(levels):
            from_levels(picture, out=batch[index], threads=2)

    def core() -> np.ndarray:
        """ComfyUI's LoadImage from its array on, and the batch that an ImageBatch makes."""
        return np.concatenate([(picture.astype(np.float32) / 255.0)[None] for picture in levels])

    fast, slow = paired(ours, core, runs=9)
    assert np.array_equal(batch, core()), "a conversion was not exact"
    name = f"levels of {count} pictures of {side}² to the batch: time"
    return Row(name, _ms(fast), f"LoadImage's lines {_ms(slow)}", fast / slow, 0.15)


def _files(folder: Path, count: int, side: int) -> list[Path]:
    data = encode_png(to_levels(photo(side)), threads=2)
    paths = [folder / f"{index}.png" for index in range(count)]
    for path in paths:
        path.write_bytes(data)
    return paths


def _core_decode(paths: Sequence[Path]) -> np.ndarray:
    """ComfyUI's LoadImage through Pillow, its masks left out."""
    pictures: list[np.ndarray] = []
    for path in paths:
        with Image.open(path) as picture:
            levels = np.array(picture.convert("RGB"))
        pictures.append((levels.astype(np.float32) / 255.0)[None])
    return np.concatenate(pictures)


# A process of its own, because a peak cannot be taken back. The first picture loads what is loaded
# once for all; what counts then is the growth of resident memory.
_PEAK = """
import resource, sys
from pathlib import Path
paths = [Path(name) for name in sys.argv[2:]]
if sys.argv[1] == "ours":
    from nodes.values.codecs import image
    decode = lambda paths: image.decode(paths)
else:
    from benchmarks.media import _core_decode as decode
decode(paths[:1])
before = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
Path("/proc/self/clear_refs").write_text("5")
result = decode(paths[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024 - before)
"""


def _memory(count: int, side: int) -> list[Row]:
    """Linux alone tells and resets a process's peak."""
    if not sys.platform.startswith("linux"):
        return []
    with tempfile.TemporaryDirectory() as folder:
        small = _files(Path(folder), 1, 64)[0].rename(Path(folder) / "small.png")
        paths = [small, *_files(Path(folder), count, side)]
        ours, core = (_peak(way, paths) for way in ("ours", "core"))
    result = count * side * side * 3 * 4
    return [
        Row(
            f"{count} PNG of {side}² to one batch: peak",
            f"{ours / 2**20:.0f} MiB",
            f"the batch itself {result / 2**20:.0f} MiB",
            ours / result,
            1.1,
            f"LoadImage's lines {core / 2**20:.0f} MiB",
        )
    ]


def _peak(way: str, paths: Sequence[Path]) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, way, *map(str, paths)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
