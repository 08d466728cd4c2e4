"""Seeded runs with two or three faults at once, then a start without faults: what is left?"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rh_api.client import Client, Outcome
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BatchFailed, RunningHubError, Uncertain
from rh_api.settings import Settings
from tests.campaign import books
from tests.campaign.books import Findings
from tests.campaign.jobs import Wish, graph
from tests.campaign.person import answer, looked_at
from tests.campaign.troubles import oddities, over, trouble
from tests.faults.rig import quickly
from tests.support.clocks import LoopClock

PACE = 24.0  # loop seconds a second
BOUND = 900.0  # loop seconds that a run may take, with all its time-outs and tries
MOMENTS = (0.05, 0.3, 0.7, 1.5, 3.0)  # loop seconds after which somebody interferes

CREATE = "/task/openapi/create"
QUERY = "/openapi/v2/query"
CANCEL = "/task/openapi/cancel"
RESULTS = "/results/"
UPLOAD = "/openapi/v2/media/upload"
LIMIT = "/openapi/v2/queue/status"
WORKFLOW = "/api/openapi/getJsonApiFormat"
PATHS = (CREATE, QUERY, CANCEL, RESULTS, UPLOAD, LIMIT, WORKFLOW)

_UNREADABLE = ("html", "half_json", "truncated", "wrong_types", "null_data", "empty")
_BROKEN = ("reset", "lost_reply", "status", "delay")
FAULTS: tuple[tuple[str, str, Any], ...] = (
    *((CREATE, kind, None) for kind in (*_UNREADABLE, *_BROKEN)),
    *((CREATE, "code", number) for number in (421, 500, 1000, 1003, 1005, 416, 4711)),
    (CREATE, "hang", "before"),
    (CREATE, "hang", "after"),
    (CREATE, "retry_after", 2),
    *((QUERY, kind, None) for kind in (*_UNREADABLE, *_BROKEN)),
    *((QUERY, "code", number) for number in (1005, 1004, 412)),
    (QUERY, "hang", "before"),
    (QUERY, "retry_after", 2),
    *((RESULTS, kind, None) for kind in ("html", "reset", "truncated", "delay")),
    *((RESULTS, "status", number) for number in (403, 503)),
    *((UPLOAD, kind, None) for kind in (*_UNREADABLE, *_BROKEN)),
    (UPLOAD, "code", 808),
    *((CANCEL, kind, None) for kind in _BROKEN),
    (CANCEL, "hang", "before"),
    *((LIMIT, kind, None) for kind in ("status", "null_data", "reset")),
    *((WORKFLOW, kind, None) for kind in ("status", "reset", "html")),
)


@dataclass
class Storm:
    """One seed: an account, a graph of orders, faults, and somebody who may interfere."""

    seed: int
    folder: Path
    chance: random.Random = field(init=False)
    emulator: Emulator = field(init=False)
    wishes: list[Wish] = field(init=False)
    stopped: set[str] = field(default_factory=set)
    errors: list[RunningHubError] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        chance = self.chance
        self.wishes = graph(self.seed, chance)
        self.emulator = Emulator(
            strict=True,
            run_seconds=chance.choice([0.1, 1.0, 4.0]),
            queue_seconds=chance.choice([0.0, 0.0, 2.0]),
            result_lag=chance.choice([0.0, 0.0, 1.0]),
            queue_when_full=chance.random() < 0.3,
            socket=chance.choice(["ok", "none", "refused", "silent", "dying", "lying"]),
        )
        self.emulator.account.limit = chance.randint(1, 4)
        for path, kind, value in chance.sample(FAULTS, chance.randint(2, 3)):
            count = chance.randint(1, 3)
            self.emulator.faults.append(
                Fault(path, kind, value=value, count=count, after=chance.randint(0, 2))  # type: ignore[arg-type]
            )
        trouble(self.seed, self.emulator, self.state)
        oddities(self.seed, self.emulator, PATHS)
        if chance.random() < 0.15:
            self.emulator.fail_next = {"node_id": "3", "exception_type": "X", "count": 1}

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def client(self, origin: str) -> Client:
        variables = {
            "RUNNINGHUB_API_KEY": self.emulator.default_key,
            "RUNNINGHUB_BASE_URL": origin,
            "RUNNINGHUB_STATE": str(self.state),
            "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT,
        }
        return Client(Settings.from_mapping(variables), clock=LoopClock())

    async def run(self) -> Findings:
        key_watch = books.KeyWatch(self.emulator.default_key)
        with key_watch:
            async with self.emulator.serve() as origin:
                await self._bounded(self._with_faults(origin))
                self.findings.unknown += len(
                    books.unknown_tasks(self.emulator, self.state, self.wishes)
                )
                over(self.emulator, self.state)
                outcomes = await self._bounded(self._without_faults(origin)) or {}
                self._audit(outcomes)
        self.findings.leaks += key_watch.leaks
        return self.findings

    async def _bounded(self, work: Any) -> Any:
        try:
            return await asyncio.wait_for(work, BOUND)
        except asyncio.TimeoutError:
            self.findings.hangs += 1
            return None

    async def _with_faults(self, origin: str) -> None:
        """Everything at once; perhaps Stop, perhaps the end of the process."""
        deed = self.chance.choice(["watch", "watch", "stop", "stop all", "stop unheard", "leave"])
        if deed == "stop unheard":  # and what was stopped runs on
            self.emulator.faults.insert(0, Fault(CANCEL, "status", count=None))
            self.emulator.run_seconds = BOUND
        client = self.client(origin)
        jobs = {wish.mark: asyncio.ensure_future(self._order(client, wish)) for wish in self.wishes}
        if self.chance.random() < 0.3:  # as one batch instead
            for job in jobs.values():
                job.cancel()
            batch = asyncio.ensure_future(self._batch(client))
            jobs = dict.fromkeys(jobs, batch)
        if deed == "stop unheard":
            await self._until_something_runs(jobs.values())
        elif deed != "watch":
            await asyncio.wait(set(jobs.values()), timeout=self.chance.choice(MOMENTS))
        if deed == "leave":
            await client.leave()
        elif deed.startswith("stop"):
            chosen = self.wishes[:1] if deed == "stop" else self.wishes
            for wish in chosen:
                if jobs[wish.mark].cancel() or deed == "stop unheard":
                    same = [m for m, job in jobs.items() if job is jobs[wish.mark]]
                    self.stopped.update(same)
        await asyncio.wait(set(jobs.values()))
        await client.close()

    async def _until_something_runs(self, jobs: Iterable[asyncio.Future[Any]]) -> None:
        """Also when nothing ever will."""
        jobs = list(jobs)
        while not all(job.done() for job in jobs):
            if any(not task.is_over for wish in self.wishes for task in wish.tasks(self.emulator)):
                return
            await asyncio.sleep(0.1)

    async def _batch(self, client: Client) -> None:
        try:
            outcomes = await client.run_all([wish.job() for wish in self.wishes])
        except BatchFailed as error:
            for index, failure in error.errors.items():
                self._failed(self.wishes[index], failure)
        except RunningHubError as error:
            self.errors.append(error)
        else:
            for outcome in outcomes:
                self._came(outcome)

    async def _order(self, client: Client, wish: Wish) -> Outcome | None:
        try:
            outcome = await looked_at(client, await client.run(wish.job()))
        except RunningHubError as error:
            self._failed(wish, error)
            return None
        self._came(outcome)
        return outcome

    def _came(self, outcome: Outcome) -> None:
        """What a delivery lacks it names."""
        if not outcome.missing:
            count = books.files(outcome) + len(outcome.unfetched)
            self.findings.missing += books.missing(self.emulator, outcome.task_id, count)

    def _failed(self, wish: Wish, error: RunningHubError) -> None:
        """An error of an order whose task is known names it."""
        self.errors.append(error)
        tasks = [task.id for task in wish.tasks(self.emulator) if task.status != "CANCEL"]
        if tasks and not isinstance(error, Uncertain) and error.task_id not in tasks:
            self.findings.mute += 1

    async def _without_faults(self, origin: str) -> dict[str, Outcome]:
        """The next start: the questions are answered by the truth, the rest is asked for again."""
        first = self.client(origin)
        await first.open_orders()
        await first.close()  # and with it the cancels of before
        stopped = [wish for wish in self.wishes if wish.mark in self.stopped]
        self.findings.unstopped += books.unstopped(self.emulator, self.state, stopped)
        self.emulator.run_seconds = 1.0
        outcomes: dict[str, Outcome] = {}
        async with self.client(origin) as client:
            await answer(client, self.emulator, self.wishes)
            for wish in self.wishes:
                if wish.mark in self.stopped:
                    continue
                for _ in range(2):  # the second time after an end that was a failure of before
                    with contextlib.suppress(Uncertain):
                        outcome = await self._order(client, wish)
                        if outcome is not None:
                            outcomes[wish.mark] = outcome
                            break
        return outcomes

    def _audit(self, outcomes: dict[str, Outcome]) -> None:
        findings, emulator = self.findings, self.emulator
        findings.twice += books.placed_twice(emulator, self.wishes)
        for wish in self.wishes:
            if wish.mark in self.stopped:
                continue
            done = [task.id for task in wish.tasks(emulator) if task.status == "SUCCESS"]
            if wish.mark not in outcomes or outcomes[wish.mark].task_id not in done:
                findings.lost += 1
            else:
                last = outcomes[wish.mark]
                findings.missing += books.missing(emulator, last.task_id, books.files(last))
        findings.half += books.bad_files(self.state, all_is_delivered=not self.stopped)
        texts = [str(error) for error in self.errors]
        findings.leaks += books.leaked_keys(emulator, [self.state], texts)


def storm(seed: int) -> Findings:
    """One run by its seed."""
    with tempfile.TemporaryDirectory() as name:
        return quickly(Storm(seed, Path(name)).run(), PACE)
