"""Which output nodes wait until a lazy input asks for them."""

from __future__ import annotations

import pytest

from rh_api.graph.lazy_outputs import on_demand
from rh_api.graph.prompt import Link

PAID = ("a", "b", "c")
"""They are output nodes too; `s` is a switch whose `on` inputs are lazy, `save` and `show` end."""

Wires = dict[str, dict[str, str]]


def waiting(wires: Wires, outputs: str = "a b c save show") -> set[str]:
    nodes = {node_id for name, inputs in wires.items() for node_id in (name, *inputs.values())}
    graph = {
        name: {
            "class_type": "Any",
            "inputs": {field: [source, 0] for field, source in wires.get(name, {}).items()},
        }
        for name in nodes
    }
    ends = [node_id for node_id in outputs.split() if node_id in nodes]

    def is_lazy(link: Link) -> bool:
        return link.field.startswith("on")

    return on_demand(graph, ends, PAID, is_lazy)


@pytest.mark.parametrize(
    ("wires", "wait"),
    [
        ({"s": {"on_1": "a", "on_2": "b"}, "save": {"x": "s"}}, "a b"),
        ({"s": {"on_1": "a", "on_2": "b"}, "save": {"x": "s"}, "show": {"x": "b"}}, "a"),
        # What only one that waits reads, waits with it; what something else reads does not.
        ({"b": {"x": "a"}, "s": {"on_1": "b"}, "save": {"x": "s"}}, "a b"),
        ({"b": {"x": "a"}, "c": {"x": "a"}, "s": {"on_1": "b"}, "save": {"x": "s"}}, "b"),
        ({"s": {"on_1": "a", "which": "b"}, "save": {"x": "s"}}, "a"),
        # Nobody asks for what leads to no end, so it runs as an end itself.
        ({"s": {"on_1": "a"}}, ""),
        ({"save": {"x": "a"}}, ""),
        ({"a": {"x": "b"}, "b": {"x": "a"}, "save": {"x": "z"}}, ""),
    ],
)
def test_what_is_read_by_lazy_inputs_alone_waits(wires: Wires, wait: str) -> None:
    assert waiting(wires) == set(wait.split())


def test_only_what_was_to_run_at_all_is_asked() -> None:
    wires = {"s": {"on_1": "a"}, "save": {"x": "s"}}
    assert waiting(wires, "a") == set()
    assert waiting(wires, "save") == set()
