"""Invalidates ComfyUI's cache for nodes whose outputs lack results that were paid.

Such a node runs again when it is next queued, served from the journal at no cost. It runs again
each time its set of missing results changes, so permanently lost ones do not cause a rerun every
time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import language
from ..values.missing_results import Sentence, gaps_of

if TYPE_CHECKING:
    from ...rh_api.client import Outcome

KEPT_NODES = 100  # nodes, least recent evicted: equal inputs then run again, at no cost
_KEPT_TASKS = 1_000  # of each node


@dataclass(slots=True)
class _Node:
    """A node with missing results; `tasks`: ids of those that had some."""

    gaps: Sequence[Sentence] = ()
    reruns: int = 0
    tasks: deque[str] = field(default_factory=lambda: deque[str](maxlen=_KEPT_TASKS))


_nodes: OrderedDict[str, _Node] = OrderedDict()
"""By the key that a node's fingerprint is made of: of a marked part, its whole graph."""


def note(key: str, outcomes: Sequence[Outcome]) -> None:
    """Record the missing results of a node that ran."""
    gaps = gaps_of(outcomes)
    if not gaps and key not in _nodes:
        return
    node = _nodes.setdefault(key, _Node())
    _nodes.move_to_end(key)
    if gaps and gaps != node.gaps:
        node.reruns += 1
    node.gaps = gaps
    node.tasks.extend(outcome.task_id for outcome in outcomes if outcome.gaps)
    if len(_nodes) > KEPT_NODES:
        _nodes.popitem(last=False)


def fetched(outcome: Outcome) -> dict[str, str]:
    """Record a task's results fetched by the user; return what is still missing, by language."""
    gaps = gaps_of([outcome])
    for node in _nodes.values():
        if outcome.task_id in node.tasks and gaps != node.gaps:
            node.reruns += 1
    return language.in_languages(gaps)


def reruns(key: str) -> int:
    """Return the number of reruns that were required so far; part of the node's fingerprint."""
    node = _nodes.get(key)
    return 0 if node is None else node.reruns
