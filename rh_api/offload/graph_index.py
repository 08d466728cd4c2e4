"""The compiler's IR of a prompt: live nodes, topological order, resolved links and their types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ..graph.prompt import Graph, id_order, is_link
from .boundary_types import ALIASES, crossing_of
from .class_info import MATCHED
from .class_traits import Traits, traits_of
from .graph_algorithms import CycleFound, topological_order
from .plan import CannotOffload, Classes
from .savers import SAVERS
from .special_classes import (
    FILE_VIDEO,
    LOOP_END,
    LOOP_START,
    MADE_VIDEO,
    PLAIN_CHOICE,
    SWITCH,
    SWITCHED,
    SWITCHED_BY,
)

_POLYMORPHIC = frozenset({"*", MATCHED})
_OUTPUTS = 10_000  # more than any class has
ONE, PERHAPS, MANY = 0, 1, 2
"""Multiplicity of an output: one value; a list of ours, mostly of one item; a list."""


class Edge(NamedTuple):
    """`input` of a node reads output `slot` of node `source`."""

    input: str
    source: str
    slot: int


class Value(NamedTuple):
    """An output, and the type as which it is read."""

    source: str
    slot: int
    type: str


@dataclass(frozen=True, slots=True)
class IndexedNode:
    """One node. `edges` are its links as written in the prompt, sorted by input name."""

    id: str
    class_type: str
    title: str
    inputs: Mapping[str, Any]
    traits: Traits
    edges: tuple[Edge, ...]

    @property
    def obstacle(self) -> str:
        """Text key why it cannot run in the cloud; "" if it can."""
        traits = self.traits
        if self.class_type in (LOOP_START, LOOP_END):
            return "segment.loop_border"
        if not traits.obstacle and any(self.inputs.get(name) for name in traits.paths):
            return "segment.local_disk"
        return traits.obstacle

    @property
    def label(self) -> str:
        """Id, title and class, for messages."""
        named = self.title if self.title == self.class_type else f"{self.title} [{self.class_type}]"
        return f"{self.id} ({named or '?'})"


@dataclass(frozen=True, slots=True)
class GraphIndex:
    """The nodes of a prompt.

    `roots`: output nodes to run. `order`: the live nodes, which the roots need, in topological
    order; all below covers these only. `id_rank`: their positions when sorted by id. `edges`: their
    links, with pass-through savers and constant switches folded away. `lists`: of nodes with a list
    output, ONE, PERHAPS or MANY for each output. `matched`: inferred output types of polymorphic
    nodes. `videos`: the class that a switch's VIDEO comes from, "" where that is not known.
    `loops`: of nodes in bodies of loops, the starts of these, the innermost last.
    """

    nodes: Mapping[str, IndexedNode]
    roots: tuple[str, ...]
    order: tuple[str, ...]
    id_rank: Mapping[str, int]
    edges: Mapping[str, tuple[Edge, ...]]
    lists: Mapping[str, tuple[int, ...]]
    matched: Mapping[str, tuple[str, ...]]
    videos: Mapping[str, str]
    loops: Mapping[str, tuple[str, ...]]

    def label(self, node_id: str) -> str:
        node = self.nodes.get(node_id)
        return node.label if node else node_id

    def value_order(self, value: Value) -> tuple[int, int, str]:
        """Sort key of a value: id rank of its source, slot, type."""
        return self.id_rank[value.source], value.slot, value.type

    def listed(self, source: str, slot: int) -> int:
        """The multiplicity of an output: ONE, PERHAPS or MANY."""
        return _listed(self.lists, source, slot)

    def link_type(self, reader: IndexedNode, edge: Edge) -> str:
        """A link's type: its output's, else its input's if that can cross; `*` if unknown."""
        _, source, slot = edge
        output_type = _output_type(self.nodes, self.matched, source, slot)
        if output_type not in _POLYMORPHIC:
            return output_type
        declared = reader.traits.definition.inputs.get(edge.input)
        input_type = ALIASES.get(declared.type, declared.type) if declared else "*"
        return input_type if crossing_of(input_type) else "*"

    def is_file_video(self, source: str) -> bool:
        """Whether a VIDEO is known to be a file; one made of images cannot cross."""
        return _video_class(self.nodes, self.videos, source) == FILE_VIDEO

    def is_made_video(self, source: str) -> bool:
        """Whether a VIDEO is known to be made of images."""
        return _video_class(self.nodes, self.videos, source) == MADE_VIDEO


