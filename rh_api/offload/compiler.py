"""The compiler: a prompt and its marks become segments, and the prompt that stays.

A pure pass that opens no file and asks nobody; each stage is a function from value to value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..graph.prompt import Graph, id_order
from .dependencies import find_dependencies
from .eligibility import find_eligible
from .emit import emit
from .graph_index import GraphIndex, index_graph
from .lower import lower
from .marks import below_subgraphs
from .notes import plan_notes, unused_notes
from .partition import partition_parts
from .placement import place
from .plan import CannotOffload, Classes, Mark, Plan


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
    index = index_graph(prompt, classes, targets)
    _require_output(index, marked)
    eligible = find_eligible(index, marks)
    placement = place(eligible)
    partition = partition_parts(placement)
    dependencies = find_dependencies(partition)
    segments = lower(dependencies)
    unused = unused_notes(index, marks) if targets is None else ()
    notes = (*unused, *plan_notes(dependencies, tuple(segments.values())))
    if not segments:  # only what was cheap to run here
        return Plan(prompt, notes=notes)
    local = emit(prompt, dependencies, segments)
    return Plan(local, tuple(segments.values()), notes, partition.split)


def _on_nodes(marks: Sequence[Mark], prompt: Graph) -> Sequence[Mark]:
    """The marks with the nodes below a subgraph in place of its id."""
    if all(node_id in prompt for mark in marks for node_id in mark.nodes):
        return marks
    below = below_subgraphs(prompt)
    return [
        replace(mark, nodes=tuple(i for node in mark.nodes for i in (node, *below.get(node, ()))))
        for mark in marks
    ]


def _require_output(index: GraphIndex, marked: Collection[str]) -> None:
    if not index.roots:
        first = min(marked, key=id_order)
        raise CannotOffload("segment.no_output", local_id=first, node=index.label(first))
