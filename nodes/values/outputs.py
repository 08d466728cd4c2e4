"""Converts orders' results to a program node's outputs: the whole pool, non-empty lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ...rh_api.client import Lost, Outcome, Program, Result, StandardModel
from ...rh_api.graph.constants import POOL
from ...rh_api.graph.outputs import group, select
from ...rh_api.wire.filetypes import by_suffix
from .. import language
from . import result_files
from .adapters.adapter import Adapter, Part
from .adapters.plain import PlainAdapter
from .adapters.table import READERS, TYPED, adapter_of_files, reader_of
from .cost_texts import cost_sentences
from .missing_results import Sentence, gaps_of
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
    doubtful: list[Result] | None = None,
    currency: str = "",
) -> tuple[io.NodeOutput, str]:
    """Return the outputs of finished orders of one program, in the orders' order, with the node's
    UI, and its status line. `program`: None if unknown. Results that cannot be decoded are appended
    to `doubtful`. `currency`: of the account's money.

    Reads and writes files: call it in a worker thread. Raises what `as_node_failures` converts.
    """
    every = [result for outcome in outcomes for result in outcome.listed]
    announced = {node_id for outcome in outcomes for node_id in outcome.tips.outputs}
    graph = program.graph if program is not None else None
    selected = select(chosen, announced, graph, every)
    orders = [
        (TaskFiles(outcome.task_id), group(outcome.listed, selected, lambda r: r.name))
        for outcome in outcomes
    ]
    sorter = _Sorter(orders)
    for task_files, groups in orders:
        for node_id, results in groups.items():
            for result in results:
                sorter.add(node_id, result, task_files)

    slots: list[tuple[str, list[Any]]] = [(name, sorter.of_type(name)) for name in TYPED]
    slots.append(("task_id", [outcome.task_id for outcome in outcomes]))
    if isinstance(program, StandardModel):
        slots.append((MODEL_3D, sorter.of_type(MODEL_3D)))
    else:
        carried = selected[:POOL]
        for number in range(POOL):
            items = sorter.of_node(carried[number]) if number < len(carried) else []
            slots.append((f"out_{number + 1}", items))

    if doubtful is not None:
        doubtful += [result for task_files, _ in orders for result in task_files.doubtful]
    missing = missing_sentence([name for name, items in slots if not items], outcomes)
    values = [items or [ExecutionBlocker(missing)] for _, items in slots]
    done = done_sentence(outcomes, currency)
    shown = result_files.shown([task_files for task_files, _ in orders])
    shown["text"] = (done, *notices(outcomes), *sorter.unreadable, *([missing] if missing else []))
    shown["runninghub"] = (notice_for_canvas(outcomes, currency),)
    return io.NodeOutput(*values, ui=shown), done


class _Sorter:
    """Distributes results to their remote nodes and to the typed outputs.

    A file that cannot be decoded is an ExecutionBlocker in its outputs, and its name is in `files`:
    it was paid, and the other results are delivered. `unreadable`: a sentence for each.
    """

    def __init__(self, orders: Sequence[tuple[TaskFiles, Groups]]) -> None:
        self._of_nodes: dict[str, NodeResults] = {}
        self._lost: dict[str, list[Any]] = {}
        self._is_batch = len(orders) > 1
        self.typed: dict[str, list[Any]] = {name: [] for name in (*TYPED, MODEL_3D)}
        self.unreadable: list[str] = []
        self._readers = {adapter: adapter.reader(_read_by(adapter, orders)) for adapter in READERS}
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
    adapter: Adapter | PlainAdapter, orders: Sequence[tuple[TaskFiles, Groups]]
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
        for task_files, groups in orders
    ]


def missing_sentence(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """One sentence for all outputs that the run did not produce; "" when there is none."""
    if not names:
        return ""
    key = "node.not_produced" if len(outcomes) == 1 else "node.not_produced_by_any"
    params = {"outputs": ", ".join(_runs(names)), "task_id": outcomes[0].task_id}
    return language.say(key, {**params, "count": len(outcomes)})


def notices(outcomes: Sequence[Outcome]) -> list[str]:
    """The warnings of all orders as sentences, without duplicates."""
    every = [notice for outcome in outcomes for notice in outcome.notices]  # alike in a batch
    return list(dict.fromkeys(language.say(notice.key, notice.params) for notice in every))


def _runs(names: Sequence[str]) -> list[str]:
    """`out_2, out_3, out_4` as `out_2 … out_4`."""
    pool = [name for name in names if name.startswith("out_")]
    rest = [name for name in names if name not in pool]
    numbers = [int(name.removeprefix("out_")) for name in pool]
    if len(pool) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        pool = [f"{pool[0]} … {pool[-1]}"]
    return rest + pool


def done_sentence(outcomes: Sequence[Outcome], currency: str = "") -> str:
    """Run time and cost, as far as the service reports them."""
    return " · ".join(language.say(key, params) for key, params in _done(outcomes, currency))


def done_lines(outcomes: Sequence[Outcome], currency: str = "") -> dict[str, str]:
    """Run time, cost and missing results, in each language."""
    return _with_gaps(_done(outcomes, currency), outcomes)


def notice_for_canvas(outcomes: Sequence[Outcome], currency: str) -> str:
    """The status line as JSON, in each language, for the page to choose from.

    `orders`: their number. `again`: the line for when ComfyUI serves the node's outputs from its
    cache.
    """
    return json.dumps(
        {
            "kept": all(outcome.kept for outcome in outcomes),
            "orders": len({outcome.task_id for outcome in outcomes}),
            "line": done_lines(outcomes, currency),
            "again": _with_gaps([("node.kept", {})], outcomes),
        },
        ensure_ascii=False,
    )


def _with_gaps(line: Sequence[Sentence], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """A line in each language, and the missing results of paid orders. These are announced first,
    since a label shows only its beginning, and no other node reports them."""
    gaps = gaps_of(outcomes)
    return language.in_languages([("node.not_all", {}), *line, *gaps] if gaps else line)


def _done(outcomes: Sequence[Outcome], currency: str) -> list[Sentence]:
    """The status sentences, each order once: equal items of a batch, and equal nodes, share one."""
    orders: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.task_id not in orders or outcome.is_paid:
            orders[outcome.task_id] = outcome
    paid = [outcome for outcome in orders.values() if outcome.is_paid]
    kept = sum(outcome.kept for outcome in orders.values())
    shared = len(orders) - len(paid) - kept
    if kept == len(orders):
        return [("node.kept", {})]
    if shared == len(orders):
        return [("node.shared", {})]
    lines: list[Sentence] = []
    if len(orders) > 1:
        lines.append(("node.orders_done", {"count": len(orders)}))
        if kept:
            lines.append(("node.orders_kept", {"count": kept}))
        if shared:
            lines.append(("node.orders_shared", {"count": shared}))
        placed_now = [outcome.usage for outcome in paid if not outcome.taken_up]
        lines += cost_sentences(placed_now, currency)
        before = [outcome.usage for outcome in paid if outcome.taken_up]
        if before:  # their cost may have been reported when their run was stopped
            lines.append(("node.orders_taken_up", {"count": len(before)}))
        return lines + cost_sentences(before, currency)
    (only,) = paid
    if only.taken_up:
        return [("node.taken_up", {}), *cost_sentences([only.usage], currency)]
    seconds = only.usage.seconds or (f"{only.seconds:.0f}" if only.seconds else None)
    lines.append(("node.done_in" if seconds else "node.done", {"seconds": seconds}))
    return lines + cost_sentences([only.usage], currency)
