"""Runs a graph: each node once, in topological order; a node's exception fails the task."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from ..graphs import Graph, as_link, execution_order, inputs_of
from .classes import NODE_CLASSES
from .context import NodeContext, Outcome


class Stopped(Exception):
    """The task was cancelled while it ran."""


def interpret(
    graph: Graph,
    outputs: list[str],
    context: NodeContext,
    *,
    stop: threading.Event,
    fail: dict[str, Any] | None = None,
) -> Outcome:
    """Run the nodes that ``outputs`` depend on; blocking. A node's exception becomes the failure.

    ``fail`` makes a node (``node_id``, by default the first) fail with ``exception_type`` and
    ``exception_message``. Raises Stopped once ``stop`` is set.
    """
    functions = node_functions()
    order = execution_order(graph, outputs)
    failing = (fail or {}).get("node_id", order[0] if order else "")
    if fail and failing not in order:
        failing = order[-1]
    values: dict[str, tuple[Any, ...]] = {}
    for node_id in order:
        if stop.is_set():
            raise Stopped
        node = graph[node_id]
        context.node_id = node_id
        context.outcome.executed.append(node_id)
        if fail and node_id == failing:
            context.outcome.failure = _failure(node_id, node, fail)
            return context.outcome
        try:
            declared = NODE_CLASSES[node["class_type"]].inputs
            arguments = {
                name: _value(values, stored)
                for name, stored in inputs_of(node).items()
                if name in declared
            }
            values[node_id] = functions[node["class_type"]](context, **arguments)
        except Exception as problem:  # noqa: BLE001 - any exception of a node is its failure
            error = {"exception_type": type(problem).__name__, "exception_message": str(problem)}
            context.outcome.failure = _failure(node_id, node, error)
            return context.outcome
    return context.outcome


def _value(values: dict[str, tuple[Any, ...]], stored: Any) -> Any:
    link = as_link(stored)
    return values[link[0]][link[1]] if link else stored


def _failure(node_id: str, node: dict[str, Any], error: dict[str, Any]) -> dict[str, str]:
    """Return ``failedReason`` as the service sends it: every field a string."""
    kind = str(error.get("exception_type", "RuntimeError"))
    message = str(error.get("exception_message", "example failure"))
    plain = {name: value for name, value in inputs_of(node).items() if not as_link(value)}
    trace = [
        '  File "/workspace/ComfyUI/execution.py", line 1, in execute\n',
        f"{kind}: {message}\n",
    ]
    return {
        "current_outputs": str(error.get("current_outputs", "{}")),
        "exception_type": kind,
        "node_name": str(node["class_type"]),
        "current_inputs": str(error.get("current_inputs", json.dumps(plain, ensure_ascii=False))),
        "traceback": json.dumps(trace, separators=(",", ":")),
        "node_id": node_id,
        "exception_message": message,
    }


def node_functions() -> dict[str, Callable[..., tuple[Any, ...]]]:
    """Return the functions of all node classes; imports Pillow."""
    from . import files, image, latent, mask, sampling, text

    modules = (files, image, latent, mask, sampling, text)
    return {name: code for module in modules for name, code in module.FUNCTIONS.items()}
