"""`offload`: run marked nodes of a local graph in the cloud, without a local ComfyUI."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from ..client import Outcome, Result, Source
from ..errors import BadInput
from ..graph.constants import SAVED_CLASS
from ..graph.prompt import Graph, Node, is_link, read_nodes
from ..offload import (
    FILES,
    CannotOffload,
    Classes,
    Inlet,
    Item,
    LocalFile,
    Mark,
    Note,
    Outlet,
    Plan,
    Segment,
    core_class,
    cut,
    driver,
    edits_video,
    from_object_info,
    read_marks,
    with_inlet,
)
from ..offload.driver import (
    InletValue,
    Models,
    NothingCame,
    check_early,
    find_dry_run_facts,
    inlet_value_from,
    job_of,
    run_in_order,
    sound_channels,
    wanted_results,
)
from ..offload.explain import DryRunFacts, Load, explain
from ..settings import Settings
from ..texts import english
from .accounts import accounts_of, connected_accounts
from .explain import lines
from .files import Saved, existing, out_folder, save
from .input_folders import InputFolders
from .order_output import order_document, tell
from .run import Service, connected
from .terminal import Terminal

# Loaders that output a file: (class, slot) to the input that names it.
_LOADED = {
    ("LoadImage", 0): "image",
    ("LoadImageOutput", 0): "image",
    ("LoadAudio", 0): "audio",
    ("LoadVideo", 0): "file",
}
_CONSTANTS = frozenset(
    {
        "PrimitiveInt",
        "PrimitiveFloat",
        "PrimitiveString",
        "PrimitiveStringMultiline",
        "PrimitiveBoolean",
    }
)


async def offload(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Run the plan's segments and save their results into the folder."""
    prompt, run = planned(arguments)
    accounts = accounts_of(run.plan, arguments, environ)
    if arguments.explain:
        run_facts = await facts(run, accounts, terminal, warns=True)
        document = explain(prompt, run.plan, run_facts, english)
        for line in lines(document):
            terminal.say(line)
        terminal.document(document)
        return
    for settings in accounts.values():
        settings.require_key()
    plan, scope = run.plan, uuid4().hex
    folder = out_folder(arguments.out or ".")
    async with connected_accounts(accounts, terminal) as services:
        next(iter(services.values())).orders = len(plan.segments)
        again: bool = arguments.again
        await _check(run, services, terminal)
        order = partial(_order, run, services, terminal, folder, again=again, scope=scope)
        await run_in_order(plan.segments, order)
    for note in run.plan.notes:
        if note.key == "segment.saves_here":
            terminal.note(english(note.key, note.params))
    for node_id in run.waiting():
        node = run.nodes[node_id]
        terminal.note(english("cli.offload_waits", {"node": f"{node.id} ({node.label})"}))
    if run.missing:
        for error in run.missing[1:]:
            terminal.note(str(error))
        raise run.missing[0]
    terminal.document(run.document())


def planned(arguments: Namespace) -> tuple[Graph, OffloadRun]:
    """Return the graph of the arguments and its checked plan; refuses before any request."""
    prompt, extra_data = read_prompt(arguments.prompt)
    plan = cut(prompt, _marks(arguments, prompt, extra_data), _classes(arguments.object_info))
    if not plan.segments:
        reasons = (english(note.key, note.params) for note in plan.notes)
        raise BadInput("cli.offload_nothing", told=" ".join(reasons))
    folders = InputFolders(Path(arguments.prompt).parent, arguments.input)
    run = OffloadRun(plan, read_nodes(plan.prompt), folders, Models(time.monotonic))
    run.check()
    return prompt, run


def read_prompt(name: str) -> tuple[Graph, object]:
    """Read a prompt in API format, bare or as a POST /prompt body, and its `extra_data`."""
    document = _read_object(name)
    inner = document.get("prompt")
    if isinstance(inner, dict) and "class_type" not in inner:
        graph, beside = cast("Graph", inner), document.get("extra_data")
    else:
        graph, beside = document, None
    if isinstance(document.get("nodes"), list) and isinstance(document.get("links"), list):
        raise BadInput("cli.prompt_of_canvas", path=name)
    if not read_nodes(graph):
        raise BadInput("cli.prompt_unreadable", path=name)
    return graph, beside


