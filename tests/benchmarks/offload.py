"""Segments in a real ComfyUI: what crosses the border, and what an order costs beside the cloud."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import Row, timed
from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import Prompt, loaded, mark, save
from tests.comfy.server import running
from tests.support.cloud import environment_of
from tests.support.graphs import node

RUN = 2.0  # seconds that the cloud takes
ROUNDS = 5
Marked = tuple[Prompt, list[dict[str, Any]]]


def rows() -> list[Row]:
    with _stage() as (emulator, url):
        return [
            *asyncio.run(_bytes(emulator, url)),
            *asyncio.run(_times(emulator, url)),
        ]


@contextlib.contextmanager
def _stage() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator(strict=True, run_seconds=0.1)
    with tempfile.TemporaryDirectory() as folder, emulator.run_in_thread() as url:
        settings = environment_of(emulator, url)
        with running(Path(folder), settings) as server:
            yield emulator, server.url


async def _run(client: ComfyClient, marked: Marked) -> float:
    prompt, segments = marked
    started = time.perf_counter()
    result = await client.queue(prompt, {"runninghub": {"segments": segments}})
    assert result.outcome == "success", (result.refusal, result)
    return time.perf_counter() - started


async def _bytes(emulator: Emulator, url: str) -> list[Row]:
    """A picture made here that two orders and three nodes read, and what comes back."""
    async with ComfyClient(url) as client:
        noise = np.random.default_rng(mark()).integers(0, 256, (512, 512, 3), np.uint8)
        prompt = {
            "1": await loaded(client, noise),
            "2": node("ImageFlip", image=["1", 0], flip_method="x-axis: vertically"),
            "3": node("ImageInvert", image=["2", 0]),
            "4": _scaled(["2", 0], 0.5),
            "5": node("ImageBatch", image1=["3", 0], image2=["2", 0]),
            "6": save(["5", 0]),
            "7": save(["4", 0]),
            "8": node("MaskToImage", mask=["9", 0]),
            "9": node("ImageToMask", image=["3", 0], channel="red"),
            "10": save(["8", 0]),
        }
        segments = [{"nodes": ["3", "5"]}, {"nodes": ["4"]}]
        await _run(client, (prompt, segments))
        up, down = emulator.counters.upload_bytes, emulator.counters.download_bytes
        once_up = sum(len(stored.data) for stored in emulator.uploads.values())
        once_down = sum(len(stored.data) for stored in emulator.results.values())

        prompt["4"]["inputs"]["scale_by"] = 0.25
        orders = emulator.counters.orders
        await _run(client, (prompt, segments))
        again = emulator.counters.upload_bytes - up
        new_orders = emulator.counters.orders - orders
    assert len(emulator.uploads) == 1
    return [
        Row("a picture that two segments read: bytes up", f"{up}", f"{once_up}", up / once_up, 1.0),
        Row("the same: bytes down", f"{down}", f"{once_down}", down / once_down, 1.0),
        Row("one number changed: bytes up", f"{again}", "0", float(again), 0.0),
        Row("one number changed: orders", f"{new_orders}", "1", float(new_orders), 1.0),
    ]


async def _times(emulator: Emulator, url: str) -> list[Row]:
    emulator.run_seconds = RUN
    async with ComfyClient(url) as client:
        await _run(client, _independent(1))
        alone = await _median(client, lambda: _independent(1))
        both = await _median(client, lambda: _independent(2))
        chain = await _median(client, _chain)
    extra = chain - 2 * RUN
    return [
        Row("two independent segments", f"{both:.2f} s", f"{alone:.2f} s", both / alone, 1.1),
        timed("a chain of two, beside the cloud", extra, 0.6),
    ]


async def _median(client: ComfyClient, make: Callable[[], Marked]) -> float:
    return statistics.median([await _run(client, make()) for _ in range(ROUNDS)])


def _scaled(source: list[Any], by: float) -> dict[str, Any]:
    return node("ImageScaleBy", image=source, upscale_method="nearest-exact", scale_by=by)


def _picture() -> dict[str, Any]:
    """One that no order had before."""
    return node("EmptyImage", width=512, height=512, batch_size=1, color=mark() * 977 % 2**24)


def _independent(count: int) -> Marked:
    prompt: Prompt = {}
    segments: list[dict[str, Any]] = []
    for number in range(count):
        first, second, third = (str(3 * number + step) for step in (1, 2, 3))
        prompt[first] = _picture()
        prompt[second] = node("ImageInvert", image=[first, 0])
        prompt[third] = save([second, 0])
        segments.append({"nodes": [second], "name": str(number)})
    return prompt, segments


def _chain() -> Marked:
    """Here, in the cloud, here, in the cloud, here."""
    prompt = {
        "1": _picture(),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ImageFlip", image=["2", 0], flip_method="x-axis: vertically"),
        "4": node("ImageInvert", image=["3", 0]),
        "5": save(["4", 0]),
    }
    return prompt, [{"nodes": ["2"], "name": "first"}, {"nodes": ["4"], "name": "second"}]