def index_graph(
    prompt: Graph, classes: Classes, targets: Collection[str] | None = None
) -> GraphIndex:
    """Build the index. `targets`: the output nodes to run, None for all. Raises CannotOffload for a
    cycle."""
    nodes = _read_nodes(prompt, classes)
    roots = _roots(nodes, targets)
    order = _order(nodes, roots)
    edges: dict[str, tuple[Edge, ...]] = {}
    lists: dict[str, tuple[int, ...]] = {}
    matched: dict[str, tuple[str, ...]] = {}
    videos: dict[str, str] = {}
    loops: dict[str, tuple[str, ...]] = {}
    # In topological order: the facts of a node's sources are known when it is visited.
    for node_id in order:
        node = nodes[node_id]
        edges[node_id] = tuple(_past_pass_through(nodes, edges, edge) for edge in node.edges)
        if around := _loops_around(nodes, loops, node):
            loops[node_id] = around
        if values := _list_outputs(node, edges[node_id], lists):
            lists[node_id] = values
        if node.class_type == SWITCH:
            videos[node_id] = _switched_video(nodes, videos, edges[node_id])
        if node.traits.is_matched:
            matched[node_id] = _matched_outputs(nodes, matched, node, edges[node_id])
    id_rank = {node_id: place for place, node_id in enumerate(sorted(order, key=id_order))}
    return GraphIndex(nodes, roots, order, id_rank, edges, lists, matched, videos, loops)


def _read_nodes(prompt: Graph, classes: Classes) -> dict[str, IndexedNode]:
    traits: dict[str, Traits] = {}
    nodes: dict[str, IndexedNode] = {}
    for node_id, entry in prompt.items():
        if not isinstance(entry, dict):
            continue
        about = cast("dict[str, Any]", entry)
        class_type, inputs = about.get("class_type"), about.get("inputs")
        if not isinstance(class_type, str):
            class_type = ""
        if not isinstance(inputs, dict):
            inputs = {}
        if class_type not in traits:
            traits[class_type] = traits_of(class_type, classes(class_type))
        values = cast("dict[str, Any]", inputs)
        meta = about.get("_meta")
        title = cast("dict[str, Any]", meta).get("title") if isinstance(meta, dict) else None
        edges = [
            Edge(name, str(value[0]), _slot(value[1]))
            for name, value in values.items()
            if value.__class__ is list and is_link(value)
        ]
        edges.sort()
        nodes[node_id] = IndexedNode(
            node_id,
            class_type,
            title.strip() if isinstance(title, str) and title.strip() else class_type,
            values,
            traits[class_type],
            tuple(edges),
        )
    return nodes


def _loops_around(
    nodes: Mapping[str, IndexedNode], loops: Mapping[str, tuple[str, ...]], node: IndexedNode
) -> tuple[str, ...]:
    """The starts of the loops that a node is in; its sources are known."""
    around: tuple[str, ...] = ()
    for _, source, _ in node.edges:
        own = (source,) if source in nodes and nodes[source].class_type == LOOP_START else ()
        around = max(around, (*loops.get(source, ()), *own), key=len)
    return around[:-1] if node.class_type == LOOP_END else around


def _slot(index: Any) -> int:
    """An output's index; -1, which no class has, for an invalid one."""
    if index.__class__ is not int:
        whole = isinstance(index, (int, float)) and index in (0, 1, 2, 3, 4, 5, 6, 7)
        return int(index) if whole else -1
    return index if 0 <= index < _OUTPUTS else -1


def _roots(nodes: Mapping[str, IndexedNode], targets: Collection[str] | None) -> tuple[str, ...]:
    """Output nodes; of unknown classes, nodes without readers."""
    sources = {source for node in nodes.values() for _, source, _ in node.edges}
    roots = (
        node.id
        for node in nodes.values()
        if (node.traits.definition.is_output if node.traits.info else node.id not in sources)
        and (targets is None or node.id in targets)
    )
    return tuple(sorted(roots, key=id_order))


def _order(nodes: Mapping[str, IndexedNode], roots: Collection[str]) -> tuple[str, ...]:
    def sources(node_id: str) -> Iterator[str]:
        return (source for _, source, _ in nodes[node_id].edges if source in nodes)

    try:
        return tuple(topological_order(roots, sources))
    except CycleFound as cycle:
        node = nodes[str(cycle.vertex)]
        raise CannotOffload("segment.cycle", local_id=node.id, node=node.label) from None


