"""What orders made, as a node's outputs: the whole pool, each a list, none of them empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..rh_api.client import Outcome, Program, Result
from ..rh_api.graph.names import POOL
from ..rh_api.graph.outputs import group, select
from ..rh_api.wire.filetypes import Kind as FileKind
from . import language, shelves
from .media.codec import Kind
from .pictures import Pictures, read_pictures

# The typed outputs between the pictures and the task id.
TYPED = ("images", "masks", "video", "audio", "text", "files")


@dataclass(slots=True)
class Made:
    """What one remote node made in all orders.

    `pictures`: their numbers among all; `others`: the other items in file order, of which
    `before` come before the pictures.
    """

    pictures: list[int] = field(default_factory=list[int])
    others: list[Any] = field(default_factory=list[Any])
    before: int = 0


def node_output(
    outcomes: Sequence[Outcome], program: Program | None, wanted: Sequence[str]
) -> tuple[io.NodeOutput, str]:
    """All outputs of finished orders of one program, joined in the orders' order, with what the
    node shows, and its last line of text. `program`: None where nobody knows what was run.

    Reads and writes files: to be called in a worker thread. Raises NodeFailure's sources.
    """
    every = [result for outcome in outcomes for result in outcome.results]
    announced = {node_id for outcome in outcomes for node_id in outcome.tips.outputs}
    graph = program.graph if program is not None else None
    selected = select(wanted, announced, graph, every)
    orders = [
        (shelves.Shelf(outcome.task_id), group(outcome.results, selected, lambda r: r.name))
        for outcome in outcomes
    ]
    pictures = read_pictures(
        [
            (shelf, [r for made in groups.values() for r in made if _is_picture(r)])
            for shelf, groups in orders
        ]
    )
    typed: dict[str, list[Any]] = {name: [] for name in TYPED}
    typed["images"] = pictures.tensors(Kind.IMAGE)
    typed["masks"] = pictures.tensors(Kind.MASK)
    made = _sorted(orders, pictures, typed)

    slots: list[tuple[str, list[Any]]] = [(name, typed[name]) for name in TYPED]
    slots.append(("task_id", [outcome.task_id for outcome in outcomes]))
    carried = selected[:POOL]
    for number in range(POOL):
        items: list[Any] = []
        if number < len(carried):
            one = made[carried[number]]
            items = list(one.others)
            items[one.before : one.before] = pictures.some(one.pictures)
        slots.append((f"out_{number + 1}", items))

    missing = missing_sentence([name for name, items in slots if not items], outcomes)
    values = [items or [ExecutionBlocker(missing)] for _, items in slots]
    done = done_sentence(outcomes)
    shown = shelves.shown([shelf for shelf, _ in orders])
    shown["text"] = (done, missing) if missing else (done,)
    return io.NodeOutput(*values, ui=shown), done


def _sorted(
    orders: Iterable[tuple[shelves.Shelf, Mapping[str, Sequence[Result]]]],
    pictures: Pictures,
    typed: dict[str, list[Any]],
) -> dict[str, Made]:
    """What each node made; what is no picture goes into its typed output as well."""
    made: dict[str, Made] = {}
    counts, seen = iter(pictures.counts), 0
    for shelf, groups in orders:
        for node_id, results in groups.items():
            one = made.setdefault(node_id, Made())
            for result in results:
                if _is_picture(result):
                    if not one.pictures:
                        one.before = len(one.others)
                    last = seen + next(counts)
                    one.pictures += range(seen, last)
                    seen = last
                    continue
                values = list(_values(result, shelf))
                for name, value in values:
                    typed[name].append(value)
                # Of a text file that is the text; its name is in `files` as well.
                one.others += [value for _, value in values[:1]]
    return made


def _is_picture(result: Result) -> bool:
    return bool(result.path and result.type and result.type.kind is FileKind.IMAGE)


def _values(result: Result, shelf: shelves.Shelf) -> Iterable[tuple[str, Any]]:
    """The typed outputs that a result which is no picture goes to."""
    kind = result.type.kind if result.type else FileKind.FILE
    if result.path is None:
        if result.text is not None:
            yield "text", result.text
    elif kind is FileKind.VIDEO:
        yield "video", shelf.video(result)
    elif kind is FileKind.AUDIO:
        yield "audio", shelf.audio(result)
    else:
        text = shelf.text(result) if kind is FileKind.TEXT else None
        if text is not None:
            yield "text", text
        yield "files", shelf.keep(result)


def missing_sentence(names: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """One sentence for all outputs that the run did not produce; "" when there is none."""
    if not names:
        return ""
    key = "node.not_produced" if len(outcomes) == 1 else "node.not_produced_by_any"
    params = {"outputs": ", ".join(_runs(names)), "task_id": outcomes[0].task_id}
    return language.say(key, {**params, "count": len(outcomes)})


def _runs(names: Sequence[str]) -> list[str]:
    """`out_2, out_3, out_4` as `out_2 … out_4`."""
    pool = [name for name in names if name.startswith("out_")]
    rest = [name for name in names if name not in pool]
    numbers = [int(name.removeprefix("out_")) for name in pool]
    if len(pool) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        pool = [f"{pool[0]} … {pool[-1]}"]
    return rest + pool


def done_sentence(outcomes: Sequence[Outcome]) -> str:
    """How long it ran and what it cost, as far as the service says."""
    paid = [outcome for outcome in outcomes if not outcome.kept]
    if not paid:
        return language.say("node.kept", {})
    said: list[str] = []
    if len(outcomes) > 1:
        said.append(language.say("node.orders_done", {"count": len(outcomes)}))
        if len(paid) < len(outcomes):
            said.append(language.say("node.orders_kept", {"count": len(outcomes) - len(paid)}))
    else:
        (one,) = paid
        seconds = one.usage.seconds or (f"{one.seconds:.0f}" if one.seconds else None)
        key = "node.done_in" if seconds else "node.done"
        said.append(language.say(key, {"seconds": seconds}))
    costs = {
        "node.coins": [outcome.usage.coins for outcome in paid],
        "node.money": [outcome.usage.money for outcome in paid],
        "node.third_party": [outcome.usage.third_party_money for outcome in paid],
    }
    for key, values in costs.items():
        value = _sum([value for value in values if value is not None])
        if value is not None:
            one_coin = key == "node.coins" and value == "1"
            said.append(language.say("node.coin" if one_coin else key, {"value": value}))
    return " · ".join(said)


def _sum(costs: Sequence[str]) -> str | None:
    """Costs together, as far as they are numbers; None when there is nothing worth a word."""
    if len(costs) == 1 and not _is_number(costs[0]):
        return costs[0]
    total = sum((Decimal(cost) for cost in costs if _is_number(cost)), Decimal(0))
    return str(total) if total else None


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
