"""From a job to its orders: check, fingerprint, and deduplicate equal orders in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import cast
from uuid import uuid4

from ..errors import (
    BadInput,
    Fate,
    FileTooLarge,
    GraphRejected,
    NodeInfoRefused,
    PlanRefused,
    Refused,
    RunningHubError,
)
from ..graph.check import GivenMedia, UnknownField, nothing_known
from ..graph.extra_data import AUTO, NATIVE, TASK
from ..graph.fields import split_name
from ..graph.ranges import Ranges
from ..models.stored import read_model
from ..models.values import MediaFile
from ..money.quotes import Quote
from ..run.batch import BatchProgress, outcomes_or_failure, side_by_side
from ..run.engine import Engine
from ..run.native import check_route
from ..run.orders import Order, Payload, digest
from ..run.progress import Progress, Stage, Watch, guarded
from ..run.results import Notice, Outcome
from ..run.singleflight import SequenceNumbers, SingleFlight
from ..run.transfers import LazySource, LoraFile, Source, Transfers, gather_or_cancel, load_sources
from ..wire.accounts import queue_status
from ..wire.native import Prompt
from ..wire.orders import TaskOptions
from ..wire.webhooks import check_address
from .job import Job
from .library import Library, Program
from .model import StandardModel
from .quick_create import QuickCreate


@dataclass(slots=True)
class Jobs:
    """The jobs of one account."""

    library: Library
    transfers: Transfers
    engine: Engine
    flights: SingleFlight[tuple[Outcome, Iterator[bool]]] = field(
        default_factory=SingleFlight["tuple[Outcome, Iterator[bool]]"]
    )
    _twins: SequenceNumbers = field(default_factory=SequenceNumbers)
    _may_run_models: bool = False

    async def program(self, job: Job, *, fresh: bool = False) -> Program:
        """Return the workflow, app, graph, model or module of a job."""
        if job.model:
            await self.library.models().load()
        if program := self._given(job):
            return program
        if job.app:
            return await self.library.app(job.app, fresh=fresh)
        return await self.library.workflow(job.workflow, fresh=fresh)

    def known_program(self, job: Job) -> Program | None:
        """Return a job's program if cached within the last ten minutes, else None; no request."""
        if program := self._given(job):
            return program
        if job.app:
            return self.library.known_app(job.app)
        return self.library.known_workflow(job.workflow)

    def _given(self, job: Job) -> Program | None:
        """Return the program if the job itself, or the catalogue, has all of it."""
        if job.model:
            return self._model(job)
        if job.quick:
            return self._quick(job)
        if job.graph is not None:
            return self.library.inline(job.graph, job.workflow, job.fields)
        return None

    def _model(self, job: Job) -> StandardModel:
        stored = read_model(job.schema)
        model = self.library.model(job.model, stored)
        if not job.send_anyway:
            self.library.models().catalogue.check_offered(model)
        if stored is not None and stored.endpoint == model.endpoint:
            model = stored
        return StandardModel(model, self.library.models(), job.extra, job.send_anyway)

    def _quick(self, job: Job) -> QuickCreate:
        """Parse the job's module. BadInput for options: they would be ignored, at full cost."""
        if job.options != TaskOptions(add_metadata=job.options.add_metadata):
            raise BadInput("error.quick_options")
        return self.library.quick(job.quick)

    async def run(self, job: Job, watch: Watch) -> Outcome:
        """Run one order from check to results, or join an equal one in flight."""
        return await self._run_checked(*await self._checked(job), guarded(watch))

    async def _run_checked(
        self, job: Job, program: Program, checked: Mapping[str, object], watch: Watch
    ) -> Outcome:
        values = await load_sources(checked)
        # A node's lazily made file has a known size only now.
        program.check_files(_files_of(values))
        inputs, sources = await self.transfers.fingerprints(values)
        warned: tuple[Notice, ...] = ()
        assumed = {sha256 for sha256 in sources.values() if await self.transfers.copy_of(sha256)}
        while True:
            try:
                outcome = await self._run(job, program, values, inputs, sources, watch)
                warned += outcome.warned + _warnings(program, values, job.ranges)
                return replace(outcome, warned=warned)
            except (NodeInfoRefused, GraphRejected) as error:
                doubtful = _doubtful(sources, error.node_id)
                await self.transfers.forget(doubtful)
                # With a task id it was partly accepted, and cancelled.
                nothing_began = error.node_id is not None and error.task_id is None
                if nothing_began and not assumed.isdisjoint(doubtful):
                    # The service may have lost an upload that the journal lists as valid.
                    assumed.difference_update(doubtful)
                    continue
                raise await self._with_title(job, error) from error.__cause__
            except RunningHubError as error:
                # The service may have lost a file of the model's input.
                lost = program.lost_files(error, sources.values(), assumed)
                await self.transfers.forget(lost)
                assumed.difference_update(lost)
                if lost and error.fate is Fate.NOT_STARTED:
                    continue
                # An id that the user named is the user's to correct.
                is_ours = job.route == AUTO and program.is_placeholder_refused(error)
                if is_ours and await self._may_go_natively(job, program):
                    params = {"sent": program.id, "remote": error.params.get("remote")}
                    watch(news := Progress(Stage.NATIVE_TAKEN, params=params))
                    warned, job = (Notice.of(news),), replace(job, route=NATIVE)
                    continue
                raise program.explain_refusal(error) from error.__cause__

    async def _with_title(self, job: Job, error: Refused) -> RunningHubError:
        """Return the refusal with its node's title, from the workflow as stored now.

        Raises the field's own error if the workflow has changed so that the field no longer fits,
        and no task was made.
        """
        try:
            fresh = await self.program(job, fresh=True)
        except RunningHubError:
            return error
        if error.task_id is None:
            self._check(fresh, job)
        title = fresh.titles.get(error.node_id or "")
        titled = error if title is None else error.with_context(params={"title": title})
        return fresh.explain_refusal(titled)

    async def run_all(self, jobs: Sequence[Job], watch: Watch) -> list[Outcome]:
        """Place one order per job; see `Client.run_all`."""
        checked: list[tuple[Job, Program, Mapping[str, object]]] = []
        scope = uuid4().hex
        jobs = [replace(job, scope=job.scope or scope) for job in jobs]
        for job in jobs:
            checked.append(await self._checked(job))
            await asyncio.sleep(0)  # yield to the loop: there may be thousands of checks
        progress = BatchProgress(len(jobs), guarded(watch))
        works = (self._run_checked(*args, progress.watch_of(n)) for n, args in enumerate(checked))
        done = await side_by_side(works, progress.ended)
        rerolls = any(job.reroll_seeds for job in jobs)
        return outcomes_or_failure(done, self.engine.context.journal.currency, rerolls=rerolls)

    async def _run(
        self,
        job: Job,
        program: Program,
        values: Mapping[str, object],
        inputs: Mapping[str, object],
        sources: Mapping[str, str],
        watch: Watch,
    ) -> Outcome:
        context, order = self.engine.context, self._order(job, program, values, inputs)

        async def fly(shown: Watch) -> tuple[Outcome, Iterator[bool]]:
            notices: list[Notice] = []
            show = _collecting_low_balance(shown, notices)

            async def prepare() -> Payload:
                if task_id := order.native_task_id:
                    await check_route(context.sender.send, task_id, context.journal.origin)
                if order.is_model and any(isinstance(value, Source) for value in values.values()):
                    await self._check_key()
                return await self._payload(program, values, sources, show)

            again, serve = job.again, not job.reroll_seeds
            outcome = await self.engine.run(order, prepare, show, again=again, serve=serve)
            if order.native_task_id and not outcome.kept:
                notices.append(Notice("progress.cost_untold", {}))
            # One False: the first waiter to take it gets the cost; for all others it is shared.
            return replace(outcome, warned=(*outcome.warned, *notices)), iter((False,))

        memo = {} if job.memo is None else job.memo
        key = digest([order.program_key, order.graph_hash, order.inputs_hash, job.reroll_seeds])
        if past := memo.get(key):  # by its task: the latest equal order may be another node's
            now = await self.engine.fetch(past.task_id, watch)
            return replace(past, results=now.results, missing=now.missing, unfetched=now.unfetched)
        with self._twins.number(key) if job.reroll_seeds else nullcontext(0) as item:  # own seeds
            order = replace(order, item=item, rerolls=job.reroll_seeds)
            outcome, shared = await self.flights.join((key, item), fly, watch)
        outcome = replace(outcome, shared=next(shared, True))
        memo[key] = replace(outcome, results=())
        return outcome

    def _webhook_url(self, job: Job) -> str | None:
        """Return the URL that the service calls at the task's end: the job's, or the account's."""
        return job.options.webhook_url or self.library.settings.webhook_url or None

    def _order(
        self, job: Job, program: Program, values: Mapping[str, object], inputs: Mapping[str, object]
    ) -> Order:
        titles, is_native, options = program.titles, job.route == NATIVE, job.options
        if program.takes_webhook and not is_native:  # which takes none either
            options = replace(options, webhook_url=self._webhook_url(job))

        order = Order(
            program.id,
            program.kind,
            create_call=program.create_call,
            options=options,
            graph_hash=program.graph_hash,
            inputs=inputs,
            titles=titles,
            shows=program.shows,
            nodes=0 if program.graph is None else len(titles),
            time_limit=job.time_limit,
            display_name=job.title or program.title,
            scope=job.scope or uuid4().hex,
            is_free_of_others=lambda: program.is_free_of_others,
            native_task_id=Prompt.new(job.options.instance).task_id if is_native else "",
            number=job.number,
        )
        return program.complete_order(order, values)

    async def quote(self, job: Job) -> Quote:
        """Estimate the cost of the job's order; nothing is uploaded or ordered."""
        job, program, checked = await self._checked(job)
        return await self.engine.budget.cost_finder.quote(self._order(job, program, checked, {}))

    async def _check_key(self) -> None:
        """Raise PlanRefused, before any upload, for a key that may not run models.

        Passes if the kind of the key cannot be read: the order itself then decides.
        """
        if self._may_run_models:
            return
        sender = self.engine.context.sender
        try:
            kind = (await sender.transport.send(queue_status())).kind.upper()
        except RunningHubError:
            return
        # A refusal is not cached: the account may be upgraded while ComfyUI runs.
        self._may_run_models = kind not in ("NORMAL", "EXCLUSIVE")
        if not self._may_run_models:
            raise PlanRefused("error.shared_key_needed", code=1014, remote="standard models")

    async def check(self, job: Job) -> None:
        """Raise what `run` would raise before any cost; nothing is uploaded or ordered."""
        await self._checked(job)

    async def _checked(self, job: Job) -> tuple[Job, Program, Mapping[str, object]]:
        """Return the routed job, its program, and the fields converted to the stored types; raises
        before any cost."""
        key, webhook = self.library.settings.key.reveal(), self._webhook_url(job)
        whole = {"extra": job.extra, "graph": job.graph, "webhook": webhook}
        for name, value in (*job.fields.items(), *whole.items()):
            if key and value is not None and key in str(value):
                raise BadInput("error.key_in_field", field=name)  # else results and history show it
        if webhook:
            check_address(webhook)
        program = await self.program(job)
        if not job.route:
            job = await self._routed(job, program)
        if job.route == NATIVE:
            program.check_native(job.options)
        try:
            return job, program, self._check(program, job)
        except UnknownField:
            # The cached workflow may be older than the field.
            fresh = await self.program(job, fresh=True)
            return job, fresh, self._check(fresh, job)

    async def _routed(self, job: Job, program: Program) -> Job:
        """Return the job with the default route. What the native route does not support, though it
        is the default, goes as a task."""
        default = self.library.settings.route
        fits = default != NATIVE or await self._may_go_natively(job, program)
        return replace(job, route=default if fits else TASK)

    async def _may_go_natively(self, job: Job, program: Program) -> bool:
        """Return whether the native route supports the job and no cost limit is in force; for jobs
        whose user did not choose that route explicitly."""
        try:
            program.check_native(job.options)
        except BadInput:
            return False
        journal = self.engine.context.journal
        rules = await journal(journal.store.ledger.rules, *journal.owner)
        return not self.engine.budget.in_force(rules)

    def _check(self, program: Program, job: Job) -> dict[str, object]:
        files: dict[int, Source | LazySource] = {}

        def placeholder_of(value: object) -> object:
            """Replace a file by a placeholder for the check, which keeps its position."""
            if isinstance(value, LoraFile):
                return value.path.name  # in the cloud a LoRA's name is plain text
            if isinstance(value, (Source, LazySource)):
                is_made = isinstance(value, Source)
                media = _file_of(value) if is_made else GivenMedia(value.kind)
                files[id(media)] = value
                all_media.append(media)
                return media
            if isinstance(value, list):
                return [placeholder_of(item) for item in cast("list[object]", value)]
            return value

        all_media: list[GivenMedia] = []  # keeps them alive, as their id() are keys
        fields = {name: placeholder_of(value) for name, value in job.fields.items()}
        checked = program.check(fields, job.choices, job.declared)
        values = program.values(checked, reroll_seeds=job.reroll_seeds)
        loras = {name: value for name, value in job.fields.items() if isinstance(value, LoraFile)}
        return {name: files.get(id(value), value) for name, value in values.items()} | loras

    async def _payload(
        self,
        program: Program,
        values: Mapping[str, object],
        hashes: Mapping[str, str],
        watch: Watch,
    ) -> Payload:
        """Return the payload: uploads the files and replaces them by their remote names."""

        async def send(name: str, source: Source | LoraFile) -> tuple[str, str]:
            if isinstance(source, LoraFile):
                return name, await self.transfers.upload_lora(source.path, watch, hashes[name])
            try:
                uploaded = await self.transfers.upload(source, hashes[name], watch)
            except FileTooLarge as error:
                raise _about_node(program.titles, name, source, error) from error
            if not program.takes_url(name):
                return name, uploaded.name
            if not uploaded.url:
                raise BadInput("error.upload_without_url", field=name)
            return name, uploaded.url

        files = (Source, LoraFile)
        sending = [send(name, value) for name, value in values.items() if isinstance(value, files)]
        names = await gather_or_cancel(sending)
        return program.payload({**values, **dict(names)})


