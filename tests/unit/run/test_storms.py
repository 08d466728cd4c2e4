"""Many orders, a service that loses replies and runs full, stops at random: nothing paid twice."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.run.world import (
    PICTURE,
    Answer,
    Files,
    Service,
    UnthreadedJournal,
    code,
    load,
    now,
    state,
    taken,
    virtually,
)

from rh_api.errors import Fate, RunningHubError, Unreachable
from rh_api.journal import Identity, State
from rh_api.run.context import AccountContext
from rh_api.run.engine import Engine
from rh_api.run.orders import Order
from rh_api.run.progress import unwatched
from rh_api.run.retry import Sender
from rh_api.run.transfers import Transfers
from rh_api.wire.call import Request, Response
from rh_api.wire.orders import NodeInfo
from tests.support.clocks import LoopClock

LIMIT = 2
REFUSALS: dict[str, Answer] = {
    "never left": Unreachable(host="x", reason="down", fate=Fate.NOT_STARTED),
    "never arrived": Unreachable(host="x", reason="down"),
    "refused": code(416),
}
FATES = ("fine", "fine", "fine", "reply lost", "fault", "cut", *REFUSALS)


@dataclass
class Cloud:
    """An account on a service: what it was asked to run, and what runs."""

    chance: random.Random
    ends: dict[str, float] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    booked: list[str] = field(default_factory=list)

    def running(self) -> set[str]:
        return {t for t, end in self.ends.items() if now() < end} - self.cancelled

    def create(self, request: Request) -> Answer:
        fate = self.chance.choice(FATES)
        body = request.body or {}
        if len(self.running()) >= LIMIT:
            return code(421)
        if fate in REFUSALS:
            return REFUSALS[fate]
        task_id = str(len(self.ends) + 1)
        self.ends[task_id] = now() + self.chance.choice([0, 3, 30])
        self.booked.append(str(body["workflowId"]))
        cut = b'{"code":0,"data":{"taskId":"' + task_id.encode()
        lost: dict[str, Answer] = {
            "reply lost": Unreachable(host="x", reason="reset"),
            "fault": Response(502, b"<html>"),
            "cut": Response(200, cut, complete=False),
        }
        status = self.chance.choice(["RUNNING", "QUEUED", "CREATE"])
        return lost.get(fate, taken(task_id, status))

    def query(self, request: Request) -> Answer:
        task_id = str((request.body or {})["taskId"])
        if self.chance.random() < 0.1:
            return code(500)
        if task_id in self.cancelled:
            return state("CANCEL")
        return state("SUCCESS", [PICTURE]) if now() >= self.ends[task_id] else state("RUNNING")

    def cancel(self, request: Request) -> Answer:
        task_id = str((request.body or {})["taskId"])
        if self.chance.random() < 0.2:
            return code(500)
        if now() < self.ends[task_id]:
            self.cancelled.add(task_id)
        return code(0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
def test_a_storm(seed: int, count: int):
    chance = random.Random(seed)
    cloud = Cloud(chance)
    service = Service(
        create=[cloud.create],
        query=[cloud.query],
        cancel=[cloud.cancel],
        queue=[lambda _: code(500) if chance.random() < 0.3 else load(LIMIT)],
        latency=0.3,
    )
    orders = [Order(str(number), inputs={"n": number}) for number in range(1, count + 1)]

    async def prepare() -> tuple[NodeInfo, ...]:
        return ()

    async def main(folder: Path) -> None:
        rows = UnthreadedJournal(folder, account="a")
        sender = Sender(service, LoopClock())
        transfers = Transfers(Files(), sender, rows.journal)
        engine = Engine.of(AccountContext(sender, rows.journal), transfers)

        async def attempt(order: Order) -> None:
            try:
                await engine.run(order, prepare, unwatched)
            except RunningHubError as error:
                sentences.append(str(error))

        jobs: list[asyncio.Task[None]] = []
        for order in orders:
            jobs.append(asyncio.ensure_future(attempt(order)))
            await asyncio.sleep(chance.choice([0, 0.1, 5]))
            if chance.random() < 0.4:
                chance.choice(jobs).cancel()
        await asyncio.wait(jobs)
        await engine.close()
        assert engine.submitter.limiter.used == 0
        states = {order.program_key: _state(rows, order) for order in orders}
        unasked = {State.UNCERTAIN, State.INTENDED}
        for task_id in cloud.running():
            order = cloud.booked[int(task_id) - 1]
            assert states[order] in unasked | {State.PLACED, State.RUNNING}
        for order in orders:
            if order.program_key not in cloud.booked:
                assert states[order.program_key] in (None, State.UNCERTAIN)
        rows.store.close()

    sentences: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        virtually(main(Path(folder)))
    assert len(set(cloud.booked)) == len(cloud.booked)  # no order was booked twice
    assert all(sentences)


def _state(rows: UnthreadedJournal, order: Order) -> State | None:
    identity = Identity("https://x", "a", order.program_key, "", order.inputs_hash, 0)
    row = rows.store.find(identity.digest)
    return None if row is None else row.state
