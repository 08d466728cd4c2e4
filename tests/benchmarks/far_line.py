"""Orders over a far line, counted in its round trips: what they take beside the cloud's time.

Round trips are counted with a delay that is large against what a busy machine does to a run, and
the median of the rounds counts. What must follow one another are four: upload, create, ask, fetch;
with TLS the create's own connection leaves one more, and a first run reads the graph (three).
RUNNINGHUB_ROUND_TRIP names another delay in seconds: a longer one where others use the machine, a
tiny one to learn what the machine itself takes of each row.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from benchmarks.far_service import RESULT_HOST
from benchmarks.rows import Row
from rh_api.client import Client, Job, Outcome, Progress, Source, Stage
from rh_api.emulator import Emulator, catalog
from rh_api.net.api import SystemClock
from rh_api.settings import Secret, Settings
from rh_api.wire.filetypes import Kind
from tests.support.pictures import noise as noisy
from tests.support.pictures import plain_png, png

ROUND_TRIP = float(os.environ.get("RUNNINGHUB_ROUND_TRIP", "0.15"))  # seconds
RUN = 2.0  # seconds that a task takes
ROUNDS = 5
SIDE = 512
BITS = 20e6  # a second, of the row with 1 MB
LIMIT_LASTS = 60.0  # after which the account's limit is read anew: each run here reads it


def rows() -> list[Row]:
    measured: list[Row] = []
    for secure in (False, True):
        with service(secure) as far, tempfile.TemporaryDirectory() as folder:
            measured += asyncio.run(_measure(far, Path(folder)))
    return measured


# The service, and what it tells


@dataclass
class Far:
    """A service at the end of a far line."""

    origin: str
    secure: bool
    process: subprocess.Popen[str]

    def since(self, bits: float = 0.0) -> dict[str, Any]:
        """What came since the last call; `bits` a second from now on, 0 without a bound."""
        assert self.process.stdin
        assert self.process.stdout
        print(bits, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


@contextlib.contextmanager
def service(secure: bool) -> Generator[Far]:
    with contextlib.ExitStack() as stack:
        arguments = [str(ROUND_TRIP), str(RUN)]
        if secure:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            authority = trustme.CA()
            authority.cert_pem.write_to_path(folder / "ca.pem")
            pem = authority.issue_cert("127.0.0.1", RESULT_HOST).private_key_and_cert_chain_pem
            pem.write_to_path(folder / "server.pem")
            arguments.append(str(folder / "server.pem"))
            os.environ["SSL_CERT_FILE"] = str(folder / "ca.pem")
            stack.callback(os.environ.pop, "SSL_CERT_FILE")
        command = [sys.executable, str(Path(__file__).with_name("far_service.py")), *arguments]
        process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(process.terminate)
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        stack.enter_context(_named(RESULT_HOST, ports["results"]))
        scheme = "https" if secure else "http"
        yield Far(f"{scheme}://127.0.0.1:{ports['service']}", secure, process)


@contextlib.contextmanager
def _named(name: str, port: int) -> Generator[None]:
    """The platform finds `name`, whatever port is asked for, at a port of loopback."""
    platforms = socket.getaddrinfo

    def find(host: Any, its_port: Any, *more: Any, **options: Any) -> Any:
        place = ("127.0.0.1", port) if host in (name, name.encode()) else (host, its_port)
        return platforms(*place, *more, **options)

    socket.getaddrinfo = find
    try:
        yield
    finally:
        socket.getaddrinfo = platforms


# Orders


@dataclass
class Clock(SystemClock):
    """It can be said that a while has passed."""

    ahead: float = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@dataclass
class Person:
    """Who runs things there, with the pictures that nobody has sent before."""

    far: Far
    folder: Path
    number: int = 0
    clock: Clock = field(default_factory=Clock)

    def client(self, state: str) -> Client:
        hosts = (RESULT_HOST,) if self.far.secure else ()
        settings = Settings(
            self.far.origin, Secret(Emulator.default_key), self.folder / state, hosts
        )
        return Client(settings, clock=self.clock)

    def picture(self, side: int = SIDE, *, noise: bool = False) -> Source:
        self.number += 1
        if noise:
            file = png(noisy(side, side, 3, seed=self.number))
        else:
            file = plain_png((self.number // 256, self.number % 256, 9), (side, side))
        return Source(Kind.IMAGE, file, ".png", "image/png")

    def invert(self, picture: Source | None = None) -> Job:
        return Job(catalog.INVERT, {"10.image": picture or self.picture()})

    def segment(self) -> Job:
        """Two pictures in, two out, as a graph that goes with the order."""
        graph: dict[str, Any] = {}
        for at in ("1", "2"):
            graph[f"{at}0"] = {"class_type": "LoadImage", "inputs": {"image": "a.png"}}
            graph[f"{at}1"] = {"class_type": "ImageInvert", "inputs": {"image": [f"{at}0", 0]}}
            saver = {"filename_prefix": f"out{at}", "images": [f"{at}1", 0]}
            graph[f"{at}2"] = {"class_type": "SaveImage", "inputs": saver}
        fields = {"10.image": self.picture(), "20.image": self.picture()}
        return Job(catalog.INVERT, fields, graph=graph)


@dataclass(frozen=True)
class Seen:
    """One measured run: seconds beside the cloud's time, and what the service saw of it."""

    beside: float
    requests: int
    connections: int