def _read_object(name: str) -> dict[str, Any]:
    try:
        document: object = json.loads(existing(name).read_text("utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput("cli.prompt_unreadable", path=name) from error
    if not isinstance(document, dict):
        raise BadInput("cli.prompt_unreadable", path=name)
    return cast("dict[str, Any]", document)


def _marks(arguments: Namespace, prompt: Graph, extra_data: object) -> list[Mark]:
    """Return the marks of `--nodes`, else those in the file, with the options applied to both."""
    if arguments.nodes is not None:
        named = {"nodes": arguments.nodes.replace(",", " ").split()}
        extra_data = {"runninghub": {"segments": [named]}}
    marks = read_marks(extra_data, prompt)
    if not marks:
        raise BadInput("cli.offload_unmarked")
    return [_with_options(mark, arguments) for mark in marks]


def _with_options(mark: Mark, arguments: Namespace) -> Mark:
    """Override a mark's settings by the options; of two time limits the lower holds."""
    own = mark.ordering
    ordering = replace(
        own,
        timeout=min(filter(None, (own.timeout, arguments.timeout)), default=0),
        profile=arguments.profile or own.profile,
        use_personal_queue=own.use_personal_queue or arguments.use_personal_queue,
        workflow=arguments.workflow or own.workflow,
        route=arguments.route or own.route,
    )
    instance, only = arguments.instance or mark.instance, mark.only or arguments.only
    return replace(mark, instance=instance, only=only, ordering=ordering)


def _classes(object_info: str | None) -> Classes:
    if object_info is None:
        return core_class
    own = from_object_info(_read_object(object_info))
    return lambda name: own(name) or core_class(name)


@dataclass(slots=True)
class OffloadRun:
    """A plan in progress. `outcomes`: by segment; `held_up`: segments not ordered, since an input
    is missing; `missing`: outlets without a result; `documents`: by segment, as printed;
    `notes`: what the cloud may lack."""

    plan: Plan
    nodes: Mapping[str, Node]
    folders: InputFolders
    models: Models
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    held_up: set[str] = field(default_factory=set[str])
    missing: list[NothingCame] = field(default_factory=list[NothingCame])
    documents: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    notes: list[Note] = field(default_factory=list[Note])

    def check(self) -> None:
        """Refuse, before any request, inputs that only a local ComfyUI could compute."""
        for segment in self.plan.segments:
            for file in segment.files:
                self.folders.file(file)
            for inlet in self.outside(segment):
                with_inlet(segment.graph, inlet, self._local(inlet).items)

    def outside(self, segment: Segment) -> list[Inlet]:
        """Return a segment's inlets that no other segment feeds."""
        segments = self._segments()
        return [inlet for inlet in segment.inlets if inlet.source[0] not in segments]

    def _segments(self) -> dict[str, Segment]:
        return {segment.id: segment for segment in self.plan.segments}

    def given(self, inlet: Inlet) -> InletValue:
        """Return an inlet's value: from an earlier segment, a file, or a constant.

        Raises NothingCame if its producer brought none.
        """
        source, slot = inlet.source
        if source in self.held_up:
            raise NothingCame(node=source)
        if source not in self.outcomes:
            return self._local(inlet)
        segment = self._segments()[source]
        outlet = next(outlet for outlet in segment.outlets if outlet.number == slot + 1)
        return inlet_value_from(
            inlet, outlet, wanted_results(segment, outlet, self.outcomes[source])
        )

    def _local(self, inlet: Inlet) -> InletValue:
        source, slot = inlet.source
        node = self.nodes.get(source)
        named = _LOADED.get((node.class_type, slot)) if node else None
        value = node.inputs.get(named or "value") if node else None
        if node and edits_video(node.class_type, node.inputs):
            label = f"{source} ({node.label})"
            raise CannotOffload("cli.offload_edited", local_id=source, node=label)
        if node and named and isinstance(value, str):
            path = self.folders.file(LocalFile(node.id, named, value, inlet.type))
            item = Item(sound_channels(path)) if inlet.type == "AUDIO" else Item()
            return InletValue(inlet, [item], [Source.of_file(path)])
        if node and node.class_type in _CONSTANTS and not isinstance(value, list):
            return InletValue(inlet, [Item(value=value)])
        label = f"{source} ({node.label})" if node else source
        target, name = inlet.targets[0]
        raise CannotOffload(
            "cli.offload_local", local_id=source, node=label, reader=target, input=name
        )

    def document(self) -> dict[str, object]:
        """Return the finished segments' documents, in the plan's order."""
        ids = (segment.id for segment in self.plan.segments if segment.id in self.documents)
        return {"segments": [self.documents[segment_id] for segment_id in ids]}

    def waiting(self) -> list[str]:
        """Return the local nodes that read a segment's output: only a ComfyUI can run them."""
        segments = self._segments()
        return [
            node.id
            for node in self.nodes.values()
            if node.id not in segments
            and node.class_type != SAVED_CLASS
            and any(is_link(value) and value[0] in segments for value in node.inputs.values())
        ]


async def _check(run: OffloadRun, services: Mapping[str, Service], terminal: Terminal) -> None:
    """Check all segments, before the first is paid."""
    for segment in run.plan.segments:
        client = services[segment.ordering.profile].client
        notes = await check_early(client, segment, models=run.models, files=run.folders)
        for note in notes:
            terminal.note(english(note.key, note.params))
        run.notes += notes


async def _order(
    run: OffloadRun,
    services: Mapping[str, Service],
    terminal: Terminal,
    folder: Path,
    segment: Segment,
    *,
    again: bool,
    scope: str,
) -> None:
    """Order one segment and save its results; skipped with a note if an input is missing.

    `services`: by account; the first one shows the progress of all.
    """
    client = services[segment.ordering.profile].client
    watch = partial(next(iter(services.values())).watch, order=segment.id)
    try:
        given = [run.given(inlet) for inlet in segment.inlets]
    except NothingCame:
        run.held_up.add(segment.id)
        terminal.note(english("cli.offload_held_up", {"id": segment.id}))
        return
    job = await job_of(client, segment, given, models=run.models, files=run.folders, again=again)
    job = replace(job, scope=scope)
    outcome = await driver.run_order(client, segment, job, watch, run.notes)
    run.outcomes[segment.id] = outcome
    saved, missing = _save(segment, outcome, folder)
    run.missing += missing
    tell(terminal, outcome, saved, client.costs.currency)
    document = {"id": segment.id, "task_id": outcome.task_id, **order_document(outcome, saved)}
    run.documents[segment.id] = document
    terminal.done = run.document()


def _save(
    segment: Segment, outcome: Outcome, folder: Path
) -> tuple[list[Saved], list[NothingCame]]:
    """Save results under the ids of the local nodes: of a saver, else of the producer. Returns what
    was saved and what is missing."""
    savers = {saver.outlet: saver.node_id for saver in segment.saved}
    saved: list[Saved] = []
    missing: list[NothingCame] = []
    for outlet in segment.outlets:
        owner = savers.get(outlet.number, "") if outlet.type == FILES else outlet.source[0]
        try:
            results = wanted_results(segment, outlet, outcome)
        except NothingCame as error:
            missing.append(error)
            continue
        owned = [_owned(result, owner) for result in results]
        saved += save(owned, (owner,), folder, _prefix(outlet))
    return saved, missing


def _prefix(outlet: Outlet) -> str:
    return "saved" if outlet.type == FILES else "made"


def _owned(result: Result, node_id: str) -> Result:
    return replace(result, node_id=node_id)


async def facts(
    run: OffloadRun,
    accounts: Mapping[str, Settings],
    terminal: Terminal,
    *,
    warns: bool = False,
) -> DryRunFacts:
    """Collect what the orders upload, take and cost, each by its account, and if `warns` what they
    would only warn of; uploads nothing."""
    inlets = {
        (segment.id, inlet.number): Load(source.body.name, source.size)
        for segment in run.plan.segments
        for inlet in run.outside(segment)
        for source in run.given(inlet).files
        if isinstance(source, Source) and isinstance(source.body, Path)
    }
    all_facts = DryRunFacts(inlets=inlets)
    for profile, settings in accounts.items():
        its = tuple(segment for segment in run.plan.segments if segment.ordering.profile == profile)
        find = partial(
            find_dry_run_facts,
            plan=replace(run.plan, segments=its),
            models=run.models,
            files=run.folders,
            warns=warns,
        )
        if settings.key:
            async with connected(settings, terminal) as service:
                all_facts = all_facts.merged(await find(service.client))
        else:
            all_facts = all_facts.merged(await find(None))
    return all_facts
