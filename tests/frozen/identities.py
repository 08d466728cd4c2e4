"""What the journal writes of each job: its identity, and what else an order is found by."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from rh_api.client import Client, Job
from rh_api.emulator import Emulator
from rh_api.emulator.accounts import example_key
from tests.frozen.jobs import FROZEN_JOBS, PLAIN, retained
from tests.frozen.service import named, service, settings
from tests.support.clocks import QuickClock

Recorded = dict[str, dict[str, Any]]
JOURNAL = "orders.sqlite3"


async def identities(folder: Path) -> Recorded:
    """By job, from journals in `folder` that are made for it."""
    emulator = service()
    async with emulator.serve() as base_url:
        with named(base_url):
            recorded: Recorded = {}
            for number, (name, make_job) in enumerate(FROZEN_JOBS.items()):
                state = folder / str(number)
                (recorded[name],) = await _placed(emulator, state, [make_job(folder)])
            anew = [Job(PLAIN, {"5.value": 11}, reroll_seeds=True)] * 2
            twins = await _placed(emulator, folder / "twins", anew)
            recorded |= {f"twin {twin['item']} with seeds of its own": twin for twin in twins}
            shared = example_key("shared")
            (recorded["retained, on another account"],) = await _placed(
                emulator, folder / "shared", [retained(folder)], shared
            )
            return recorded


async def _placed(
    emulator: Emulator, state: Path, jobs: list[Job], key: str = ""
) -> list[dict[str, Any]]:
    async with Client(settings(emulator, state, key=key), clock=QuickClock(50)) as client:
        await asyncio.gather(*(client.run(job) for job in jobs))
    return read_identities(state / JOURNAL)


def read_identities(path: Path) -> list[dict[str, Any]]:
    """What the orders of a journal are found by, in the order of their items and identities."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        rows = db.execute("SELECT * FROM orders ORDER BY item, identity_digest").fetchall()
    columns = ("identity_digest", "origin", "account", "workflow", "item", "instance")
    return [
        {**{name: row[name] for name in columns}, "inputs": json.loads(row["what"])["inputs"]}
        for row in rows
    ]
