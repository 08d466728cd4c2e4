"""The facade: one account on one site. The one class that nodes, command line and scripts call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from .errors import BadInput, StoreUnavailable
from .jobs import Job, Jobs
from .net.bulk import RequestsBulk
from .net.clock import SystemClock
from .net.transport import AiohttpTransport
from .programs import InlineGraph, Library, Program, RemoteApp, RemoteWorkflow
from .run.caller import Caller
from .run.desk import Desk
from .run.drafts import Draft, together
from .run.engine import Engine
from .run.orders import Outcome, Result
from .run.pace import RequestPace
from .run.ports import Clock, Progress, Stage, Stopped, Watch, unheard, unwatched
from .run.questions import OpenOrder, Questions, Sight
from .run.transfers import LoraFile, Source, Transfers
from .run.usual import Usual, usual
from .settings import Settings
from .store import State, Store
from .store.tidy import empty, kept_bytes, kept_folders, tidy
from .wire import accounts
from .wire.accounts import Account, QueueStatus
from .wire.call import Call
from .wire.resources import (
    REQUESTS_PER_MINUTE,
    Resource,
    ResourceKind,
    ResourcePage,
    resource_list,
)
from .wire.tasks import Phase, Report, is_task_id
from .wire.uploads import Uploaded

__all__ = [
    "Client",
    "Draft",
    "InlineGraph",
    "Job",
    "LoraFile",
    "OpenOrder",
    "Outcome",
    "Phase",
    "Program",
    "Progress",
    "RemoteApp",
    "RemoteWorkflow",
    "Report",
    "ResourceKind",
    "Result",
    "Sight",
    "Source",
    "Stage",
    "State",
    "Stopped",
    "Usual",
    "Watch",
    "as_task_id",
]

log = logging.getLogger("runninghub")

T = TypeVar("T")


class Client:
    """Everything of RunningHub for one key. Use it in one event loop; `close` it there."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        stopped: Callable[[Stopped], None] = unheard,
    ) -> None:
        """`stopped` is told what became of each order that was stopped, at the latest in `close`."""
        settings.require_key()
        self.settings = settings
        self._clock = clock or SystemClock()
        store = Store.open(settings.state)
        last = store.last_order()
        if store.set_aside is not None:
            log.warning("the order book could not be used and was set aside as %s", store.set_aside)
        self._book = _BookThread(store)
        self._transport = AiohttpTransport(settings)
        self._bulk = RequestsBulk(settings)
        self._caller = Caller(self._transport, self._clock)
        self._transfers = Transfers(
            self._bulk, self._caller, self._book, settings.origin, settings.account
        )
        self._desk = Desk(
            caller=self._caller,
            book=self._book,
            origin=settings.origin,
            account=settings.account,
            password_of=settings.password_of,
            stopped=stopped,
        )
        self._engine = Engine.of(self._desk, self._transfers, settings.state)
        self._questions = Questions(self._engine, last)
        self._closed = self._started = False
        self._library = Library(self._caller, settings)
        self._resource_pace = RequestPace(REQUESTS_PER_MINUTE)
        self._jobs = Jobs(self._library, self._transfers, self._engine)
        self._waiters: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish cancels under way, then close sessions and the order book; twice is once."""
        if self._closed:
            return
        self._closed = True
        await self._jobs.flights.settle()
        await self._engine.settle()
        await self._transport.close()
        await self._bulk.close()
        await self._book.close()
        # Whoever was still on the way may have opened it anew.
        await self._transport.close()

    async def leave(self) -> None:
        """End as a process does: what runs in the cloud goes on, and the next start takes it up.

        Whoever still waits is cancelled.
        """
        self._desk.leaving = True
        for waiter in tuple(self._waiters):
            waiter.cancel()
        if self._waiters:
            await asyncio.wait(tuple(self._waiters))
        await self.close()

    # Programs

    def resolve(self, text: str) -> str:
        """The id of the workflow that a person named; refused when it is for another site."""
        return self._library.workflow_id(text)

    def resolve_app(self, text: str) -> str:
        """The id of the AI app that a person named; refused when it is for another site."""
        return self._library.app_id(text)

    async def workflow(self, text: str, *, fresh: bool = False) -> RemoteWorkflow:
        """The saved workflow, read at most every ten minutes unless `fresh`."""
        return await self._library.workflow(text, fresh=fresh)

    async def app(self, text: str, *, fresh: bool = False) -> RemoteApp:
        """The AI app's form, read at most every ten minutes unless `fresh`."""
        return await self._library.app(text, fresh=fresh)

    async def program(self, job: Job, *, fresh: bool = False) -> Program:
        """The workflow or app that a job runs."""
        return await self._jobs.program(job, fresh=fresh)

    def known_program(self, job: Job) -> Program | None:
        """The same as it was read within the last ten minutes; None without a request."""
        return self._jobs.known_program(job)

    # Orders

    async def check(self, job: Job) -> None:
        """Refuse what `run` would refuse before any cost, and nothing more."""
        await self._jobs.check(job)

    async def run(self, job: Job, watch: Watch = unwatched) -> Outcome:
        """Check, upload, order, follow, fetch. Equal jobs under way at once are one order.

        Cancelling the caller stops the task in the cloud when nobody else waits for it.
        """
        return await self._until_left(self._jobs.run(job, watch))

    async def _until_left(self, work: Coroutine[None, None, T]) -> T:
        """Work that `leave` ends."""
        self._start()
        waiter = asyncio.ensure_future(work)
        self._waiters.add(waiter)
        waiter.add_done_callback(self._waiters.discard)
        return await waiter

    async def run_all(self, jobs: Sequence[Job], watch: Watch = unwatched) -> list[Outcome]:
        """An order a job, side by side up to the account's limit; outcomes in the jobs' order.

        All are checked before the first is ordered. When some fail, the others are finished
        first and BatchFailed names the failed: running again orders only those. Cancelling the
        caller stops all.
        """
        if len(jobs) == 1:
            return [await self.run(jobs[0], watch)]
        return await self._until_left(self._jobs.run_all(jobs, watch))

    def _start(self) -> None:
        """Once: see to what earlier starts left behind."""
        if not self._started:
            self._started = True
            self._desk.later(self._tidy())
            self._desk.later(self._cancel_again())

    async def _cancel_again(self) -> None:
        try:
            await self._questions.cancel_again()
        except StoreUnavailable as error:
            log.warning("%s", error)

    async def _tidy(self) -> None:
        """Forget old orders and keep the results on this machine within bounds, once a start."""
        forgotten = await self._desk.note(lambda s: s.prune(s.now()))
        await asyncio.to_thread(tidy, self.settings.state, forgotten or ())

    # Single operations

    async def upload(self, source: Source, watch: Watch = unwatched) -> Uploaded:
        """Upload media, unless a valid remote copy is known."""
        sha256 = await self._transfers.content_hash(source)
        return await self._transfers.upload(source, sha256, watch)

    async def is_uploaded(self, source: Source) -> bool:
        """Whether a valid remote copy of media is known; asks nobody."""
        sha256 = await self._transfers.content_hash(source)
        return await self._transfers.known(sha256) is not None

    async def upload_all(
        self, sources: Sequence[Source | Draft], watch: Watch = unwatched
    ) -> list[Uploaded]:
        """Upload several, each while files of later ones are still made; in their order."""
        shares = [0.0] * len(sources)

        async def send(index: int, source: Source | Draft) -> Uploaded:
            def show(news: Progress) -> None:
                shares[index] = news.fraction or 0.0
                share = sum(shares) / len(shares)
                watch(Progress(Stage.UPLOADING, share, {"percent": int(100 * share)}))

            ready = await source.source() if isinstance(source, Draft) else source
            return await self.upload(ready, show)

        return await together(send(index, source) for index, source in enumerate(sources))

    async def upload_lora(self, path: Path, watch: Watch = unwatched) -> str:
        """Upload a LoRA file, unless the service knows its md5; gives RHLoraLoader's name."""
        return await self._transfers.upload_lora(path, watch)

    async def account(self) -> Account:
        """Balances and running tasks of the account."""
        return await self._caller.asking(lambda: self._transport.send(accounts.account_status()))

    async def queue(self) -> QueueStatus:
        """The account's limit of tasks at once, and its load."""
        return await self._caller.asking(lambda: self._transport.send(accounts.queue_status()))

    async def usual(self, program: str, instance: str) -> Usual:
        """What runs of a program (its id, or `app/` and its id) have taken and cost here."""
        settings = self.settings

        def read(store: Store) -> Usual:
            done = store.last_done(settings.origin, settings.account, program, instance)
            return usual(store.memory.run_times(program, instance), done)

        return await self._book.do(read)

    async def resources(
        self, kind: ResourceKind, name: str = "", *, limit: int = 50
    ) -> list[Resource]:
        """Models that the service carries, by a part of their name; within its pace.

        At most `limit`, over as many pages as that takes.
        """
        found: list[Resource] = []
        page = 1
        while True:
            call = resource_list(kind, name, page=page)

            async def attempt(call: Call[ResourcePage] = call) -> ResourcePage:
                await self._resource_pace.turn(self._clock)
                return await self._transport.send(call)

            read = await self._caller.asking(attempt)
            found += read.resources
            if len(found) >= limit or not read.has_next:
                return found[:limit]
            page += 1

    # Orders that nobody waits for

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Orders, of earlier starts above all, that are not over and that nobody here waits for.

        `followed`: also those that somebody here waits for (see `detach`).

        To take one up ask for the same again with `run`, or by its task id: `follow`, `report`,
        `fetch`, `cancel`. One without a task id is a question: see `settle_uncertain`.
        """
        self._start()
        return await self._questions.open_orders(followed=followed)

    async def look_again(self, order: int) -> Sight:
        """What can be seen of an uncertain order (`Uncertain.order`); changes nothing."""
        return await self._questions.look_again(order)

    async def settle_uncertain(
        self, order: int, *, task_id: str = "", not_started: bool = False
    ) -> None:
        """A person's answer about an uncertain order: it became that task, or it did not start.

        With `task_id` the task is looked up first, and the same inputs take it up from then on;
        with `not_started` they are ordered when they are run again. The third answer, send again
        although it may cost twice, is `Job.again`. Raises BadInput when there is no such question
        (any more), TaskNotFound.
        """
        if not_started == bool(task_id):
            raise ValueError("one answer: task_id or not_started")
        if not_started:
            await self._questions.not_started(order)
        else:
            await self._questions.is_task(order, as_task_id(task_id))

    def detach(self, task_id: str) -> bool:
        """Wait no longer for a task, without cancelling it: its waiters get Detached.

        The order stays in the book. False when nobody here waits for that task.
        """
        return self._engine.detach(task_id)

    # Results on this machine

    async def kept_bytes(self) -> int:
        """What the results that are kept here take, of all accounts."""
        return await asyncio.to_thread(kept_bytes, self.settings.state)

    async def empty_kept(self) -> None:
        """Delete the results that are kept here, of all accounts, to make room.

        What an order that runs or is paid for still owes stays. Equal inputs then fetch theirs
        again while the service has them, and after that are ordered anew.
        """
        state, wanted = self.settings.state, self._engine.delivering.wanted
        folders = await asyncio.to_thread(kept_folders, state)
        spent = await self._book.do(lambda s: [name for name in folders if not wanted(s, name)])
        await asyncio.to_thread(empty, state, spent)

    # Tasks by their id, wherever they were ordered

    async def report(self, task_id: str) -> Report:
        """How a task is doing now."""
        return await self._engine.report(as_task_id(task_id))

    async def fetch(self, task_id: str, watch: Watch = unwatched) -> Outcome:
        """The results of a finished task; raises TaskUnfinished, or the task's own failure."""
        return await self._engine.fetch(as_task_id(task_id), watch)

    async def follow(self, task_id: str, watch: Watch = unwatched) -> Outcome:
        """The results of a task once it is over, wherever it was ordered; or its own failure.

        Cancelling the caller ends the watching and not the task: `cancel` does that.
        """
        return await self._until_left(self._engine.fetch(as_task_id(task_id), watch, wait=True))

    async def cancel(self, task_id: str) -> bool:
        """Ask that a task stops; False when it could not be seen that it did."""
        return await self._engine.cancelling.named(as_task_id(task_id))


def as_task_id(text: str) -> str:
    """The id of a task as a person gave it; BadInput for what can be none."""
    named = text.strip()
    if not is_task_id(named):
        raise BadInput("error.task_id", value=named[:100])
    return named


class _BookThread:
    """The order book on a thread of its own: its fsync must not hold up the loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="runninghub-book")

    async def do(self, work: Callable[[Store], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._store)

    async def close(self) -> None:
        await self.do(Store.close)
        self._thread.shutdown()
