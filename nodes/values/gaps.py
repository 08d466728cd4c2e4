"""What was paid and did not come, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...rh_api.client import Outcome

Sentence = tuple[str, Mapping[str, object]]
"""Its key, and what is filled in."""


def gaps_of(outcomes: Sequence[Outcome]) -> list[Sentence]:
    """A sentence for each result that is not here, or not whole; of equal items once."""
    gaps = {outcome.task_id: outcome.gaps for outcome in outcomes}
    return [(gap.key, gap.params) for of_one in gaps.values() for gap in of_one]
