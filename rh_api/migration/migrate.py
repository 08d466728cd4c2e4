"""Entry point: replaces other packs' nodes in a graph by ours, and reports what and why."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import BadInput
from ..models.catalogue import Catalogue
from ..wire.envelope import as_list
from .api_prompt import is_prompt, read_prompt, write_prompt
from .canvas_graph import CanvasGraph, inputs_of, is_workflow, scopes
from .canvas_write import write_graph
from .chains import Chains
from .graph import Json, OldGraph, OldNode, Plan, Sentence, as_dict
from .model_nodes import ModelClasses
from .packs import WIDGETS


@dataclass(frozen=True)
class Named:
    """A node in a report; `id` has its subgraph's prefix."""

    id: str
    class_type: str
    title: str


@dataclass(frozen=True)
class Replaced:
    """Old nodes (the order first) that became one of ours, and notes on what differs now."""

    nodes: tuple[Named, ...]
    becomes: str
    program: str
    notes: tuple[Sentence, ...]


@dataclass(frozen=True)
class Left:
    """An old node that stays, and why."""

    node: Named
    why: Sentence


@dataclass(frozen=True)
class Migration:
    """`document`: the new graph, or the same object if nothing was replaced."""

    document: Json
    replaced: tuple[Replaced, ...]
    left: tuple[Left, ...]


def migrate(document: Json, catalogue: Catalogue, skip: Container[str] = ()) -> Migration:
    """Replace other packs' nodes in a workflow of the canvas or a prompt in API format.

    `document` is not mutated. `skip`: nodes to leave alone, as in `Named.id`.
    Raises BadInput for a document that is neither.
    """
    classes = ModelClasses(catalogue)
    if is_workflow(document):
        written = _copied(document)
        parts = _migrate_canvas(written, classes, skip)
    elif is_prompt(document):
        graph = read_prompt(document)
        plan = _planned(graph, classes, skip)
        written = write_prompt(document, plan)
        parts = [(graph, plan)]
    else:
        raise BadInput("migrate.no_graph")
    replaced = tuple(replacement for graph, plan in parts for replacement in _replaced(graph, plan))
    left = tuple(node for graph, plan in parts for node in _left(graph, plan))
    return Migration(written if replaced else document, replaced, left)


def _copied(document: Json) -> Json:
    try:
        return copy.deepcopy(document)
    except RecursionError:
        raise BadInput("migrate.unreadable") from None


def _migrate_canvas(
    whole: Json, classes: ModelClasses, skip: Container[str]
) -> list[tuple[OldGraph, Plan]]:
    def widgets_of(name: str, values: Sequence[object]) -> Sequence[str] | None:
        return WIDGETS.get(name) or classes.widgets_of(name, values)

    canvases = [CanvasGraph(*scope, widgets_of) for scope in scopes(whole)]
    graphs = [canvas.read() for canvas in canvases]
    parts: list[tuple[OldGraph, Plan]] = []
    for canvas, old_graph in zip(canvases, graphs, strict=True):
        graph = replace(old_graph, outside=_outside(canvas, graphs))
        plan = _planned(graph, classes, skip)
        if plan.changes:
            write_graph(canvas, plan, _last_ids(whole))
            _update_counters(canvas.graph, whole)
        parts.append((graph, plan))
    return parts


def _outside(canvas: CanvasGraph, graphs: Sequence[OldGraph]) -> dict[int, tuple[OldNode, ...]]:
    """The nodes that feed a subgraph's inputs, by input slot, one for each use of it."""
    names = [str(socket.get("name")) for socket in inputs_of(canvas.graph)]
    feeders: dict[int, tuple[OldNode, ...]] = {}
    for graph in graphs:
        for node in graph.nodes.values():
            if not canvas.place or node.class_type != canvas.graph.get("id"):
                continue
            for slot, name in enumerate(names):
                source = node.links.get(name)
                feeding = graph.nodes.get(source.node) if source else None
                if feeding is not None:
                    feeders[slot] = (*feeders.get(slot, ()), feeding)
    return feeders


def _planned(graph: OldGraph, classes: ModelClasses, skip: Container[str]) -> Plan:
    plan = Plan()
    own = {node for node in graph.nodes if f"{graph.place}{node}" in skip}
    classes.plan_all(graph, plan, own)
    Chains(graph, plan, own).plan_all()
    return plan


def _last_ids(whole: Json) -> Mapping[str, int]:
    """The highest `node` and `link` ids of the root and all subgraphs."""
    nodes = [0]
    links = [0]
    for graph, _ in scopes(whole):
        state = as_dict(graph.get("state")) or {}
        nodes += _numbers([graph.get("last_node_id"), state.get("lastNodeId")])
        links += _numbers([graph.get("last_link_id"), state.get("lastLinkId")])
        for node in as_list(graph.get("nodes")):
            nodes += _numbers([(as_dict(node) or {}).get("id")])
        for link in as_list(graph.get("links")):
            about = as_dict(link)
            links += _numbers([about.get("id")] if about else as_list(link)[:1])
    return {"node": max(nodes), "link": max(links)}


def _numbers(values: list[object]) -> Iterator[int]:
    for value in values:
        if isinstance(value, (int, float, str)) and str(value).split(".")[0].isdigit():
            yield int(float(value))


def _update_counters(graph: Json, whole: Json) -> None:
    """Update the id counters of the canvas, in the graph and in the root."""
    last = _last_ids(whole)
    for document in (graph, whole):
        for name, key in (("last_node_id", "node"), ("last_link_id", "link")):
            if name in document:
                document[name] = last[key]
        state = as_dict(document.get("state"))
        if state is not None:
            state |= {"lastNodeId": last["node"], "lastLinkId": last["link"]}


def _named(graph: OldGraph, node_id: str) -> Named:
    node = graph.nodes[node_id]
    return Named(f"{graph.place}{node_id}", node.class_type, node.title)


def _replaced(graph: OldGraph, plan: Plan) -> Iterator[Replaced]:
    for change in plan.changes:
        nodes = tuple(_named(graph, node_id) for node_id in change.nodes)
        yield Replaced(nodes, change.becomes, change.program, tuple(change.notes))


def _left(graph: OldGraph, plan: Plan) -> Iterator[Left]:
    for node_id, why in plan.kept.items():
        yield Left(_named(graph, node_id), why)
