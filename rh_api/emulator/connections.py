"""What can be done to a client's connection below HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING
from weakref import WeakSet

from aiohttp import web

if TYPE_CHECKING:
    from .knobs import Knobs

LINGER_NONE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST instead of FIN."""


def abort(transport: asyncio.Transport) -> None:
    """Close with RST, as a machine does that lost the connection's state."""
    raw = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    transport.abort()


def reset(request: web.Request) -> None:
    transport = request.transport
    if isinstance(transport, asyncio.Transport):
        abort(transport)


async def wait_until_left(request: web.Request) -> None:
    """Return when the client has closed the connection."""
    # aiohttp tells a handler nothing of it unless the whole server cancels its handlers.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


class Connections:
    """The open connections: which of them are idle, and which never had a request."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._marks: dict[asyncio.BaseTransport, object] = {}
        self._used = WeakSet[asyncio.BaseTransport]()
        self.under_way = 0
        """Requests that came and are not answered yet, also of clients that have left."""
        self.forgotten = 0
        """Connections that are open and not read from any more."""

    def opened(self, protocol: web.RequestHandler) -> None:
        """Somebody connects, and may be long in asking anything."""
        if self._knobs.unused_timeout is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self._knobs.unused_timeout, self._close_if_unused, protocol)

    def _close_if_unused(self, protocol: web.RequestHandler) -> None:
        transport = protocol.transport
        if not isinstance(transport, asyncio.Transport) or transport in self._used:
            return
        if self._knobs.unused_close == "silent":
            transport.pause_reading()
            self.forgotten += 1
        elif self._knobs.unused_close == "rst":
            abort(transport)
        else:
            transport.close()

    def busy(self, transport: asyncio.BaseTransport | None) -> None:
        self.under_way += 1
        if transport is not None:
            self._marks[transport] = None
            self._used.add(transport)

    def idle(self, transport: asyncio.BaseTransport | None) -> None:
        """A request is answered: close the connection when the next one is long in coming."""
        self.under_way -= 1
        if transport is None:
            return
        if transport.is_closing():
            self._marks.pop(transport, None)
            return
        mark = self._marks[transport] = object()
        if self._knobs.idle_timeout is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self._knobs.idle_timeout, self._close_if_idle, transport, mark)

    def _close_if_idle(self, transport: asyncio.BaseTransport, mark: object) -> None:
        if self._marks.get(transport) is not mark:
            return
        del self._marks[transport]
        if self._knobs.idle_close == "rst" and isinstance(transport, asyncio.Transport):
            abort(transport)
        else:
            transport.close()

    def close(self) -> None:
        """Close all of them, whatever they wait for."""
        for transport in list(self._marks):
            transport.close()
        self._marks.clear()
