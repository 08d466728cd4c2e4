"""Builds and runs the order of a segment, and schedules the segments of a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ...client import Client, Job, LoraFile, Outcome, ResourceKind, Source, Watch
from ...errors import BadInput, GraphRejected, NoOutput, RunningHubError
from ...graph.nearest import listed
from ...graph.prompt import Graph, links
from .. import Note, Segment, with_file, with_inlet, with_lora
from ..remote_graph import with_float_masks
from .cloud_models import Models
from .hints import warnings
from .inputs import InletValue, LocalFiles, name_of

T = TypeVar("T")


async def check_early(
    client: Client, segment: Segment, *, models: Models, files: LocalFiles
) -> list[Note]:
    """Check files, workflow and models before anything is encoded, uploaded or paid.

    Returns warnings for the user. Raises BadInput.
    """
    for file in segment.files:
        files.file(file)
    if segment.ordering.workflow:
        client.programs.workflow_id(segment.ordering.workflow)
    return await warnings(client, segment, models=models, files=files)


async def job_of(
    client: Client,
    segment: Segment,
    inlet_values: Sequence[InletValue],
    *,
    models: Models,
    files: LocalFiles,
    again: bool = False,
) -> Job:
    """Build the segment's Job; `again`: do not serve earlier results.

    A LoRA that the cloud has stays as it is; a local one is uploaded with the order.
    """
    graph: Mapping[str, Any] = segment.graph
    fields: dict[str, object] = {}
    for inlet_value in inlet_values:
        graph, places = with_inlet(graph, inlet_value.inlet, inlet_value.items)
        fields |= {name: inlet_value.files[index] for name, index in places.items()}
    for file in segment.files:
        graph = with_file(graph, file, "")
        fields[f"{file.node_id}.{file.input}"] = Source.of_file(files.file(file))
    for lora in segment.loras:
        path = files.lora(lora.value)
        if path is None or await models.certainly_has(client, ResourceKind.LORA, lora.value):
            continue
        graph = with_lora(graph, lora, "")
        for name in ("file_name", "lora_name"):
            fields[f"{lora.node_id}.{name}"] = LoraFile(path)
    ordering = segment.ordering
    return Job(
        ordering.workflow,
        fields,
        segment.options,
        time_limit=float(ordering.timeout),
        route=ordering.route,
        again=again,
        graph=_titled(graph, segment.titles),
    )


def _titled(graph: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """The graph with its nodes' titles, which only our own messages use."""
    return {
        node_id: {**node, "_meta": {"title": titles[node_id]}} if node_id in titles else node
        for node_id, node in graph.items()
    }


async def run_order(
    client: Client, segment: Segment, job: Job, watch: Watch, notes: Iterable[Note]
) -> Outcome:
    """Run a segment's order. An error of a node that we added is raised as its nearest member's:
    the id may be another node's in the local graph. One of a node that loads what the cloud does
    not list names what is nearest, by the notes of `check_early`."""
    try:
        return await client.run(job, watch)
    except NoOutput as error:
        if error.key != NoOutput.default_key:
            raise
        raise error.with_context("segment.nothing_made") from error.__cause__
    except RunningHubError as error:
        owner = _owner(with_float_masks(job.graph or {}), segment.members, error.node_id or "")
        if owner in ("", error.node_id):
            if not isinstance(error, GraphRejected):
                raise
            near = [note.params.get("near", "") for note in notes if note.node_id == error.node_id]
            told = {"near": listed(filter(None, near))}
            raise error.with_context(params=told) from error.__cause__
        params = {"node": owner, "title": BadInput("segment.helper", title=name_of(segment, owner))}
        raise error.with_context(node_id=owner, params=params) from error.__cause__


def _owner(graph: Graph, members: tuple[str, ...], node_id: str) -> str:
    """The nearest member by breadth-first search along links in either direction; "" for none."""
    neighbours: dict[str, list[str]] = {}
    for link in links(graph):
        neighbours.setdefault(link.target, []).append(link.source)
        neighbours.setdefault(link.source, []).append(link.target)
    reached = [node_id]
    for at in reached:
        if at in members:
            return at
        reached += [neighbour for neighbour in neighbours.get(at, ()) if neighbour not in reached]
    return ""


async def run_in_order(
    segments: Sequence[Segment], run: Callable[[Segment], Coroutine[Any, Any, T]]
) -> list[T]:
    """Run segments concurrently, each once those whose results it reads have succeeded.

    `segments` in a plan's order; results in the same one. A failure cancels the others.
    """
    running: dict[str, asyncio.Task[T]] = {}

    async def after(needed: Sequence[asyncio.Task[T]], segment: Segment) -> T:
        if needed:
            await asyncio.wait(needed)
        for task in needed:
            task.result()
        return await run(segment)

    for segment in segments:
        sources = dict.fromkeys(inlet.source[0] for inlet in segment.inlets)
        needed = [running[source] for source in sources if source in running]
        running[segment.id] = asyncio.ensure_future(after(needed, segment))
    try:
        return await asyncio.gather(*running.values())
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
