"""Sentences on what finished orders came to: run time, cost, warnings, missing results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import language
from .cost_texts import cost_sentences
from .missing_results import Sentence, gaps_of

if TYPE_CHECKING:
    from ...rh_api.client import Outcome


def missing_sentence(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """One sentence for all outputs that the run did not produce; "" when there is none."""
    if not names:
        return ""
    key = "node.not_produced" if len(outcomes) == 1 else "node.not_produced_by_any"
    params = {"outputs": ", ".join(_abbreviated(names)), "task_id": outcomes[0].task_id}
    return language.say(key, {**params, "count": len(outcomes)})


def notices(outcomes: Sequence[Outcome]) -> list[str]:
    """The warnings of all orders as sentences, without duplicates."""
    every = [notice for outcome in outcomes for notice in outcome.notices]  # alike in a batch
    return list(dict.fromkeys(language.say(notice.key, notice.params) for notice in every))


def _abbreviated(names: Sequence[str]) -> list[str]:
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
    by_task: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.task_id not in by_task or outcome.is_paid:
            by_task[outcome.task_id] = outcome
    paid = [outcome for outcome in by_task.values() if outcome.is_paid]
    kept = sum(outcome.kept for outcome in by_task.values())
    shared = len(by_task) - len(paid) - kept
    if kept == len(by_task):
        return [("node.kept", {})]
    if shared == len(by_task):
        return [("node.shared", {})]
    lines: list[Sentence] = []
    if len(by_task) > 1:
        lines.append(("node.orders_done", {"count": len(by_task)}))
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
