"""A pass over a prompt: maps links from a node's visible outputs to its class's whole pool of them.

On the canvas a node shows the outputs that the user selected; its class declares the whole pool.
The node's `form` has the pool index of each visible output. API callers omit `form` and link to
the pool itself.
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
    """A node's form is malformed, or a link starts at an output it lacks. `local_id`: node id."""

    default_key = "error.form_unreadable"


def pool_links(prompt: Graph, pools: Mapping[str, int]) -> dict[str, object]:
    """Return a copy of `prompt` whose links from nodes of the classes in `pools` use pool indexes.

    `pools`: class to its number of outputs. `sockets` is removed from the forms, so the pass is
    idempotent, and which outputs are visible does not affect an order's identity. Unaffected nodes
    are the same objects as before. Raises BadForm.
    """
    sources = {
        node.id: shown
        for node in read_nodes(prompt).values()
        if node.class_type in pools
        and (shown := _read_visible_slots(node, pools[node.class_type])) is not None
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
class _VisibleSlots:
    """The pool index of each visible output of a node, and its form without `sockets`."""

    node: Node
    sockets: list[int]
    form: str


def _read_visible_slots(node: Node, pool: int) -> _VisibleSlots | None:
    """Parse a node's form; None if links already use pool indexes. Raises BadForm."""
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
    return _VisibleSlots(node, slots, json.dumps(rest, ensure_ascii=False))


def _object(form: object) -> Mapping[str, object] | None:
    """Parse a form as a JSON object; None for anything else, and beyond FORM_LENGTH."""
    if not isinstance(form, str) or len(form) > FORM_LENGTH:
        return None
    try:
        document: object = json.loads(form)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else None


def _pooled(link: list[object], sources: Mapping[str, _VisibleSlots]) -> list[object]:
    shown = sources[cast("str", link[0])]
    slot = cast("float", link[1])
    # In this order: Python's JSON parser accepts NaN.
    if not 0 <= slot < len(shown.sockets) or slot != int(slot):
        raise _refused(shown.node, "error.form_socket", slot, len(shown.sockets))
    return [link[0], shown.sockets[int(slot)]]


def _refused(node: Node, key: str, slot: float = 0, count: int = 0) -> BadForm:
    return BadForm(key, local_id=node.id, node=node.label, slot=slot, count=count)
