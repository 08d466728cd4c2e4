"""Dry run of marked parts: how they would be cut, uploaded and paid, without ordering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...rh_api.errors import RunningHubError
from ...rh_api.graph.extra_data import read_extra_data
from ...rh_api.graph.prompt import Graph
from ...rh_api.offload import marks_of, with_classes
from ...rh_api.offload.explain import explain, refused
from .. import language
from ..runtime import segment_dry_run
from .body import Body


async def explained(body: Body) -> Mapping[str, Any]:
    """Explain the cut of a POST /prompt body (`prompt`, `extra_data`), or the error it raises."""
    prompt = body.get("prompt")
    graph = cast("Graph", prompt if isinstance(prompt, dict) else {})
    first = next(iter(graph), "")
    try:
        extra = read_extra_data(body.get("extra_data"))
        graph = with_classes(graph, extra.canvas)
        marks = marks_of(extra, graph)
        first = next((node_id for mark in marks for node_id in mark.nodes), first)
        plan = segment_dry_run.plan_of_raw_prompt(graph, marks, extra)
        facts = await segment_dry_run.facts_of(plan, warns=True)
        return explain(graph, plan, facts, language.say)
    except RunningHubError as error:
        node_id = str(getattr(error, "local_id", "") or first)
        return refused(graph, node_id, language.describe(error), error.hint)
