"""Missing and incomplete results of paid orders, as sentences for the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...rh_api.client import Outcome

Sentence = tuple[str, Mapping[str, object]]
"""Text key and parameters."""


def gaps_of(outcomes: Sequence[Outcome]) -> list[Sentence]:
    """A sentence for each missing or incomplete result; once per task."""
    gaps = {outcome.task_id: outcome.gaps for outcome in outcomes}
    return [(gap.key, gap.params) for of_one in gaps.values() for gap in of_one]
