"""kill -9 or a power cut at a random moment, then a restart and the same jobs: what is left?"""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rh_api.emulator import Emulator, Fault
from tests.campaign import books, power
from tests.campaign.books import Findings
from tests.campaign.jobs import Wish, graph
from tests.campaign.person import answer
from tests.campaign.process import SECONDS, Driver
from tests.campaign.storm import CANCEL, CREATE
from tests.campaign.troubles import over, trouble

PACE = 4.0
SPAN = 1.6  # seconds within which the blow falls; undisturbed, a run takes about as long
LONG = 60.0  # seconds that a task runs which somebody will stop
SMALL_DISKS = (60_000, 120_000, 250_000)  # bytes: the journal itself takes about 100,000
STOP_HEARD = 0.25  # seconds until a Stop is surely in the journal


@dataclass
class Kill:
    """One seed: a graph of orders in a process of its own, and the moment of its end."""

    seed: int
    folder: Path
    power_cut: bool = False
    findings: Findings = field(default_factory=Findings)
    events: list[str] = field(default_factory=list)
    questions: int = 0

    async def run(self) -> Findings:
        chance = random.Random(self.seed)
        wishes = graph(self.seed, chance)
        emulator = Emulator(strict=True, run_seconds=chance.choice([0.2, 0.5, 1.0]), latency=0.02)
        emulator.account.limit = chance.randint(1, 6)
        with_stop = chance.random() < 0.3
        if with_stop:
            emulator.run_seconds = LONG
        if chance.random() < 0.5:  # so that the blow often falls while an order is on its way
            emulator.faults.append(Fault(CREATE, "delay", value=0.4, count=None))
        state = self.folder / "state"
        trouble(self.seed, emulator, state)
        async with emulator.serve() as origin:
            driver = Driver(origin, emulator.default_key, state, self.folder / "synced")
            try:
                await self._killed(driver, wishes, emulator, with_stop, chance)
                await asyncio.wait_for(all_arrived(emulator), SECONDS)
                if self.power_cut:
                    power.cut(state, self.folder / "synced")
                if state.exists():
                    unknown = books.unknown_tasks(emulator, state, wishes)
                    self.findings.unknown += len(unknown)
                over(emulator, state)
                stopped = wishes if "stopping" in self.events else []
                await self._restarted(driver, emulator, wishes, stopped)
                repeated = [] if stopped else wishes
                ends = await driver.run([wish.plain() for wish in repeated], PACE)
            except asyncio.TimeoutError:
                self.findings.hangs += 1
                return self.findings
        self._audit(emulator, state, wishes, repeated, ends)
        return self.findings

    async def _killed(
        self,
        driver: Driver,
        wishes: list[Wish],
        emulator: Emulator,
        with_stop: bool,
        chance: random.Random,
    ) -> None:
        batch = chance.random() < 0.3
        plain = [wish.plain() for wish in wishes]
        running = await driver.start(plain, PACE, batch=batch, disk=disk_of(self.seed))
        await running.heard("begun")
        listening = asyncio.ensure_future(running.ended())
        await asyncio.sleep(chance.uniform(0, SPAN))
        if with_stop:
            emulator.faults.append(Fault(CANCEL, "status", count=None))
            running.stop()
            await asyncio.sleep(STOP_HEARD + chance.uniform(0, 0.5))
        running.kill(signal.SIGKILL)
        self.events = [event["event"] for event in await listening]

    async def _restarted(
        self, driver: Driver, emulator: Emulator, wishes: list[Wish], stopped: list[Wish]
    ) -> None:
        """The next start, and somebody who answers what it asks."""
        emulator.run_seconds = 0.3
        recorded = None if disk_of(self.seed) is None else books.recorded_stops(driver.state)
        async with driver.client(PACE) as client:
            await client.open_orders()  # and at the end the cancels of before are through
        self.findings.unstopped += books.unstopped(emulator, driver.state, stopped, recorded)
        async with driver.client(PACE) as client:
            self.questions += await answer(client, emulator, wishes)

    def _audit(
        self,
        emulator: Emulator,
        state: Path,
        wishes: list[Wish],
        repeated: list[Wish],
        ends: list[dict[str, Any]],
    ) -> None:
        findings = self.findings
        findings.twice += books.placed_twice(emulator, wishes)
        for wish, end in zip(repeated, ends, strict=True):
            done = [task.id for task in wish.tasks(emulator) if task.status == "SUCCESS"]
            if end["event"] != "end" or end["task_id"] not in done:
                findings.lost += 1
            else:
                findings.missing += books.missing(emulator, end["task_id"], len(end["results"]))
        findings.half += books.bad_files(state, all_is_delivered=bool(repeated))
        findings.leaks += books.leaked_keys(emulator, [state], [str(end) for end in ends])


def disk_of(seed: int) -> int | None:
    """How much a file may hold before the blow; mostly what it likes."""
    chance = random.Random(f"{seed} disk")
    return chance.choice(SMALL_DISKS) if chance.random() < 0.2 else None


async def all_arrived(emulator: Emulator) -> None:
    """What was in the line when the blow fell has come and been answered.

    Two looks that are alike: a connection may still wait to be accepted.
    """
    accepted = -1
    while not emulator.is_idle or accepted != emulator.counters.connections:
        accepted = emulator.counters.connections
        await asyncio.sleep(0.02)


def kill(seed: int, *, power_cut: bool = False) -> Kill:
    """One run by its seed."""
    with tempfile.TemporaryDirectory() as name:
        killed = Kill(seed, Path(name), power_cut)
        asyncio.run(killed.run())
        return killed
