"""The passes that every prompt with a node of ours goes through before ComfyUI validates it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from ..rh_api.errors import RunningHubError
from ..rh_api.graph.mirror import fail_closed, mirror_links
from ..rh_api.graph.prompt import Graph, read_nodes
from ..rh_api.graph.sockets import pool_links
from ..rh_api.graph.wishes import mark_again, read_again
from . import language

if TYPE_CHECKING:
    from ..rh_api.graph.segments import Mark

log = logging.getLogger("runninghub")

# Classes whose fields are free inputs.
FREE_INPUTS = frozenset({"RunningHubRemoteWorkflow", "RunningHubAIApp"})

Pass = Callable[[Graph, object], dict[str, Any]]


def sockets(prompt: Graph, _: object) -> dict[str, Any]:
    """Links from what a node shows on the canvas become links from all that it has."""
    return pool_links(prompt, FREE_INPUTS)


def mirror(prompt: Graph, _: object) -> dict[str, Any]:
    """Links of free inputs become links that ComfyUI validates."""
    return mirror_links(prompt, FREE_INPUTS)


def again(prompt: Graph, extra_data: object) -> dict[str, Any]:
    """Nodes that shall order anew say so, and no others."""
    return mark_again(prompt, read_again(extra_data), FREE_INPUTS)


# Pure functions of the prompt and what was said beside it to a prompt, in their order. Marked
# parts are cut out between the two: of links into them the real outputs have to be known.
EARLY_PASSES: tuple[Pass, ...] = (sockets,)
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
    extra_data = data.get("extra_data")
    ours = _own_nodes(graph)
    marks: tuple[Mark, ...] = ()
    try:
        # Imported here: the start of ComfyUI shall not wait for it.
        from ..rh_api.graph.segments import read_marks

        marks = read_marks(extra_data, graph)
        if not ours and not marks:
            return data
        passed = graph
        for each in EARLY_PASSES:
            passed = each(passed, extra_data)
        if marks:
            data = _offloaded(data, passed, marks)
            passed = data["prompt"]
        for each in PASSES:
            passed = each(passed, extra_data)
    # Anything that escaped would run unchecked.
    except Exception as error:
        if isinstance(error, RunningHubError):
            reason = language.told(error)
        else:
            log.exception("a prompt could not be prepared")
            reason = str(error) or type(error).__name__
        node_id = str(getattr(error, "local_id", "") or next(_concerned(graph, ours, marks), "1"))
        sentence = language.say("node.prompt_refused", {"reason": reason})
        refused = {**data, "prompt": fail_closed(node_id, sentence)}
        # They name nodes that are gone, and nothing would run, not even the refusal.
        refused.pop("partial_execution_targets", None)
        return refused
    return {**data, "prompt": passed}


def _offloaded(data: dict[str, Any], prompt: Graph, marks: tuple[Mark, ...]) -> dict[str, Any]:
    """The body with the marked parts cut out; of a partial run only what its targets need."""
    from . import segments

    segments.require_key(marks)
    wanted = data.get("partial_execution_targets")
    targets = list(map(str, cast("list[object]", wanted))) if isinstance(wanted, list) else None
    plan = segments.planned(prompt, marks, data.get("extra_data"), targets)
    cut_out = {**data, "prompt": dict(plan.prompt)}
    if targets is not None:
        cut_out["partial_execution_targets"] = [one for one in targets if one in plan.prompt]
    return cut_out


def _concerned(prompt: Graph, ours: list[str], marks: tuple[Mark, ...]) -> Iterator[str]:
    """Nodes that a refusal without a node of its own is shown on."""
    yield from (node for mark in marks for node in mark.nodes)
    yield from ours
    yield from prompt


def _own_nodes(prompt: Graph) -> list[str]:
    return [node.id for node in read_nodes(prompt).values() if node.class_type in FREE_INPUTS]
