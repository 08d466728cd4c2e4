"""What is ordered in a campaign: jobs that can be told apart in the emulator's books."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rh_api.client import Job, OpenOrder
from rh_api.emulator import Emulator, catalog
from rh_api.emulator.tasks.task import Task
from rh_api.journal import OrderRow
from tests.support.graphs import node
from tests.support.jobs import picture


@dataclass(frozen=True)
class Wish:
    """One job, told by a `mark` that is in its fields. `red`: of a picture to upload, or None.

    `inline`: the graph goes out with the order, as a segment's does. `pair`: such a graph with
    two savers, so that a list of results can lack one.
    """

    mark: str
    red: int | None = None
    inline: bool = False
    pair: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON, for a driver."""
        if self.pair:
            return {"pair": True, "fields": {"2.filename_prefix": self.mark}}
        if self.red is None:
            fields = {"6.text": self.mark, "3.seed": 7, "5.width": 64, "5.height": 64}
            return {"workflow": catalog.TEXT_TO_IMAGE, "fields": fields, "inline": self.inline}
        fields = {"10.image": {"red": self.red}, "13.filename_prefix": self.mark}
        return {"workflow": catalog.INVERT, "fields": fields, "inline": self.inline}

    def job(self) -> Job:
        return job_of(self.plain())

    def is_of(self, order: OrderRow | OpenOrder) -> bool:
        """Whether a row of the journal is about it."""
        name = order.display_name if isinstance(order, OrderRow) else order.name
        return self.mark in order.inputs.values() or self.mark in name

    def tasks(self, emulator: Emulator) -> list[Task]:
        """The tasks that were booked for it, in their order."""
        return [
            task
            for task in emulator.tasks.values()
            if any(item["fieldValue"] == self.mark for item in task.node_info)
            or any(self.mark in inputs.values() for inputs in _inputs(task))
        ]


def _inputs(task: Task) -> Iterator[Mapping[str, Any]]:
    """The inputs of each node of the graph that a task runs."""
    for entry in task.graph.values():
        yield {name: v for name, v in entry["inputs"].items() if isinstance(v, str)}


def graph(seed: int, chance: random.Random) -> list[Wish]:
    """One to six orders: some with pictures, some of which share one, some of whole graphs,
    some with two results."""
    count, pairs = chance.randint(1, 6), random.Random(f"{seed} pairs")
    return [
        Wish(
            f"seed {seed} number {number}",
            chance.choice([None, None, 1, 2]),
            inline=chance.random() < 0.3,
            pair=pairs.random() < 0.25,
        )
        for number in range(count)
    ]


def job_of(item: Mapping[str, Any]) -> Job:
    """The job of a wish as JSON."""
    fields = {
        name: picture(value["red"]) if isinstance(value, dict) else value
        for name, value in item["fields"].items()
    }
    if item.get("pair"):
        return Job(fields=fields, graph=_two_savers())
    if item.get("inline"):
        return Job(fields=fields, graph=catalog.workflows()[item["workflow"]].graph)
    return Job(item["workflow"], fields)


def _two_savers() -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0x336699),
        "2": node("SaveImage", images=["1", 0], filename_prefix=""),
        "3": node("SaveImage", images=["1", 0], filename_prefix="beside"),
    }
