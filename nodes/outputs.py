"""What an order made, as a node's outputs: the whole pool, each a list, none of them empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..rh_api.client import Outcome, RemoteWorkflow, Result
from ..rh_api.graph.names import POOL
from ..rh_api.graph.outputs import group, select
from ..rh_api.texts import english
from ..rh_api.wire.filetypes import Kind as FileKind
from . import shelves
from .media.codec import Kind
from .pictures import Pictures, joined, read_pictures

# The typed outputs between the pictures and the task id.
TYPED = ("images", "masks", "video", "audio", "text", "files")


@dataclass(slots=True)
class Made:
    """What one remote node made, or several: values by typed output, and `items` in file order."""

    pictures: Pictures = field(default_factory=Pictures)
    values: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    items: list[Any] = field(default_factory=list[Any])


def node_output(
    outcome: Outcome, workflow: RemoteWorkflow, wanted: Sequence[str]
) -> tuple[io.NodeOutput, str]:
    """All outputs of a finished order, with what the node shows, and its last line of text.

    Reads and writes files: to be called in a worker thread. Raises NodeFailure's sources.
    """
    selected = select(wanted, outcome.tips.outputs, workflow.graph, outcome.results)
    groups = group(outcome.results, selected, lambda result: result.name)
    shelf = shelves.Shelf(outcome.task_id)
    made = {node_id: _made(results, shelf) for node_id, results in groups.items()}

    typed = _typed(made.values())
    slots: list[tuple[str, list[Any]]] = [(name, typed[name]) for name in TYPED]
    slots.append(("task_id", [outcome.task_id]))
    carried = selected[:POOL]
    for number in range(POOL):
        node_id = carried[number] if number < len(carried) else None
        items = made[node_id].items if node_id is not None else []
        slots.append((f"out_{number + 1}", items))

    missing = missing_sentence([name for name, items in slots if not items], outcome.task_id)
    values = [items or [ExecutionBlocker(missing)] for _, items in slots]
    done = done_sentence(outcome)
    shown = {**shelf.shown(), "text": (done, missing) if missing else (done,)}
    return io.NodeOutput(*values, ui=shown), done


def _made(results: Sequence[Result], shelf: shelves.Shelf) -> Made:
    made = Made()
    pictures = [r for r in results if r.path and r.type and r.type.kind is FileKind.IMAGE]
    for result in results:
        if result in pictures:
            if result is pictures[0]:
                made.pictures = read_pictures(pictures, shelf)
                made.items += made.pictures.tensors(Kind.IMAGE)
            continue
        values = list(_values(result, shelf))
        for name, value in values:
            made.values.setdefault(name, []).append(value)
        # Of a text file that is the text; its name is in `files` as well.
        made.items += [value for _, value in values[:1]]
    return made


def _values(result: Result, shelf: shelves.Shelf) -> Iterable[tuple[str, Any]]:
    """The typed outputs that a result which is no picture goes to."""
    kind = result.type.kind if result.type else FileKind.FILE
    if result.path is None:
        if result.text is not None:
            yield "text", result.text
    elif kind is FileKind.VIDEO:
        yield "video", shelf.video(result)
    elif kind is FileKind.AUDIO:
        yield "audio", shelf.audio(result)
    else:
        text = shelf.text(result) if kind is FileKind.TEXT else None
        if text is not None:
            yield "text", text
        yield "files", shelf.keep(result)


def _typed(made: Iterable[Made]) -> dict[str, list[Any]]:
    """The typed outputs over all nodes, in their order; pictures grouped anew."""
    every = list(made)
    pictures = joined([each.pictures for each in every])
    typed: dict[str, list[Any]] = {
        name: [value for each in every for value in each.values.get(name, [])] for name in TYPED
    }
    typed["images"] = pictures.tensors(Kind.IMAGE)
    typed["masks"] = pictures.tensors(Kind.MASK)
    return typed


def missing_sentence(names: Sequence[str], task_id: str) -> str:
    """One sentence for all outputs that the run did not produce; "" when there is none."""
    if not names:
        return ""
    return english("node.not_produced", {"outputs": ", ".join(_runs(names)), "task_id": task_id})


def _runs(names: Sequence[str]) -> list[str]:
    """`out_2, out_3, out_4` as `out_2 … out_4`."""
    pool = [name for name in names if name.startswith("out_")]
    rest = [name for name in names if name not in pool]
    numbers = [int(name.removeprefix("out_")) for name in pool]
    if len(pool) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        pool = [f"{pool[0]} … {pool[-1]}"]
    return rest + pool


def done_sentence(outcome: Outcome) -> str:
    """How long it ran and what it cost, as far as the service says."""
    if outcome.kept:
        return english("node.kept", {})
    usage = outcome.usage
    seconds = usage.seconds or (f"{outcome.seconds:.0f}" if outcome.seconds else None)
    parts: Mapping[str, str | None] = {
        "node.coins": usage.coins,
        "node.money": usage.money,
        "node.third_party": usage.third_party_money,
    }
    said = [english("node.done_in", {"seconds": seconds}) if seconds else english("node.done", {})]
    said += [english(key, {"value": value}) for key, value in parts.items() if _counts(value)]
    return " · ".join(said)


def _counts(value: str | None) -> bool:
    """Whether a cost is worth a word: neither unsaid nor zero."""
    if value is None:
        return False
    try:
        return float(value) != 0
    except ValueError:
        return True
