"""One case of the fault table, carried out: what came of it, and of running the same again."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rh_api.client import Client, Job
from rh_api.errors import Fate, RunningHubError
from tests.faults.cells import Case
from tests.faults.operations import BESIDE, OPERATIONS, a_lora
from tests.faults.rig import CALM_PACE, RUN_SECONDS, QuickLoop, World, quickly, world
from tests.support.jobs import invert, paint, paint_by_model, with_lora

AGAIN_SECONDS = 120.0


@dataclass(frozen=True)
class Seen:
    """What can be seen of one case when it is over."""

    ended: str
    """done, stopped, killed, confirmed or unconfirmed (of a cancel), or the error's class."""
    error: RunningHubError | None
    seconds: float
    """The service's seconds from the fault, or from Stop, to the end."""
    requests: int
    """How many requests or connections the fault struck."""
    orders: int
    open_tasks: int
    """Tasks that ran on when the operation had ended."""
    task_id: str | None
    """What the service knows the order as."""
    halves: tuple[str, ...]
    """Files that are not whole: under a final name, or left over where nobody will resume."""
    again: str
    """How the same ended when it was run again without the fault."""
    orders_after: int
    duplicates: int
    """Orders that nobody asked for."""

    @property
    def fate(self) -> Fate | None:
        return self.error.fate if self.error else None


def observe(case: Case, route: str) -> Seen:
    """Carry out `case`; TimeoutError when the operation does not end within its bound."""
    with tempfile.TemporaryDirectory(prefix="rh-fault-") as folder:
        return quickly(_observe(case, route, Path(folder)))


async def _observe(case: Case, route: str, folder: Path) -> Seen:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, QuickLoop)
    async with world(folder, route, case.pace) as w:
        w.strike = lambda: case.strike(w, case.count)
        case.prepare(w)
        w.job = loop.create_task(_operate(case.operation, w), name=case.operation)
        error: RunningHubError | None = None
        ended = "done"
        try:
            # The bound is the product's; three seconds more are this machine's, however busy.
            await asyncio.wait_for(w.job, case.bound + 3 * case.pace)
        except asyncio.CancelledError:
            ended = "stopped"
        except RunningHubError as caught:
            error, ended = caught, type(caught).__name__
        assert w.began, "the fault had no chance"
        seconds = loop.time() - w.began
        loop.go(CALM_PACE)
        await asyncio.gather(*w.beside)
        await w.client.close()
        if case.operation == "cancel":
            (news,) = w.stopped
            ended = "confirmed" if news.confirmed else "unconfirmed"
        orders = w.emulator.counters.orders
        open_tasks = len(w.emulator.open_tasks(w.emulator.default_key))
        struck = w.road.struck + sum(fault.struck for fault in w.emulator.faults)
        half = halves(w.state, resumes=bool(error))
        w.heal()
        again = await _again(case, w, ended)
        orders_after = w.emulator.counters.orders
        expected = 2 if case.expect.more and orders else 1
        return Seen(
            ended=ended,
            error=error,
            seconds=seconds,
            requests=struck,
            orders=orders,
            open_tasks=open_tasks,
            task_id=next(iter(w.emulator.tasks), None),
            halves=half,
            again=again,
            orders_after=orders_after,
            duplicates=max(0, orders - 1, orders_after - expected),
        )


async def _operate(operation: str, w: World) -> None:
    await (OPERATIONS | BESIDE)[operation](w)


async def _again(case: Case, w: World, ended: str) -> str:
    """The same once more, by a new process as it were; a cancel that failed, by hand."""
    w.emulator.run_seconds = RUN_SECONDS
    client = w.open_client()
    try:
        if ended == "unconfirmed":
            (task_id,) = w.emulator.tasks
            return "confirmed" if await client.task(task_id).cancel() else ended
        await asyncio.wait_for(whole(case.operation, client, w.state.parent), AGAIN_SECONDS)
    except RunningHubError as error:
        return type(error).__name__
    finally:
        await client.close()
    return "done"


async def whole(operation: str, client: Client, folder: Path) -> None:
    """Carry it out from its beginning to whole results; `folder` is where the LoRA lies."""
    outcome = await client.run(await _job(operation, client, folder))
    for result in outcome.results:
        assert result.path is not None
        assert not _is_half(result.path, resumes=False)


async def _job(operation: str, client: Client, folder: Path) -> Job:
    match operation:
        case "upload":
            return invert()
        case "lora put":
            return with_lora(await client.uploads.send_lora(a_lora(folder)))
        case "account":
            assert (await client.account.status()).coins
            return paint()
        case "model create":
            return paint_by_model()
        case _:
            return paint()


def halves(state: Path, *, resumes: bool) -> tuple[str, ...]:
    """Files that are not whole; half files that somebody will take up are left out."""
    return tuple(path.name for path in state.rglob("*") if _is_half(path, resumes=resumes))


def _is_half(path: Path, *, resumes: bool) -> bool:
    if path.suffix == ".png":
        return not path.read_bytes().endswith(b"IEND\xaeB`\x82")
    return path.suffix == ".part" and not resumes
