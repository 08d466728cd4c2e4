"""requests over connections that a transfer can watch and cut, and that trust what we trust."""

from __future__ import annotations

import socket
import ssl
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from .outside import proxy_for
from .worker import Line

BLOCK = 256 * 1024  # bytes read and sent at once: Stop and progress come between two blocks
SOCKET_SECONDS = 150.0  # a last resort: the pace of a transfer is watched from outside

_here = threading.local()


def bind(line: Line) -> None:
    """Connections that this thread opens or takes from the pool belong to `line` from now on."""
    _here.line = line


class _Plain(HTTPConnection):
    """Shows its socket to the transfer of its thread before each block that it sends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.blocksize = BLOCK

    def send(self, data: Any) -> None:
        _watch(self)
        super().send(data)


class _Secure(HTTPSConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.blocksize = BLOCK

    def send(self, data: Any) -> None:
        _watch(self)
        super().send(data)


def _watch(connection: HTTPConnection) -> None:
    if connection.sock is None:
        connection.connect()
    sock = connection.sock
    if sock is None or (isinstance(connection, HTTPSConnection) and type(sock) is socket.socket):
        return  # it is still talking to a proxy: nothing of the request has left
    # urllib3 leaves the limit for connecting on it, far too short for a block on a slow line.
    sock.settimeout(SOCKET_SECONDS)
    _here.line.opened(sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Plain)


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _Secure)


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    """No retry of its own; verification by the given context and nothing else."""

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
    """A session without headers, cookies, `.netrc` and proxies of its own."""
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
