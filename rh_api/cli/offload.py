"""`offload`: marked nodes of a local graph run in the cloud, without any ComfyUI here."""

from __future__ import annotations

import asyncio
import json
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from ..client import Outcome, Result, Source
from ..errors import BadInput
from ..graph.prompt import Graph, Node, is_link, read_nodes
from ..graph.segments import (
    FILES,
    CannotOffload,
    Classes,
    Inlet,
    Item,
    LocalFile,
    Mark,
    Outlet,
    Plan,
    Segment,
    core_class,
    cut,
    from_object_info,
    read_marks,
)
from ..graph.segments.explain import Load, explain
from ..offload import Given, Models, facts, job, plain, results_of, text_of
from ..settings import Settings
from ..texts import english
from .delivery import order_document, tell
from .explained import lines
from .files import Saved, existing, out_folder, save
from .folders import Folders
from .order import Service, connected
from .terminal import Terminal

# Loaders whose output is their file: (class, slot) to the input that names it.
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
    """Run the marked parts; their results are in the folder when this returns."""
    prompt, extra_data = read_prompt(arguments.prompt)
    marks = _marks(arguments, prompt, extra_data)
    plan = cut(prompt, marks, _classes(arguments.object_info))
    if not plan.segments:
        raise BadInput("cli.offload_nothing")
    shelf = Folders(Path(arguments.prompt).parent, arguments.input)
    run = _Run(plan, read_nodes(plan.prompt), shelf, Models(time.monotonic))
    run.check()
    settings = Settings.from_mapping(environ)
    if arguments.explain:
        await _explain(run, prompt, settings, terminal)
        return
    settings.require_key()
    folder = out_folder(arguments.out or ".")
    async with connected(settings, terminal) as service:
        service.orders = len(plan.segments)
        documents = await _all(run, service, terminal, folder, arguments)
    for node_id in run.waiting():
        node = run.nodes[node_id]
        terminal.note(english("cli.offload_waits", {"node": f"{node.id} ({node.label})"}))
    terminal.document({"segments": documents})


def read_prompt(name: str) -> tuple[Graph, object]:
    """A prompt in API format, alone or as POST /prompt takes it, with what was said beside it."""
    read = _read_object(name)
    inner = read.get("prompt")
    if isinstance(inner, dict) and "class_type" not in inner:
        graph, beside = cast("Graph", inner), read.get("extra_data")
    else:
        graph, beside = read, None
    if not read_nodes(graph):
        raise BadInput("cli.prompt_unreadable", path=name)
    return graph, beside


