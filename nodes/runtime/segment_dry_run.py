"""Compiles marked parts of a prompt and estimates their cost, without ordering."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ...rh_api.client import Client
from ...rh_api.graph.extra_data import ExtraData
from ...rh_api.graph.prompt import Graph
from ...rh_api.offload import Mark, Plan, driver
from ...rh_api.offload.explain import DryRunFacts
from . import cloud, config, local_files, segment_pass
from .cloud_models import shared_models
from .prompt_handler import EARLY_PASSES

ASK_SECONDS = 10.0  # timeout of an account's facts, which may ask the service about models


def plan_of_raw_prompt(graph: Graph, marks: tuple[Mark, ...], extra: ExtraData) -> Plan:
    """Apply the early passes and cut out the marked parts. Raises what a run of it would; for want
    of a key only if a part would go."""
    for prompt_pass in EARLY_PASSES:
        graph = prompt_pass(graph, extra)
    plan = segment_pass.cut_prompt(graph, marks, extra)
    if plan.segments:
        segment_pass.require_key(marks)
    return plan


async def facts_of(plan: Plan, *, warns: bool = False) -> DryRunFacts:
    """Return the facts of all segments, each from the account that pays for it; if `warns`, with
    what its order would only warn of, which looks that up."""
    facts = DryRunFacts()
    for profile in dict.fromkeys(segment.ordering.profile for segment in plan.segments):
        own = tuple(segment for segment in plan.segments if segment.ordering.profile == profile)
        facts = facts.merged(await _facts_of(replace(plan, segments=own), profile, warns))
    return facts


async def _facts_of(plan: Plan, profile: str, warns: bool) -> DryRunFacts:
    async def ask(client: Client | None) -> DryRunFacts:
        return await driver.find_dry_run_facts(
            client, plan, models=shared_models(), files=local_files, warns=warns
        )

    try:
        return await asyncio.wait_for(ask(cloud.adopt(config.settings(profile))), ASK_SECONDS)
    except asyncio.TimeoutError:
        return await ask(None)