def _doubtful(sources: Mapping[str, str], node_id: str | None) -> list[str]:
    """SHA-256 of uploads that a refusal may be about: of its node, if it names one, else all."""
    if not node_id:
        return [*sources.values()]
    return [sha256 for name, sha256 in sources.items() if split_name(name)[0] == node_id]


def _about_node(
    titles: Mapping[str, str], name: str, source: Source, error: FileTooLarge
) -> FileTooLarge:
    """Return the error with the node that the file is for, unless the program has no nodes."""
    if not titles:
        return error
    node_id, field_name = split_name(name)
    return FileTooLarge(
        "error.input_too_large",
        code=error.code,
        node_id=node_id,
        node=node_id,
        title=titles.get(node_id, ""),
        field=field_name,
        size=f"{source.size / 1e6:.1f}",
        remote=error.params.get("remote", ""),
    )


def _warnings(program: Program, values: Mapping[str, object], ranges: Ranges) -> tuple[Notice, ...]:
    fields = () if ranges is nothing_known else program.outside(values, ranges)
    return tuple(Notice("progress.field_outside", field.params) for field in fields)


def _file_of(source: Source) -> MediaFile:
    return MediaFile(source.kind, source.size, source.suffix)


def _files_of(values: Mapping[str, object]) -> dict[str, MediaFile]:
    return {name: _file_of(value) for name, value in values.items() if isinstance(value, Source)}


def _collecting_low_balance(watch: Watch, low: list[Notice]) -> Watch:
    """Also collect low-balance notices, which the next progress event would replace."""

    def show(news: Progress) -> None:
        if news.stage is Stage.BALANCE_LOW:
            low.append(Notice.of(news))
        watch(news)

    return show
