"""Parses workflow files of the canvas; a `CanvasGraph` is one flat graph, root or subgraph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ..wire.envelope import as_list
from .graph import Json, OldGraph, OldNode, Reader, Source, as_dict, readers_of

MUTED, BYPASSED = 2, 4
PASSING = frozenset({"Reroute", "PrimitiveNode", "GetNode", "SetNode"})
"""Virtual nodes: a prompt has their links and values resolved."""
BORDERS = ("-10", "-20")
"""Ids of the pseudo-nodes for a subgraph's own inputs and outputs."""
_SEEDS = frozenset({"seed", "noise_seed"})  # the canvas saves `control_after_generate` after them

WidgetsOf = Callable[[str, Sequence[object]], "Sequence[str] | None"]
"""(class, saved values) to the values' names, by index; None for a class that no table has."""


@dataclass
class Link:
    """One link; `whole` is its JSON in the file, None for a new one."""

    id: object
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: object
    whole: object = None


def is_workflow(document: Json) -> bool:
    """Whether an object is a workflow of the canvas."""
    return isinstance(document.get("nodes"), list)


def scopes(document: Json) -> Iterator[tuple[Json, str]]:
    """Yield each flat graph with its node ids' prefix: the root, then each subgraph once."""
    yield document, ""
    definitions = as_dict(document.get("definitions")) or {}
    for subgraph in map(as_dict, as_list(definitions.get("subgraphs"))):
        if subgraph is not None and is_workflow(subgraph):
            yield subgraph, f"{subgraph.get('name') or 'subgraph'} / "


