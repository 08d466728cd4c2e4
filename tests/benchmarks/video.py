"""A video of 121 frames to one tensor, against ComfyUI's own reader.

With COMFYUI_DIR and COMFYUI_PYTHON that is the real `get_components()`; without them its lines are
said again here on arrays: a list of float frames, stacked.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.pictures import photo
from benchmarks.rows import Row
from nodes.values.codecs import mp4
from nodes.values.codecs.audio import Sound
from nodes.values.codecs.pixels import to_levels

ROOT = Path(__file__).resolve().parents[2]
FRAMES, HEIGHT, WIDTH = 121, 540, 960
RATE = 24
TURNS, ROUNDS = 3, 5

# A process of its own, which may be the Python of ComfyUI: there `nodes` is another module, so
# that ours gets another name. It reads by one way alone, since what the other gives back to the
# system is dear or cheap to get again by chance; it tells the seconds, or how its memory grew.
_READER = """
import json, os, resource, sys, time, types
from pathlib import Path
way, what, small, path = *sys.argv[1:3], *map(Path, sys.argv[3:5])
sys.argv = ["reader", "--cpu"]
pack = types.ModuleType("pack")
pack.__path__ = [os.environ["PACK"]]
sys.modules["pack"] = pack
from pack.nodes.values.codecs import video
if "COMFYUI_DIR" in os.environ:
    sys.path.insert(0, os.environ["COMFYUI_DIR"])
    import comfy.options
    comfy.options.enable_args_parsing()
    from comfy_api.latest import InputImpl
    theirs = lambda path: InputImpl.VideoFromFile(str(path)).get_components()
else:
    import av, numpy
    def theirs(path):
        with av.open(str(path)) as container:
            floats = [f.to_ndarray(format="gbrpf32le") for f in container.decode(video=0)]
        return numpy.stack(floats)
read = video.read if way == "ours" else theirs
if what == "time":
    seconds = []
    for _ in range(int(os.environ["ROUNDS"]) + 1):
        start = time.perf_counter()
        result = read(path)
        seconds.append(time.perf_counter() - start)
        del result
    print(json.dumps(seconds[1:]))
else:
    read(small)
    before = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")
    result = read(path)
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(peak.split()[1]) * 1024 - before)
"""


def _film(path: Path) -> None:
    """A film as the cloud's savers make it: x264 at quality 16 with its usual settings, and AAC."""
    with av.open(str(path), "w") as output:
        pictures = output.add_stream("libx264", rate=RATE, options={"crf": "16"})
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = _sound()
        tape = output.add_stream("aac", rate=sound.rate, layout="stereo")
        for levels in _frames():
            frame = av.VideoFrame.from_ndarray(to_levels(levels), format="rgb24")
            output.mux(pictures.encode(frame))
        wave = np.ascontiguousarray(sound.waveform[0], np.float32)
        audio = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
        audio.sample_rate = sound.rate
        output.mux([*pictures.encode(None), *tape.encode(audio), *tape.encode(None)])


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        small, path = Path(folder) / "small.mp4", Path(folder) / "video.mp4"
        mp4.write(small, [np.zeros((64, 64, 3), np.uint8)] * 3, RATE)
        _film(path)
        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(TURNS):
            for way, times in seconds.items():
                times += _read(way, "time", small, path)
        fast, slow = (statistics.median(times) for times in seconds.values())
        name = f"mp4 of {FRAMES} frames of {WIDTH} by {HEIGHT} to one batch"
        against = f"ComfyUI's {'' if _real() else 'lines '}"
        timed = Row(
            f"{name}: time",
            f"{fast * 1e3:.0f} ms",
            f"{against}{slow * 1e3:.0f} ms",
            fast / slow,
            0.45,
        )
        # Linux alone tells and resets a process's peak.
        if not sys.platform.startswith("linux"):
            return [timed]
        ours, theirs = (_read(way, "peak", small, path) for way in ("ours", "theirs"))
        batch = FRAMES * HEIGHT * WIDTH * 3 * 4
        return [
            timed,
            Row(
                f"{name}: peak",
                f"{ours / 2**20:.0f} MiB",
                f"{against}{theirs / 2**20:.0f} MiB",
                ours / theirs,
                0.55,
                f"the batch itself {batch / 2**20:.0f} MiB",
            ),
        ]


def _frames() -> Iterator[np.ndarray]:
    """A photo that passes by, with grain that changes as a camera's does."""
    scene = photo(1024)
    chance = np.random.default_rng(11)
    grain = chance.normal(0, 1.5 / 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    for index in range(FRAMES):
        yield np.roll(scene, 3 * index, 1)[:HEIGHT, :WIDTH] + np.roll(grain, 37 * index, 0)


def _sound() -> Sound:
    wave = np.sin(np.arange(44100 * FRAMES // RATE) / 16).astype(np.float32)
    return Sound(np.tile(wave, (1, 2, 1)), 44100)


def _real() -> bool:
    return "COMFYUI_DIR" in os.environ


def _read(way: str, figure: str, small: Path, path: Path) -> Any:
    python = os.environ.get("COMFYUI_PYTHON", sys.executable) if _real() else sys.executable
    done = subprocess.run(
        [python, "-c", _READER, way, figure, str(small), str(path)],
        env=os.environ | {"PACK": str(ROOT), "ROUNDS": str(ROUNDS)},
        capture_output=True,
        text=True,
        check=True,
    )
    # ComfyUI may print about itself first.
    return json.loads(done.stdout.splitlines()[-1])
