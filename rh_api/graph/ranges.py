"""Numbers outside the range of a local node class, which the cloud's class may still accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .fields import split_name
from .prompt import Graph, read_nodes

Ranges = Callable[[str, str], "tuple[float | None, float | None] | None"]
"""(class, field) to the least and the greatest number that the class takes; None: unknown."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A number that was set, and the range that it is outside of. `node`: the node's label."""

    field: str
    node: str
    value: float
    low: float | None
    high: float | None

    @property
    def params(self) -> dict[str, object]:
        """The parameters of its sentence."""
        return {
            "field": self.field,
            "node": self.node,
            "value": self.value,
            "low": "…" if self.low is None else self.low,
            "high": "…" if self.high is None else self.high,
        }


def outside(graph: Graph, values: Mapping[str, object], ranges: Ranges) -> Iterator[Outside]:
    """Yield those of `values` (by full name) that are out of range and not the stored value."""
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
