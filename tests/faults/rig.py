"""A service behind TLS, a road to it that can be broken, and a loop whose seconds pass faster."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import selectors
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock
from weakref import WeakSet

import trustme

from rh_api.client import Client, Stopped
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.connections import LINGER_NONE
from rh_api.journal import Store
from rh_api.settings import Settings
from tests.support.clocks import LoopClock, WallClock

T = TypeVar("T")

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"
CALM_PACE = 30.0  # while no fault strikes
RUN_SECONDS = 0.3
NO_QUERY = 412  # what a path that a service does not have answers
_STEP = 0.002  # real seconds that are waited at once
LASTS = 10 * 24 * 3600.0  # seconds: nothing of the emulator's expires when a clock jumps

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_BUNDLES = ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def poll_of(route: str) -> str:
    """The path that a task is asked at."""
    return QUERY if route == "query" else OUTPUTS


class _Selector(selectors.DefaultSelector):
    """Counts the loop's seconds by its own waiting, `pace` for each that was waited.

    It waits in steps, and of each step no more is counted than was asked for. So what a busy
    machine takes away from this process, its threads included, is no time of the service's, and no
    time-out of seconds strikes because a millisecond took a hundred.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pace = 1.0
        self.passed = 0.0
        self._since = time.monotonic()

    def _count(self, most: float, pace: float) -> None:
        now = time.monotonic()
        self.passed += min(now - self._since, most) * pace
        self._since = now

    def select(self, timeout: float | None = None) -> list[Any]:
        self._count(_STEP, 1.0)  # the loop's own work
        step = _STEP if timeout is None else max(0.0, min(timeout / self.pace, _STEP))
        events = super().select(step)
        self._count(step, self.pace)
        return events


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop whose clock runs `pace` times as fast: all time-outs of client and service with it."""

    def __init__(self) -> None:
        self._quick = _Selector()
        super().__init__(self._quick)

    def time(self) -> float:
        return self._quick.passed

    def go(self, pace: float) -> None:
        """Run at another pace from now on."""
        self._quick.pace = pace


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # A server's TLS connection waits for a farewell that a broken one will never get.
    loop = asyncio.get_running_loop()
    for transport in list(getattr(loop, "_transports", {}).values()):
        transport.abort()
    await asyncio.sleep(0)


def quickly(work: Coroutine[Any, Any, T], pace: float = 1.0) -> T:
    """Run `work` in a quick loop of its own, which begins at `pace`."""
    loop = QuickLoop()
    try:
        loop.go(pace)
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_end_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@dataclass
class Road:
    """The way to the service. `mode` strikes the next `left` connections (None: all).

    refused: nobody listens. reset: closed before a byte of the request could be sent.
    untrusted: somebody else answers, with a certificate that nobody vouches for.
    """

    port: int = 0
    mode: str = ""
    left: int | None = None
    struck: int = 0
    detours: dict[str, int] = field(default_factory=dict)
    led: WeakSet[socket.socket] = field(default_factory=WeakSet)

    def cut(self) -> None:
        """End what is open to the service."""
        for sock in self.led:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def breaks(self, mode: str, count: int | None) -> None:
        self.mode, self.left = mode, count

    def _strikes(self) -> bool:
        if not self.mode or self.left == 0:
            return False
        self.left = None if self.left is None else self.left - 1
        self.struck += 1
        return True

    def lead(self, address: Any) -> Any:
        """Where a connection to `address` ends; raises as the operating system would."""
        if not isinstance(address, tuple) or address[1] != self.port or not self._strikes():
            return address
        if self.mode == "refused":
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return address[0], self.detours[self.mode]

    @contextlib.contextmanager
    def laid(self) -> Iterator[None]:
        """Every connection of this process goes by this road."""
        plain = socket.socket.connect

        def connect(sock: socket.socket, address: Any) -> None:
            if isinstance(address, tuple) and address[1] == self.port:
                self.led.add(sock)
            plain(sock, self.lead(address))

        with mock.patch.object(socket.socket, "connect", connect):
            yield


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def _bundle() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rh-faults-"))
    _authority().cert_pem.write_to_path(folder / "ca.pem")
    return folder / "ca.pem"


def _server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@cache
def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS by the authority that the platform trusts, and by another."""
    return _server_side(_authority()), _server_side(trustme.CA())


