"""Many short orders: what one takes of this machine, and two processes at one account's limit.

CPU is this process's own, threads and the system's part included; the service runs in another one.
Its files lie in memory where that goes: what a disk takes for a new one varies twentyfold with how
full it is, and is told beside. `load.py ORIGIN STATE FIRST COUNT` is one of two processes: it waits
for a line of input and prints when each of its orders ended, in unix seconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.batches import emulator
from benchmarks.rows import Row, timed
from rh_api.client import Client, Job
from rh_api.emulator import Emulator, catalog
from rh_api.settings import Secret, Settings

RUN = 1.0  # seconds of a task
ORDERS, PLACES = 5_000, 200
CPU = 0.005  # seconds an order
FILES = 500
SHARED, SHARED_PLACES = 50, 3
REFUSED = 0.4  # of the orders; it was that much when a refused one only waited longer each time


def rows() -> list[Row]:
    return [_crowd(), *_two_processes()]


def _client(origin: str, state: Path) -> Client:
    return Client(Settings(origin, Secret(Emulator.default_key), state))


def _jobs(first: int, count: int) -> list[Job]:
    size = {"5.width": 16, "5.height": 16}
    numbers = range(first, first + count)
    return [Job(catalog.TEXT_TO_IMAGE, {"3.seed": number, **size}) for number in numbers]


def _limit(origin: str, places: int) -> None:
    body = json.dumps({"account": {"limit": places}}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{origin}/emulator/knobs", body, kind)
    urllib.request.urlopen(request, timeout=10).close()


def _crowd() -> Row:
    async def main(origin: str, state: Path) -> tuple[float, float]:
        async with _client(origin, state) as client:
            await client.run_all(_jobs(0, 1))  # what is loaded once is there
            start, cpu = time.perf_counter(), time.process_time()
            await client.run_all(_jobs(1, ORDERS))
            return time.perf_counter() - start, time.process_time() - cpu

    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with emulator(0, RUN) as origin, tempfile.TemporaryDirectory(dir=memory) as folder:
        _limit(origin, PLACES)
        took, cpu = asyncio.run(main(origin, Path(folder)))
        more = _new_file(Path(tempfile.gettempdir())) - _new_file(Path(folder))
    per_order = cpu / ORDERS
    return timed(
        f"CPU an order, {ORDERS:,} of {RUN:g} s at a limit of {PLACES}",
        per_order,
        CPU,
        f"{took:.0f} s, with places never empty {ORDERS / PLACES * RUN:g} s; a disk's folder and"
        f" file took {more * 1e3:.2f} ms more",
        clock=time.process_time,
    )


def _new_file(folder: Path) -> float:
    """Seconds of CPU for a folder with a file in it, as each order makes one."""
    with tempfile.TemporaryDirectory(dir=folder) as within:
        start = time.process_time()
        for number in range(FILES):
            own = Path(within, str(number))
            own.mkdir()
            (own / "0000").touch()
        return (time.process_time() - start) / FILES


def _two_processes() -> list[Row]:
    half = SHARED // 2
    with emulator(0, RUN) as origin, tempfile.TemporaryDirectory() as folder:
        _limit(origin, SHARED_PLACES)
        command = [sys.executable, __file__, origin, folder]
        both = [
            subprocess.Popen(
                [*command, str(number * half), str(half)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(2)
        ]
        for process in both:
            assert process.stdout
            process.stdout.readline()  # it is ready
        start = time.time()
        for process in both:
            assert process.stdin
            print(file=process.stdin, flush=True)
        outputs = [process.communicate()[0] for process in both]
        with urllib.request.urlopen(f"{origin}/emulator/state", timeout=10) as answer:
            requests = json.load(answer)["counters"]["requests"]
    refused = requests["/task/openapi/create"] - SHARED
    ends = [[float(end) - start for end in text.split()] for text in outputs]
    ideal = SHARED / SHARED_PLACES * RUN
    took = max(map(max, ends))
    # At the moment when one of them is through, the other has had its share as well.
    first, last = sorted(ends, key=max)
    share = half / max(1, sum(1 for end in last if end <= max(first)))
    name = f"two processes, {SHARED} orders of {RUN:g} s at a limit of {SHARED_PLACES}"
    return [
        Row(name, f"{took:.1f} s", f"{ideal:.1f} s", took / ideal, 1.15),
        Row(
            f"{name}: what the quicker one had",
            f"{half}",
            f"the other by then: {half / share:.0f}",
            share,
            1.5,
        ),
        Row(
            f"{name}: creates refused", f"{refused}", f"{SHARED} orders", refused / SHARED, REFUSED
        ),
    ]


async def _one_of_two(origin: str, state: Path, first: int, count: int) -> None:
    async with _client(origin, state) as client:
        await client.account.queue()
        print("ready", flush=True)
        sys.stdin.readline()

        async def run(job: Job) -> None:
            await client.run(job)
            print(time.time(), flush=True)

        await asyncio.gather(*(run(job) for job in _jobs(first, count)))


if __name__ == "__main__":
    origin, state, first, count = sys.argv[1:]
    asyncio.run(_one_of_two(origin, Path(state), int(first), int(count)))
