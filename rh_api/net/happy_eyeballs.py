"""A connection to a host of several addresses, of which some lead nowhere (RFC 8305).

Networks that promise IPv6 and carry none are common. aiohttp goes around them by itself; urllib3
tries one address after the other, each for as long as a connection may take.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any, TypeAlias

from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import allowed_gai_family

from .tls_proxy import CONNECT_SECONDS

NEXT_SECONDS = 0.25  # until the next address is tried beside those before
_UNDER_WAY = frozenset(
    {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}
)

Place: TypeAlias = tuple[socket.AddressFamily, Any]


class RacingConnection(HTTPConnection):
    """Takes whichever address answers first."""

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, (int, float)) else CONNECT_SECONDS
        try:
            host = self._dns_host.strip("[]")
            told = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
            places = [(socket.AddressFamily(family), address) for family, *_, address in told]
            sock = connect_first(places, seconds, self.socket_options or ())
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"{type(error).__name__}: {error}") from error
        sock.settimeout(seconds)
        return sock


def connect_first(
    places: Sequence[Place], seconds: float, options: Iterable[tuple[int, int, Any]] = ()
) -> socket.socket:
    """A socket, without blocking, to the first of `places` that answers within `seconds`.

    OSError of the last that failed, where all do, and TimeoutError.
    """
    waiting, options = _in_turns(places), tuple(options)
    end = time.monotonic() + seconds
    next_at, failure = 0.0, OSError(errno.EADDRNOTAVAIL, "the host has no address")
    with selectors.DefaultSelector() as trying:
        try:
            while waiting or trying.get_map():
                now = time.monotonic()
                if now >= end:
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
                if waiting and (now >= next_at or not trying.get_map()):
                    next_at = now + NEXT_SECONDS
                    try:
                        trying.register(_begin(waiting.pop(0), options), selectors.EVENT_WRITE)
                    except OSError as error:
                        failure, next_at = error, now
                    continue
                for key, _ in trying.select((min(next_at, end) if waiting else end) - now):
                    sock: Any = key.fileobj
                    trying.unregister(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return sock
                    sock.close()
                    failure, next_at = OSError(code, os.strerror(code)), now
            raise failure
        finally:
            for key in trying.get_map().values():
                slower: Any = key.fileobj
                slower.close()


def _in_turns(places: Iterable[Place]) -> list[Place]:
    """In the system's order, but of both families in turns."""
    families: dict[int, list[Place]] = {}
    for place in places:
        families.setdefault(place[0], []).append(place)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [place for place in turns if place is not None]


def _begin(place: Place, options: Iterable[tuple[int, int, Any]]) -> socket.socket:
    family, address = place
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code not in _UNDER_WAY:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock
