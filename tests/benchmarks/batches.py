"""Many things at once: pictures up and results down a slow line, a batch at the account's limit."""

from __future__ import annotations

import asyncio
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from benchmarks.line import RESULT
from benchmarks.net import MIB, peak_reset, resident
from benchmarks.pictures import photo
from benchmarks.rows import Row, timed
from nodes.values.codecs import image
from rh_api.client import Client, Job, LazySource, Progress, Source, Stage
from rh_api.emulator import Emulator, catalog
from rh_api.settings import Secret, Settings
from rh_api.wire.filetypes import Kind

T = TypeVar("T")

LINE, ROUND_TRIP = 100e6, 0.1  # bits a second, seconds
PICTURES, SIDE = 8, 2048
RESULTS = 200
ITEMS, LIMIT, RUN = 30, 3, 2.0
ROUNDS = 3
ENCODERS = 2  # as in nodes/


def rows() -> list[Row]:
    far = [*in_world(LINE, 0.1, _pictures_up), *in_world(LINE, 0.1, _results_down)]
    return [*far, *in_world(0, RUN, _batch)]


def in_world(bits: float, run: float, work: Callable[[Client], Awaitable[list[Row]]]) -> list[Row]:
    """`work` with a client of an emulator of its own."""

    async def main(origin: str, state: Path) -> list[Row]:
        async with Client(Settings(origin, Secret(Emulator.default_key), state)) as client:
            await client.account.queue()  # the connection is there
            return await work(client)

    with emulator(bits, run) as origin, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(origin, Path(folder)))


@contextlib.contextmanager
def emulator(bits: float, run: float) -> Generator[str]:
    line = Path(__file__).with_name("line.py")
    command = [sys.executable, str(line), str(bits), str(ROUND_TRIP), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


async def _pictures_up(client: Client) -> list[Row]:
    ratios: list[float] = []
    stalls: list[float] = []
    for number in range(ROUNDS):
        scene = photo(SIDE, seed=number)  # what is there already is not sent again
        pictures = [np.roll(scene, 97 * shift, 1) for shift in range(PICTURES)]
        wire = sum(map(_pillow_bytes, pictures)) * 8 / LINE
        took, stall = await _upload(client, pictures)
        ratios.append(took / wire)
        stalls.append(stall)
    ratio, stall = statistics.median(ratios), statistics.median(stalls)
    note = f"round trip {ROUND_TRIP * 1000:g} ms, median of {ROUNDS}"
    return [
        Row(
            f"{PICTURES} pictures of {SIDE}² up {LINE / 1e6:g} Mbit/s",
            f"{ratio * wire:.2f} s",
            f"the wire for Pillow's Huffman-only bytes: {wire:.2f} s",
            ratio,
            1.15,
            note,
        ),
        timed("another thread meanwhile: longest stall", stall, 0.01, note),
    ]


async def _upload(client: Client, pictures: list[np.ndarray]) -> tuple[float, float]:
    """Seconds that encoding and uploading take, and the longest stall of another thread."""
    loop = asyncio.get_running_loop()
    stalls = _Stalls()
    with ThreadPoolExecutor(ENCODERS) as pool:

        async def make(picture: np.ndarray) -> Source:
            work = partial(image.encode, picture[None], threads=1)
            (file,) = await loop.run_in_executor(pool, work)
            return Source(Kind.IMAGE, file.data, file.suffix, file.mime)

        lazy_sources = [LazySource(Kind.IMAGE, partial(make, picture)) for picture in pictures]
        with stalls:
            start = time.perf_counter()
            await client.uploads.send_all(lazy_sources)
            return time.perf_counter() - start, stalls.longest


def _pillow_bytes(picture: np.ndarray) -> int:
    file = io.BytesIO()
    levels = np.rint(picture * 255).astype(np.uint8)
    Image.fromarray(levels).save(file, "PNG", compress_level=1, compress_type=zlib.Z_HUFFMAN_ONLY)
    return len(file.getvalue())


class _Stalls:
    """How late a thread wakes that sleeps a millisecond at a time."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            start = time.perf_counter()
            time.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - start - 0.001)


async def _results_down(client: Client) -> list[Row]:
    begun: list[float] = []

    def watch(news: Progress) -> None:
        if news.stage is Stage.DOWNLOADING and not begun:
            begun.append(time.perf_counter())
            peak_reset()

    before = resident("VmRSS")
    fields = {"5.batch_size": RESULTS, "5.width": 16, "5.height": 16}
    outcome = await client.run(Job(catalog.TEXT_TO_IMAGE, fields), watch)
    took = time.perf_counter() - begun[0]
    growth = resident("VmHWM") - before
    assert [result.size for result in outcome.results] == [RESULT] * RESULTS
    wire = RESULTS * RESULT * 8 / LINE
    return [
        Row(
            f"{RESULTS} results of 1 MB down {LINE / 1e6:g} Mbit/s",
            f"{took:.2f} s",
            f"the wire: {wire:.2f} s",
            took / wire,
            1.15,
            f"round trip {ROUND_TRIP * 1000:g} ms",
        ),
        Row(
            "the same: memory",
            f"+{growth / MIB:.1f} MiB",
            "32 MiB",
            growth / (32 * MIB),
            1.0,
            "Linux alone tells",
        ),
    ]


async def _batch(client: Client) -> list[Row]:
    jobs = [
        Job(catalog.TEXT_TO_IMAGE, {"3.seed": number, "5.width": 64, "5.height": 64})
        for number in range(ITEMS)
    ]
    start = time.perf_counter()
    await client.run_all(jobs)
    took, ideal = time.perf_counter() - start, ITEMS / LIMIT * RUN
    name = f"batch of {ITEMS} at a limit of {LIMIT}, {RUN:g} s each"
    return [Row(name, f"{took:.2f} s", f"{ideal:.1f} s", took / ideal, 1.1)]


if __name__ == "__main__":
    for row in rows():
        print(row, row.ok)
