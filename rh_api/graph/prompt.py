"""A read-only view of an API-format prompt: nodes, links, terminal nodes, reachability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard, cast

Graph = Mapping[str, object]
"""A workflow in API format: node id to `{class_type, inputs, _meta}`."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a prompt. `title`: the one that its author set, else its class."""

    id: str
    class_type: str
    title: str
    inputs: Mapping[str, object]

    @property
    def label(self) -> str:
        """Title and class, for use in sentences; the id if it has neither, as in the form of an
        app."""
        if self.title == self.class_type:
            return self.title or self.id
        return f"{self.title} [{self.class_type}]"


@dataclass(frozen=True, slots=True)
class Link:
    """Input `field` of node `target` reads output `slot` of node `source`."""

    source: str
    slot: float
    target: str
    field: str


def is_link(value: object) -> TypeGuard[list[object]]:
    """Whether ComfyUI takes a value for a link: a JSON list of exactly [text, number].

    As in its `comfy_execution.graph_utils.is_link`, true and false are numbers here: a link that
    only ComfyUI recognizes would not be validated.
    """
    if not isinstance(value, list):
        return False
    items = cast("list[object]", value)
    return len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], (int, float))


def read_nodes(graph: Graph) -> dict[str, Node]:
    """Parse the nodes, by id, in the graph's order; malformed entries are skipped."""
    nodes: dict[str, Node] = {}
    for node_id, entry in graph.items():
        if not isinstance(entry, dict):
            continue
        about = cast("dict[str, object]", entry)
        class_type, inputs = about.get("class_type"), about.get("inputs", {})
        if not isinstance(class_type, str) or not class_type or not isinstance(inputs, dict):
            continue
        title = _title(about.get("_meta")) or class_type
        nodes[node_id] = Node(node_id, class_type, title, cast("dict[str, object]", inputs))
    return nodes


def _title(meta: object) -> str:
    title = cast("dict[str, object]", meta).get("title") if isinstance(meta, dict) else None
    return title.strip() if isinstance(title, str) else ""


def links(graph: Graph) -> Iterator[Link]:
    """Yield every link, including those whose source is missing."""
    for node in read_nodes(graph).values():
        for name, value in node.inputs.items():
            if is_link(value):
                source, slot = cast("tuple[str, float]", tuple(value))
                yield Link(source, slot, node.id, name)


def terminal_nodes(graph: Graph) -> tuple[str, ...]:
    """Ids of the nodes that no node reads from, ordered as integer paths."""
    read_from = {link.source for link in links(graph)}
    return tuple(sorted((i for i in read_nodes(graph) if i not in read_from), key=id_order))


def downstream(graph: Graph, sources: Iterable[str]) -> set[str]:
    """The sources, and all nodes that are reachable from them."""
    readers: dict[str, list[str]] = {}
    for link in links(graph):
        readers.setdefault(link.source, []).append(link.target)
    waiting = list(sources)
    reached = set(waiting)
    while waiting:
        for reader in readers.get(waiting.pop(), ()):
            if reader not in reached:
                reached.add(reader)
                waiting.append(reader)
    return reached


def id_order(node_id: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of node ids as integer paths: 3, 12, 12:3, 13; words come after numbers."""
    return tuple(
        # int() refuses thousands of digits; no node id has twenty.
        (0, int(part), part)
        if part.isascii() and part.isdigit() and len(part) < 20
        else (1, 0, part)
        for part in node_id.split(":")
    )
