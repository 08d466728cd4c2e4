"""The compiler's pipeline: from a prompt and its marks to segments and the local prompt.

Pure, without I/O; each pass is a function from one immutable value to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..errors import BadInput
from ..graph.extra_data import NATIVE
from ..graph.native import check_native_graph
from ..graph.prompt import Graph, id_order
from .dependencies import Dependencies, find_dependencies
from .eligibility import find_eligible
from .emit import emit
from .graph_index import GraphIndex, index_graph
from .lower import lower
from .marks import below_subgraphs
from .notes import plan_notes, unused_notes
from .partition import partition_parts
from .placement import place
from .plan import CannotOffload, Classes, Mark, Plan, Segment
from .special_classes import CHEAP
from .staying import find_staying


def cut(
    prompt: Graph, marks: Sequence[Mark], classes: Classes, targets: Collection[str] | None = None
) -> Plan:
    """Compile a prompt to segments, and the local prompt around them, with marked savers' ids.

    `targets`: the output nodes to run, None for all. Without segments the plan has the same prompt
    object. Marked nodes that no output needs are dead: they do not run, as in ComfyUI. Equal
    prompts and marks give equal plans, whatever the order of their keys.

    Raises CannotOffload, on the node concerned.
    """
    marks = _expand_subgraphs(marks, prompt)
    marked = {node_id for mark in marks for node_id in mark.nodes} & prompt.keys()
    if not marked:
        return Plan(prompt)
    index = index_graph(prompt, classes, targets)
    _require_output(index, marked)
    dependencies = _find_dependencies(index, marks)
    partition = dependencies.partition
    segments = lower(dependencies)
    for segment in segments.values():
        _check_route(segment)
    unused = unused_notes(index, marks) if targets is None else ()
    notes = (*unused, *plan_notes(dependencies, tuple(segments.values())))
    if not segments:  # all that was marked is cheap, a saver or video node kept here, or dead
        return Plan(prompt, notes=notes)
    local = emit(prompt, dependencies, segments)
    return Plan(local, tuple(segments.values()), notes, partition.split)


def _find_dependencies(index: GraphIndex, marks: Sequence[Mark]) -> Dependencies:
    """What runs where. What no order may join stays here: a loop's body with what is outside."""
    joining: set[str] = set()
    while True:
        staying = find_staying(index, marks, joining)
        eligible = find_eligible(index, marks, joining, staying)
        dependencies = find_dependencies(partition_parts(place(eligible)))
        before = len(joining)
        for piece in dependencies.pieces.values():
            own = [node for node in piece.nodes if index.nodes[node].class_type not in CHEAP]
            if len({index.loops.get(node) for node in own}) > 1:
                joining |= eligible.mark_of.keys() & piece.nodes.keys()
        if len(joining) == before:
            return dependencies


def _expand_subgraphs(marks: Sequence[Mark], prompt: Graph) -> Sequence[Mark]:
    """The marks with ids of subgraphs expanded to the nodes inside."""
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


def _check_route(segment: Segment) -> None:
    """Refuse here what its order would be refused for, since earlier segments are paid by then."""
    if segment.ordering.route != NATIVE:
        return
    try:
        check_native_graph(segment.graph, segment.options)
    except BadInput as error:
        node_id = str(error.params.get("node", segment.members[0]))
        raise CannotOffload(error.key, local_id=node_id).with_context(params=error.params) from None
