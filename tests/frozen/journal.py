"""A journal with an order in every state, as version 0.1.0 left it,
and a copy of it to go on with."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

from rh_api.client import Client, Job, Progress, Stage
from rh_api.emulator import Emulator, Fault
from rh_api.errors import RunningHubError
from tests.frozen.jobs import APP_ID, FROZEN, MEDIA, archive, film, picture, plain, sound, whole
from tests.frozen.service import named, service, settings
from tests.support.clocks import QuickClock

CREATE = "/task/openapi/create"
CANCEL = "/task/openapi/cancel"
JOURNAL = "orders.sqlite3"
RECORDED = FROZEN / "journal"
TIMES = {"orders": ("created", "placed", "started", "ended"), "uploads": ("expires",)}
LORA_PATH = b"/models/loras/style.safetensors"

DONE: dict[str, Callable[[], Job]] = {
    "done": lambda: plain(fields_too={"1.image": picture(4)}),
    "done with a picture": lambda: plain("with a picture", fields_too={"1.image": picture()}),
    "done app": lambda: Job(app=APP_ID, fields={"4.value": "an app", "1.image": picture(4)}),
    "done graph": whole,
    "done first of a batch": lambda: _batch(101),
    "done second of a batch": lambda: _batch(102),
}
JOBS: dict[str, Callable[[], Job]] = {
    **DONE,
    "done, owed": lambda: Job(MEDIA, {"1.audio": sound(), "3.file": film(), "5.upload": archive()}),
    "failed": lambda: plain("failed"),
    "cancelled": lambda: plain("cancelled"),
    "running": lambda: plain("running"),
    "placed": lambda: plain("placed"),
    "cancel wanted": lambda: plain("cancel wanted"),
    "uncertain": lambda: plain("uncertain"),
    "intended": lambda: plain("intended"),
}


def _batch(red: int) -> Job:
    return plain("each", fields_too={"1.image": picture(red)})


# Making it


async def record(folder: Path) -> None:
    """Place every job of JOBS in a journal in `folder`, and leave it as a crash would."""
    emulator = service()
    async with emulator.serve() as base_url:
        with named(base_url):
            await _record(emulator, folder / "state")
    _keep(folder / "state")


async def _record(emulator: Emulator, state: Path) -> None:
    async with _client(emulator, state) as client:
        for job in DONE.values():
            await client.run(job())
        emulator.faults.append(Fault("/results/", "status", count=None, value=403))
        with suppress(RunningHubError):
            await client.run(JOBS["done, owed"]())
        emulator.faults.clear()
        emulator.fail_next = {
            "node_id": "20",
            "exception_type": "RuntimeError",
            "exception_message": "out of memory",
        }
        with suppress(RunningHubError):
            await client.run(JOBS["failed"]())
        emulator.run_seconds = 600
        await _stopped(client, JOBS["cancelled"]())
        await client.close()
    async with _client(emulator, state) as client:
        emulator.faults.append(Fault(CANCEL, "code", count=None, value=500))
        await _stopped(client, JOBS["cancel wanted"]())
    async with _client(emulator, state) as client:
        emulator.faults.append(Fault(CREATE, "lost_reply"))
        with suppress(RunningHubError):
            await client.run(JOBS["uncertain"]())
        running = await _until(client, JOBS["running"](), Stage.RUNNING)
        emulator.queue_seconds = 600
        placed = await _until(client, JOBS["placed"](), Stage.QUEUED)
        emulator.faults.append(Fault(CREATE, "hang"))
        intended = await _until(client, JOBS["intended"](), Stage.ORDERING)
        _copy(state / JOURNAL, RECORDED / JOURNAL)
        await client.leave()
        await asyncio.gather(running, placed, intended, return_exceptions=True)


def _client(emulator: Emulator, state: Path) -> Client:
    return Client(settings(emulator, state), clock=QuickClock(20))


async def _until(client: Client, job: Job, stage: Stage) -> asyncio.Task[Any]:
    reached = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.stage is stage:
            reached.set()

    task = asyncio.ensure_future(client.run(job, watch))
    await reached.wait()
    return task


async def _stopped(client: Client, job: Job) -> None:
    task = await _until(client, job, Stage.RUNNING)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as db, closing(sqlite3.connect(target)) as copy:
        db.backup(copy)


def _keep(state: Path) -> None:
    """Beside the journal: its results, and when all of this was; no path of this machine."""
    with closing(sqlite3.connect(RECORDED / JOURNAL)) as db:
        db.execute("DELETE FROM hashes")
        row = (LORA_PATH, "md5", 10, 1_700_000_000_000_000_000, "42", "0" * 32)
        db.execute("INSERT INTO hashes VALUES (?, ?, ?, ?, ?, ?)", row)
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")
    shutil.rmtree(RECORDED / "results", ignore_errors=True)
    shutil.copytree(state / "results", RECORDED / "results")
    (RECORDED / "made.json").write_text(json.dumps({"at": int(time.time())}) + "\n")


# Going on with it


@asynccontextmanager
async def going_on(folder: Path) -> AsyncIterator[Past]:
    """The recorded journal as if it had been made a minute ago, and the service of then."""
    state = folder / "state"
    shutil.copytree(RECORDED, state)
    age = time.time() - 60 - json.loads((state / "made.json").read_text())["at"]
    (state / "made.json").unlink()
    with closing(sqlite3.connect(state / JOURNAL)) as db, db:
        for table, columns in TIMES.items():
            moved = ", ".join(f"{name} = {name} + {age}" for name in columns)
            db.execute(f"UPDATE {table} SET {moved}")
    emulator = service()
    async with emulator.serve() as base_url:
        with named(base_url):
            yield Past(emulator, state)


class Past:
    """What was there when this start began."""

    def __init__(self, emulator: Emulator, state: Path) -> None:
        self.emulator = emulator
        self.state = state

    def client(self) -> Client:
        return _client(self.emulator, self.state)

    def rows(self, table: str = "orders") -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.state / JOURNAL)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]

    def row(self, name: str) -> dict[str, Any]:
        """The order of a job of JOBS, by the place that it was recorded at."""
        return self.rows()[ORDER.index(name)]

    async def runs(self, name: str, seconds: float = 0.3) -> str:
        """The service has the task of an order that is under way; its id, in the journal too."""
        async with Client(settings(self.emulator, self.state.parent / "elsewhere")) as elsewhere:
            self.emulator.run_seconds = seconds
            task = await _until(elsewhere, JOBS[name](), Stage.RUNNING)
            await elsewhere.leave()
            await asyncio.gather(task, return_exceptions=True)
        (task_id,) = self.emulator.tasks
        with closing(sqlite3.connect(self.state / JOURNAL)) as db, db:
            number = self.row(name)["id"]
            db.execute("UPDATE orders SET task_id = ? WHERE id = ?", (task_id, number))
        return task_id


ORDER = [
    *DONE,
    "done, owed",
    "failed",
    "cancelled",
    "cancel wanted",
    "uncertain",
    "running",
    "placed",
    "intended",
]
