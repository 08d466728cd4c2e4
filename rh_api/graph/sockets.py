"""Links that start at a node with sockets of its own choice, turned into links of its whole pool.

On the canvas a node shows the outputs that a person keeps; its class has all of them. The node's
`form` says which of the pool each visible socket is. API callers leave `form` out and link to the
pool itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..errors import BadInput
from .prompt import Graph, Node, is_link, read_nodes

FORM = "form"

FORM_LENGTH = 1_000_000


class BadForm(BadInput):
    """A node's form is no form, or a link starts where it has no socket. `local_id`: the node's."""

    default_key = "error.form_unreadable"


def pool_links(prompt: Graph, pools: Mapping[str, int]) -> dict[str, object]:
    """A copy of `prompt` whose links from nodes of some classes count the outputs of the pool.

    `pools`: how many outputs each of the classes has. Their forms lose `sockets`: what is queued
    can be queued again as it is, and a socket that was only shown or hidden changes nothing. Nodes
    that no such link reaches are the same objects as before. Raises BadForm.
    """
    sources = {
        node.id: shown
        for node in read_nodes(prompt).values()
        if node.class_type in pools and (shown := _shown(node, pools[node.class_type])) is not None
    }
    if not sources:
        return dict(prompt)
    passed = dict(prompt)
    for node in read_nodes(prompt).values():
        changed: dict[str, object] = {
            name: _pooled(value, sources)
            for name, value in node.inputs.items()
            if is_link(value) and value[0] in sources
        }
        if node.id in sources:
            changed[FORM] = sources[node.id].form
        if changed:
            entry = cast("Mapping[str, object]", prompt[node.id])
            passed[node.id] = {**entry, "inputs": {**node.inputs, **changed}}
    return passed


@dataclass(frozen=True, slots=True)
class _Shown:
    """The pool's number of each visible socket of a node, and its form without them."""

    node: Node
    sockets: list[int]
    form: str


def _shown(node: Node, pool: int) -> _Shown | None:
    """None where a node's links are of the pool."""
    form = node.inputs.get(FORM, "")
    if form == "":
        return None
    document = _object(form)
    if document is None:
        raise _refused(node, "error.form_unreadable")
    sockets = document.get("sockets")
    if sockets is None:
        return None
    numbers = cast("list[object]", sockets) if isinstance(sockets, list) else [None]
    slots = [n for n in numbers if type(n) is int and 0 <= n < pool]
    if len(slots) < len(numbers):
        raise _refused(node, "error.form_unreadable")
    rest = {name: value for name, value in document.items() if name != "sockets"}
    return _Shown(node, slots, json.dumps(rest, ensure_ascii=False))


def _object(form: object) -> Mapping[str, object] | None:
    """The JSON object that a form is; None for one that is none."""
    if not isinstance(form, str) or len(form) > FORM_LENGTH:
        return None
    try:
        document: object = json.loads(form)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else None


def _pooled(link: list[object], sources: Mapping[str, _Shown]) -> list[object]:
    shown = sources[cast("str", link[0])]
    slot = cast("float", link[1])
    # In this order: JSON as Python reads it may hold NaN.
    if not 0 <= slot < len(shown.sockets) or slot != int(slot):
        raise _refused(shown.node, "error.form_socket", slot, len(shown.sockets))
    return [link[0], shown.sockets[int(slot)]]


def _refused(node: Node, key: str, slot: float = 0, count: int = 0) -> BadForm:
    return BadForm(key, local_id=node.id, node=node.label, slot=slot, count=count)
