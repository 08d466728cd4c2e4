"""From what a person asks for to its orders: checked, fingerprinted, and each equal one once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .errors import (
    BadInput,
    FileTooLarge,
    GraphRejected,
    NodeInfoRefused,
    Refused,
    WorkflowNeverRun,
    WorkflowNotFound,
)
from .graph.check import Declared, GivenMedia, Options, UnknownField, nothing_known
from .graph.fields import node_info, split_name
from .programs import InlineGraph, Library, Program
from .run.batch import Tally, joined
from .run.drafts import Draft, drafted, together
from .run.engine import Engine
from .run.flights import Flights
from .run.orders import Cargo, Order, Outcome, digest
from .run.ports import Watch
from .run.transfers import LoraFile, Source, Transfers
from .wire.orders import TaskOptions
from .wire.workflows import Graph


@dataclass(frozen=True, slots=True)
class Job:
    """What a person asks for.

    `workflow` or, in its place, `app`: an id or a link. `graph`: a whole graph in API format
    that runs instead of the saved one; then `workflow` may be "". `fields`:
    `<nodeId>.<fieldName>` to a plain value, a Source, a Draft of one, or a LoraFile.
    `time_limit`: seconds of running time, 0 for none.
    `choices`, `declared`: what a local node class offers for a field and which type it declares.
    `again`: order anew, even if it may cost twice.
    """

    workflow: str = ""
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    options: TaskOptions = field(default_factory=TaskOptions)
    reroll_seeds: bool = False
    time_limit: float = 0.0
    choices: Options = nothing_known
    declared: Declared = nothing_known
    again: bool = False
    app: str = ""
    graph: Graph | None = None


@dataclass(slots=True)
class Jobs:
    """The jobs of one account."""

    library: Library
    transfers: Transfers
    engine: Engine
    flights: Flights[Outcome] = field(default_factory=Flights[Outcome])
    _rerolls: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    async def program(self, job: Job, *, fresh: bool = False) -> Program:
        """The workflow, app or graph that a job runs."""
        if job.graph is not None:
            return self.library.inline(job.graph, job.workflow, job.fields)
        if job.app:
            return await self.library.app(job.app, fresh=fresh)
        return await self.library.workflow(job.workflow, fresh=fresh)

    def known_program(self, job: Job) -> Program | None:
        """The same as it was read within the last ten minutes; None without a request."""
        if job.graph is not None:
            return self.library.inline(job.graph, job.workflow, job.fields)
        if job.app:
            return self.library.known(self.library.app_id(job.app), is_app=True)
        return self.library.known(self.library.workflow_id(job.workflow), is_app=False)

    async def run(self, job: Job, watch: Watch) -> Outcome:
        """One order, or the part in an equal one under way, from the check to the results."""
        program, checked = await self._checked(job)
        values = await drafted(checked)
        inputs, sources = await self._fingerprints(values)
        relied_on = {sha256 for sha256 in sources.values() if await self.transfers.known(sha256)}
        while True:
            try:
                return await self._run(job, program, values, inputs, sources, watch)
            except (NodeInfoRefused, GraphRejected) as error:
                doubtful = _doubtful(sources, error.node_id)
                await self.transfers.forget(doubtful)
                # A task id: taken in part, and cancelled.
                nothing_began = error.node_id is not None and error.task_id is None
                if nothing_began and not relied_on.isdisjoint(doubtful):
                    # The service may have lost what the book took for uploaded.
                    relied_on.difference_update(doubtful)
                    continue
                await self._name_field(job, error)
                raise
            except Refused as error:
                if isinstance(program, InlineGraph) and _is_about_its_id(error):
                    raise _id_refused(program, error) from error
                raise

    async def _name_field(self, job: Job, error: Refused) -> None:
        """The stored workflow may have changed: if that is it, raise what names the field."""
        fresh = await self.program(job, fresh=True)
        self._check(fresh, job)
        if error.node_id in fresh.titles:
            error.params["title"] = fresh.titles[error.node_id or ""]

    async def run_all(self, jobs: Sequence[Job], watch: Watch) -> list[Outcome]:
        """An order a job; see `Client.run_all`."""
        for job in jobs:
            await self.check(job)
        tally = Tally(len(jobs), watch)
        running = [
            asyncio.ensure_future(self.run(job, tally.watch_of(index)))
            for index, job in enumerate(jobs)
        ]
        for index, job in enumerate(running):
            job.add_done_callback(tally.ended(index))
        try:
            done = await asyncio.gather(*running, return_exceptions=True)
        finally:
            for job in running:
                job.cancel()
        return joined(done)

    async def _run(
        self,
        job: Job,
        program: Program,
        values: Mapping[str, object],
        inputs: Mapping[str, object],
        sources: Mapping[str, str],
        watch: Watch,
    ) -> Outcome:
        titles = program.titles
        order = Order(
            program.id,
            is_app=program.is_app,
            options=job.options,
            graph_hash=program.graph_hash,
            inputs=inputs,
            titles=titles,
            nodes=0 if program.is_app else len(titles),
            time_limit=job.time_limit,
            name=program.name if isinstance(program, InlineGraph) else "",
        )

        async def fly(show: Watch) -> Outcome:
            async def prepare() -> Cargo:
                return await self._cargo(program, values, sources, show)

            return await self.engine.run(
                order, prepare, show, again=job.again, serve=not job.reroll_seeds
            )

        key = digest([order.program, order.graph_hash, order.inputs_hash])
        if not job.reroll_seeds:
            return await self.flights.join(key, fly, watch)
        # Every run wants seeds of its own, so twins are told apart by a number.
        taken = self._rerolls.setdefault(key, set())
        item = next(number for number in range(len(taken) + 1) if number not in taken)
        order = replace(order, item=item)
        taken.add(item)
        try:
            return await self.flights.join((key, item), fly, watch)
        finally:
            taken.discard(item)

    async def check(self, job: Job) -> None:
        """Refuse what `run` would refuse before any cost, and nothing more."""
        await self._checked(job)

    async def _checked(self, job: Job) -> tuple[Program, Mapping[str, object]]:
        """The program and the fields in the types that it stores; refused before any cost."""
        program = await self.program(job)
        try:
            return program, self._check(program, job)
        except UnknownField:
            # The copy at hand may be older than the field.
            fresh = await self.program(job, fresh=True)
            return fresh, self._check(fresh, job)

    def _check(self, program: Program, job: Job) -> dict[str, object]:
        files = {n: v for n, v in job.fields.items() if isinstance(v, (Source, Draft, LoraFile))}
        given = {
            # The name of a LoRA in the cloud is a text.
            name: file.path.name if isinstance(file, LoraFile) else GivenMedia(file.kind)
            for name, file in files.items()
        }
        checked = program.check({**job.fields, **given}, job.choices, job.declared)
        return {**program.values(checked, reroll_seeds=job.reroll_seeds), **files}

    async def _fingerprints(
        self, values: Mapping[str, object]
    ) -> tuple[dict[str, object], dict[str, str]]:
        """The fields as they make up an order's identity, and the hash of each source."""
        sources = {name: value for name, value in values.items() if isinstance(value, Source)}
        loras = {name: value for name, value in values.items() if isinstance(value, LoraFile)}
        made = await asyncio.gather(
            *(self.transfers.content_hash(source) for source in sources.values())
        )
        hashes = dict(zip(sources, made, strict=True))
        inputs = dict(values)
        inputs |= {name: {"sha256": sha256} for name, sha256 in hashes.items()}
        for name, lora in loras.items():
            inputs[name] = {"md5": await self.transfers.lora_hash(lora.path)}
        return inputs, hashes

    async def _cargo(
        self,
        program: Program,
        values: Mapping[str, object],
        hashes: Mapping[str, str],
        watch: Watch,
    ) -> Cargo:
        """What goes out: files uploaded and replaced by their remote names."""

        async def send(name: str, source: Source | LoraFile) -> tuple[str, str]:
            if isinstance(source, LoraFile):
                return name, await self.transfers.upload_lora(source.path, watch)
            try:
                uploaded = await self.transfers.upload(source, hashes[name], watch)
            except FileTooLarge as error:
                raise _input_too_large(program, name, source, error) from error
            if not program.takes_url(name):
                return name, uploaded.name
            if not uploaded.url:
                raise BadInput("error.upload_without_url", field=name)
            return name, uploaded.url

        names = await together(
            send(name, value)
            for name, value in values.items()
            if isinstance(value, (Source, LoraFile))
        )
        ready = {**values, **dict(names)}
        return program.filled(ready) if isinstance(program, InlineGraph) else node_info(ready)


