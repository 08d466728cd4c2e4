"""A connection to a host of several addresses, of which some lead nowhere (RFC 8305).

Networks that promise IPv6 and carry none are common. aiohttp goes around them by aiohappyeyeballs,
which comes with it; urllib3 tries one address after the other, each for as long as a connection may
take.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Sequence
from typing import Any, TypeAlias

from aiohappyeyeballs import (
    start_connection,  # pyright: ignore[reportUnknownVariableType] - of a bare tuple
)
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import allowed_gai_family

from .tls_proxy import CONNECT_SECONDS

NEXT_SECONDS = 0.25  # until the next address is tried beside those before

Place: TypeAlias = tuple[Any, Any, int, str, Any]  # as getaddrinfo tells it


class RacingConnection(HTTPConnection):
    """Takes whichever address answers first."""

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, (int, float)) else CONNECT_SECONDS
        host, family = self._dns_host.strip("[]"), allowed_gai_family()
        try:
            sock = connect_first(
                socket.getaddrinfo(host, self.port, family, socket.SOCK_STREAM), seconds
            )
        except (OSError, UnicodeError, asyncio.TimeoutError) as error:
            raise NewConnectionError(self, f"{type(error).__name__}: {error}") from error
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        sock.settimeout(seconds)
        return sock


def connect_first(places: Sequence[Place], seconds: float) -> socket.socket:
    """A socket, without blocking, to the first of `places` that answers within `seconds`.

    OSError where all refuse, and asyncio.TimeoutError.
    """
    # A thread of transfers has no loop; what Windows has by default would keep hold of the socket.
    loop = asyncio.SelectorEventLoop()
    try:
        first: Coroutine[Any, Any, socket.socket] = start_connection(
            places, happy_eyeballs_delay=NEXT_SECONDS, interleave=1, loop=loop
        )
        return loop.run_until_complete(asyncio.wait_for(first, seconds))
    finally:
        loop.close()
