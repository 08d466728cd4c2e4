"""What is ordered in a campaign: jobs that can be told apart in the emulator's books."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rh_api.client import Job
from rh_api.emulator import Emulator, catalog
from rh_api.emulator.tasks import Task
from tests.client.conftest import picture


@dataclass(frozen=True)
class Wish:
    """One job, told by a `mark` that is in its fields. `red`: of a picture to upload, or None.

    `inline`: the graph goes out with the order, as a segment's does.
    """

    mark: str
    red: int | None = None
    inline: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON, for a driver."""
        if self.red is None:
            fields = {"6.text": self.mark, "3.seed": 7, "5.width": 64, "5.height": 64}
            return {"workflow": catalog.TEXT_TO_IMAGE, "fields": fields, "inline": self.inline}
        fields = {"10.image": {"red": self.red}, "13.filename_prefix": self.mark}
        return {"workflow": catalog.INVERT, "fields": fields, "inline": self.inline}

    def job(self) -> Job:
        return job_of(self.plain())

    def is_in(self, fields: Mapping[str, Any]) -> bool:
        return self.mark in fields.values()

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
    for node in task.graph.values():
        yield {name: v for name, v in node["inputs"].items() if isinstance(v, str)}


def graph(seed: int, chance: random.Random) -> list[Wish]:
    """One to six orders: some with pictures, some of which share one, some of whole graphs."""
    count = chance.randint(1, 6)
    return [
        Wish(
            f"seed {seed} number {number}",
            chance.choice([None, None, 1, 2]),
            inline=chance.random() < 0.3,
        )
        for number in range(count)
    ]


def job_of(item: Mapping[str, Any]) -> Job:
    """The job of a wish as JSON."""
    fields = {
        name: picture(value["red"]) if isinstance(value, dict) else value
        for name, value in item["fields"].items()
    }
    if item.get("inline"):
        return Job(fields=fields, graph=catalog.workflows()[item["workflow"]].graph)
    return Job(item["workflow"], fields)
