"""Graphs in API format: links, ids, execution order, and validation results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Graph = dict[str, dict[str, Any]]


def as_link(value: object) -> tuple[str, int] | None:
    """Return a link value as (node id, output index), else None."""
    match value:
        case [str() as node, int() as slot] if not isinstance(slot, bool):
            return node, slot
        case _:
            return None


def inputs_of(node: Mapping[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", node.get("inputs") or {})


def id_key(node_id: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key for ids as integer paths: 3 before 12, 12 before 12:3."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in node_id.split(":")
    )


def execution_order(graph: Graph, outputs: list[str]) -> list[str]:
    """Return the nodes that ``outputs`` depend on in topological order, ties by id."""
    needs: dict[str, set[str]] = {}
    todo = list(outputs)
    while todo:
        node_id = todo.pop()
        if node_id in needs:
            continue
        links = (as_link(value) for value in inputs_of(graph[node_id]).values())
        needs[node_id] = {link[0] for link in links if link and link[0] in graph}
        todo.extend(needs[node_id])
    order: list[str] = []
    waiting = sorted(needs, key=id_key)
    while waiting:
        ready = next((node for node in waiting if needs[node] <= set(order)), waiting[0])
        order.append(ready)
        waiting.remove(ready)
    return order


@dataclass
class Verdict:
    """A result of ComfyUI's validation. ``outputs``: the output nodes that will run."""

    outputs: list[str] = field(default_factory=list[str])
    error: dict[str, Any] | None = None
    node_errors: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def ok(self) -> bool:
        return bool(self.outputs)

    def tips(self) -> dict[str, Any]:
        """Return the object that ``promptTips`` holds as JSON."""
        return {
            "result": self.ok,
            "error": self.error,
            "outputs_to_execute": self.outputs,
            "node_errors": self.node_errors,
        }
