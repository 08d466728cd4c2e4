"""Finds out a plan's uploads and usual costs, before anything is paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...client import Client, InlineGraph, Quote, ResourceKind, Source
from .. import Item, Note, Plan, Segment, with_inlet, with_lora
from ..explain import DryRunFacts, Load
from .cloud_models import Models
from .hints import warnings
from .inputs import LocalFiles

EXPLAIN_PATIENCE = 6.0  # seconds that a dry run waits for the native route's list


async def find_dry_run_facts(
    client: Client | None,
    plan: Plan,
    *,
    models: Models,
    files: LocalFiles,
    inlets: Mapping[tuple[str, int], Load] | None = None,
    warns: bool = True,
) -> DryRunFacts:
    """Collect what `explain` says of a plan. `client` None: no account, so local facts only.

    `warns`: look for what the cloud is not known to have, too; with strict checks CannotOffload.
    A quote does without: the service limits look-ups.
    """
    loads: dict[tuple[str, str], Load] = {}
    loras: dict[tuple[str, str], Load] = {}
    usual: dict[str, Mapping[str, object]] = {}
    quotes: dict[str, Quote] = {}
    notes: list[Note] = []
    for segment in plan.segments:
        for file in segment.files:
            loads[file.node_id, file.input] = await _load(client, file.value, files.file(file))
        for lora in segment.loras:
            path = files.lora(lora.value)
            # As an order does it: what cannot go up is not looked for, since look-ups are limited.
            if path is None:
                continue
            if client is None or not await models.certainly_has(
                client, ResourceKind.LORA, lora.value
            ):
                loras[lora.node_id, lora.input] = Load(lora.value, path.stat().st_size)
        if client is not None:
            name = _program_name(segment, loras)
            usual[segment.id] = asdict(await client.costs.estimate(name, segment.instance))
            quotes[segment.id] = await client.costs.quote_program(name, segment.instance)
            if warns:
                notes += await warnings(
                    client, segment, models=models, files=files, patience=EXPLAIN_PATIENCE
                )
    return DryRunFacts(loads, loras, inlets or {}, usual, quotes, tuple(notes))


async def _load(client: Client | None, name: str, path: Path) -> Load:
    source = Source.of_file(path)
    in_cloud = None if client is None else await client.uploads.is_known(source)
    return Load(name, source.size, in_cloud)


def _program_name(segment: Segment, loras: Mapping[tuple[str, str], Load]) -> str:
    """The graph's name in the journal, if there is one item per inlet."""
    graph: Mapping[str, Any] = segment.graph
    for inlet in segment.inlets:
        graph, _ = with_inlet(graph, inlet, [Item(value="")])
    for lora in segment.loras:
        if (lora.node_id, lora.input) in loras:
            graph = with_lora(graph, lora, "")
    return InlineGraph.of(graph, "", ()).name
