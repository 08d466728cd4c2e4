"""Cut what is marked out of a prompt: a pure pass that opens no file and asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ...wire.workflows import Graph
from ..prompt import id_order
from .building import build_segments, find_notes
from .ground import Ground
from .homes import find_homes
from .local import rewrite
from .marks import below_subgraphs
from .needs import find_needs
from .pieces import split
from .plan import CannotOffload, Classes, Mark, Note, Plan


def cut(
    prompt: Graph, marks: Sequence[Mark], classes: Classes, targets: Collection[str] | None = None
) -> Plan:
    """The prompt without its marked nodes, and the orders that run them.

    `targets`: the output nodes that shall run, None for all. A prompt of which nothing is marked
    is returned as the same object. Marked nodes that no output needs do not run, as on this
    machine. Equal prompts and marks give equal plans, whatever the order of their keys.

    Raises CannotOffload for what cannot go, with the node concerned.
    """
    marks = _on_nodes(marks, prompt)
    marked = {node_id for mark in marks for node_id in mark.nodes} & prompt.keys()
    if not marked:
        return Plan(prompt)
    ground = Ground(prompt, classes, targets)
    if not ground.roots:
        first = min(marked, key=id_order)
        raise CannotOffload("segment.no_output", local_id=first, node=ground.label(first))
    homes = find_homes(ground, marks)
    piece_of, split_parts = split(homes)
    needs = find_needs(homes, piece_of)
    segments = build_segments(needs)
    unused = _unused(ground, marked) if targets is None else ()
    notes = [*unused, *find_notes(needs, segments.values())]
    if not segments:  # only what was cheap to run here
        return Plan(prompt, notes=tuple(notes))
    rewritten = rewrite(prompt, needs, segments)
    return Plan(rewritten, tuple(segments.values()), tuple(notes), split_parts)


def _on_nodes(marks: Sequence[Mark], prompt: Graph) -> Sequence[Mark]:
    """The marks with the nodes below a subgraph in place of its id."""
    if all(node_id in prompt for mark in marks for node_id in mark.nodes):
        return marks
    below = below_subgraphs(prompt)
    return [
        replace(mark, nodes=tuple(i for one in mark.nodes for i in (one, *below.get(one, ()))))
        for mark in marks
    ]


def _unused(ground: Ground, marked: set[str]) -> list[Note]:
    unused = sorted(marked - set(ground.order), key=id_order)
    return [Note(each, "segment.unused", {"node": ground.label(each)}) for each in unused]
