"""A blocking transfer in a worker thread, supervised by its coroutine.

The thread blocks in system calls; the coroutine checks it five times a second. It reports progress
in the event loop, aborts a stalled transfer, and unblocks the thread by shutting its socket down.
Threads are daemons, so that a hanging transfer does not delay the exit of the process.
Connections of requests register their socket with their thread's transfer, and use our TLS
context.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..run.ports import Meter
from .happy_eyeballs import RacingConnection
from .safety import THREAD_NAME
from .stalls import SEND_BLOCK, TICK_SECONDS, StallPolicy, Stopped, Transfer, keep_little_unsent
from .tls_proxy import proxy_for

T = TypeVar("T")

SOCKET_SECONDS = 150.0  # socket timeout, a last resort: StallPolicy watches the throughput
LEAVE_SECONDS = 0.2  # for the thread to close its file after a stop; then it is abandoned
KEEP_SECONDS = 10.0  # for the thread to fsync what the next attempt resumes from


class TransferThread(Transfer):
    """State of a transfer, shared by its thread and its coroutine."""

    def __init__(self, host: str, meter: Meter, policy: StallPolicy) -> None:
        super().__init__(host, meter, policy)
        self._aborted = False
        self._socket: socket.socket | None = None

    # The thread's side

    def opened(self, sock: object) -> None:
        """Note that it is connected: request bytes may leave from now on. Raises Stopped."""
        self.sent = True
        self._socket = sock if isinstance(sock, socket.socket) else None
        self.go_on()

    def go_on(self) -> None:
        """Raise Stopped if the transfer was aborted."""
        if self._aborted:
            raise Stopped
        super().go_on()

    # The coroutine's side

    async def run_in_thread(self, work: Callable[[TransferThread], T]) -> T:
        """Run `work` in a thread. Raises its errors, Unreachable if it stalls, CancelledError."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        own = partial(self._work, work, loop, outcome)
        threading.Thread(target=own, name=THREAD_NAME, daemon=True).start()
        try:
            await self.supervise(outcome)
        finally:
            await self._finish(outcome)
        if outcome.done() and not outcome.cancelled() and outcome.exception() is None:
            return outcome.result()
        if self.is_stopped:
            raise asyncio.CancelledError
        if self.stall:
            raise self.stall
        return outcome.result()

    def _work(
        self,
        work: Callable[[TransferThread], T],
        loop: asyncio.AbstractEventLoop,
        outcome: asyncio.Future[T],
    ) -> None:
        try:
            result = work(self)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            self._hand_over(loop, lambda error=error: outcome.set_exception(error), outcome)
        else:
            self._hand_over(loop, lambda: outcome.set_result(result), outcome)

    def _hand_over(
        self,
        loop: asyncio.AbstractEventLoop,
        settle: Callable[[], None],
        outcome: asyncio.Future[T],
    ) -> None:
        try:
            loop.call_soon_threadsafe(lambda: None if outcome.done() else settle())
        except RuntimeError:
            self._aborted = True  # the loop is closed

    async def _finish(self, outcome: asyncio.Future[T]) -> None:
        try:
            if not outcome.done():
                await self._abort(outcome)
        finally:
            if not outcome.cancel() and not outcome.cancelled():
                outcome.exception()  # retrieved, so that asyncio does not log it

    async def _abort(self, outcome: asyncio.Future[T]) -> None:
        self._aborted = True
        if self._socket is not None:
            # The base class's method: SSLSocket.shutdown would drop the SSL object that the thread
            # is using.
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass  # the peer has closed it already
        loop = asyncio.get_running_loop()
        deadline = loop.time() + KEEP_SECONDS
        while not outcome.done() and not self.is_stopped and loop.time() < deadline:
            await asyncio.wait((outcome,), timeout=TICK_SECONDS)
        await asyncio.wait((outcome,), timeout=LEAVE_SECONDS)


_thread_state = threading.local()


def bind(transfer: TransferThread) -> None:
    """Make `transfer` the one with which this thread's connections register from now on."""
    _thread_state.transfer = transfer


# Connections of requests


class _Plain(RacingConnection):
    """Registers its socket with its thread's transfer before each block that it sends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blocksize = SEND_BLOCK

    def send(self, data: Any) -> None:
        _register(self)
        super().send(data)


class _Secure(RacingConnection, HTTPSConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.blocksize = SEND_BLOCK

    def send(self, data: Any) -> None:
        _register(self)
        super().send(data)


def _register(connection: HTTPConnection) -> None:
    if connection.sock is None:
        connection.connect()
    sock = connection.sock
    if sock is None or (isinstance(connection, HTTPSConnection) and type(sock) is socket.socket):
        return  # a CONNECT to the proxy: nothing of the request has left
    # urllib3 leaves the connect timeout on it, far too short for a block on a slow link.
    sock.settimeout(SOCKET_SECONDS)
    keep_little_unsent(sock)
    _thread_state.transfer.opened(sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Plain)


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _Secure)


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    """An adapter without retries, with the given TLS context and our pools."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def cert_verify(self, conn: Any, *_: Any, **__: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


def open_session(context: ssl.SSLContext, connections: int) -> requests.Session:
    """Return a session without default headers, cookies, `.netrc` and proxies."""
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in _POOLS:
        session.mount(f"{scheme}://", _Adapter(context, connections))
    return session


def proxies_for(scheme: str, host: str) -> dict[str, str]:
    proxy = proxy_for(scheme, host)
    return {scheme: proxy} if proxy else {}
