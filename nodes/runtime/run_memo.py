"""Outcomes of a node's orders in the current run of its prompt, in which it may be executed again.

ComfyUI executes a node again in one run when a lazy input asks for an output that it has not cached
any more: with --cache-none, or in low memory. That must neither order nor pay again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context

if TYPE_CHECKING:
    from comfy_execution.progress import ProgressRegistry

    from ...rh_api.client import Outcome

    RunMemo = defaultdict[int, dict[str, Outcome]]
    """`Job.memo` by the number of the node's job."""

_memos: WeakKeyDictionary[ProgressRegistry, dict[tuple[str, str], RunMemo]] = WeakKeyDictionary()
"""By run (registry, then prompt id: either may serve several runs) and node id."""


def of_running_node() -> RunMemo:
    """Return the memo of the node whose `execute` is being called; an empty one outside of any."""
    context = get_executing_context()
    if context is None:
        return defaultdict(dict)
    memos = _memos.setdefault(get_progress_state(), {})
    return memos.setdefault((context.prompt_id, context.node_id), defaultdict(dict))
