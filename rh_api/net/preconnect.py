"""Preconnect: connections opened before the request that uses them, to save its handshakes.

A new connection takes one round trip for TCP and with TLS a second. They pass beside an upload, or
while a task runs. Never through a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import aiohttp
import urllib3.exceptions
from urllib3.util.connection import is_connection_dropped
from yarl import URL

from .safety import THREAD_NAME
from .tls_proxy import CONNECT_SECONDS

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from urllib3.connectionpool import HTTPConnectionPool as Pool
else:
    Pool = object

# Maximum idle age for a create call, which must not be sent on a connection that the peer has
# closed: no service or gateway is known to drop a new one sooner.
ORDER_SECONDS = 2.0
EOF_TICKS = 2  # loop iterations in which asyncio processes an EOF that has already arrived
TRANSFER_SECONDS = 30.0  # maximum idle age for a transfer, which can be repeated


# For create calls, over aiohttp


@dataclass(slots=True, eq=False)
class _Preconnected:
    key: ConnectionKey
    opening: asyncio.Task[Connection]
    since: float = 0.0  # when it was established, by the loop's clock


class OneRequestConnector(aiohttp.TCPConnector):
    """A connector without keep-alive; a POST may take a preconnected connection."""

    def __init__(self, context: ssl.SSLContext, unused: float = ORDER_SECONDS) -> None:
        """`unused`: seconds that a preconnected connection stays open and usable."""
        super().__init__(ssl=context, limit=0, force_close=True)  # pyright: ignore[reportUnknownMemberType]
        self._unused = unused
        self._ahead: list[_Preconnected] = []

    def expect(self, origin: str, count: int) -> None:
        """Ensure that `count` unused connections to `origin` are open or being opened.

        One that is not taken within `unused` seconds is closed.
        """
        loop = asyncio.get_running_loop()
        request = aiohttp.ClientRequest("POST", URL(origin), loop=loop)
        for _ in range(count - sum(map(self._is_usable, self._ahead))):
            connecting = super().connect(
                request, [], aiohttp.ClientTimeout(connect=CONNECT_SECONDS)
            )
            ahead = _Preconnected(request.connection_key, loop.create_task(connecting))
            self._ahead.append(ahead)
            ahead.opening.add_done_callback(lambda _, ahead=ahead: self._opened(ahead))

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """See the base class."""
        ahead = await self._take(req.connection_key) if req.method == "POST" else None
        if ahead is None:
            return await super().connect(req, traces, timeout)
        for trace in traces:
            await trace.send_connection_reuseconn()
        return ahead

    def expect_nothing(self) -> None:
        """Close all preconnected connections, and cancel those being opened."""
        for ahead in tuple(self._ahead):
            self._drop(ahead)

    async def _take(self, key: ConnectionKey) -> Connection | None:
        while ahead := next((spare for spare in self._ahead if spare.key == key), None):
            await asyncio.wait((ahead.opening,))
            for _ in range(EOF_TICKS):
                await asyncio.sleep(0)
            if ahead not in self._ahead:
                continue  # connecting failed, or another request took it
            if self._is_usable(ahead) and _is_untouched(connection := ahead.opening.result()):
                self._ahead.remove(ahead)
                return connection
            self._drop(ahead)
        return None

    def _is_usable(self, ahead: _Preconnected) -> bool:
        if not ahead.opening.done():
            return True
        return asyncio.get_running_loop().time() - ahead.since < self._unused

    def _opened(self, ahead: _Preconnected) -> None:
        if not _succeeded(ahead.opening):
            with contextlib.suppress(ValueError):
                self._ahead.remove(ahead)  # the request connects itself, and gets the error
            return
        loop = asyncio.get_running_loop()
        ahead.since = loop.time()
        loop.call_later(self._unused, self._drop, ahead)

    def _drop(self, ahead: _Preconnected) -> None:
        if ahead not in self._ahead:
            return
        self._ahead.remove(ahead)
        # It may have just failed, with the done callback `_opened` still pending.
        if not ahead.opening.cancel() and _succeeded(ahead.opening):
            ahead.opening.result().close()


def _succeeded(opening: asyncio.Task[Connection]) -> bool:
    return not opening.cancelled() and opening.exception() is None


def _is_untouched(connection: Connection) -> bool:
    """Return whether nothing was received, not even an EOF."""
    protocol = connection.protocol
    return protocol is not None and protocol.is_connected() and not protocol.should_close


# For transfers, over requests


def _is_silent(sock: Any) -> bool:
    """Return whether no application data and no EOF was received. urllib3's check, whether the
    socket is readable, fails after a TLS 1.3 handshake: its session tickets are pending."""
    timeout = sock.gettimeout()
    sock.settimeout(0.0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        sock.settimeout(timeout)
        return True
    except OSError:
        pass
    return False


class PreconnectPool(Pool):
    """Mixin of a urllib3 pool: where it would connect, it takes a preconnected connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ahead: list[tuple[Any, float]] = []
        self._opening = 0
        self._change = threading.Condition()

    def expect(self, count: int) -> None:
        """Ensure that `count` idle connections are open or being opened. Returns at once."""
        with self._change:
            missing = count - self._opening - len(self._ahead)
            for _ in range(missing - self._idle(missing)):
                self._opening += 1
                threading.Thread(target=self._open, name=THREAD_NAME, daemon=True).start()

    def close(self) -> None:
        """See the base class."""
        super().close()
        with self._change:
            while self._ahead:
                self._ahead.pop()[0].close()

    def _idle(self, most: int) -> int:
        """Return the number of live idle connections in the pool, counting up to `most`: each check
        is a system call."""
        pooled: list[Any] = [] if self.pool is None else [*self.pool.queue]
        pooled = [idle for idle in reversed(pooled) if idle is not None]  # its last is given first
        alive = (idle for idle in pooled if not is_connection_dropped(idle))
        return sum(1 for _ in islice(alive, max(most, 0)))

    def _open(self) -> None:
        connection: Any = self._new_conn()
        connection.timeout = CONNECT_SECONDS
        is_open = False
        try:
            connection.connect()
            is_open = True
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            pass  # the request connects itself, and gets the error
        finally:
            with self._change:
                self._opening -= 1
                if is_open and self.pool is not None:
                    self._ahead.append((connection, time.monotonic()))
                else:
                    connection.close()
                self._change.notify_all()

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if connection.sock is not None:
            return connection
        with self._change:
            self._change.wait_for(lambda: self._ahead or not self._opening, CONNECT_SECONDS)
            while self._ahead:
                ahead, since = self._ahead.pop(0)
                is_young = time.monotonic() - since < TRANSFER_SECONDS
                if is_young and _is_silent(ahead.sock):
                    return ahead
                ahead.close()
        return connection
