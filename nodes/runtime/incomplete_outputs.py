"""Which nodes gave less than what was paid for: ComfyUI's cache would give it again for good.

A node runs anew when it is queued next, which the journal answers at no cost, and again whenever
something of it has come; what is lost for good is not asked for at each run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import language
from ..values.gaps import Sentence, gaps_of

if TYPE_CHECKING:
    from ...rh_api.client import Outcome

# By what a node's fingerprint knows of it.
_gaps: dict[str, Sequence[Sentence]] = {}
_reruns: Counter[str] = Counter()
_keys: dict[str, str] = {}  # by a task's id


def note(key: str, outcomes: Sequence[Outcome]) -> None:
    """Remember what a node that ran did not give."""
    gaps = gaps_of(outcomes)
    if gaps and gaps != _gaps.get(key):
        _reruns[key] += 1
    if gaps or key in _gaps:  # the key of a marked part is its whole graph
        _gaps[key] = gaps
    _keys.update({outcome.task_id: key for outcome in outcomes if outcome.gaps})


def fetched(outcome: Outcome) -> dict[str, str]:
    """Of a task whose results were brought by hand: what is missing still, in each language."""
    gaps = gaps_of([outcome])
    key = _keys.get(outcome.task_id)
    if key is not None and gaps != _gaps[key]:
        _reruns[key] += 1
    return language.in_each(gaps)


def reruns(key: str) -> int:
    """How often a node has to run anew for it: its fingerprint."""
    return _reruns[key]
