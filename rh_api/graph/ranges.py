"""Numbers beyond what a local node class takes: its class in the cloud may take them, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .fields import split_name
from .prompt import Graph, read_nodes

Ranges = Callable[[str, str], "tuple[float | None, float | None] | None"]
"""(class, field) to the least and the greatest number that the class takes; None: unknown."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A number that somebody set, and the range that it is outside of. `node`: its label."""

    field: str
    node: str
    value: float
    low: float | None
    high: float | None

    @property
    def params(self) -> dict[str, object]:
        """What fills the sentence."""
        return {
            "field": self.field,
            "node": self.node,
            "value": self.value,
            "low": "…" if self.low is None else self.low,
            "high": "…" if self.high is None else self.high,
        }


def outside(graph: Graph, values: Mapping[str, object], ranges: Ranges) -> Iterator[Outside]:
    """Those of `values`, by full name, that are beyond their ranges and not what is stored."""
    nodes = read_nodes(graph)
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        node_id, field = split_name(name)
        node = nodes.get(node_id)
        bounds = None if node is None else ranges(node.class_type, field)
        if node is None or bounds is None or node.inputs.get(field) == value:
            continue
        low, high = bounds
        if (low is not None and value < low) or (high is not None and value > high):
            yield Outside(name, node.label, value, low, high)
