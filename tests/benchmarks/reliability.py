"""A thousand orders through fifty places, and what it costs to follow five hundred tasks.

The thousand run in virtual time against a scripted service, so their rate says how well places
are used and not how fast this machine is; the journal is the real one. The five hundred are
followed in real time, over the real transport, on an emulator in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from unit.run.world import (
    PICTURE,
    Files,
    Service,
    UnthreadedJournal,
    code,
    load,
    now,
    state,
    taken,
    virtually,
)

from benchmarks.rows import Row
from rh_api.client import Client, Job, Progress, Stage
from rh_api.emulator import Emulator, catalog
from rh_api.run.context import AccountContext
from rh_api.run.engine import Engine
from rh_api.run.orders import Order
from rh_api.run.progress import unwatched
from rh_api.run.retry import Sender
from rh_api.run.transfers import Transfers
from rh_api.settings import Settings
from rh_api.wire.call import Request
from tests.support.clocks import LoopClock

ORDERS, PLACES = 1_000, 50
TASK_SECONDS = 60.0
ROUND_TRIP = 0.15
SHARE_OF_IDEAL = 0.95
MEMORY_GROWTH = 1.1

FOLLOWED = 500
WATCHED_SECONDS = 10.0
CORES = 0.2


def rows() -> list[Row]:
    return [*_thousand_orders(), _followed("ok"), _followed("none")]


def _thousand_orders() -> list[Row]:
    ends: dict[str, float] = {}
    chance = random.Random(1)
    seconds = [TASK_SECONDS * chance.uniform(0.9, 1.1) for _ in range(ORDERS)]

    def create(_: Request) -> object:
        if sum(1 for end in ends.values() if end > now()) >= PLACES:
            return code(421)
        task_id = str(len(ends) + 1)
        ends[task_id] = now() + seconds[len(ends)]
        return taken(task_id)

    def query(request: Request) -> object:
        over = now() >= ends[str((request.body or {})["taskId"])]
        return state("SUCCESS", [PICTURE]) if over else state("RUNNING")

    service = Service(create=[create], query=[query], queue=[lambda _: load(PLACES)])
    service.latency = ROUND_TRIP
    memory: list[int] = []

    async def main(folder: Path) -> float:
        rows = UnthreadedJournal(folder, account="a")
        sender = Sender(service, LoopClock())
        transfers = Transfers(Files(), sender, rows.journal)
        engine = Engine.of(AccountContext(sender, rows.journal), transfers)

        async def prepare() -> tuple[()]:
            return ()

        async def order(number: int) -> None:
            await engine.run(Order("1", inputs={"n": number}), prepare, unwatched)
            memory.append(tracemalloc.get_traced_memory()[0])
            service.sent.clear()

        await asyncio.gather(*(order(number) for number in range(ORDERS)))
        took = now()
        await engine.close()
        rows.store.close()
        return took

    tracemalloc.start()
    with tempfile.TemporaryDirectory() as folder:
        took = virtually(main(Path(folder)))
    tracemalloc.stop()
    assert len(ends) == ORDERS
    ideal = sum(seconds) / PLACES
    early, late = max(memory[100:200]), max(memory[-100:])
    return [
        Row(
            f"{ORDERS:,} orders, {PLACES} places, each once",
            f"{took:.0f} s",
            f"{ideal:.0f} s",
            took / ideal,
            1 / SHARE_OF_IDEAL,
            f"virtual time, tasks of {TASK_SECONDS:.0f} s; against places that are never empty",
        ),
        Row(
            "memory at their end",
            f"{late / 1e6:.1f} MB",
            f"{early / 1e6:.1f} MB",
            late / early,
            MEMORY_GROWTH,
            "traced; against the second hundred",
        ),
    ]


def _followed(socket: str) -> Row:
    used = asyncio.run(_follow_many(socket))
    way = "with their sockets" if socket == "ok" else "by polls alone"
    return Row(
        f"following {FOLLOWED} tasks {way}",
        f"{used:.3f} of a core",
        f"{CORES:g} of a core",
        used / CORES,
        1.0,
        f"real transport, {WATCHED_SECONDS:.0f} s after the last was placed",
    )


async def _follow_many(socket: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with _emulator(socket) as origin:
            settings = Settings.from_mapping(
                {
                    "RUNNINGHUB_API_KEY": Emulator.default_key,
                    "RUNNINGHUB_BASE_URL": origin,
                    "RUNNINGHUB_STATE": folder,
                }
            )
            client = Client(settings)
            await client.programs.workflow(catalog.TEXT_TO_IMAGE)
            left = FOLLOWED
            all_run = asyncio.Event()

            def watch_of() -> Any:
                seen = False

                def watch(news: Progress) -> None:
                    nonlocal seen, left
                    if news.stage is Stage.RUNNING and not seen:
                        seen = True
                        left -= 1
                        if not left:
                            all_run.set()

                return watch

            jobs = [
                asyncio.ensure_future(client.run(_job(number), watch_of()))
                for number in range(FOLLOWED)
            ]
            await all_run.wait()
            spent, since = time.process_time(), time.monotonic()
            await asyncio.sleep(WATCHED_SECONDS)
            used = (time.process_time() - spent) / (time.monotonic() - since)
            await client.leave()
            await asyncio.gather(*jobs, return_exceptions=True)
            return used


def _job(number: int) -> Job:
    return Job(catalog.TEXT_TO_IMAGE, {"6.text": f"number {number}", "3.seed": 1})


@asynccontextmanager
async def _emulator(socket: str) -> AsyncIterator[str]:
    """A service in another process, so that its work is not counted as ours."""
    command = [sys.executable, "-m", "rh_api", "emulator", "--port", "0"]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(  # noqa: ASYNC220
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            origin = next(
                word.strip(".,") for line in lines for word in line.split() if "127.0.0.1:" in word
            )
            knobs = {"socket": socket, "run_seconds": 600.0, "account": {"limit": FOLLOWED}}
            urllib.request.urlopen(  # noqa: ASYNC210
                urllib.request.Request(
                    f"{origin}/emulator/knobs",
                    json.dumps(knobs).encode(),
                    {"Content-Type": "application/json"},
                )
            ).close()
            yield origin
        finally:
            process.terminate()
