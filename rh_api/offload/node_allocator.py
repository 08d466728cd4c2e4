"""Adds nodes to a remote graph under fresh ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..graph.prompt import id_order


class NodeAllocator:
    """Adds nodes to `graph`, in place. `used`: ids to avoid, those of `graph` by default."""

    def __init__(self, graph: dict[str, Any], used: Iterable[str] | None = None) -> None:
        self.graph = graph
        self._free = next_number(graph if used is None else used)

    def add(self, class_type: str, inputs: Mapping[str, Any]) -> str:
        """Add a node; returns its id."""
        node_id = str(self._free)
        self._free += 1
        self.graph[node_id] = {"class_type": class_type, "inputs": dict(inputs)}
        return node_id


def next_number(node_ids: Iterable[str]) -> int:
    """A number above the numeric root of every id: `13` after `3`, `12:5` and `a`."""
    roots = (node_id.partition(":")[0] for node_id in node_ids)
    # Below 2^53, above which JavaScript and others round integers.
    numbers = [int(root) for root in roots if root.isdecimal() and len(root) < 16]
    return max(numbers, default=0) + 1


def input_order(target: tuple[str, str]) -> tuple[object, ...]:
    """Sort key of an input: by its node, then by its name."""
    return id_order(target[0]), target[1]
