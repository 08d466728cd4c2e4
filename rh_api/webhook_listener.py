"""A server for RunningHub's webhooks: on loopback, with one POST path, behind a tunnel that the
user runs.

Anybody who knows an order's URL can call it, so a call is checked against the journal, answered at
once and recorded there; the process that follows the task then asks the service. Nothing in a
call's body is trusted, shown or stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from .errors import BadInput, StoreUnavailable
from .journal import Store, token_hash
from .journal.webhooks import Expected, remove_heartbeat, touch_heartbeat
from .wire.call import MIB
from .wire.webhooks import PATH, ended_task

log = logging.getLogger("runninghub")

HOST = "127.0.0.1"
BODY_LIMIT = MIB  # bytes
BODY_SECONDS = 10.0  # timeout for receiving a body
HEARTBEAT_SECONDS = 20.0  # between two heartbeats
PORT_SECONDS = 10.0  # between two attempts to bind a port in use


def unheard(task_id: str) -> None:
    """Ignore the end of a task."""


@dataclass(slots=True)
class SharedJournal:
    """The journal of one folder, over all accounts: separate reader and writer threads, so that no
    response waits for a disk write."""

    folder: Path
    _reading: Store = field(init=False)
    _writing: Store = field(init=False)
    _reader: ThreadPoolExecutor = field(init=False)
    _writer: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        """Raises StoreUnavailable."""
        self._reading, self._writing = Store.open(self.folder), Store.open(self.folder)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="runninghub-webhooks-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="runninghub-webhooks-write")

    async def expected(self, token: str) -> Expected | None:
        loop, rows = asyncio.get_running_loop(), self._reading.webhooks
        return await loop.run_in_executor(self._reader, rows.expected, token_hash(token))

    async def hear(self, orders: list[int]) -> None:
        loop, rows = asyncio.get_running_loop(), self._writing.webhooks
        await loop.run_in_executor(self._writer, rows.hear, orders)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reader, self._reading.close)
        await loop.run_in_executor(self._writer, self._writing.close)
        self._reader.shutdown()
        self._writer.shutdown()


@dataclass(slots=True)
class Listener:
    """Accepts webhook calls for a journal's orders; `ended` is called for each first delivery."""

    journal: SharedJournal
    ended: Callable[[str], None] = unheard
    _heard: dict[int, str] = field(default_factory=dict[int, str])
    _writing_heard: asyncio.Task[None] | None = None

    def app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(f"{PATH}{{token}}", self.take)
        app.on_response_prepare.append(_hide_server)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """Return 200 for a known order's delivery, new or repeated; else 400, 404, 413 or 503."""
        try:
            expected = await self.journal.expected(request.match_info["token"])
        except StoreUnavailable as error:
            log.warning("%s", error)
            return web.Response(status=503)  # the service will retry
        if expected is None:
            return web.Response(status=404)
        if (request.content_length or 0) > BODY_LIMIT:
            return web.Response(status=413)
        try:
            body = await asyncio.wait_for(request.read(), BODY_SECONDS)
            task_id = ended_task(body)
        except (BadInput, asyncio.TimeoutError):
            return web.Response(status=400)
        if expected.task_id not in (None, task_id):
            return web.Response(status=404)
        if not expected.heard and expected.order not in self._heard:
            self._heard[expected.order] = task_id
            if self._writing_heard is None or self._writing_heard.done():
                self._writing_heard = asyncio.ensure_future(self._write_heard())
        return web.Response()

    async def _write_heard(self) -> None:
        """Write received calls to the journal, in batches of what arrived meanwhile."""
        while self._heard:
            heard = dict(self._heard)
            try:
                await self.journal.hear(list(heard))
            except StoreUnavailable as error:
                log.warning("%s", error)  # polling will find the end
            for order, task_id in heard.items():
                del self._heard[order]
                self.ended(task_id)

    async def wait_until_written(self) -> None:
        """Wait until all received calls are written."""
        if self._writing_heard is not None:
            await self._writing_heard


async def _hide_server(request: web.Request, response: web.StreamResponse) -> None:
    del request
    response.headers["Server"] = "-"  # do not disclose program and version


@contextlib.asynccontextmanager
async def listening(
    folder: Path, port: int, ended: Callable[[str], None] = unheard
) -> AsyncGenerator[int]:
    """Run a listener for the journal in `folder` on a loopback port, 0 for any; yields the port.

    Raises BadInput if the port is in use, StoreUnavailable.
    """
    with _bind(port) as bound:
        async with _serving(folder, bound, ended):
            yield bound.getsockname()[1]


def _bind(port: int) -> socket.socket:
    """Bind and listen on a loopback port, before anything else is opened."""
    bound = socket.socket()
    try:
        # Allows a port in TIME_WAIT; on Windows the option would hijack ports in use.
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise BadInput("error.webhook_port_taken", port=port, reason=reason) from error
    return bound


@contextlib.asynccontextmanager
async def _serving(
    folder: Path, bound: socket.socket, ended: Callable[[str], None]
) -> AsyncGenerator[None]:
    journal = SharedJournal(folder)
    listener = Listener(journal, ended)
    runner = web.AppRunner(listener.app(), access_log=None)
    try:
        await runner.setup()
        await web.SockSite(runner, bound).start()
        heartbeats = asyncio.ensure_future(_send_heartbeats(folder))
        try:
            yield
        finally:
            heartbeats.cancel()
            with contextlib.suppress(OSError):
                remove_heartbeat(folder)
    finally:
        await runner.cleanup()
        await listener.wait_until_written()
        await journal.close()


async def _send_heartbeats(folder: Path) -> None:
    while True:
        with contextlib.suppress(OSError):
            touch_heartbeat(folder)
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def keep_listening(folder: Path, port: int) -> None:
    """Listen until cancelled. A port in use is retried: it may be another process of the same user
    with the same journal."""
    warned = False
    while True:
        try:
            async with listening(folder, port):
                await asyncio.Event().wait()
        except BadInput as error:
            if not warned:
                log.info("webhooks are not received here: %s", error)
            warned = True
        except StoreUnavailable as error:
            log.warning("%s", error)
        await asyncio.sleep(PORT_SECONDS)
