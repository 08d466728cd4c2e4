"""Converts a segment's results to its node's outputs: values, or files for a saver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comfy_execution.graph_utils import ExecutionBlocker

from ...rh_api.client import Outcome, Result
from ...rh_api.errors import Fate, RunningHubError
from ...rh_api.graph.constants import OUTLETS
from ...rh_api.offload import FILES, Outlet, Segment
from ...rh_api.offload.driver import require_results, text_of, value_of, wanted_results
from .. import language
from .adapters.table import BY_TYPE
from .result_files import NotKept, SaverItem, TaskFiles


def values(
    segment: Segment, outcome: Outcome, undecodable: list[Result] | None = None
) -> tuple[list[Any], list[str]]:
    """Return all outputs of the segment's node, None where it has no outlet, and the errors of
    blocked ones. A missing or undecodable result is an ExecutionBlocker: the order is paid, and the
    other outlets go on. Appends undecodable results to `undecodable`.

    Reads and writes files: call it in a worker thread. Raises NothingCame if no outlet has results,
    and NotKept.
    """
    require_results(segment, outcome)
    task_files = TaskFiles(outcome.task_id)
    slots: list[Any] = [None] * OUTLETS
    unreadable: list[str] = []
    for outlet in segment.outlets:
        try:
            value = _value(outlet, wanted_results(segment, outlet, outcome), task_files)
        except NotKept:
            raise
        except RunningHubError as error:
            sentence = language.describe(error)
            unreadable.append(sentence)
            value = ExecutionBlocker(sentence)
        slots[outlet.number - 1] = value
    if undecodable is not None:
        undecodable += task_files.undecodable
    return slots, unreadable


def _value(outlet: Outlet, results: Sequence[Result], task_files: TaskFiles) -> Any:
    if outlet.type == FILES:
        return [_saver_item(result, task_files) for result in results]
    adapter = BY_TYPE.get(outlet.type)
    if adapter is not None:
        return adapter.decode(results, task_files)
    try:
        return value_of(outlet, text_of(results[0]))
    except RunningHubError as error:
        raise error.with_context(fate=Fate.OVER, task_id=task_files.task_id) from error.__cause__


def _saver_item(result: Result, task_files: TaskFiles) -> SaverItem:
    if result.path is None:
        return SaverItem(task_files.task_id, text=result.text or "")
    kind = result.type.kind.value if result.type else "file"
    return SaverItem(task_files.task_id, task_files.put_in_temp(result), kind)
