"""Connection faults below HTTP: resets and idle timeouts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from aiohttp import web

if TYPE_CHECKING:
    from .knobs import Knobs

LINGER_NONE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER of zero seconds: close sends RST instead of FIN."""


def abort(transport: asyncio.Transport) -> None:
    """Close with RST, like a peer that has lost the connection's state."""
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
    # aiohttp does not notify handlers of it unless the whole server cancels them.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


class Connections:
    """Tracks open connections: which are idle, and which a gateway has forgotten."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        # Weak keys: most clients close their connections themselves, which nobody tells us.
        self._marks = WeakKeyDictionary[asyncio.BaseTransport, object]()
        self.under_way = 0
        """Requests not answered yet, including those of disconnected clients."""
        self._stale = WeakSet[asyncio.BaseTransport]()

    @property
    def kept(self) -> int:
        """Connections that were used and not closed or forgotten since."""
        return len(self._marks)

    def is_stale(self, transport: asyncio.BaseTransport | None) -> bool:
        """Return whether a gateway has forgotten the connection while it was idle."""
        return transport in self._stale

    def busy(self, transport: asyncio.BaseTransport | None) -> None:
        self.under_way += 1
        if transport is not None:
            self._marks[transport] = None

    def idle(self, transport: asyncio.BaseTransport | None) -> None:
        """A request was answered: start the connection's idle timeout."""
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
        if self._knobs.idle_close == "silent":
            self._stale.add(transport)
        elif self._knobs.idle_close == "rst" and isinstance(transport, asyncio.Transport):
            abort(transport)
        else:
            transport.close()

    def close(self) -> None:
        """Close all connections, whatever their state."""
        for transport in list(self._marks):
            transport.close()
        self._marks.clear()