@contextlib.contextmanager
def platform() -> Iterator[None]:
    """No proxy, and no authority but ours."""
    names = [*_PROXIES, *(name.upper() for name in _PROXIES), *_BUNDLES]
    variables = {name: value for name, value in os.environ.items() if name not in names}
    with mock.patch.dict(os.environ, variables | {"SSL_CERT_FILE": str(_bundle())}, clear=True):
        yield


async def _slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)  # of the handshake; without it CPython's own socket may stay unclosed
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    writer.transport.abort()


async def _leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@dataclass
class World:
    """One client of one service; `route` is query, or outputs where the service has no query."""

    emulator: Emulator
    open_client: Callable[[], Client]
    client: Client
    road: Road
    state: Path
    route: str
    wall: WallClock
    stopped: list[Stopped]
    pace: float
    strike: Callable[[], None] = lambda: None
    early: bool = False
    """The fault is there before the order is written down, not when it leaves."""
    began: float = 0.0
    job: asyncio.Task[None] | None = None
    beside: list[asyncio.Future[Any]] = field(default_factory=list)
    healing: Callable[[], None] = lambda: None

    def heal(self) -> None:
        """No fault any more; the service without a query stays one."""
        faults = self.emulator.faults
        faults[:] = [fault for fault in faults if fault.value == NO_QUERY]
        self.road.breaks("", None)
        self.wall.offset = 0.0
        self.healing()

    def calm_down(self) -> None:
        """The fault is over, and so is the hurry."""
        self.heal()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, QuickLoop)
        loop.go(CALM_PACE)

    def press_stop(self) -> None:
        """As a person does; time is measured from now."""
        assert self.job
        self.began = asyncio.get_running_loop().time()
        self.job.cancel()

    def arm(self) -> None:
        """From here on the fault may strike, and time is measured."""
        if self.began:
            return
        loop = asyncio.get_running_loop()
        assert isinstance(loop, QuickLoop)
        loop.go(self.pace)
        self.began = loop.time()
        self.strike()

    def fault(self, path: str, kind: Any, **more: Any) -> None:
        self.emulator.faults.insert(0, Fault(path, kind, **more))


@contextlib.asynccontextmanager
async def world(folder: Path, route: str, pace: float) -> AsyncGenerator[World]:
    """A world in `folder`; leaving it waits for everything that the client still does."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, QuickLoop)
    loop.go(CALM_PACE)
    good, bad = _contexts()
    emulator = Emulator(
        strict=True,
        run_seconds=RUN_SECONDS,
        socket="none",
        result_ttl=LASTS,
        upload_ttl=LASTS,
        sign_seconds=LASTS,
    )
    if route == "outputs":
        emulator.faults.append(Fault(QUERY, "code", value=NO_QUERY, count=None))
    road, wall, stopped = Road(), WallClock(), []
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(emulator.serve(ssl_context=good))
        road.port = int(origin.rpartition(":")[2])
        slam = await asyncio.start_server(_slam, "127.0.0.1", 0)
        untrusted = await asyncio.start_server(_leave, "127.0.0.1", 0, ssl=bad)
        for mode, server in (("reset", slam), ("untrusted", untrusted)):
            stack.callback(server.close)
            road.detours[mode] = server.sockets[0].getsockname()[1]
        stack.enter_context(platform())
        stack.enter_context(road.laid())
        # The client has no other seam for the date that this machine shows.
        defaults = Store.open.__func__.__kwdefaults__  # type: ignore[attr-defined]
        stack.enter_context(mock.patch.dict(defaults, clock=wall))
        variables = {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": origin,
            "RUNNINGHUB_STATE": str(folder / "state"),
        }
        settings = Settings.from_mapping(variables)

        def open_client() -> Client:
            client = Client(settings, clock=LoopClock(), stopped=stopped.append)
            stack.push_async_callback(client.close)
            return client

        yield World(
            emulator, open_client, open_client(), road, settings.state, route, wall, stopped, pace
        )
