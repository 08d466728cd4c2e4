"""The facade: one account on one site, the one entry point of nodes, command line, scripts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from .groups.account import AccountHandle
from .groups.cloud_nodes import CloudNodes
from .groups.costs import Costs, Estimate
from .groups.history import History, HistoryPage, PastOrder, Query, Spent, open_history
from .groups.quick import QuickLibrary
from .groups.task import TaskHandle
from .groups.uploads import Uploads
from .groups.webhooks import Webhooks
from .journal import ResultRow, Rules, SqliteJournal, State
from .journal.retention import Retention
from .models.live_catalogue import ModelCatalogue
from .money.quotes import Quote
from .net.api import AiohttpTransport, SystemClock
from .net.files import RequestsBulk
from .programs.app import RemoteApp
from .programs.job import Job
from .programs.jobs import Jobs
from .programs.library import Library, Program
from .programs.model import StandardModel
from .programs.quick_create import QuickCreate
from .programs.whole_graph import InlineGraph
from .programs.workflow import RemoteWorkflow
from .run.context import AccountContext
from .run.engine import Engine
from .run.file_contents import hash_file
from .run.ports import Clock
from .run.progress import Progress, Stage, Stopped, Watch, unheard, unwatched
from .run.recovery import Inspection, OpenOrder
from .run.results import Lost, Notice, Outcome, Result
from .run.retry import Sender
from .run.transfers import LazySource, LoraFile, Source, Transfers
from .settings import NO_SECRET, Settings
from .wire.resources import ResourceKind
from .wire.tasks import Phase, Report, as_task_id

__all__ = [
    "AccountHandle",
    "Client",
    "Costs",
    "Estimate",
    "History",
    "HistoryPage",
    "InlineGraph",
    "Inspection",
    "Job",
    "LazySource",
    "LoraFile",
    "Lost",
    "Notice",
    "OpenOrder",
    "Outcome",
    "PastOrder",
    "Phase",
    "Program",
    "Progress",
    "Query",
    "QuickCreate",
    "QuickLibrary",
    "Quote",
    "RemoteApp",
    "RemoteWorkflow",
    "Report",
    "ResourceKind",
    "Result",
    "ResultRow",
    "Retention",
    "Rules",
    "Source",
    "Spent",
    "Stage",
    "StandardModel",
    "State",
    "Stopped",
    "TaskHandle",
    "Uploads",
    "Watch",
    "as_task_id",
    "hash_file",
    "open_catalogue",
    "open_history",
]

COVER_BYTES = 8 * 1024**2  # limit for a cover image of the site, before it is scaled down

T = TypeVar("T")


class Client(History):
    """All operations for one API key. Bound to one event loop; `close` it there. `async with` waits
    at its end for running orders, or cancels them if an exception propagates.

    `programs` reads workflows and apps, `models` the standard models; `costs`, `uploads`, `account`
    and `task(id)` are what their names say. All other methods are about orders.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        stopped: Callable[[Stopped], None] = unheard,
    ) -> None:
        """`stopped` is called with each cancelled order's outcome, at the latest in `close`."""
        settings.require_key()
        journal = SqliteJournal.open(settings.state, settings.origin, settings.account)
        super().__init__(settings, journal)
        self._transport = AiohttpTransport(settings)
        self._bulk = RequestsBulk(settings)
        self._sender = Sender(self._transport, clock or SystemClock())
        self._transfers = Transfers(self._bulk, self._sender, self._journal)
        self._context = AccountContext(self._sender, self._journal, on_stopped=stopped)
        self.engine = Engine.of(
            self._context,
            self._transfers,
            self._journal.last_order,
            settings.limits,
            settings.command,
        )
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.programs = Library(self._sender, settings, lambda: self.models)
        self.adopt(settings)
        self.uploads = Uploads(self._transfers)
        self.account = AccountHandle(self._sender)
        self._jobs = Jobs(self.programs, self._transfers, self.engine)
        self._waiters: set[asyncio.Future[Any]] = set()

    def adopt(self, settings: Settings) -> None:
        """Apply new settings (same account and site) to all orders that are not sent yet."""
        self.settings = self.programs.settings = settings
        context = self._context
        context.password_of, context.submit_route = settings.password_of, settings.submit
        self.engine.submitter.limiter.set_own_limit(settings.max_tasks)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            await self._join_waiters(cancel=True)
        await self.close()

    async def close(self) -> None:
        """Wait for orders and cancellations, then close sessions and journal. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if "cloud_nodes" in self.__dict__:
            await self.cloud_nodes.close()
        # The transport twice: a request still in flight may have reopened it.
        flights, sessions = self._jobs.flights.wait_until_idle, self._transport.close
        steps = (flights, self.engine.close, sessions, self._bulk.close, self._journal.close)
        async with contextlib.AsyncExitStack() as stack:  # run every step even if others raise
            for step in (sessions, *reversed(steps), self._join_waiters):  # the last one first
                stack.push_async_callback(step)

    async def leave(self) -> None:
        """Detach and close: tasks go on in the cloud, and the next start resumes following them.

        Callers that still wait get CancelledError.
        """
        self._context.leaving = True
        await self._join_waiters(cancel=True)
        await self.close()

    async def _join_waiters(self, *, cancel: bool = False) -> None:
        for waiter in tuple(self._waiters) if cancel else ():
            waiter.cancel()
        if self._waiters:
            await asyncio.wait(tuple(self._waiters))

    @cached_property
    def models(self) -> ModelCatalogue:
        """The catalogue of standard models: search, form, price, refresh."""
        return ModelCatalogue(self.settings, self._sender)

    @cached_property
    def cloud_nodes(self) -> CloudNodes:
        """Node classes that the native route's ComfyUI lists: advisory only."""
        return CloudNodes(self._transport.send, self.settings, self._journal.now)

    @property
    def costs(self) -> Costs:
        """Cost operations: quotes before an order, totals after it, and limits."""
        return Costs(self._journal, self._jobs)

    @property
    def webhooks(self) -> Webhooks:
        """Delivery state of webhook POSTs that orders requested, and resending them."""
        return Webhooks(self._sender)

    @property
    def quick(self) -> QuickLibrary:
        """Style libraries of Quick Create modules; `Job.quick` runs a module."""
        return QuickLibrary(self._sender)

    # Programs

    async def program(self, job: Job, *, fresh: bool = False) -> Program:
        """Return the program (workflow, app, graph or model) of a job."""
        return await self._jobs.program(job, fresh=fresh)

    def known_program(self, job: Job) -> Program | None:
        """Return a job's program if cached within the last ten minutes, else None; no request."""
        return self._jobs.known_program(job)

    # Orders

    async def check(self, job: Job) -> None:
        """Raise what `run` would raise before any cost; nothing is uploaded or ordered."""
        await self._jobs.check(job)

    async def run(self, job: Job, watch: Watch = unwatched) -> Outcome:
        """Check, upload, order, follow and download. Equal jobs in flight share one order.

        Cancelling the caller cancels the task in the cloud unless another caller waits for it.
        """
        return await self.until_left(self._jobs.run(job, watch))

    async def until_left(self, work: Coroutine[None, None, T]) -> T:
        """Await `work`, which `leave` cancels."""
        try:
            self._start()
        except RuntimeError:
            work.close()
            raise
        waiter = asyncio.ensure_future(work)
        self._waiters.add(waiter)
        waiter.add_done_callback(self._waiters.discard)
        return await waiter

    async def order_number(self) -> int:
        """Take the journal's next number, for a job that is to be known by it before it is placed.

        A job that resumes or serves an earlier equal order leaves its number unused.
        """
        return await self._journal.take_number()

    async def run_all(self, jobs: Iterable[Job], watch: Watch = unwatched) -> list[Outcome]:
        """Place one order per job, concurrently up to the account's limit; outcomes in input order.

        All jobs are checked before the first order. If some fail, the others still finish, then
        BatchFailed names the failed ones: running again orders only those, or all with new seeds.
        Cancelling the caller cancels all.
        """
        batch = list(jobs)
        if len(batch) == 1:
            return [await self.run(batch[0], watch)]
        return await self.until_left(self._jobs.run_all(batch, watch))

    def _start(self) -> None:
        """On the first call start recovery of earlier runs' orders. Raises RuntimeError if closed
        or in another event loop: an order would get its row, and then never be sent."""
        loop = asyncio.get_running_loop()
        if self._closed or self._loop not in (None, loop):
            raise RuntimeError("a Client is used in one event loop, until it is closed")
        if self._loop is None:
            self._loop = loop
            self.engine.start()

    # How nodes of a local graph ended

    async def remember_end(self, graph: str, node: str, end: str) -> None:
        """Persist how a node of a local graph ended, as the host's own (opaque) text."""
        await self._journal.record_node_end(graph, node, end)

    async def ends(self, graph: str) -> dict[str, str]:
        """Return the last end of each node of a local graph, by node id, over all accounts."""
        return await self._journal(self._journal.store.caches.ends, graph)

    # Looking back

    async def delete_orders(self, orders: Iterable[int]) -> list[int]:
        """Delete finished orders' inputs, results and files; returns the numbers of those deleted.

        Their costs still count, and equal inputs are ordered anew.
        """
        return await self._journal.delete(orders)

    async def cover(self, url: str, into: Path) -> Path:
        """Download an image of the site from an allowed result host, without sending the key.

        Raises HostRefused, or ResultUnavailable, also for more than COVER_BYTES.
        """
        return (await self._bulk.download_small(url, into, COVER_BYTES)).path

    async def wait_for_cancels(self, order: int) -> None:
        """Wait until the cancel of an order, whose caller was cancelled, has had its effect."""
        await self.engine.context.wait_for_background(order)

    # Orders that nobody waits for

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Return unfinished orders without a waiter in this process, mostly of earlier runs.

        `followed`: include those that have one (see `detach`).
        Resume one by running the same job again, or by its task id: `task`. One without a task id
        is uncertain: see `settle_uncertain`.
        """
        self._start()
        return await self.engine.recovery.open_orders(followed=followed)

    async def inspect_uncertain(self, order: int) -> Inspection:
        """Return what can be observed of an uncertain order (`Uncertain.order`); read-only."""
        return await self.engine.recovery.inspect_uncertain(order)

    async def settle_uncertain(
        self, order: int, *, task_id: str = "", not_started: bool = False
    ) -> bool:
        """Record the user's answer about an uncertain order: it became `task_id`, or never started.

        The task is looked up first, and equal inputs then resume it; until it is over it can be
        corrected. `not_started` is final: equal inputs are ordered when run again. Either also
        after a resend by `Job.again`, which may cost twice. Returns whether it is being cancelled
        now, since its run was stopped. Raises BadInput, TaskNotFound.
        """
        if not_started == bool(task_id):
            raise ValueError("one answer: task_id or not_started")
        if not_started:
            await self.engine.recovery.settle_as_not_started(order)
            return False
        task, nodes_of = as_task_id(task_id), self.programs.nodes_of
        is_unwanted = await self.engine.recovery.settle_as_task(order, task, nodes_of)
        self.engine.watcher.look_around()
        return is_unwanted

    # Results on disk

    async def kept_bytes(self) -> int:
        """Return the size of all kept results in bytes, over all accounts."""
        return await self.engine.delivery.kept_bytes()

    async def would_free(self, keep: Retention) -> tuple[int, int, int]:
        """Preview a retention policy: orders and bytes it would delete next, and bytes used now."""
        journal, past = self._journal, self._journal.store.history
        old = await journal(past.old_orders, journal.now(), keep.days, keep.orders)
        files = await asyncio.to_thread((await journal.result_folders()).freed, old, keep.bytes)
        total = await self.kept_bytes() + await journal(past.size)
        return len(old), files + await journal(past.size, old), total

    async def empty_kept(self) -> None:
        """Delete all kept results, of all accounts, to free disk space.

        Results still owed to a running or paid order stay. Equal inputs then download theirs again
        while the service has them, and are ordered anew after that.
        """
        await self.engine.delivery.empty_kept()

    async def fetch_again(self, outcome: Outcome, doubtful: Collection[Result]) -> Outcome:
        """Return `outcome` with the unreadable files in `doubtful` downloaded again.

        Costs nothing. A file is replaced only once its new download is complete.
        """
        return await self.engine.delivery.renewed(outcome, doubtful)

    def task(self, task_id: str) -> TaskHandle:
        """A handle to a task of this account by id, wherever ordered; BadInput if malformed."""
        return TaskHandle(self.engine, self.until_left, as_task_id(task_id))


@contextlib.asynccontextmanager
async def open_catalogue(settings: Settings) -> AsyncGenerator[ModelCatalogue]:
    """A site's catalogue that can be refreshed without an account: requests carry no key."""
    transport = AiohttpTransport(replace(settings, key=NO_SECRET))
    try:
        yield ModelCatalogue(settings, Sender(transport, SystemClock()))
    finally:
        await transport.close()
