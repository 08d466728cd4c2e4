"""Ids of nodes that are added to a remote graph, and the order in which inlets are numbered."""

from __future__ import annotations

from collections.abc import Iterable

from ..prompt import id_order


def next_number(node_ids: Iterable[str]) -> int:
    """A number above all that the ids have as root: `13` after `3`, `12:5` and `a`."""
    roots = (node_id.partition(":")[0] for node_id in node_ids)
    # Not above 2^53, where a program in another language may round it.
    numbers = [int(root) for root in roots if root.isdecimal() and len(root) < 16]
    return max(numbers, default=0) + 1


def input_order(target: tuple[str, str]) -> tuple[object, ...]:
    """Sort key of an input: by its node, then by its name."""
    return id_order(target[0]), target[1]
