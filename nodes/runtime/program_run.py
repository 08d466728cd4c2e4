"""Runs nodes for workflows, apps, modules and models: validation, fingerprint, execution."""

from __future__ import annotations

import itertools
from dataclasses import replace

from comfy_api.latest import io

from ...rh_api.client import Client
from ...rh_api.wire.workflows import APP, WORKFLOW, read_page
from ..values.failures import as_node_failures
from ..values.field_values import Inputs, read_lazy_values
from ..values.upload_sources import Sources
from . import (
    cache_invalidation,
    catalogue_refresh,
    cloud,
    config,
    demo_server,
    failure_reports,
    node_inputs,
    program_versions,
    run_memo,
)
from .decoding import output_of
from .media_threads import in_media_thread
from .node_display import NodeDisplay

_CLASSES = {
    node_inputs.WORKFLOW: "RunningHubRemoteWorkflow",
    node_inputs.APP: "RunningHubAIApp",
    node_inputs.MODULE: "RunningHubQuickCreate",
    node_inputs.MODEL: "RunningHubModel",  # or a sibling of it
}
_runs = itertools.count()


async def validate(named: str, inputs: Inputs) -> None:
    """Validate the inputs before the graph runs. `named`: the input that names the program.

    Raises NodeFailure.
    """
    with as_node_failures():
        asked = node_inputs.read_node_request(inputs, named)
        is_linked = node_inputs.is_linked(inputs, named)
        if not (is_linked or asked.is_model or asked.is_quick):
            # First: an invalid id or link is reported even without a key.
            read_page(asked.program, APP if asked.is_app else WORKFLOW)
        settings = config.settings(asked.profile)
        if is_linked:
            return
        client = cloud.adopt(settings)
        if asked.is_model:
            catalogue_refresh.begin(client, settings)
        elif not asked.is_quick:
            demo_server.refuse_link(settings, asked.program, is_app=asked.is_app)
        await cloud.check_within_timeout(node_inputs.check_early(client, asked, inputs))


async def fingerprint(named: str, inputs: Inputs) -> str:
    """Return the cache fingerprint: it changes with the program and when missing results may have
    become available, and at each call if every run shall be a new order."""
    if any(inputs.get("reroll_seeds", ())) or any(inputs.get("again", ())):
        return f"run {next(_runs)}"
    if node_inputs.is_linked(inputs, named):
        return ""
    asked = node_inputs.read_node_request(inputs, named)
    reruns = cache_invalidation.reruns(_key(asked))
    # A model or module has no saved version on the site: its inputs determine the run.
    if asked.is_model or asked.is_quick:
        return f"rerun {reruns}"
    return f"saved {await program_versions.changes(asked.profile, asked.job({}))}, rerun {reruns}"


async def execute(named: str, inputs: Inputs) -> io.NodeOutput:
    """Run the program and return the node's outputs. Raises NodeFailure."""
    read_lazy_values(inputs)
    display, memo = NodeDisplay.of_running_node(), run_memo.of_running_node()
    with as_node_failures():
        asked = node_inputs.read_node_request(inputs, named)

    async def work(client: Client) -> tuple[io.NodeOutput, str]:
        with Sources(config.scratch_folder(), in_media_thread) as sources:
            jobs, program, output_ids = await node_inputs.prepare(client, asked, inputs, sources)
            if not (asked.is_model or asked.is_quick):
                program_versions.remember(asked.profile, jobs[0], program)
            jobs = [
                replace(job, scope=display.prompt_id, memo=memo[number])
                for number, job in enumerate(jobs)
            ]
            outcomes = await client.run_all(jobs, display)
            cache_invalidation.note(_key(asked), outcomes)
            warned = (*outcomes[0].warned, *sources.fitted.values())
            outcomes[0] = replace(outcomes[0], warned=warned)
        return await output_of(client, outcomes, display, program, output_ids)

    subject = failure_reports.Subject(
        _CLASSES[named], asked.program, asked.profile, asked.template.options.instance
    )
    with failure_reports.noted(display.place, subject, inputs):
        output, line = await cloud.run(work, display, asked.profile)
    display.finish(line)
    return output


def _key(asked: node_inputs.NodeRequest) -> str:
    """Return the key shared by all nodes that run the same program with the same profile."""
    return f"{asked.named} {asked.profile} {asked.program}"
