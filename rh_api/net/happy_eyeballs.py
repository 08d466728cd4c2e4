"""Happy Eyeballs (RFC 8305) for urllib3: races connections to all addresses of a host.

Networks that announce IPv6 without routing it are common. aiohttp copes by aiohappyeyeballs, which
it depends on; urllib3 tries addresses in sequence, each for the whole connect timeout.
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

NEXT_SECONDS = 0.25  # delay until the next address is tried concurrently

Place: TypeAlias = tuple[Any, Any, int, str, Any]  # an entry of getaddrinfo


class RacingConnection(HTTPConnection):
    """Connects to whichever address answers first."""

    debuglevel = 0  # or http.client prints our key where other code has it print all requests

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
    """Return a non-blocking socket connected to the first of `places` to answer within `seconds`.

    Raises OSError if all refuse, asyncio.TimeoutError. Blocks; not for a thread with a loop.
    """
    # A transfer's thread has no loop; Windows' default, a proactor, would keep hold of the socket.
    loop = asyncio.SelectorEventLoop()
    try:
        first: Coroutine[Any, Any, socket.socket] = start_connection(
            places, happy_eyeballs_delay=NEXT_SECONDS, interleave=1, loop=loop
        )
        return loop.run_until_complete(asyncio.wait_for(first, seconds))
    finally:
        loop.close()
