"""The facade: one account on one site. The one class that nodes, command line and scripts call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

from .errors import BadInput, GraphRejected, NodeInfoRefused, WrongSite
from .graph.check import (
    Declared,
    GivenMedia,
    Options,
    UnknownField,
    check,
    nothing_known,
)
from .graph.fields import node_info, seeds, takes_url
from .graph.prompt import read_nodes
from .net.bulk import RequestsBulk
from .net.clock import SystemClock
from .net.transport import AiohttpTransport
from .run.desk import Desk
from .run.engine import Engine
from .run.flights import Flights
from .run.orders import Order, Outcome, Result, digest
from .run.ports import Clock, Progress, Stage, Stopped, Watch, unheard, unwatched
from .run.transfers import Caller, Source, Transfers
from .settings import OFFICIAL_HOSTS, Settings
from .store import Store
from .wire import accounts, tasks, workflows
from .wire.accounts import Account, QueueStatus
from .wire.tasks import NodeInfo, Report, TaskOptions
from .wire.uploads import Uploaded
from .wire.workflows import Graph, WorkflowRef, read_ref

__all__ = [
    "Client",
    "Job",
    "Outcome",
    "Progress",
    "RemoteWorkflow",
    "Result",
    "Source",
    "Stage",
    "Stopped",
    "Watch",
]

T = TypeVar("T")

WORKFLOW_LASTS = 600.0  # seconds that a workflow's JSON is kept


@dataclass(frozen=True, slots=True)
class RemoteWorkflow:
    """A saved workflow: its API-format graph, and a digest that changes when it does."""

    workflow_id: str
    graph: Graph
    graph_hash: str


@dataclass(frozen=True, slots=True)
class Job:
    """What a person asks for.

    `workflow`: an id or a link. `fields`: `<nodeId>.<fieldName>` to a plain value or a Source.
    `time_limit`: seconds of running time, 0 for none. `choices`, `declared`: what a local node
    class offers for a field and which type it declares. `again`: order anew, even if it may
    cost twice.
    """

    workflow: str
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    options: TaskOptions = field(default_factory=TaskOptions)
    reroll_seeds: bool = False
    time_limit: float = 0.0
    choices: Options = nothing_known
    declared: Declared = nothing_known
    again: bool = False


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
        self._book = _BookThread(Store.open(settings.state))
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
            access_password=settings.access_password.reveal(),
            stopped=stopped,
        )
        self._engine = Engine.of(self._desk, self._transfers, settings.state)
        self._closed = False
        self._workflows: dict[str, tuple[float, RemoteWorkflow]] = {}
        self._reading: Flights[RemoteWorkflow] = Flights()
        self._orders: Flights[Outcome] = Flights()
        self._rerolls: dict[str, set[int]] = {}

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
        await self._orders.settle()
        await self._desk.settle()
        await self._transport.close()
        await self._bulk.close()
        await self._book.close()

    # Workflows

    def resolve(self, text: str) -> WorkflowRef:
        """The workflow that a person named; a key is never tried on a site it is not for."""
        ref = read_ref(text)
        check_site(ref, self.settings)
        return ref

    async def workflow(self, text: str, *, fresh: bool = False) -> RemoteWorkflow:
        """The saved workflow, read at most every ten minutes unless `fresh`."""
        workflow_id = self.resolve(text).workflow_id
        known = self.known_workflow(workflow_id)
        if known is not None and not fresh:
            return known
        return await self._reading.join(
            workflow_id, lambda _: self._read_workflow(workflow_id), unwatched
        )

    def known_workflow(self, workflow_id: str) -> RemoteWorkflow | None:
        """The workflow as it was read within the last ten minutes; None without a request."""
        entry = self._workflows.get(workflow_id)
        if entry is None or self._clock.now() - entry[0] > WORKFLOW_LASTS:
            return None
        return entry[1]

    async def _read_workflow(self, workflow_id: str) -> RemoteWorkflow:
        password = self.settings.access_password.reveal()
        call = workflows.workflow_json(workflow_id, password)
        graph = await self._caller.retrying(lambda: self._transport.send(call))
        workflow = RemoteWorkflow(workflow_id, graph, digest(dict(graph)))
        self._workflows[workflow_id] = (self._clock.now(), workflow)
        return workflow

    # Orders

    async def run(self, job: Job, watch: Watch = unwatched) -> Outcome:
        """Check, upload, order, follow, fetch. Equal jobs under way at once are one order.

        Cancelling the caller stops the task in the cloud when nobody else waits for it.
        """
        workflow, values = await self._checked(job)
        inputs, sources = await self._fingerprints(values)
        try:
            return await self._run(job, workflow, values, inputs, sources, watch)
        except (NodeInfoRefused, GraphRejected) as error:
            # The stored workflow may have changed: name the field, if that is it.
            await self._transfers.forget(sources.values())
            fresh = await self.workflow(workflow.workflow_id, fresh=True)
            self._check(fresh, job)
            if error.node_id in read_nodes(fresh.graph):
                error.params["title"] = read_nodes(fresh.graph)[error.node_id or ""].title
            raise

    async def _run(
        self,
        job: Job,
        workflow: RemoteWorkflow,
        values: Mapping[str, object],
        inputs: Mapping[str, object],
        sources: Mapping[str, str],
        watch: Watch,
    ) -> Outcome:
        nodes = read_nodes(workflow.graph)
        order = Order(
            workflow_id=workflow.workflow_id,
            options=job.options,
            graph_hash=workflow.graph_hash,
            inputs=inputs,
            titles={node_id: node.title for node_id, node in nodes.items()},
            time_limit=job.time_limit,
        )

        async def fly(show: Watch) -> Outcome:
            async def prepare() -> tuple[NodeInfo, ...]:
                return await self._node_info(workflow, values, sources, show)

            return await self._engine.run(
                order, prepare, show, again=job.again, serve=not job.reroll_seeds
            )

        key = digest([order.workflow_id, order.graph_hash, order.inputs_hash])
        if not job.reroll_seeds:
            return await self._orders.join(key, fly, watch)
        # Every run wants seeds of its own, so twins are told apart by a number.
        taken = self._rerolls.setdefault(key, set())
        item = next(number for number in range(len(taken) + 1) if number not in taken)
        order = replace(order, item=item)
        taken.add(item)
        try:
            return await self._orders.join((key, item), fly, watch)
        finally:
            taken.discard(item)

    async def check(self, job: Job) -> None:
        """Refuse what `run` would refuse before any cost, and nothing more."""
        await self._checked(job)

    async def _checked(self, job: Job) -> tuple[RemoteWorkflow, Mapping[str, object]]:
        """The workflow and the fields in the types that it stores; refused before any cost."""
        workflow = await self.workflow(job.workflow)
        try:
            return workflow, self._check(workflow, job)
        except UnknownField:
            # The copy at hand may be older than the field.
            fresh = await self.workflow(job.workflow, fresh=True)
            return fresh, self._check(fresh, job)

    def _check(self, workflow: RemoteWorkflow, job: Job) -> dict[str, object]:
        sources = {n: value for n, value in job.fields.items() if isinstance(value, Source)}
        media = {name: GivenMedia(source.kind) for name, source in sources.items()}
        checked = check(workflow.graph, {**job.fields, **media}, job.choices, job.declared)
        held = {} if job.reroll_seeds else seeds(workflow.graph, checked)
        return {**held, **checked, **sources}

    async def _fingerprints(
        self, values: Mapping[str, object]
    ) -> tuple[dict[str, object], dict[str, str]]:
        """The fields as they make up an order's identity, and the hash of each source."""
        sources = {name: value for name, value in values.items() if isinstance(value, Source)}
        made = await asyncio.gather(
            *(self._transfers.content_hash(source) for source in sources.values())
        )
        hashes = dict(zip(sources, made, strict=True))
        inputs = {
            name: {"sha256": hashes[name]} if name in hashes else value
            for name, value in values.items()
        }
        return inputs, hashes

    async def _node_info(
        self,
        workflow: RemoteWorkflow,
        values: Mapping[str, object],
        hashes: Mapping[str, str],
        watch: Watch,
    ) -> tuple[NodeInfo, ...]:
        """The list that goes out: sources uploaded and replaced by their remote names."""

        async def send(name: str, source: Source) -> tuple[str, str]:
            uploaded = await self._transfers.upload(source, hashes[name], watch)
            if not takes_url(workflow.graph, name):
                return name, uploaded.name
            if not uploaded.url:
                raise BadInput("error.upload_without_url", field=name)
            return name, uploaded.url

        jobs = [
            asyncio.ensure_future(send(name, value))
            for name, value in values.items()
            if isinstance(value, Source)
        ]
        try:
            names = dict(await asyncio.gather(*jobs))
        finally:
            for job in jobs:
                job.cancel()
        return node_info({**values, **names})

    # Single operations

    async def upload(self, source: Source, watch: Watch = unwatched) -> Uploaded:
        """Upload media, unless a valid remote copy is known."""
        sha256 = await self._transfers.content_hash(source)
        return await self._transfers.upload(source, sha256, watch)

    async def upload_lora(self, path: Path, watch: Watch = unwatched) -> str:
        """Upload a LoRA file, unless the service knows its md5; gives RHLoraLoader's name."""
        return await self._transfers.upload_lora(path, watch)

    async def account(self) -> Account:
        """Balances and running tasks of the account."""
        return await self._caller.retrying(lambda: self._transport.send(accounts.account_status()))

    async def queue(self) -> QueueStatus:
        """The account's limit of tasks at once, and its load."""
        return await self._caller.retrying(lambda: self._transport.send(accounts.queue_status()))

    async def report(self, task_id: str) -> Report:
        """How a task is doing now."""
        return await self._caller.retrying(lambda: self._transport.send(tasks.query(task_id)))

    async def cancel(self, task_id: str) -> bool:
        """Ask that a task stops; False when it could not be seen that it did."""
        return await self._engine.cancelling.task(task_id)


def check_site(ref: WorkflowRef, settings: Settings) -> None:
    """Refuse a link to another site than the account's, before any request.

    Accounts, keys and workflows are not shared between the sites. An origin that is none of
    the official ones (an emulator, a proxy) takes links of both.
    """
    if not ref.host:
        return
    own = urlsplit(settings.origin).netloc
    if ref.host == own:
        return
    official = ref.host in OFFICIAL_HOSTS or f"www.{ref.host}" in OFFICIAL_HOSTS
    if not official:
        raise BadInput("error.foreign_link", host=ref.host)
    if settings.is_official and f"www.{ref.host.removeprefix('www.')}" != own:
        raise WrongSite(host=ref.host, configured=own)


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
