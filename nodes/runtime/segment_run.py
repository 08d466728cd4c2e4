"""Runs a Segment node: one segment of the prompt, as one order."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ...rh_api.client import Client, Outcome, Result
from ...rh_api.errors import RunningHubError
from ...rh_api.graph.prompt import read_nodes
from ...rh_api.offload import Ordering, Segment, driver, load
from ...rh_api.offload.class_traits import traits_of
from .. import language
from ..values import inlets, outlets, status_lines
from ..values.failures import as_node_failures
from ..values.field_values import Inputs, read_lazy_values
from ..values.upload_sources import Sources
from . import (
    cache_invalidation,
    cached_files,
    cloud,
    config,
    failure_reports,
    local_classes,
    local_files,
    run_memo,
)
from .cloud_models import shared_models
from .decoding import decoded
from .media_threads import in_media_thread
from .node_outcomes import End
from .segment_display import SegmentDisplay

log = logging.getLogger("runninghub")

_runs = itertools.count()


async def validate(inputs: Inputs) -> None:
    """Validate the segment before the graph runs. Raises NodeFailure."""
    with as_node_failures():
        segment = _read_segment(inputs)
        client = cloud.adopt(config.settings(segment.ordering.profile))
        await cloud.check_within_timeout(
            driver.check_early(client, segment, models=shared_models(), files=local_files)
        )


def fingerprint(inputs: Inputs) -> object:
    """Return the cache fingerprint: it changes with the files that the segment uploads, and when an
    output's file was deleted or missing results call for a rerun."""
    if any(inputs.get("again") or ()):
        return f"run {next(_runs)}"
    text = _first(inputs, "segment", "")
    state = local_files.state(_read_segment(inputs))
    return [*state, cached_files.losses(text), cache_invalidation.reruns(text)]


async def execute(inputs: Inputs, node: Mapping[str, Any]) -> io.NodeOutput:
    """Run the segment; return its outputs. `node`: its entry in the prompt. Raises NodeFailure."""
    read_lazy_values(inputs)
    display, memo = SegmentDisplay.of_running_node(), run_memo.of_running_node()
    with as_node_failures():
        segment = replace(_read_segment(inputs), **_titles(node))
    display.members = frozenset(segment.members)

    warned: list[str] = []

    async def order(client: Client) -> Outcome:
        notes = await driver.check_early(client, segment, models=shared_models(), files=local_files)
        for note in notes:
            warned.append(language.say(note.key, note.params))
            log.warning("%s", warned[-1])
        with Sources(config.scratch_folder(), in_media_thread) as sources:
            job = await driver.job_of(
                client,
                segment,
                inlets.values(segment, inputs, sources, local_classes.info),
                models=shared_models(),
                files=local_files,
                again=_first(inputs, "again", False),
            )
            scoped = replace(job, scope=display.prompt_id, memo=memo[0])
            outcome = await driver.run_order(client, segment, scoped, display, notes)
            cache_invalidation.note(_first(inputs, "segment", ""), [outcome])
            return replace(outcome, warned=(*outcome.warned, *sources.fitted.values()))

    async def work(client: Client) -> tuple[list[Any], str]:
        try:
            outcome = await order(client)
        except RunningHubError as error:
            display.failed(error.node_id or "", language.describe(error))
            if warned:
                display.finish(" · ".join(warned))
            raise
        finally:
            display.ended()

        def make(
            outcomes: Sequence[Outcome], undecodable: list[Result]
        ) -> tuple[list[Any], list[str]]:
            return outlets.values(segment, outcomes[0], undecodable)

        currency = await client.costs.known_currency()
        values, unreadable = await decoded(client, display, [outcome], currency, make)
        if outcome.kept:
            warned.extend(_stale_values(segment))
        display.end = End.done([outcome], status_lines.done_lines([outcome], currency))
        done = status_lines.done_sentence([outcome], currency)
        return values, " · ".join([done, *warned, *status_lines.notices([outcome]), *unreadable])

    ordering = segment.ordering
    subject = failure_reports.Subject(
        "RunningHubSegment", ordering.workflow, ordering.profile, segment.instance, segment.name
    )
    with failure_reports.noted(display.place, subject, _private_values(segment)):
        values, line = await cloud.run(work, display, ordering.profile)
    cached_files.track(_first(inputs, "segment", ""), values)
    display.finish(line)
    return io.NodeOutput(*values)


def _stale_values(segment: Segment) -> Iterator[str]:
    """Yield a notice for each node whose kept value a local run would have recomputed."""
    for node_id in segment.members:
        class_type = segment.graph[node_id]["class_type"]
        if traits_of(class_type, local_classes.info(class_type)).changes:
            yield language.say("segment.changes", {"node": driver.title_of(segment, node_id)})


def _private_values(segment: Segment) -> dict[str, list[object]]:
    """Return the input values of the remote nodes, which a failure report must redact."""
    return {
        f"{node.id}.{name}": [value]
        for node in read_nodes(segment.graph).values()
        for name, value in node.inputs.items()
    }


def _titles(node: Mapping[str, Any]) -> dict[str, Any]:
    """Read the names of the segment and its nodes; kept in `_meta`, since they change no order."""
    about = (node.get("_meta") or {}).get("runninghub") or {}
    return {"name": str(about.get("name") or ""), "titles": dict(about.get("titles") or {})}


def _read_segment(inputs: Inputs) -> Segment:
    """Parse the segment and its ordering options. Raises BadInput for a malformed text."""
    text = _first(inputs, "segment", "")
    options: dict[str, Any] = Ordering.options()
    ordering = Ordering(**{name: _first(inputs, name, like) for name, like in options.items()})
    return replace(load(text if isinstance(text, str) else ""), ordering=ordering)


def _first(inputs: Inputs, name: str, default: Any) -> Any:
    """Return the first value of an input, which is a list; `default` if it is missing or empty."""
    return next(iter(inputs.get(name) or ()), default)
