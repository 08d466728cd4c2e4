"""Dry run: what a plan would do, as a JSON document, before anything is paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph.constants import SAVED_CLASS, SEGMENT_CLASS
from ..graph.prompt import Graph, Node, id_order, links, read_nodes
from ..money.quotes import Quote, total
from .boundary_types import FILES
from .notes import UNUSED
from .plan import Note, Plan, Segment

Say = Callable[[str, Mapping[str, object]], str]
"""Renders the text of a key with its parameters, in some language."""

LORA = "LORA"


@dataclass(frozen=True, slots=True)
class Load:
    """An upload: its size in bytes, and whether the cloud has it already; None where that is known
    at run time only."""

    name: str = ""
    bytes: int | None = None
    in_cloud: bool | None = None


@dataclass(frozen=True, slots=True)
class DryRunFacts:
    """What the host adds to the plan.

    `files`, `loras`: uploads by node and input, without LoRAs that the cloud has. `inlets`: by
    segment and number. `usual`: by segment, statistics of earlier runs of equal graphs (`runs`,
    `seconds`); `quotes`: by segment, the expected cost. `notes`: classes and models that the cloud
    is not known to have.
    """

    files: Mapping[tuple[str, str], Load] = field(default_factory=dict[tuple[str, str], Load])
    loras: Mapping[tuple[str, str], Load] = field(default_factory=dict[tuple[str, str], Load])
    inlets: Mapping[tuple[str, int], Load] = field(default_factory=dict[tuple[str, int], Load])
    usual: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict[str, "Mapping[str, object]"]
    )
    quotes: Mapping[str, Quote] = field(default_factory=dict[str, Quote])
    notes: tuple[Note, ...] = ()

    def merged(self, other: DryRunFacts) -> DryRunFacts:
        """The union of both; `other` takes precedence."""
        return DryRunFacts(
            {**self.files, **other.files},
            {**self.loras, **other.loras},
            {**self.inlets, **other.inlets},
            {**self.usual, **other.usual},
            {**self.quotes, **other.quotes},
            self.notes + other.notes,
        )


def explain(prompt: Graph, plan: Plan, facts: DryRunFacts, say: Say) -> dict[str, Any]:
    """The document of a valid plan. `prompt`: the original, before the cut."""
    nodes = read_nodes(prompt)
    here = read_nodes(plan.prompt)
    ours = (SEGMENT_CLASS, SAVED_CLASS)
    unused = {note.node_id for note in plan.notes if note.key == UNUSED}
    quotes = [facts.quotes[segment.id] for segment in plan.segments if segment.id in facts.quotes]
    return {
        "segments": [_segment(segment, nodes, plan, facts, say) for segment in plan.segments],
        "quote": total(quotes, say),
        "local": [
            _node(node)
            for node in here.values()
            if node.class_type not in ours and node.id not in unused
        ],
        "notes": [
            {**_named(nodes, note.node_id), "text": say(note.key, note.params)}
            for note in (*plan.notes, *facts.notes)
        ],
        "refused": None,
    }


def refused(prompt: Graph, node_id: str, message: str, hint: str = "") -> dict[str, Any]:
    """The document of a prompt that cannot be offloaded."""
    why = {**_named(read_nodes(prompt), node_id), "message": message, "hint": hint}
    return {"segments": [], "local": [], "notes": [], "refused": why}


def _segment(
    segment: Segment, nodes: Mapping[str, Node], plan: Plan, facts: DryRunFacts, say: Say
) -> dict[str, Any]:
    remote = sorted((i for i in segment.members if i in nodes), key=id_order)
    usual = facts.usual.get(segment.id, {})
    quote = facts.quotes.get(segment.id)
    return {
        "id": segment.id,
        "name": segment.name,
        "instance": segment.instance,
        "nodes": [_node(nodes[node_id]) for node_id in remote],
        "pulled": [
            {**_node(nodes[pulled.node_id]), "reason": say(pulled.key, pulled.params)}
            for pulled in segment.pulled
            if pulled.node_id in nodes
        ],
        "up": [*_up(segment, nodes, facts)],
        "back": [*_back(segment, nodes, plan)],
        "saved": [_node(nodes[saver.node_id]) for saver in segment.saved if saver.node_id in nodes],
        "estimate": {name: usual.get(name) for name in ("runs", "seconds")},
        "quote": None if quote is None else {"text": quote.describe(say), **quote.document()},
    }


def _up(
    segment: Segment, nodes: Mapping[str, Node], facts: DryRunFacts
) -> Iterator[dict[str, Any]]:
    for inlet in segment.inlets:
        load = facts.inlets.get((segment.id, inlet.number), Load())
        yield _load(inlet.type, _named(nodes, inlet.source[0]), load)
    for file in segment.files:
        load = facts.files.get((file.node_id, file.input), Load(file.value))
        yield _load(file.type, _named(nodes, file.node_id), load)
    for (node_id, name), load in facts.loras.items():
        if any((node_id, name) == (lora.node_id, lora.input) for lora in segment.loras):
            yield _load(LORA, _named(nodes, node_id), load)


def _load(kind: str, source: dict[str, str], load: Load) -> dict[str, Any]:
    return {
        "kind": kind,
        "from": source,
        "name": load.name,
        "bytes": load.bytes,
        "known": load.in_cloud,
    }


def _back(segment: Segment, nodes: Mapping[str, Node], plan: Plan) -> Iterator[dict[str, Any]]:
    for outlet in segment.outlets:
        if outlet.type == FILES:
            continue
        here = (segment.id, outlet.number - 1)
        readers = {link.target for link in links(plan.prompt) if (link.source, link.slot) == here}
        yield {
            "kind": outlet.type,
            "from": _named(nodes, outlet.source[0]),
            "to": [_named(nodes, node_id) for node_id in sorted(readers, key=id_order)],
        }


def _named(nodes: Mapping[str, Node], node_id: str) -> dict[str, str]:
    node = nodes.get(node_id)
    return _node(node) if node else {"id": node_id, "title": "", "class_type": ""}


def _node(node: Node) -> dict[str, str]:
    return {"id": node.id, "title": node.title, "class_type": node.class_type}