async def _timed(far: Far, work: Callable[[], Awaitable[object]]) -> Seen:
    far.since()
    start = time.perf_counter()
    await work()
    took = time.perf_counter() - start
    news = far.since()
    sent = sum(n for path, n in news["requests"].items() if path != "/ws/c_instance")
    if os.environ.get("RUNNINGHUB_FAR_TOLD"):
        print(f"{(took - news['cloud']) / ROUND_TRIP:.2f}", news, file=sys.stderr)
    return Seen(took - news["cloud"], sent, news["connections"])


async def _measure(far: Far, folder: Path) -> list[Row]:
    person = Person(far, folder)
    if not far.secure:
        async with person.client("warm") as client:
            warm = await _warm(person, client, lambda: client.run(person.invert()))
        return [_row("warm run", warm, 4.2, secure=False), _requests(warm, 5)]
    remembered, first = [], []
    async with person.client("known") as client:
        await client.run(person.invert())
    for number in range(ROUNDS):
        for runs, state in ((remembered, "known"), (first, f"new-{number}")):
            async with person.client(state) as client:
                runs.append(await _timed(far, lambda c=client: c.run(person.invert())))
    async with person.client("warm") as client:

        async def chain() -> None:
            before: Outcome = await client.run(person.invert())
            path = before.results[0].path
            assert path
            await client.run(person.invert(Source.of_file(path)))

        warm = await _warm(person, client, lambda: client.run(person.invert()))
        segment = await _warm(person, client, lambda: client.run(person.segment()))
        chained = await _warm(person, client, chain)
        return [
            _row("warm run", warm, 4.2),
            _row("first run of a process, host of results known", remembered, 7.3),
            _row("first run of a process", first, 9.3),
            _row("segment, two pictures in and two out", segment, 5.6),
            _row("chain of two orders", chained, 10.3),
            await _large(person, client),
            _requests(warm, 5),
        ]


async def _warm(
    person: Person, client: Client, work: Callable[[], Awaitable[object]]
) -> list[Seen]:
    await work()
    runs: list[Seen] = []
    for _ in range(ROUNDS):
        person.clock.ahead += LIMIT_LASTS + 1
        runs.append(await _timed(person.far, work))
    return runs


async def _large(person: Person, client: Client) -> Row:
    """From the start to the task's name, of a picture that takes a while to go up."""
    beside: list[float] = []
    size = 0
    for _ in range(ROUNDS):
        picture = person.picture(590, noise=True)
        size = picture.size
        ordered: list[float] = []

        def watch(news: Progress, ordered: list[float] = ordered) -> None:
            if news.stage is Stage.ORDERING and news.fraction == 1.0:
                ordered.append(time.perf_counter())

        person.clock.ahead += LIMIT_LASTS + 1
        person.far.since(BITS)
        start = time.perf_counter()
        await client.run(person.invert(picture), watch)
        beside.append(ordered[0] - start - size * 8 / BITS)
        person.far.since()
    name = f"{size / 1e6:.1f} MB up {BITS / 1e6:g} Mbit/s, then a task, beside the bytes"
    return _row(name, [Seen(seconds, 0, 0) for seconds in beside], 2.2)


def _row(name: str, runs: list[Seen], goal: float, *, secure: bool = True) -> Row:
    trips = statistics.median(run.beside for run in runs) / ROUND_TRIP
    least = min(run.beside for run in runs) / ROUND_TRIP
    opened = statistics.median(run.connections for run in runs)
    return Row(
        f"far line{', TLS' if secure else ''}: {name}",
        f"{trips:.2f} round trips",
        f"the limit {goal:g}",
        trips,
        goal,
        f"{ROUND_TRIP * 1000:g} ms, median of {len(runs)}, best {least:.2f}"
        + (f", {opened:g} connections" if opened else ""),
    )


def _requests(runs: list[Seen], goal: int) -> Row:
    sent = statistics.median(run.requests for run in runs)
    name = "requests of a warm run, its progress socket left out"
    return Row(f"far line: {name}", f"{sent:g}", f"the limit {goal}", sent, goal)


if __name__ == "__main__":
    for row in rows():
        print(row, row.ok)
