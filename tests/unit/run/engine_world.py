"""An engine over a scripted service and a real journal, and stories that are played in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from unit.run.world import (
    SUCCESS,
    TASK,
    Answer,
    Files,
    Service,
    UnthreadedJournal,
    Watcher,
    now,
    state,
    until,
    virtually,
)

from rh_api.errors import RunningHubError, Uncertain, Unreachable
from rh_api.journal import Identity, OrderRow, State
from rh_api.run.context import AccountContext
from rh_api.run.engine import Engine
from rh_api.run.orders import Order
from rh_api.run.progress import Stopped
from rh_api.run.recovery import Recovery
from rh_api.run.results import Outcome
from rh_api.run.retry import Sender
from rh_api.run.transfers import Transfers
from rh_api.wire.orders import NodeInfo
from tests.support.clocks import LoopClock

T = TypeVar("T")

ORDER = Order("1900000000000000101", inputs={"6.text": "a cat"}, titles={"9": "Save"})
DAY = 24 * 3600.0
LOST = Unreachable(host="x", reason="the line broke")  # after the request left
DONE_AT_10: list[Answer] = [until(10, SUCCESS)]


class World:
    """An engine over a scripted service and a real store; `restart` forgets all but the store."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder = folder
        self.service = service
        self.files = Files()
        self.watcher = Watcher()
        self.prepared = 0
        self.stops: list[Stopped] = []
        self.rows = UnthreadedJournal(folder)
        self.gone: list[Engine] = []
        self.restart()

    def restart(self) -> None:
        sender = Sender(self.service, LoopClock())
        transfers = Transfers(self.files, sender, self.rows.journal)
        context = AccountContext(sender, self.rows.journal, on_stopped=self.stops.append)
        if hasattr(self, "engine"):
            self.gone.append(self.engine)
        self.engine = Engine.of(context, transfers)

    async def prepare(self) -> tuple[NodeInfo, ...]:
        self.prepared += 1
        return (NodeInfo("6", "text", "a cat"),)

    async def run(self, order: Order = ORDER, **more: Any) -> Outcome:
        return await self.engine.run(order, self.prepare, self.watcher, **more)

    def row(self, order: Order = ORDER) -> OrderRow | None:
        identity = Identity("https://x", "account", order.program_key, "", order.inputs_hash, 0)
        return self.rows.store.find(identity.digest)

    def state(self, order: Order = ORDER) -> State | None:
        row = self.row(order)
        return None if row is None else row.state


def play(world: World, story: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        try:
            return await story()
        finally:
            await world.engine.close()
            for engine in world.gone:
                await engine.watcher.close()
            assert world.engine.submitter.limiter.used == 0

    return virtually(main())


def run(world: World, **more: Any) -> Outcome:
    return play(world, lambda: world.run(**more))


def fails(world: World, kind: type[RunningHubError], **more: Any) -> Any:
    with pytest.raises(RunningHubError) as caught:
        run(world, **more)
    assert type(caught.value) is kind
    return caught.value


CANCELLED = state("CANCEL")


async def stopped(world: World, seconds: float, order: Order = ORDER, **more: Any) -> float:
    """Stop a run after so many seconds of virtual time, and wait for its cancel; when it left."""
    job = asyncio.ensure_future(world.run(order, **more))
    await asyncio.sleep(seconds)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    left_at = now()
    await world.engine.context.wait_for_background()
    return left_at


async def stopped_until_asked(world: World) -> None:
    """Stop a run from outside, which nobody confirms, and wait until its task is a question."""
    waiting = asyncio.ensure_future(world.run())
    await asyncio.sleep(5)
    assert not await world.engine.canceller.cancel_task(TASK)
    with pytest.raises(Uncertain):
        await waiting


def stop_at(world: World, seconds: float, order: Order = ORDER, **more: Any) -> float:
    return play(world, lambda: stopped(world, seconds, order, **more))


def questions(world: World) -> Recovery:
    return Recovery(world.engine.context, world.engine.canceller, world.rows.store.last_order())
