"""Cloud nodes in a real ComfyUI: what the plugin adds to the cloud's own time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.models import definitions
from benchmarks.net import MIB, peak_reset, resident
from benchmarks.rows import Row, timed
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.models.results import film
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import Prompt, loaded, mark, remote, save
from tests.comfy.server import Server, comfyui_python, running, unpack
from tests.support.graphs import node

RUN = 2.0  # seconds that the cloud takes
ROUNDS = 5
VIDEO_SIZE = 2**31
HERE = Path(__file__).resolve().parent


def rows() -> list[Row]:
    with _stage() as (emulator, server):
        listing = definitions(server.url)
        measured = asyncio.run(_measure(emulator, server))
        handed_on = asyncio.run(_video_handed_on(emulator, server))
    return [listing, *measured, *handed_on, _import_cost()]


@contextlib.contextmanager
def _stage() -> Iterator[tuple[Emulator, Server]]:
    emulator = Emulator(strict=True, run_seconds=RUN)
    with tempfile.TemporaryDirectory() as folder, emulator.run_in_thread() as url:
        settings = {"RUNNINGHUB_BASE_URL": url, "RUNNINGHUB_API_KEY": emulator.default_key}
        with running(Path(folder), settings) as server:
            yield emulator, server


async def _measure(emulator: Emulator, server: Server) -> list[Row]:
    emulator.account.limit = 3
    async with ComfyClient(server.url) as client:
        rows: list[Row] = []
        for socket, goal in (("ok", 0.3), ("none", 0.8)):
            emulator.socket = socket  # type: ignore[assignment]
            await _seconds(client, lambda: _one(client))
            emulator.journal.clear()
            extra = await _median(client, lambda: _one(client)) - RUN
            calls = sum(not e.path.startswith("/ws") for e in emulator.journal) / ROUNDS
            name = f"{RUN:g} s task, 512² in and out" + ("" if socket == "ok" else ", no socket")
            rows.append(timed(f"{name}: beside the task", extra, goal))
            if socket == "ok":
                rows.append(Row(f"{name}: requests", f"{calls:g}", "5", calls / 5, 1.0))
        emulator.socket = "ok"
        single = await _median(client, lambda: _several(1))
        for count, goal in ((3, 1.1), (6, 2.2)):
            took = await _median(client, lambda count=count: _several(count))
            name = f"{count} nodes at a limit of 3"
            rows.append(Row(name, f"{took:.2f} s", f"{single:.2f} s", took / single, goal))
        beside = await _median(client, _beside_a_local_node)
        name = "a cloud node beside a local one that blocks as long"
        longer = max(single, RUN)
        rows.append(Row(name, f"{beside:.2f} s", f"{longer:.2f} s", beside / longer, 1.05))
        return rows


async def _median(
    client: ComfyClient, make: Callable[[], Prompt | Awaitable[Prompt]], rounds: int = ROUNDS
) -> float:
    return statistics.median([await _seconds(client, make) for _ in range(rounds)])


async def _seconds(client: ComfyClient, make: Callable[[], Prompt | Awaitable[Prompt]]) -> float:
    prompt = make()
    prompt = prompt if isinstance(prompt, dict) else await prompt
    started = time.perf_counter()
    result = await client.queue(prompt)
    assert result.outcome == "success", result
    return time.perf_counter() - started


async def _one(client: ComfyClient) -> Prompt:
    noise = np.random.default_rng(mark()).integers(0, 256, (512, 512, 3), np.uint8)
    load = await loaded(client, noise)
    return {
        "1": load,
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": save(["2", 0]),
    }


def _several(count: int) -> Prompt:
    fields = [{"3.seed": mark(), "5.width": 64, "5.height": 64} for _ in range(count)]
    return {str(i): remote(catalog.TEXT_TO_IMAGE, inputs) for i, inputs in enumerate(fields, 1)}


def _beside_a_local_node() -> Prompt:
    blocks = node("TestBlocks", seconds=RUN, mark=mark())
    return {**_several(1), "8": blocks, "9": node("TestLooks", value=["8", 0])}


async def _video_handed_on(emulator: Emulator, server: Server) -> list[Row]:
    """A video of 2 GiB from one node to others: through ComfyUI's memory, and over the line."""
    emulator.run_seconds = 0.1
    whole = film(b"")
    free = VIDEO_SIZE - len(whole)  # a box of the format that readers pass over
    video = bytearray(VIDEO_SIZE)
    video[: len(whole) + 8] = whole + free.to_bytes(4, "big") + b"free"
    async with ComfyClient(server.url) as client:
        growth, downloads = 0, 0
        # The first, small one lets ComfyUI load what it needs.
        for body in (whole, video):
            emulator.faults.append(Fault("/results/", "body", value=body))
            emulator.journal.clear()
            before = resident("VmRSS", server.pid)
            peak_reset(server.pid)
            looks = {n: node("TestLooks", value=["1", slot]) for n, slot in (("2", 2), ("3", 7))}
            result = await client.queue({**_several(1), **looks})
            assert result.outputs["2"] == result.outputs["3"] == {"text": ["ResultVideo"]}, result
            growth = resident("VmHWM", server.pid) - before
            downloads = sum(entry.path.startswith("/results/") for entry in emulator.journal)
    name = "a video of 2 GiB handed on as VIDEO"
    return [
        Row(f"{name}: memory", f"+{growth / MIB:.1f} MiB", "20 MiB", growth / (20 * MIB), 1.0),
        Row(f"{name}: downloads", str(downloads), "1", float(downloads), 1.0),
    ]


def _import_cost() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        unpack(pack)
        command = [comfyui_python(), str(HERE / "import_cost.py"), os.environ["COMFYUI_DIR"]]
        # As a person has it: only the first start compiles.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        times: list[float] = []
        foreign: set[str] = set()
        for _ in range(ROUNDS):
            done = subprocess.run(
                [*command, str(pack)], capture_output=True, text=True, check=True, env=env
            )
            report = json.loads(done.stdout.splitlines()[-1])
            times.append(report["seconds"])
            foreign.update(report["foreign"])
    took = statistics.median(times)
    note = f"new third-party modules: {', '.join(sorted(foreign)) or 'none'}"
    return timed("import in ComfyUI with all schemas", took, 0.02, note)
