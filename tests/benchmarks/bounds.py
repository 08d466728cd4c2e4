"""What nothing may exceed: how long thousands of jobs hold up the loop, and what an answer's JSON
takes of the memory.

The loop's stretches are seconds of this thread's processor, so that a busy machine counts for none,
less the passes of Python's own collector, which any code of a process may set off.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
import time
from collections.abc import Callable

from benchmarks.batches import in_world
from benchmarks.net import MIB, peak_reset, resident
from benchmarks.rows import Row, paired, timed
from rh_api.client import Client, Job, Progress
from rh_api.emulator import catalog
from rh_api.wire.call import LARGE_ANSWER_LIMIT
from rh_api.wire.envelope import MAX_VALUES, read_json

JOBS = 5_000
STRETCH = 0.05  # seconds
EMPTY_OBJECTS = b"[" + b"{}," * (LARGE_ANSWER_LIMIT // 3 - 1) + b"{}]"
LARGEST = b"[" + b"{}," * (MAX_VALUES // 2 - 2) + b"{}]"
MEMORY = 128 * MIB
SENSE = 0.5  # of the time that reading as many bytes of text takes


def rows() -> list[Row]:
    return [*in_world(0, 0.1, _jobs), *_memory(), _refused()]


async def _jobs(client: Client) -> list[Row]:
    jobs = [
        Job(catalog.TEXT_TO_IMAGE, {"3.seed": number, "5.width": 64, "5.height": 64})
        for number in range(JOBS)
    ]
    ended = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.params.get("done"):
            ended.set()

    with _Stretches() as built:
        work = asyncio.ensure_future(client.run_all(jobs, watch))
        await asyncio.wait(
            [work, first := asyncio.ensure_future(ended.wait())], return_when="FIRST_COMPLETED"
        )
        first.cancel()
    with _Stretches() as stopped:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    return [
        timed(
            f"{JOBS:,} jobs {phase}: longest stretch of the loop",
            stretches.longest,
            STRETCH,
            f"processor time, less up to {stretches.collecting * 1000:.0f} ms of the collector",
            clock=time.thread_time,
        )
        for phase, stretches in (("built", built), ("stopped", stopped))
    ]


class _Stretches:
    """The most processor time between two turns of the running loop."""

    def __init__(self) -> None:
        self.longest = self.collecting = 0.0
        self._last = self._collected = 0.0
        self._handle: asyncio.Handle | None = None

    def __enter__(self) -> _Stretches:
        gc.callbacks.append(self._collect)
        self._last = time.thread_time()
        self._turn()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._handle
        self._handle.cancel()
        gc.callbacks.remove(self._collect)

    def _collect(self, phase: str, _: dict[str, int]) -> None:
        if threading.current_thread() is threading.main_thread():
            now = time.thread_time()
            self._collected += -now if phase == "start" else now

    def _turn(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._last - self._collected)
        self.collecting = max(self.collecting, self._collected)
        self._last, self._collected = now, 0.0
        self._handle = asyncio.get_running_loop().call_soon(self._turn)


def _memory() -> list[Row]:
    texts = {
        f"{LARGE_ANSWER_LIMIT // MIB} MiB of empty objects": EMPTY_OBJECTS,
        f"as many values as an answer may have, {MAX_VALUES:,}": LARGEST,
    }
    return [
        Row(
            f"an answer of {name}: memory",
            f"+{grown / MIB:.1f} MiB",
            f"{MEMORY // MIB} MiB",
            grown / MEMORY,
            1.0,
            "Linux alone tells",
        )
        for name, text in texts.items()
        for grown in [_grown(lambda text=text: read_json(text))]
    ]


def _grown(work: Callable[[], object]) -> int:
    before = resident("VmRSS")
    peak_reset()
    work()
    return resident("VmHWM") - before


def _refused() -> Row:
    honest = json.dumps(["x" * 40] * (len(EMPTY_OBJECTS) // 44)).encode()
    ours, theirs = paired(lambda: read_json(EMPTY_OBJECTS), lambda: json.loads(honest), 3)
    return Row(
        "an answer of empty objects: refused",
        f"{ours * 1000:.1f} ms",
        f"json.loads of as many bytes of text: {theirs * 1000:.1f} ms",
        ours / theirs,
        SENSE,
    )
