"""The facade: one account on one site. The one class that nodes, command line and scripts call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from .account import AccountHandle
from .cloud_nodes import CloudNodes
from .costs import Costs
from .history import PAGE, HistoryPage, PastOrder, Query, Spent, read_page, search_query
from .job import Job
from .jobs import Jobs
from .journal import ResultRow, Rules, SqliteJournal, State
from .journal.retention import Retention, empty, freed
from .keyless_catalogue import open_catalogue
from .model_catalogue import ModelCatalogue
from .money.quotes import Quote
from .net.bulk import RequestsBulk
from .net.registry import VendorRegistry
from .net.transport import AiohttpTransport, SystemClock
from .programs import (
    InlineGraph,
    Library,
    Program,
    QuickCreate,
    RemoteApp,
    RemoteWorkflow,
    StandardModel,
)
from .quick import QuickLibrary
from .run.context import AccountContext
from .run.engine import Engine
from .run.estimates import Estimate
from .run.file_contents import hash_file
from .run.orders import model_page
from .run.ports import Clock
from .run.progress import Progress, Stage, Stopped, Watch, unheard, unwatched
from .run.recovery import Inspection, OpenOrder
from .run.results import Lost, Notice, Outcome, Result
from .run.retry import Sender
from .run.transfers import LazySource, LoraFile, Source, Transfers
from .run.webhook_deliveries import Deliveries
from .settings import Settings
from .task import TaskHandle
from .uploads import Uploads
from .webhooks import Webhooks
from .wire.resources import ResourceKind
from .wire.tasks import Phase, Report, as_task_id

__all__ = [
    "AccountHandle",
    "Client",
    "Costs",
    "Estimate",
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
    "model_page",
    "open_catalogue",
]

COVER_BYTES = 8 * 1024**2  # of a picture on the site, before it is made small

T = TypeVar("T")


class Client:
    """Everything of RunningHub for one key. Use it in one event loop; `close` it there. At the end
    of its `async with` what runs is waited for, or stopped where an exception leads out.

    `programs` reads workflows and apps, `models` the standard models; `costs`, `uploads`, `account`
    and `task(id)` are what their names say. All else is about orders.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        stopped: Callable[[Stopped], None] = unheard,
    ) -> None:
        """`stopped` is told what became of each stopped order, at the latest in `close`."""
        settings.require_key()
        self.settings = settings
        self._journal = SqliteJournal.open(settings.state, settings.origin, settings.account)
        self._transport = AiohttpTransport(settings)
        self._bulk = RequestsBulk(settings)
        self._sender = Sender(self._transport, clock or SystemClock())
        self._transfers = Transfers(self._bulk, self._sender, self._journal)
        self._context = AccountContext(self._sender, self._journal, stopped=stopped)
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
        self._listening: asyncio.Task[None] | None = None

    def adopt(self, settings: Settings) -> None:
        """Send what is not sent yet as these say, which are of the same account and site."""
        self.settings = self.programs.settings = settings
        self._context.password_of, self._context.submit = settings.password_of, settings.submit
        self._context.deliveries = None
        if settings.webhook_url:
            address, timer = settings.webhook_url, self._sender.clock
            self._context.deliveries = Deliveries(address, self._journal, timer)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            await self._cancel_waiters()
        await self.close()

    async def close(self) -> None:
        """Finish cancels under way, then close sessions and the journal; twice is once."""
        if self._closed:
            return
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))
        if "cloud_nodes" in self.__dict__:
            await self.cloud_nodes.close()
        # The transport twice: whoever was still on the way may have opened it anew.
        settle, sessions = self.engine.settle, self._transport.close
        steps = (self._jobs.flights.settle, settle, sessions, self._bulk.close, self._journal.close)
        async with contextlib.AsyncExitStack() as stack:  # each, whatever became of the others
            for step in (sessions, *reversed(steps)):
                stack.push_async_callback(step)

    async def leave(self) -> None:
        """End as a process does: what runs in the cloud goes on, and the next start takes it up.

        Whoever still waits is cancelled.
        """
        self._context.leaving = True
        await self._cancel_waiters()
        await self.close()

    async def _cancel_waiters(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.cancel()
        if self._waiters:
            await asyncio.wait(tuple(self._waiters))

    @cached_property
    def models(self) -> ModelCatalogue:
        """The standard models: search, form, price, refresh."""
        return ModelCatalogue(self.settings, self._sender, VendorRegistry.of(self.settings))

    @cached_property
    def cloud_nodes(self) -> CloudNodes:
        """What the native route's ComfyUI lists: a hint."""
        return CloudNodes(self._transport.send, self.settings, self._journal.now)

    @property
    def costs(self) -> Costs:
        """What orders cost: quotes before, sums after, and the limits that hold between."""
        return Costs(self._journal, self._jobs)

    @property
    def webhooks(self) -> Webhooks:
        """What became of the POSTs to the addresses that orders named, and sending them again."""
        return Webhooks(self._sender)

    @property
    def quick(self) -> QuickLibrary:
        """The libraries of styles of Quick Create's modules; what runs one is `Job.quick`."""
        return QuickLibrary(self._sender)

    # Programs

    async def program(self, job: Job, *, fresh: bool = False) -> Program:
        """The workflow or app that a job runs."""
        return await self._jobs.program(job, fresh=fresh)

    def known_program(self, job: Job) -> Program | None:
        """A job's program as it was read within the last ten minutes; None without a request."""
        return self._jobs.known_program(job)

    # Orders

    async def check(self, job: Job) -> None:
        """Refuse what `run` would refuse before any cost, and nothing more."""
        await self._jobs.check(job)

    async def run(self, job: Job, watch: Watch = unwatched) -> Outcome:
        """Check, upload, order, follow, fetch. Equal jobs under way at once are one order.

        Cancelling the caller stops the task in the cloud when nobody else waits for it.
        """
        return await self.until_left(self._jobs.run(job, watch))

    async def until_left(self, work: Coroutine[None, None, T]) -> T:
        """What `work` gives, unless `leave` ends it first."""
        try:
            self._start()
        except RuntimeError:
            work.close()
            raise
        waiter = asyncio.ensure_future(work)
        self._waiters.add(waiter)
        waiter.add_done_callback(self._waiters.discard)
        return await waiter

    async def run_all(self, jobs: Iterable[Job], watch: Watch = unwatched) -> list[Outcome]:
        """An order a job, side by side up to the account's limit; outcomes in the jobs' order.

        All are checked before the first is ordered. When some fail, the others are finished
        first and BatchFailed names the failed: running again orders only those. Cancelling the
        caller stops all.
        """
        batch = list(jobs)
        if len(batch) == 1:
            return [await self.run(batch[0], watch)]
        return await self.until_left(self._jobs.run_all(batch, watch))

    def _start(self) -> None:
        """Once: see to what earlier starts left behind. RuntimeError for one that is closed, or of
        another loop: an order would get its row, and then never leave."""
        loop = asyncio.get_running_loop()
        if self._closed or self._loop not in (None, loop):
            raise RuntimeError("a Client is used in one event loop, until it is closed")
        if self._loop is None:
            self._loop = loop
            self.engine.start()
            if self.settings.webhook_port:
                from .webhook_listener import keep_listening  # a web server: few listen

                serving = keep_listening(self.settings.state, self.settings.webhook_port)
                self._listening = asyncio.ensure_future(serving)

    # How nodes of a local graph ended

    async def remember_end(self, graph: str, node: str, end: str) -> None:
        """Keep how a node of a local graph ended, in its host's own words, over restarts."""
        await self._journal.record_end(graph, node, end)

    async def ends(self, graph: str) -> dict[str, str]:
        """How the nodes of a local graph ended last, of any account, by their ids."""
        return await self._journal.ends(graph)

    # Looking back

    async def history(
        self,
        query: Query | str = "",
        *,
        before: int | None = None,
        limit: int = PAGE,
        everyone: bool = False,
    ) -> HistoryPage:
        """Orders of the journal, newest first; `query` as a person words it (`search_query`).

        `before`: of the page before this one. `everyone`: of other accounts as well.
        """
        query = search_query(query) if isinstance(query, str) else query
        return await read_page(self._journal, query, before=before, limit=limit, everyone=everyone)

    async def prepare_search(self) -> None:
        """Note the texts of orders that came since the last search, which then need not wait."""
        await self._journal.read_words()

    async def past_results(self, order: int) -> list[ResultRow]:
        """What an order of the journal made; paths are relative to `settings.state`."""
        return await self._journal.results(order)

    async def delete_orders(self, orders: Iterable[int]) -> list[int]:
        """Forget what orders were that are over, with their files; their numbers.

        What they cost still counts, and equal inputs are ordered anew.
        """
        gone = await self._journal.delete(orders)
        await asyncio.to_thread(empty, self.settings.state, map(str, gone))
        return gone

    async def cover(self, url: str, into: Path) -> Path:
        """A picture of the site's, from the hosts that results may come from, without the key.

        Raises HostRefused, ResultUnavailable; ResultUnavailable for more than COVER_BYTES.
        """
        return (await self._bulk.download_small(url, into, COVER_BYTES)).path

    # Orders that nobody waits for

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Orders, of earlier starts above all, that are not over and that nobody here waits for.

        `followed`: also those that somebody here waits for (see `detach`).

        To take one up ask for the same again with `run`, or by its task id: `task`. One without a
        task id is a question: see `settle_uncertain`.
        """
        self._start()
        return await self.engine.recovery.open_orders(followed=followed)

    async def inspect_uncertain(self, order: int) -> Inspection:
        """What can be seen of an uncertain order (`Uncertain.order`); changes nothing."""
        return await self.engine.recovery.inspect_uncertain(order)

    async def settle_uncertain(
        self, order: int, *, task_id: str = "", not_started: bool = False
    ) -> None:
        """A person's answer about an uncertain order: it became that task, or it did not start.

        The task is looked up first, and equal inputs take it up from then on; of `not_started` they
        are ordered when they are run again. Both can be said anew until it is over, and after the
        third, `Job.again`, which sends although it may cost twice. Raises BadInput, TaskNotFound.
        """
        if not_started == bool(task_id):
            raise ValueError("one answer: task_id or not_started")
        if not_started:
            await self.engine.recovery.settle_as_not_started(order)
        else:
            task, nodes_of = as_task_id(task_id), self.programs.nodes_of
            await self.engine.recovery.settle_as_task(order, task, nodes_of)
            self.engine.budget.left_orders.watch()

    # Results on this machine

    async def kept_bytes(self) -> int:
        """What the results that are kept here take, of all accounts."""
        return await self.engine.delivery.kept_bytes()

    async def would_free(self, keep: Retention) -> tuple[int, int, int]:
        """With other bounds: the orders and bytes that go at the next tidying; bytes taken now."""
        old, journal = await self._journal.old_orders(keep), self._journal
        files = await asyncio.to_thread(freed, self.settings.state, old, keep.bytes)
        total = await self.kept_bytes() + await journal.size()
        return len(old), files + await journal.size(old), total

    async def empty_kept(self) -> None:
        """Delete the results that are kept here, of all accounts, to make room.

        What an order that runs or is paid for still owes stays. Equal inputs then fetch theirs
        again while the service has them, and after that are ordered anew.
        """
        await self.engine.delivery.empty_kept()

    async def fetch_again(self, outcome: Outcome, doubtful: Collection[Result]) -> Outcome:
        """`outcome` after some of its files, which cannot be read, were fetched once more.

        Nothing is paid for that. A file stays until another one is complete.
        """
        return await self.engine.delivery.renewed(outcome, doubtful)

    def task(self, task_id: str) -> TaskHandle:
        """A task of this account by its id, wherever it was ordered; BadInput for what is none."""
        return TaskHandle(self.engine, self.until_left, as_task_id(task_id))
