"""The passes that every prompt with a node of ours goes through before ComfyUI validates it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from ..rh_api.errors import RunningHubError
from ..rh_api.graph.mirror import fail_closed, mirror_links
from ..rh_api.graph.prompt import Graph, read_nodes
from ..rh_api.graph.wishes import mark_again, read_again
from ..rh_api.texts import english

log = logging.getLogger("runninghub")

# Classes whose fields are free inputs.
FREE_INPUTS = frozenset({"RunningHubRemoteWorkflow", "RunningHubAIApp"})

Pass = Callable[[Graph, object], dict[str, Any]]


def mirror(prompt: Graph, _: object) -> dict[str, Any]:
    """Links of free inputs become links that ComfyUI validates."""
    return mirror_links(prompt, FREE_INPUTS)


def again(prompt: Graph, extra_data: object) -> dict[str, Any]:
    """Nodes that shall order anew say so, and no others."""
    return mark_again(prompt, read_again(extra_data), FREE_INPUTS)


# Pure functions of the prompt and what was said beside it to a prompt, in their order.
PASSES: tuple[Pass, ...] = (mirror, again)


def handle_prompt(data: dict[str, Any]) -> dict[str, Any]:
    """POST /prompt's body after all passes; the body itself when no node of ours is in it.

    ComfyUI swallows a handler's exceptions and runs the prompt as it came. So whatever goes
    wrong, the answer is a prompt of one node that refuses with the reason.
    """
    prompt = data.get("prompt")
    if not isinstance(prompt, dict):
        return data
    graph = cast("Graph", prompt)
    ours = _own_nodes(graph)
    if not ours:
        return data
    try:
        passed = graph
        for each in PASSES:
            passed = each(passed, data.get("extra_data"))
    # Anything that escaped would run unchecked.
    except Exception as error:
        if not isinstance(error, RunningHubError):
            log.exception("a prompt could not be prepared")
        node_id = str(getattr(error, "local_id", "") or ours[0])
        sentence = english("node.prompt_refused", {"reason": str(error) or type(error).__name__})
        refused = {**data, "prompt": fail_closed(node_id, sentence)}
        # They name nodes that are gone, and nothing would run, not even the refusal.
        refused.pop("partial_execution_targets", None)
        return refused
    return {**data, "prompt": passed}


def _own_nodes(prompt: Graph) -> list[str]:
    return [node.id for node in read_nodes(prompt).values() if node.class_type in FREE_INPUTS]