def _doubtful(sources: Mapping[str, str], node_id: str | None) -> list[str]:
    """The uploads that a refusal may be about: those of the refused node, if it names one."""
    if not node_id:
        return [*sources.values()]
    return [sha256 for name, sha256 in sources.items() if split_name(name)[0] == node_id]


def _input_too_large(
    program: Program, name: str, source: Source, error: FileTooLarge
) -> FileTooLarge:
    node_id, field_name = split_name(name)
    return FileTooLarge(
        "error.input_too_large",
        code=error.code,
        node_id=node_id,
        node=node_id,
        title=program.titles.get(node_id, ""),
        field=field_name,
        size=f"{source.size / 1e6:.1f}",
        remote=error.params.get("remote", ""),
    )


def _is_about_its_id(error: Refused) -> bool:
    """Whether a graph was refused for the workflow id that it went under.

    301 is any wrong parameter, and its text then names the one.
    """
    about = isinstance(error, (WorkflowNotFound, WorkflowNeverRun))
    return about or (error.code == 301 and "workflowid" in str(error).lower())


def _id_refused(program: InlineGraph, error: Refused) -> WorkflowNotFound:
    return WorkflowNotFound(
        "error.placeholder_refused",
        code=error.code,
        sent=program.sent_id,
        remote=error.params.get("remote"),
    )
