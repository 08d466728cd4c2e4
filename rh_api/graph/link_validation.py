"""A pass over a prompt: copies links of undeclared inputs to inputs that ComfyUI validates.

ComfyUI does not validate links of inputs that a schema lacks: a bad one is found only during
execution, where it kills the worker. Copied into a declared input, the link and the node that it
reads from are validated before anything is queued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from ..errors import BadInput
from .constants import MIRRORS, REFUSAL_CLASS
from .prompt import Graph, id_order, is_link, read_nodes


class TooManyLinks(BadInput):
    """A node has more linked fields than MIRRORS. `local_id` is its id in the prompt."""

    default_key = "error.links_many"


IsField = Callable[[str], bool]
"""Whether an input that a class does not declare is meant as a field."""


def mirror_links(prompt: Graph, classes: Mapping[str, IsField]) -> dict[str, object]:
    """Return a copy of `prompt` whose nodes of `classes` have each field's link in `link_0` … too.

    `classes`: class to its field predicate. Fields are sorted by name, so equal prompts stay
    equal. Existing `link_…` inputs are dropped. All other nodes are the same objects as before.
    Raises TooManyLinks.
    """
    passed = dict(prompt)
    for node in read_nodes(prompt).values():
        is_field = classes.get(node.class_type)
        if is_field is None:
            continue
        inputs = {
            name: value
            for name, value in node.inputs.items()
            if not re.fullmatch(r"link_[0-9]+", name)
        }
        linked = sorted(
            (name for name, value in inputs.items() if is_field(name) and is_link(value)),
            key=_field_order,
        )
        if len(linked) > MIRRORS:
            raise TooManyLinks(local_id=node.id, node=node.label, count=len(linked), limit=MIRRORS)
        mirrored = {f"link_{index}": inputs[name] for index, name in enumerate(linked)}
        entry = cast("Mapping[str, object]", prompt[node.id])
        passed[node.id] = {**entry, "inputs": {**inputs, **mirrored}}
    return passed


def _field_order(name: str) -> tuple[object, ...]:
    node_id, _, field = name.partition(".")
    return id_order(node_id), field


def unwrap(value: object) -> object:
    """Unwrap an undeclared input's list, which the browser sends as {"__value__": [...]}.

    ComfyUI unwraps declared inputs only.
    """
    if isinstance(value, dict) and cast("dict[object, object]", value).keys() == {"__value__"}:
        return cast("dict[str, object]", value)["__value__"]
    return cast("object", value)


def fail_closed(node_id: str, message: str, hint: str = "") -> dict[str, object]:
    """Return the prompt that replaces a refused one: a single node, under the offending node's id,
    which raises `message` during validation. Nothing runs, and the canvas marks the node. `hint`:
    the error's own, by which the canvas offers a way out."""
    inputs = {"message": message, **({"hint": hint} if hint else {})}
    return {node_id: {"class_type": REFUSAL_CLASS, "inputs": inputs}}
