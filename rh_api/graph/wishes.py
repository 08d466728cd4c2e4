"""What a program says beside its prompt, in `extra_data.runninghub`, put where the nodes read it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import cast

from ..errors import BadInput
from .prompt import Graph, read_nodes

AGAIN = "again"
"""The input of a node that shall order anew, though it may cost twice. It is never saved: only
the words beside a prompt set it."""


def read_again(extra_data: object) -> frozenset[str]:
    """The ids of nodes that shall run anew; none when nothing is said. BadInput for nonsense."""
    said = _object(extra_data).get("runninghub", {})
    wish = _object(said).get(AGAIN, [])
    if not isinstance(said, dict) or not isinstance(wish, list):
        raise BadInput("node.bad_again")
    ids = cast("list[object]", wish)
    if not all(isinstance(one, (str, int)) for one in ids):
        raise BadInput("node.bad_again")
    return frozenset(str(one) for one in ids)


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def mark_again(prompt: Graph, ids: Container[str], classes: Container[str]) -> dict[str, object]:
    """A copy of `prompt` whose nodes of `classes` order anew exactly when they are in `ids`."""
    marked = dict(prompt)
    for node in read_nodes(prompt).values():
        if node.class_type not in classes:
            continue
        inputs = {name: value for name, value in node.inputs.items() if name != AGAIN}
        if node.id in ids:
            inputs[AGAIN] = True
        entry = cast("Mapping[str, object]", prompt[node.id])
        marked[node.id] = {**entry, "inputs": inputs}
    return marked
