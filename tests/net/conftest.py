"""An emulated service, our two ways to it, and servers below HTTP for what it cannot break."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from rh_api.emulator import Emulator
from rh_api.net.api import AiohttpTransport
from rh_api.net.files import RequestsBulk
from rh_api.net.stalls import StallPolicy
from rh_api.settings import Secret, Settings

KEY = Emulator.default_key

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Scripted:
    """A server that says exactly what a test tells it; `heads` are the requests it has read."""

    talk: Talk | None = None
    origin: str = ""
    connections: int = 0
    heads: list[str] = field(default_factory=list[str])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody connected, and said something where the test reads it."""
    listening: asyncio.Server | None = None

    async def refuse(self) -> None:
        """Accept no further connection; those that are open stay."""
        assert self.listening
        self.listening.close()

    async def read_request(self, reader: asyncio.StreamReader) -> bytes:
        """The next request's body; its head goes to `heads`."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        self.asked.set()
        for line in head.splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                return await reader.readexactly(int(value))
        return b""


Serve = Callable[..., Awaitable[Scripted]]


@pytest.fixture(autouse=True)
def _bare_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no authorities but those that a test names."""
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (*proxies, "ssl_cert_file", "ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(talk, ssl)` listens on loopback until the test ends."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            talk: Talk | None = None, context: ssl.SSLContext | None = None
        ) -> Scripted:
            scripted = Scripted(talk)
            tasks: set[asyncio.Task[None]] = set()

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                scripted.connections += 1
                task = asyncio.current_task()
                assert task
                tasks.add(task)
                try:
                    assert scripted.talk
                    await scripted.talk(reader, writer)
                except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    pass
                finally:
                    tasks.discard(task)
                    writer.close()

            server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)

            async def stop() -> None:
                server.close()
                for task in list(tasks):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

            stack.push_async_callback(stop)
            scripted.listening = server
            scheme = "https" if context else "http"
            scripted.origin = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return scripted

        yield start


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    emulator = Emulator(strict=True)
    async with emulator.serve():
        yield emulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where results go; made by the download."""
    return tmp_path / "results"


@pytest.fixture
def at(tmp_path: Path) -> Callable[..., Settings]:
    """Settings for an origin, with the emulator's key."""

    def make(origin: str, *hosts: str) -> Settings:
        return Settings(origin, Secret(KEY), tmp_path / "state", hosts)

    return make


@pytest.fixture
async def reach(
    at: Callable[..., Settings], serve: Serve
) -> AsyncIterator[Callable[..., AiohttpTransport]]:
    """`reach(origin)` is a transport that the test need not close.

    It is closed before its server: Python 3.10 warns of TLS that only the other side closed.
    """
    opened: list[AiohttpTransport] = []

    def make(origin: str, *hosts: str, **policies: StallPolicy) -> AiohttpTransport:
        opened.append(AiohttpTransport(at(origin, *hosts), **policies))
        return opened[-1]

    yield make
    for transport in opened:
        await transport.close()


@pytest.fixture
async def carry(at: Callable[..., Settings]) -> AsyncIterator[Callable[..., RequestsBulk]]:
    """`carry(origin)` is a bulk that the test need not close."""
    opened: list[RequestsBulk] = []

    def make(origin: str, *hosts: str, **policies: StallPolicy) -> RequestsBulk:
        opened.append(RequestsBulk(at(origin, *hosts), **policies))
        return opened[-1]

    yield make
    for bulk in opened:
        await bulk.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    """TLS as two names, signed by an authority that nobody trusts yet."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "service.test").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The platform trusts that authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path
