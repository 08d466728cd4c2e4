"""Converts orders' results to a program node's outputs: the whole pool, non-empty lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ...rh_api.client import Lost, Outcome, Program, Result
from ...rh_api.graph.constants import POOL
from ...rh_api.graph.outputs import group, select
from ...rh_api.wire.filetypes import by_suffix
from .. import language
from . import result_files, status_lines
from .adapters.adapter import Adapter, Part
from .adapters.plain import PlainAdapter
from .adapters.table import READERS, TYPED, adapter_of_files, reader_of
from .model_3d import MODEL_3D
from .result_files import TaskFiles, Unreadable

Groups = Mapping[str, Sequence[Result | Lost]]
"""One order's results by the remote node that made them."""


@dataclass(slots=True)
class NodeResults:
    """The results of one remote node in all orders, in file order.

    Parts are joined at the position of the first one; missing and undecodable files are
    ExecutionBlockers, which separate the Parts around them in a batch of orders, to keep positions.
    """

    items: list[Any] = field(default_factory=list[Any])

    def values(self, *, is_batch: bool) -> list[Any]:
        runs = groupby(self.items, lambda item: is_batch and isinstance(item, ExecutionBlocker))
        return [value for _, run in runs for value in _joined(list(run))]


def _joined(items: Sequence[Any]) -> list[Any]:
    parts = [item for item in items if isinstance(item, Part)]
    numbers = [number for part in parts for number in part.numbers]
    values: list[Any] = []
    for item in items:
        if not isinstance(item, Part):
            values.append(item)
        elif item is parts[0]:
            values += item.join(numbers)
    return values


def node_output(
    outcomes: Sequence[Outcome],
    program: Program | None,
    chosen: Sequence[str],
    undecodable: list[Result] | None = None,
    currency: str = "",
) -> tuple[io.NodeOutput, str]:
    """Return the outputs of finished orders of one program, in the orders' order, with the node's
    UI, and its status line. `program`: None if unknown. Results that cannot be decoded are appended
    to `undecodable`. `currency`: of the account's money.

    Reads and writes files: call it in a worker thread. Raises what `as_node_failures` converts.
    """
    every = [result for outcome in outcomes for result in outcome.listed]
    announced = {node_id for outcome in outcomes for node_id in outcome.tips.outputs}
    graph = program.graph if program is not None else None
    selected = select(chosen, announced, graph, every)
    by_order = [
        (TaskFiles(outcome.task_id), group(outcome.listed, selected, lambda r: r.name))
        for outcome in outcomes
    ]
    sorter = _Sorter(by_order)
    for task_files, groups in by_order:
        for node_id, results in groups.items():
            for result in results:
                sorter.add(node_id, result, task_files)

    slots: list[tuple[str, list[Any]]] = [(name, sorter.of_type(name)) for name in TYPED]
    slots.append(("task_id", [outcome.task_id for outcome in outcomes]))
    if program is not None and program.kind == "model":
        slots.append((MODEL_3D, sorter.of_type(MODEL_3D)))
    else:
        carried = selected[:POOL]
        for number in range(POOL):
            items = sorter.of_node(carried[number]) if number < len(carried) else []
            slots.append((f"out_{number + 1}", items))
    slots.append(("urls", _addresses(by_order)))

    if undecodable is not None:
        undecodable += [result for task_files, _ in by_order for result in task_files.undecodable]
    missing = status_lines.missing_sentence([name for name, items in slots if not items], outcomes)
    values = [items or [ExecutionBlocker(missing)] for _, items in slots]
    done = status_lines.done_sentence(outcomes, currency)
    shown = result_files.shown([task_files for task_files, _ in by_order])
    shown["text"] = (
        done,
        *status_lines.notices(outcomes),
        *sorter.unreadable,
        *([missing] if missing else []),
    )
    shown["runninghub"] = (status_lines.notice_for_canvas(outcomes, currency),)
    return io.NodeOutput(*values, ui=shown), done


def _addresses(by_order: Sequence[tuple[TaskFiles, Groups]]) -> list[str]:
    """The service's address of each result, also of one that did not come; "" for a text without
    one. Those of kept results may have expired."""
    return [result.url for _, groups in by_order for some in groups.values() for result in some]


class _Sorter:
    """Distributes results to their remote nodes and to the typed outputs.

    A file that cannot be decoded is an ExecutionBlocker in its outputs, and its name is in `files`:
    it was paid, and the other results are delivered. `unreadable`: a sentence for each.
    """

    def __init__(self, by_order: Sequence[tuple[TaskFiles, Groups]]) -> None:
        self._of_nodes: dict[str, NodeResults] = {}
        self._lost: dict[str, list[Any]] = {}
        self._is_batch = len(by_order) > 1
        self.typed: dict[str, list[Any]] = {name: [] for name in (*TYPED, MODEL_3D)}
        self.unreadable: list[str] = []
        self._readers = {
            adapter: adapter.reader(_read_by(adapter, by_order)) for adapter in READERS
        }
        for reader in self._readers.values():
            for name, values in reader.typed.items():
                self.typed[name] += values

    def of_node(self, node_id: str) -> list[Any]:
        """The values of a remote node; [] for one without results."""
        return self._of_nodes.get(node_id, NodeResults()).values(is_batch=self._is_batch)

    def of_type(self, name: str) -> list[Any]:
        """The values of a typed output, or the blockers of its files if all are missing."""
        return self.typed[name] or self._lost.get(name, [])

    def add(self, node_id: str, result: Result | Lost, task_files: TaskFiles) -> None:
        items = self._of_nodes.setdefault(node_id, NodeResults()).items
        if isinstance(result, Lost):
            items.append(self._not_here(result))
            return
        adapter = reader_of(result)
        try:
            typed = self._readers[adapter].take(result, task_files)
        except Unreadable as error:
            items.append(self._blocked(error, adapter.outputs))
            return
        if isinstance(typed, Part):
            items.append(typed)
            return
        for name, value in typed.items():
            self.typed[name].append(value)
        # Of a text file that is the text; its name is in `files` as well.
        items += list(typed.values())[:1]

    def _not_here(self, lost: Lost) -> ExecutionBlocker:
        blocker = ExecutionBlocker(language.say(lost.notice.key, lost.notice.params))
        kind = by_suffix(PurePosixPath(lost.name).suffix)
        adapter = adapter_of_files(kind.kind.value) if kind else None
        for name in adapter.outputs if adapter else ():
            self._lost.setdefault(name, []).append(blocker)
        return blocker

    def _blocked(self, error: Unreadable, outputs: Sequence[str]) -> ExecutionBlocker:
        sentence = language.describe(error)
        self.unreadable.append(sentence)
        blocker = ExecutionBlocker(sentence)
        for name in outputs:
            self.typed[name].append(blocker)
        self.typed["files"] += error.files
        return blocker


def _read_by(
    adapter: Adapter | PlainAdapter, by_order: Sequence[tuple[TaskFiles, Groups]]
) -> list[tuple[TaskFiles, list[Result]]]:
    """The results that an adapter decodes, by order."""
    return [
        (
            task_files,
            [
                result
                for results in groups.values()
                for result in results
                if isinstance(result, Result) and reader_of(result) is adapter
            ],
        )
        for task_files, groups in by_order
    ]