def _read_object(name: str) -> dict[str, Any]:
    try:
        read: object = json.loads(existing(name).read_text("utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput("cli.prompt_unreadable", path=name) from error
    if not isinstance(read, dict):
        raise BadInput("cli.prompt_unreadable", path=name)
    return cast("dict[str, Any]", read)


def _marks(arguments: Namespace, prompt: Graph, extra_data: object) -> tuple[Mark, ...]:
    """What `--nodes` names; without it, what is marked in the file."""
    if arguments.nodes is None:
        marks = read_marks(extra_data, prompt)
        if not marks:
            raise BadInput("cli.offload_unmarked")
        return marks
    ids = [part for part in arguments.nodes.replace(",", " ").split() if part]
    mark = {"nodes": ids, "instance": arguments.instance, "only": arguments.only}
    return read_marks({"runninghub": {"segments": [mark]}}, prompt)


def _classes(object_info: str | None) -> Classes:
    if object_info is None:
        return core_class
    return from_object_info(_read_object(object_info))


@dataclass(slots=True)
class _Run:
    """One plan under way. `made`: what came of the segments so far."""

    plan: Plan
    nodes: Mapping[str, Node]
    folders: Folders
    models: Models
    made: dict[str, Outcome] = field(default_factory=dict[str, Outcome])

    def check(self) -> None:
        """Refuse before any request what needs a node that only a ComfyUI can run."""
        for segment in self.plan.segments:
            for file in segment.files:
                self.folders.file(file)
            for inlet in self.outside(segment):
                self._local(inlet)

    def outside(self, segment: Segment) -> list[Inlet]:
        """Those inlets of a segment that no other segment feeds."""
        segments = self._segments()
        return [inlet for inlet in segment.inlets if inlet.source[0] not in segments]

    def _segments(self) -> dict[str, Segment]:
        return {segment.id: segment for segment in self.plan.segments}

    def given(self, inlet: Inlet) -> Given:
        """What comes through an inlet: of an earlier segment, of a file, or a constant."""
        source, slot = inlet.source
        if source not in self.made:
            return self._local(inlet)
        outlet = next(one for one in self._segments()[source].outlets if one.number == slot + 1)
        results = results_of(outlet, self.made[source].results)
        if not results:
            raise BadInput("segment.nothing_came", node=outlet.source[0])
        if inlet.type in ("STRING", "INT", "FLOAT", "BOOLEAN"):
            return Given(inlet, [Item(value=plain(outlet, text_of(results[0])))])
        files = [Source.of_file(one.path) for one in results if one.path]
        return Given(inlet, [Item(_channels(one)) for one in files], files)

    def _local(self, inlet: Inlet) -> Given:
        source, slot = inlet.source
        node = self.nodes.get(source)
        named = _LOADED.get((node.class_type, slot)) if node else None
        value = node.inputs.get(named or "value") if node else None
        if node and named and isinstance(value, str):
            file = LocalFile(node.id, named, value, inlet.type)
            return Given(inlet, [Item()], [Source.of_file(self.folders.file(file))])
        if node and node.class_type in _CONSTANTS and not isinstance(value, list):
            return Given(inlet, [Item(value=value)])
        label = f"{source} ({node.label})" if node else source
        target, name = inlet.targets[0]
        raise CannotOffload(
            "cli.offload_local", local_id=source, node=label, reader=target, input=name
        )

    def waiting(self) -> list[str]:
        """Nodes that read what came back, and only a ComfyUI can run."""
        segments = self._segments()
        return [
            node.id
            for node in self.nodes.values()
            if node.id not in segments
            and node.class_type != "RunningHubSaved"
            and any(is_link(value) and value[0] in segments for value in node.inputs.values())
        ]


def _channels(source: Source) -> int:
    """Of a PNG that a segment made: 4 with alpha."""
    head = source.body[:26] if isinstance(source.body, bytes) else _head(source.body)
    return 4 if source.suffix == ".png" and head[25:26] == b"\x06" else 3


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(26)


async def _all(
    run: _Run, service: Service, terminal: Terminal, folder: Path, arguments: Namespace
) -> list[dict[str, object]]:
    """Run each segment once those are over whose results it takes; a failure stops the others."""
    running: dict[str, asyncio.Task[dict[str, object]]] = {}

    async def after(
        needed: Sequence[asyncio.Task[dict[str, object]]], segment: Segment
    ) -> dict[str, object]:
        if needed:
            await asyncio.wait(needed)
        for one in needed:
            one.result()
        return await _one(run, segment, service, terminal, folder, arguments)

    for segment in run.plan.segments:
        sources = dict.fromkeys(inlet.source[0] for inlet in segment.inlets)
        needed = [running[source] for source in sources if source in running]
        running[segment.id] = asyncio.ensure_future(after(needed, segment))
    try:
        return await asyncio.gather(*running.values())
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def _one(
    run: _Run,
    segment: Segment,
    service: Service,
    terminal: Terminal,
    folder: Path,
    arguments: Namespace,
) -> dict[str, object]:
    """Order one segment and save what it made."""
    await run.models.check(service.client, segment, lambda name: run.folders.lora(name) is not None)
    ordered = await job(
        service.client,
        segment,
        [run.given(inlet) for inlet in segment.inlets],
        models=run.models,
        file=run.folders.file,
        lora=run.folders.lora,
        workflow=arguments.workflow or service.client.settings.segment_workflow,
        again=arguments.again,
    )
    outcome = await service.client.run(ordered, partial(service.watch, order=segment.id))
    run.made[segment.id] = outcome
    saved = _save(segment, outcome, folder)
    tell(terminal, outcome, saved)
    return {"id": segment.id, "task_id": outcome.task_id, **order_document(outcome, saved)}


def _save(segment: Segment, outcome: Outcome, folder: Path) -> list[Saved]:
    """What came out, under the ids of the local nodes: of a saver, or of what made it."""
    savers = {one.outlet: one.node_id for one in segment.saved}
    saved: list[Saved] = []
    for outlet in segment.outlets:
        owner = savers.get(outlet.number, "") if outlet.type == FILES else outlet.source[0]
        results = [_owned(one, owner) for one in results_of(outlet, outcome.results)]
        saved += save(results, (owner,), folder, _prefix(outlet))
    return saved


def _prefix(outlet: Outlet) -> str:
    return "saved" if outlet.type == FILES else "made"


def _owned(result: Result, node_id: str) -> Result:
    return replace(result, node_id=node_id)


async def _explain(run: _Run, prompt: Graph, settings: Settings, terminal: Terminal) -> None:
    """Tell what would be done; nothing is uploaded or ordered."""
    inlets = {
        (segment.id, inlet.number): Load(source.body.name, source.size)
        for segment in run.plan.segments
        for inlet in run.outside(segment)
        for source in run.given(inlet).files
        if isinstance(source, Source) and isinstance(source.body, Path)
    }
    find = partial(
        facts,
        plan=run.plan,
        models=run.models,
        file=run.folders.file,
        lora=run.folders.lora,
        inlets=inlets,
    )
    if settings.key:
        async with connected(settings, terminal) as service:
            known = await find(service.client)
    else:
        known = await find(None)
    document = explain(prompt, run.plan, known, english)
    for line in lines(document):
        terminal.say(line)
    terminal.document(document)
