"""Results become values; what was kept and cannot be decoded is fetched once more first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ...rh_api.client import Client, Outcome, Result
from . import cloud

T = TypeVar("T")


async def decoded(
    client: Client,
    outcomes: Sequence[Outcome],
    make: Callable[[Sequence[Outcome], list[Result]], T],
) -> T:
    """What `make` makes of finished orders, in a worker thread.

    `make` takes up the results that it could not decode. A file that lay here may have been
    damaged since: it is fetched again, which costs nothing.
    """
    doubtful: list[Result] = []
    made = await cloud.in_worker(make, outcomes, doubtful)
    if not any(one in doubtful for outcome in outcomes if outcome.kept for one in outcome.results):
        return made
    renewed = [
        await client.fetch_again(outcome, doubtful) if outcome.kept else outcome
        for outcome in outcomes
    ]
    return await cloud.in_worker(make, renewed, [])