class CanvasGraph:
    """A flat graph of a workflow file. `place`: prefix of its node ids, "" for the root."""

    def __init__(self, graph: Json, place: str, widgets_of: WidgetsOf) -> None:
        self.graph = graph
        self.place = place
        self.nodes: dict[str, Json] = {}
        for node in map(as_dict, as_list(graph.get("nodes"))):
            if node is not None and isinstance(node.get("type"), str):
                self.nodes[str(node.get("id"))] = node
        self.links = [link for link in map(_read_link, as_list(graph.get("links"))) if link]
        self._into = {(link.target, link.target_slot): link for link in self.links}
        self._out: dict[str, list[str]] = {}
        for link in self.links:
            self._out.setdefault(link.origin, []).append(link.target)
        self._widgets_of = widgets_of

    def read(self) -> OldGraph:
        """Parse the graph; links and values are resolved through virtual and bypassed nodes."""
        nodes = {
            node_id: self._read_node(node_id, node)
            for node_id, node in self.nodes.items()
            if node["type"] not in PASSING
        }
        readers = readers_of(nodes.values())
        for link in self.links:
            start = self._start(link, 0) if link.target in BORDERS else None
            if isinstance(start, Source):
                kind = _type_name(link.type)
                reader = Reader(link.target, str(link.target_slot), label_of(None), kind)
                readers[start] = (*readers.get(start, ()), reader)
        dependents = {node_id: frozenset(self.ends(node_id)) for node_id in nodes}
        return OldGraph(nodes, readers, dependents, self.place)

    def ends(self, node_id: str) -> set[str]:
        """Ids of the nodes and borders that read from a node, directly or through virtual nodes."""
        return self._reached(node_id)[0]

    def past(self, node_id: str) -> set[str]:
        """Ids of the virtual nodes between a node and its `ends`."""
        return self._reached(node_id)[1]

    def _reached(self, node_id: str) -> tuple[set[str], set[str]]:
        ends: set[str] = set()
        between: set[str] = set()
        waiting = [node_id]
        while waiting:
            for target in self._targets(waiting.pop()):
                if self.nodes.get(target, {}).get("type") not in PASSING:
                    ends.add(target)
                elif target not in between:
                    between.add(target)
                    waiting.append(target)
        return ends, between

    def _targets(self, node_id: str) -> Iterator[str]:
        yield from self._out.get(node_id, ())
        node = self.nodes.get(node_id, {})
        if node.get("type") == "SetNode":
            name = as_list(node.get("widgets_values"))[:1]
            for getter_id, getter in self.nodes.items():
                if (
                    getter["type"] == "GetNode"
                    and name == as_list(getter.get("widgets_values"))[:1]
                ):
                    yield getter_id

    def _read_node(self, node_id: str, node: Json) -> OldNode:
        class_type = cast("str", node["type"])
        links: dict[str, Source] = {}
        values = dict(self._saved_values(node))
        types: dict[str, str] = {}
        names = set(values)
        for slot, socket in enumerate(inputs_of(node)):
            name = str(socket.get("name"))
            names.add(name)
            types[name] = _type_name(socket.get("type"))
            start = self._start(self._into.get((node_id, slot)), 0)
            if isinstance(start, Source):
                links[name] = start
                values.pop(name, None)
            elif isinstance(start, dict):
                values[name] = start.get("value")
        return OldNode(
            id=node_id,
            class_type=class_type,
            title=str(node.get("title") or class_type),
            values=values,
            links=links,
            names=frozenset(names),
            types=types,
            live=node.get("mode") not in (MUTED, BYPASSED),
            is_saved=True,
        )

    def _saved_values(self, node: Json) -> Mapping[str, object]:
        saved = node.get("widgets_values")
        named = as_dict(saved) or as_dict(node.get("widgets_values_named"))
        if named is not None:
            return named
        values = as_list(saved)
        names = self._names(node, values)
        return {name: value for name, value in zip(names, values, strict=False) if name}

    def _names(self, node: Json, values: Sequence[object]) -> Sequence[str]:
        """Value names by the node's widget inputs if these cover all values, else by its class."""
        by_sockets: list[str] = []
        for socket in inputs_of(node):
            if as_dict(socket.get("widget")) is not None and socket.get("name"):
                name = str(socket["name"])
                by_sockets += [name, "control_after_generate"] if name in _SEEDS else [name]
        by_class = self._widgets_of(cast("str", node["type"]), values)
        has_all = len(by_sockets) == len(values) > 0
        return by_sockets if has_all or by_class is None else by_class

    def _start(self, link: Link | None, depth: int) -> Source | dict[str, object] | None:
        """A link's resolved source; a dict with `value` for a Primitive; None if it has none."""
        if link is None or depth > 100:
            return None
        source = Source(link.origin, link.origin_slot)
        node = self.nodes.get(link.origin)
        if node is None:
            return source if link.origin in BORDERS else None
        mode, kind = node.get("mode"), node.get("type")
        values = as_list(node.get("widgets_values"))
        if kind == "PrimitiveNode" and values and mode != MUTED:
            return {"value": values[0]}
        if mode != MUTED and (kind in PASSING or mode == BYPASSED):
            return self._start(self._feeding_link(node, link), depth + 1)
        return None if mode == MUTED else source

    def _feeding_link(self, node: Json, link: Link) -> Link | None:
        """The link into a virtual or bypassed node that supplies the output where `link` starts."""
        if node["type"] == "GetNode":
            return self._set_link(node)
        if node["type"] in PASSING:
            return self._into.get((link.origin, 0))
        kind = _type_of(outputs_of(node), link.origin_slot)
        for slot, socket in enumerate(inputs_of(node)):
            if socket.get("type") == kind and (link.origin, slot) in self._into:
                return self._into[link.origin, slot]
        return None

    def _set_link(self, getter: Json) -> Link | None:
        """The link into the SetNode of the same name."""
        name = next(iter(as_list(getter.get("widgets_values"))), None)
        for node_id, node in self.nodes.items():
            if node["type"] == "SetNode" and name in as_list(node.get("widgets_values"))[:1]:
                return self._into.get((node_id, 0))
        return None


def inputs_of(node: Json) -> list[Json]:
    return [as_dict(socket) or {} for socket in as_list(node.get("inputs"))]


def outputs_of(node: Json) -> list[Json]:
    return [as_dict(socket) or {} for socket in as_list(node.get("outputs"))]


def label_of(node: Json | None) -> str:
    """A node's title, else its class; `subgraph` for a subgraph's border (None)."""
    return "subgraph" if node is None else str(node.get("title") or node.get("type"))


def _type_of(outputs: Sequence[Json], slot: int) -> object:
    return outputs[slot].get("type") if 0 <= slot < len(outputs) else None


def _type_name(kind: object) -> str:
    return kind if isinstance(kind, str) and kind else "*"


def _read_link(value: object) -> Link | None:
    """Parse a link: a list in the root, an object in subgraphs; None if it is malformed."""
    about = as_dict(value)
    if about is not None:
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        parts = [about.get(name) for name in names]
    else:
        parts = as_list(value)[:6]
    if len(parts) < 5 or not isinstance(parts[2], int) or not isinstance(parts[4], int):
        return None
    kind = parts[5] if len(parts) > 5 else "*"
    return Link(parts[0], str(parts[1]), parts[2], str(parts[3]), parts[4], kind, value)
