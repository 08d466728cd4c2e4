"""What marked parts of a prompt would do, before anything is uploaded or paid."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ...rh_api.errors import RunningHubError
from ...rh_api.graph.prompt import Graph
from .. import cloud, config, language
from . import Body, Route

if TYPE_CHECKING:
    from ...rh_api.client import Client
    from ...rh_api.graph.segments import Plan
    from ...rh_api.graph.segments.explain import Facts

ASK_SECONDS = 10.0  # for what the service is asked about models


async def explained(body: Body) -> Mapping[str, Any]:
    """`prompt` and `extra_data` are those of POST /prompt."""
    from ...rh_api.graph.segments import read_marks
    from ...rh_api.graph.segments.explain import explain, refused
    from .. import segments
    from ..prompt import EARLY_PASSES

    prompt = body.get("prompt")
    graph = cast("Graph", prompt if isinstance(prompt, dict) else {})
    extra_data = body.get("extra_data")
    first = next(iter(graph), "")
    try:
        marks = read_marks(extra_data, graph)
        first = next((node_id for mark in marks for node_id in mark.nodes), first)
        passed = graph
        for each in EARLY_PASSES:
            passed = each(passed, extra_data)
        segments.require_key(marks)
        plan = segments.planned(passed, marks, extra_data)
        return explain(graph, plan, await _facts(plan), language.say)
    except RunningHubError as error:
        node_id = str(getattr(error, "local_id", "") or first)
        return refused(graph, node_id, language.told(error), error.hint)


async def _facts(plan: Plan) -> Facts:
    from ...rh_api import offload
    from .. import local_files, segments

    async def ask(client: Client | None) -> Facts:
        return await offload.facts(
            client,
            plan,
            models=segments.models(),
            file=local_files.path_of,
            lora=local_files.lora_path,
        )

    try:
        return await asyncio.wait_for(ask(cloud.client(config.settings())), ASK_SECONDS)
    except asyncio.TimeoutError:
        return await ask(None)


ROUTES = (Route("POST", "/runninghub/explain", explained),)