def _past_pass_through(
    nodes: Mapping[str, IndexedNode], edges: Mapping[str, tuple[Edge, ...]], edge: Edge
) -> Edge:
    """Fold a link: the output that it reads through a pass-through saver or a constant switch."""
    name, source, slot = edge
    node = nodes.get(source)
    if node is None or slot != 0:
        return edge
    chosen = _constant_condition(nodes, node) if node.class_type == SWITCH else None
    if chosen is not None:
        through = SWITCHED[chosen]
    else:
        saver = SAVERS.get(node.class_type)
        if saver is None or not saver.passes:
            return edge
        through = saver.input
    before = (Edge(name, link.source, link.slot) for link in edges[source] if link.input == through)
    return next(before, edge)


def _constant_condition(nodes: Mapping[str, IndexedNode], switch: IndexedNode) -> bool | None:
    """A switch's constant condition, its own or a PrimitiveBoolean's; None if it is dynamic."""
    choosers = (nodes.get(edge.source) for edge in switch.edges if edge.input == SWITCHED_BY)
    source = next(choosers, None)
    choice = switch.inputs.get(SWITCHED_BY)
    if source is not None and source.class_type == PLAIN_CHOICE:
        choice = source.inputs.get("value")
    return choice if isinstance(choice, bool) else None


def _listed(lists: Mapping[str, tuple[int, ...]], source: str, slot: int) -> int:
    values = lists.get(source)
    return values[slot] if values is not None and 0 <= slot < len(values) else ONE


def _list_outputs(
    node: IndexedNode, edges: Collection[Edge], lists: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    """Each output's multiplicity: declared, or as ComfyUI maps over list inputs; () for all ONE."""
    definition = node.traits.definition
    mapped = ONE
    if lists and not definition.input_is_list:
        mapped = max((_listed(lists, source, slot) for _, source, slot in edges), default=ONE)
    if not mapped and not any(definition.output_is_list):
        return ()
    own = PERHAPS if node.traits.own else MANY
    padded = (*definition.output_is_list, *(False,) * len(definition.outputs))
    return tuple(own if padded[slot] else mapped for slot in range(len(definition.outputs)))


def _output_type(
    nodes: Mapping[str, IndexedNode],
    matched: Mapping[str, tuple[str, ...]],
    source: str,
    slot: int,
) -> str:
    """The type of an output; `*` if unknown."""
    outputs = matched.get(source)
    if outputs is None:
        node = nodes.get(source)
        outputs = node.traits.outputs if node else ()
    return outputs[slot] if 0 <= slot < len(outputs) else "*"


def _matched_outputs(
    nodes: Mapping[str, IndexedNode],
    matched: Mapping[str, tuple[str, ...]],
    node: IndexedNode,
    edges: Collection[Edge],
) -> tuple[str, ...]:
    """Infer a polymorphic node's output types: the one type linked to a template, else `*`."""
    types: dict[str, set[str]] = {}
    for name, source, slot in edges:
        if declared := node.traits.definition.inputs.get(name):
            output_type = _output_type(nodes, matched, source, slot)
            types.setdefault(declared.type, set()).add(output_type)

    def resolved(type_name: str) -> str:
        if not type_name.startswith(MATCHED):
            return type_name
        linked = types.get(type_name, ())
        return next(iter(linked)) if len(linked) == 1 else "*"

    return tuple(map(resolved, node.traits.outputs))


def _video_class(nodes: Mapping[str, IndexedNode], videos: Mapping[str, str], source: str) -> str:
    """FILE_VIDEO or MADE_VIDEO where a VIDEO is known to come from one, else ""."""
    node = nodes.get(source)
    if node is None:
        return ""
    if node.class_type in (FILE_VIDEO, MADE_VIDEO):
        return node.class_type
    return FILE_VIDEO if node.traits.own else videos.get(source, "")


def _switched_video(
    nodes: Mapping[str, IndexedNode], videos: Mapping[str, str], edges: Collection[Edge]
) -> str:
    origins = {_video_class(nodes, videos, source) for name, source, _ in edges if name in SWITCHED}
    return origins.pop() if len(origins) == 1 else ""
