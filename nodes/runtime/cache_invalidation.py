"""Invalidates ComfyUI's cache for nodes whose outputs lack results that were paid.

Such a node runs again when it is next queued (served from the journal at no cost), and again each
time its set of missing results changes; permanently lost ones do not cause a rerun every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import language
from ..values.missing_results import Sentence, gaps_of

if TYPE_CHECKING:
    from ...rh_api.client import Outcome

# By the key that a node's fingerprint is made of.
_gaps: dict[str, Sequence[Sentence]] = {}
_reruns: Counter[str] = Counter()
_keys: dict[str, str] = {}  # by a task's id


def note(key: str, outcomes: Sequence[Outcome]) -> None:
    """Record the missing results of a node that ran."""
    gaps = gaps_of(outcomes)
    if gaps and gaps != _gaps.get(key):
        _reruns[key] += 1
    if gaps or key in _gaps:  # not for every key: a marked part's is its whole graph
        _gaps[key] = gaps
    _keys.update({outcome.task_id: key for outcome in outcomes if outcome.gaps})


def fetched(outcome: Outcome) -> dict[str, str]:
    """Record a task's results fetched by the user; return what is still missing, by language."""
    gaps = gaps_of([outcome])
    key = _keys.get(outcome.task_id)
    if key is not None and gaps != _gaps[key]:
        _reruns[key] += 1
    return language.in_languages(gaps)


def reruns(key: str) -> int:
    """Return the number of reruns that were required so far; part of the node's fingerprint."""
    return _reruns[key]
