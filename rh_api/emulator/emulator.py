"""The emulator: the service's state, served in the running loop or in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

from aiohttp import web

from .comfyui import ComfyUI
from .connections import Connections
from .server import application
from .state import State
from .tasks import lifecycle

KEEP_ALIVE_SECONDS = 75.0

SHUTDOWN_SECONDS = 0.1
"""Timeout for responses in flight when serving ends."""


class Emulator(State):
    """An emulated RunningHub. Knobs (see ``Knobs``) and all recorded state are attributes.

    Serve it in the running loop with ``async with emulator.serve() as base_url``, or in a thread
    with ``with emulator.run_in_thread() as base_url``.
    """

    def __init__(self, *, comfyui: str | None = None, **knobs: Any) -> None:
        """``comfyui``: URL of a real ComfyUI to run the graphs; None: the built-in interpreter."""
        super().__init__(comfyui=ComfyUI(comfyui) if comfyui else None, **knobs)
        self.connections = Connections(self)
        self._server: web.Server | None = None
        self._is_complete = True

    def __setattr__(self, name: str, value: object) -> None:
        """Raise AttributeError for a knob that does not exist: a typo would change nothing."""
        if self.__dict__.get("_is_complete") and not hasattr(self, name):
            raise AttributeError(name)
        super().__setattr__(name, value)

    @property
    def is_idle(self) -> bool:
        """Whether no client is connected and every request has been answered."""
        connected = self._server is not None and self._server.connections
        return not connected and not self.connections.under_way

    async def reset(self) -> None:
        """Restore the initial state: knobs, content, counters; tasks are dropped."""
        await lifecycle.reset(self)

    @contextlib.asynccontextmanager
    async def serve(
        self,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> AsyncGenerator[str]:
        """Serve in the running loop; yields the base URL without a trailing slash.

        ``host``: an address of this machine; with ``ssl_context`` its certificate must name it.
        Tasks left unfinished by earlier serving resume.
        """
        runner = web.AppRunner(
            application(self, self.connections),
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        server = self._server = cast("web.Server", runner.server)

        def accepted() -> asyncio.Protocol:
            self.counters.connections += 1
            return server()

        loop = asyncio.get_running_loop()
        listener = await loop.create_server(accepted, host, port, ssl=ssl_context)
        scheme = "https" if ssl_context else "http"
        named = f"[{host}]" if ":" in host else host
        self.base_url = f"{scheme}://{named}:{listener.sockets[0].getsockname()[1]}"
        lifecycle.resume(self)
        try:
            yield self.base_url
        finally:
            listener.close()
            await lifecycle.stop_all(self)
            transports = [handler.transport for handler in server.connections]
            self.connections.close()
            await runner.cleanup()
            for transport in transports:
                # Closing alone waits for a client that no longer reads, longer than the loop lives.
                if isinstance(transport, asyncio.Transport):
                    transport.abort()
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def run_in_thread(
        self, port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> Generator[str]:
        """Serve in a thread with its own event loop; stops and joins it on exit."""
        ready = threading.Event()
        stop: asyncio.Event | None = None
        loop: asyncio.AbstractEventLoop | None = None
        problem: BaseException | None = None

        async def main() -> None:
            nonlocal stop, loop
            stop, loop = asyncio.Event(), asyncio.get_running_loop()
            async with self.serve(port, ssl_context):
                ready.set()
                await stop.wait()

        def run() -> None:
            nonlocal problem
            try:
                asyncio.run(main())
            except OSError as failure:
                problem = failure
            finally:
                ready.set()

        thread = threading.Thread(target=run, name="runninghub-emulator", daemon=True)
        thread.start()
        ready.wait()
        if problem is not None:
            thread.join()
            raise problem
        try:
            yield self.base_url
        finally:
            if loop is not None and stop is not None:
                loop.call_soon_threadsafe(stop.set)
            thread.join()
