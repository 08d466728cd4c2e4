"""The process, or the machine with it, ends in the middle of an operation;
then comes a new start."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import RunningHubError
from tests.campaign import power
from tests.campaign.kills import all_arrived
from tests.campaign.process import SECONDS, Driver
from tests.faults.cells import ROUTES, Expect
from tests.faults.observing import Seen, halves, whole
from tests.faults.operations import LONG, OPERATIONS, a_lora, path_of
from tests.faults.rig import NO_QUERY, QUERY, RUN_SECONDS
from tests.support.jobs import paint
from tests.support.service import Meanwhile
from tests.support.waiting import until

PACE = 4.0
DRIP = 2000  # bytes a second


@dataclass(frozen=True)
class Ending:
    """One cell: where in its operation the process is when it ends."""

    operation: str
    fault: str
    variant: str
    how: str
    hold: tuple[str, Any]
    """The kind and value of the emulator's fault that keeps it there."""
    expect: Expect

    @property
    def routes(self) -> tuple[str, ...]:
        return ROUTES if self.operation in ("follow", "download", "cancel") else ROUTES[:1]

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.operation, self.fault, self.variant)))


def observe(ending: Ending, route: str) -> Seen:
    """Carry out `ending`; TimeoutError when the process does not get there."""
    with tempfile.TemporaryDirectory(prefix="rh-ending-") as folder:
        return asyncio.run(_observe(ending, route, Path(folder)))


async def _observe(ending: Ending, route: str, folder: Path) -> Seen:
    emulator = Emulator(strict=True, run_seconds=RUN_SECONDS, socket="none")
    lacking = [Fault(QUERY, "code", value=NO_QUERY, count=None)] if route == "outputs" else []
    state = folder / "state"
    async with emulator.serve() as origin:
        driver = Driver(origin, emulator.default_key, state, folder / "synced")
        emulator.faults[:] = lacking
        await _killed(ending, route, driver, emulator)
        await asyncio.wait_for(all_arrived(emulator), SECONDS)
        if ending.fault == "host stop":
            power.cut(state, folder / "synced")
        orders, half = emulator.counters.orders, halves(state, resumes=True)
        emulator.faults[:] = lacking
        emulator.run_seconds = RUN_SECONDS
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with driver.client(PACE) as client:
            await client.open_orders()  # and before it is closed, old cancels are through
        open_tasks = len(emulator.open_tasks(emulator.default_key))
        again, error = "done", None
        async with driver.client(PACE) as client:
            try:
                await asyncio.wait_for(whole(ending.operation, client, folder), SECONDS)
            except RunningHubError as caught:
                again, error = type(caught).__name__, caught
        return Seen(
            ended="killed",
            error=error,
            seconds=(loop.time() - began) * PACE,
            requests=1,
            orders=orders,
            open_tasks=open_tasks,
            task_id=next(iter(emulator.tasks), None),
            halves=half + halves(state, resumes=False),
            again=again,
            orders_after=emulator.counters.orders,
            duplicates=max(0, emulator.counters.orders - ending.expect.orders - ending.expect.more),
        )


async def _killed(ending: Ending, route: str, driver: Driver, emulator: Emulator) -> None:
    """The process is held in the middle of the operation, and ends there."""
    operation = ending.operation
    path = path_of(operation, route)
    kind, value = ending.hold
    there = asyncio.Event()
    emulator.faults[:0] = [Meanwhile(path, there.set), Fault(path, kind, value=value, count=None)]
    if operation == "cancel":
        emulator.run_seconds = LONG
    running = await driver.start([_item(operation, driver.state.parent)], PACE)
    if operation == "cancel":
        await running.heard("running")
        running.stop()
    await asyncio.wait_for(there.wait(), SECONDS)
    if operation == "download":
        await asyncio.wait_for(_has_begun(driver.state), SECONDS)
    if operation == "lora put":
        await until(lambda: emulator.counters.put_bytes, SECONDS)
    running.kill(signal.SIGKILL)
    await running.ended()


async def _has_begun(state: Path) -> None:
    size = 0
    while not size:
        await asyncio.sleep(0.02)
        size = sum(part.stat().st_size for part in state.glob("runninghub-results/*/*.part"))


def _item(operation: str, folder: Path) -> dict[str, Any]:
    """What a driver is told to do."""
    if operation == "account":
        return {"account": True}
    if operation == "lora put":
        return {"lora": str(a_lora(folder))}
    if operation == "upload":
        return {"workflow": catalog.INVERT, "fields": {"10.image": {"red": 10}}}
    return {"workflow": catalog.TEXT_TO_IMAGE, "fields": dict(paint().fields)}


_NOT_ORDERED = Expect("killed", orders=0, more=1)
_ASKED = "Uncertain"
_PLACED = Expect("killed")
_STOPPED = Expect("killed", more=1)
_HELD: dict[str, tuple[tuple[str, tuple[str, Any], Expect], ...]] = {
    "upload": (("", ("hang", "before"), _NOT_ORDERED),),
    "create": (
        ("not arrived", ("hang", "before"), Expect("killed", orders=0, again=_ASKED)),
        ("booked", ("hang", "after"), Expect("killed", again=_ASKED)),
    ),
    "follow": (("", ("hang", "before"), _PLACED),),
    "download": (("", ("drip", DRIP), _PLACED),),
    "lora put": (("", ("slow_read", 100_000), _NOT_ORDERED),),
    "cancel": (("", ("hang", "before"), _STOPPED),),
    "account": (("", ("hang", "before"), _NOT_ORDERED),),
}

ENDINGS = tuple(
    Ending(operation, fault, variant, f"{how} while `{hold[0]}` holds it", hold, expect)
    for operation in OPERATIONS
    for fault, how in (("process killed", "kill -9"), ("host stop", "kill -9, unsynced bytes lost"))
    for variant, hold, expect in _HELD[operation]
)
