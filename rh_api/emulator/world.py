"""The emulator itself: its knobs, its world, and the two ways to serve it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from . import catalog, webhooks
from .accounts import Account, example_accounts
from .comfyui import ComfyUI
from .connection import Connections
from .counters import Counters, Entry, new_journal
from .faults import Fault
from .knobs import Knobs
from .objects import Lora, ObjectStore, Stored
from .tasks import Task, live

if TYPE_CHECKING:
    from .graphs import Graph

DEFAULT_KEY = "emulator0emulator0emulator0emula"

SNOWFLAKE_EPOCH = 1_288_834_974_657
"""Milliseconds; gives ids of 19 digits that grow with time, so that a restart repeats none."""

KEEP_ALIVE_SECONDS = 75.0

SHUTDOWN_SECONDS = 0.1
"""How long the end of serving waits for answers that are on their way."""


class Emulator(Knobs):
    """A RunningHub. Knobs are attributes (see ``Knobs``), so is everything that happened.

    Serve it in the running loop with ``async with emulator.serve() as base_url``, or in a thread
    of its own with ``with emulator.run_in_thread() as base_url``.
    """

    default_key: str = DEFAULT_KEY

    def __init__(self, *, comfyui: str | None = None, **knobs: Any) -> None:
        """``comfyui`` is the address of a real one that runs the graphs; else they run here."""
        super().__init__(**knobs)
        self.comfyui = ComfyUI(comfyui) if comfyui else None
        self.base_url = ""
        self._sequence = secrets.randbelow(1 << 22)
        self.connections = Connections(self)
        self._server: web.Server | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._begin()

    def _begin(self) -> None:
        self.accounts: dict[str, Account] = {self.default_key: Account(), **example_accounts()}
        self.workflows = catalog.workflows()
        self.apps = catalog.apps()
        self.checkpoints = catalog.CHECKPOINTS
        self.store = ObjectStore()
        self.tasks: dict[str, Task] = {}
        self.webhooks: dict[str, webhooks.Webhook] = {}
        self.warm: set[str] = set()
        self.rerolls = 0
        self.faults: list[Fault] = []
        self.counters = Counters()
        self.journal = new_journal()

    # What is there

    @property
    def account(self) -> Account:
        """The default key's account."""
        return self.accounts[self.default_key]

    @property
    def uploads(self) -> dict[str, Stored]:
        return self.store.uploads

    @property
    def results(self) -> dict[str, Stored]:
        return self.store.results

    @property
    def loras(self) -> dict[str, Lora]:
        return self.store.loras

    def add_workflow(
        self,
        graph: Graph,
        *,
        workflow_id: str | None = None,
        title: str = "",
        never_run: bool = False,
        password: str | None = None,
    ) -> str:
        """Put a graph in API format on the website; returns its id."""
        name = workflow_id or self.next_id()
        self.workflows[name] = catalog.Workflow(name, graph, title, never_run, password)
        return name

    def next_id(self) -> str:
        """A snowflake: 19 digits, above 2**53."""
        self._sequence += 1
        return str((int(time.time() * 1000) - SNOWFLAKE_EPOCH << 22) | (self._sequence & 0x3FFFFF))

    def exists(self, listing: str, name: str) -> bool:
        return self.store.exists(listing, name, self.checkpoints)

    # Tasks

    def open_tasks(self, key: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.key == key and not task.is_over]

    def is_full(self, key: str, *, besides: Task | None = None) -> bool:
        """Whether the account has no slot left; a waiting task counts those that run."""
        tasks = self.open_tasks(key)
        if besides:
            tasks = [task for task in tasks if task is not besides and task.status == "RUNNING"]
        return len(tasks) + self.foreign_tasks >= self.accounts[key].limit

    def take_failure(self) -> dict[str, Any] | None:
        """The failure that the next task shall have; counts it down."""
        wanted = self.fail_next
        if wanted is None:
            return None
        left = int(wanted.get("count", 1)) - 1
        self.fail_next = {**wanted, "count": left} if left > 0 else None
        return wanted

    def warm_nodes(self, task: Task) -> list[str]:
        """Loaders that an earlier run of the workflow left loaded."""
        if task.workflow_id not in self.warm:
            return []
        loaders = ("CheckpointLoaderSimple",)
        return [node for node, what in task.graph.items() if what["class_type"] in loaders]

    async def cancel(self, task: Task) -> None:
        """Stop a task; one that is over stays what it is."""
        if task.runner and not task.is_over:
            task.runner.cancel()
            if task.order.hosted:
                await task.order.hosted.abandon()
            await asyncio.wait([task.runner])
            if not task.is_over:
                # It was stopped before its first step.
                task.status = "CANCEL"
                task.ended = asyncio.get_running_loop().time()
                task.progress.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside everything else, until serving ends."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def redeliver(self, webhook: webhooks.Webhook) -> None:
        self.spawn(webhooks.send(self, webhook))

    # What was seen

    @property
    def is_idle(self) -> bool:
        """Nobody is connected, and every request that came has been answered."""
        connected = self._server is not None and self._server.connections
        return not connected and not self.connections.under_way

    async def see(self, request: web.Request) -> Any:
        """Count a request, note it, and look where it carries a key; returns its JSON body."""
        path = request.path
        self.counters.requests[path] += 1
        body: Any = None
        if request.content_type == "application/json" and request.can_read_body:
            with contextlib.suppress(ValueError, ConnectionError):
                body = json.loads(await request.read())
        headers = dict(request.headers)
        self.journal.append(
            Entry(request.method, path, request.query_string, headers, body, request.content_length)
        )
        self._look("header", path, headers.values())
        self._look("query", path, request.query.values())
        self._look("url", path, [path])
        if body is not None:
            self._look("body", path, [json.dumps(body)])
        return body

    def see_form(self, request: web.Request, form: Mapping[str, str]) -> None:
        self._look("body", request.path, form.values())

    def _look(self, place: str, path: str, texts: Any) -> None:
        if any(key in text for key in self.accounts for text in texts):
            self.counters.key_seen(place, path)

    @staticmethod
    def clock() -> float:
        """Seconds by the clock that tasks live by."""
        return asyncio.get_running_loop().time()

    def turn(self, knobs: Mapping[str, Any], account: Mapping[str, Any]) -> None:
        """Set knobs and the default account's attributes; AttributeError for an unknown name."""
        known = {one.name for one in fields(Knobs)}
        known_of_account = {one.name for one in fields(Account)}
        for name in [*(knobs.keys() - known), *(account.keys() - known_of_account)]:
            raise AttributeError(f"no knob {name!r}")
        for name, value in knobs.items():
            setattr(self, name, value)
        for name, value in account.items():
            setattr(self.account, name, value)

    async def reset(self) -> None:
        """As newly made: knobs, world, counters; tasks are dropped."""
        await self._stop_tasks()
        for one in fields(Knobs):
            setattr(self, one.name, one.default)
        self._begin()

    # Serving

    @contextlib.asynccontextmanager
    async def serve(
        self,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> AsyncGenerator[str]:
        """Serve in the running loop; gives the base address without a slash.

        ``host`` is an address of this machine, loopback unless told otherwise; with
        ``ssl_context`` its certificate must name it.

        Tasks that an earlier serving left unfinished go on.
        """
        from .server import application

        runner = web.AppRunner(
            application(self),
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
        for task in self.tasks.values():
            if not task.is_over:
                task.ending = False
                task.runner = asyncio.create_task(live(self, task))
        try:
            yield self.base_url
        finally:
            listener.close()
            await self._stop_tasks()
            self.connections.close()
            await runner.cleanup()

    async def _stop_tasks(self) -> None:
        running = [task for task in self.tasks.values() if task.runner and not task.is_over]
        for task in running:
            task.ending = True
        work = [task.runner for task in running if task.runner] + list(self._background)
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    @contextlib.contextmanager
    def run_in_thread(
        self, port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> Generator[str]:
        """Serve in a thread with a loop of its own; ends, and waits for it, on leaving."""
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
