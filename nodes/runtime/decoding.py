"""Decodes results to node outputs; a kept file that cannot be decoded is downloaded once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from comfy_api.latest import io

from ...rh_api.client import Client, Outcome, Program, Progress, Result, Stage
from ..values import outputs, status_lines
from .media_threads import in_media_thread
from .node_display import NodeDisplay
from .node_outcomes import End

T = TypeVar("T")


async def output_of(
    client: Client,
    outcomes: Sequence[Outcome],
    display: NodeDisplay,
    program: Program | None,
    output_ids: Sequence[str],
) -> tuple[io.NodeOutput, str]:
    """Return a node's output for its finished orders, and its status line; sets `display.end`."""
    currency = await client.costs.known_currency()

    def make(delivered: Sequence[Outcome], undecodable: list[Result]) -> tuple[io.NodeOutput, str]:
        return outputs.node_output(delivered, program, output_ids, undecodable, currency)

    output, line = await decoded(client, display, outcomes, currency, make)
    line_in_each = status_lines.done_lines(outcomes, currency)
    display.end = End.done(outcomes, line_in_each, output.ui)
    return output, line


async def decoded(
    client: Client,
    display: NodeDisplay,
    outcomes: Sequence[Outcome],
    currency: str,
    make: Callable[[Sequence[Outcome], list[Result]], T],
) -> T:
    """Return `make(outcomes, undecodable)`, run in a worker thread.

    `make` appends the results that it cannot decode. If one of them is of an outcome served from
    kept files, which may be damaged, it is downloaded again at no cost, and `make` runs again.
    """
    display.end_if_stopped = End.stopped_while_decoding(outcomes, currency)
    display(Progress(Stage.READING))
    undecodable: list[Result] = []
    values = await in_media_thread(make, outcomes, undecodable)
    kept = (result for outcome in outcomes if outcome.kept for result in outcome.results)
    if not any(result in undecodable for result in kept):
        return values
    renewed = [
        await client.fetch_again(outcome, undecodable) if outcome.kept else outcome
        for outcome in outcomes
    ]
    return await in_media_thread(make, renewed, [])
