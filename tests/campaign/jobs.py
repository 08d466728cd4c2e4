"""What is ordered in a campaign: jobs that can be told apart in the emulator's books."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rh_api.client import Job
from rh_api.emulator import Emulator, catalog
from rh_api.emulator.tasks import Task
from tests.client.conftest import picture


@dataclass(frozen=True)
class Wish:
    """One job, told by a `mark` that is in its fields. `red`: of a picture to upload, or None."""

    mark: str
    red: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON, for a driver."""
        if self.red is None:
            fields = {"6.text": self.mark, "3.seed": 7, "5.width": 64, "5.height": 64}
            return {"workflow": catalog.TEXT_TO_IMAGE, "fields": fields}
        fields = {"10.image": {"red": self.red}, "13.filename_prefix": self.mark}
        return {"workflow": catalog.INVERT, "fields": fields}

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
        ]


def graph(seed: int, chance: random.Random) -> list[Wish]:
    """One to six orders, some of them with pictures, some of which share one."""
    count = chance.randint(1, 6)
    return [
        Wish(f"seed {seed} number {number}", chance.choice([None, None, 1, 2]))
        for number in range(count)
    ]


def job_of(item: Mapping[str, Any]) -> Job:
    """The job of a wish as JSON."""
    fields = {
        name: picture(value["red"]) if isinstance(value, dict) else value
        for name, value in item["fields"].items()
    }
    return Job(item["workflow"], fields)
