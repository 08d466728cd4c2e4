"""Stop and a time that is over end the task in the cloud, and nobody else's."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.client import Client, Stage, Stopped
from rh_api.emulator import Emulator, Fault
from rh_api.errors import RunningHubError
from tests.client.conftest import MakeClient
from tests.support.jobs import paint
from tests.support.service import CREATE, Meanwhile
from tests.support.waiting import begun

CANCEL = "/task/openapi/cancel"
LOAD = "/openapi/v2/queue/status"


async def test_stop_cancels_in_the_cloud(make_client: MakeClient, emulator: Emulator) -> None:
    emulator.run_seconds = 30
    client = make_client()
    running = asyncio.Event()

    def watch(news: object) -> None:
        if getattr(news, "stage", None) is Stage.RUNNING:
            running.set()

    job = asyncio.ensure_future(client.run(paint(), watch))
    await running.wait()
    emulator.faults.append(Fault(CANCEL, "delay", value=0.5))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert emulator.open_tasks(emulator.default_key)  # whoever stopped does not wait for the answer
    await client.close()
    assert emulator.counters.cancels == 1
    assert not emulator.open_tasks(emulator.default_key)


async def test_a_shared_order_goes_on_until_its_last_waiter_leaves(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.4
    running = asyncio.Event()
    jobs = [asyncio.ensure_future(client.run(paint(), lambda _: running.set())) for _ in range(2)]
    await running.wait()
    jobs[0].cancel()
    outcome = await jobs[1]
    assert outcome.results
    assert emulator.counters.cancels == 0


async def test_stop_while_the_order_is_on_its_way_cancels_as_soon_as_the_id_is_known(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    emulator.faults.append(Fault(CREATE, "delay", value=0.4))
    client = make_client()
    ordering = asyncio.Event()

    def watch(news: object) -> None:
        if getattr(news, "stage", None) is Stage.ORDERING:
            ordering.set()

    job = asyncio.ensure_future(client.run(paint(), watch))
    await ordering.wait()
    job.cancel()
    await client.close()
    assert emulator.counters.orders == emulator.counters.cancels == 1


async def test_a_stopped_order_is_not_taken_up_by_the_next_run(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    running = asyncio.Event()
    job = asyncio.ensure_future(
        client.run(paint(), lambda n: n.stage is Stage.RUNNING and running.set())
    )
    await running.wait()
    job.cancel()
    await asyncio.wait([job])
    emulator.run_seconds = 0.05
    outcome = await client.run(paint())
    assert outcome.results
    assert emulator.counters.orders == 2


async def test_the_time_limit_cancels_and_says_so(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    client = make_client()
    with pytest.raises(RunningHubError, match="longer than") as caught:
        await client.run(paint(time_limit=0.3))
    await client.close()
    assert caught.value.task_id in emulator.tasks
    assert emulator.counters.cancels == 1


async def test_stop_after_a_lost_reply_is_told_and_holds_once_the_task_is_known(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    told: list[Stopped] = []
    client = make_client(stopped=told.append)

    def stop() -> None:
        job.cancel()

    def watch(news: object) -> None:
        if getattr(news, "stage", None) is Stage.ORDERING:
            # How many tasks the account has is asked once the reply is lost.
            emulator.faults.append(Meanwhile(LOAD, stop))

    emulator.faults.append(Fault(CREATE, "lost_reply"))
    job = asyncio.ensure_future(client.run(paint(), watch))
    with pytest.raises(asyncio.CancelledError):
        await job
    await client.close()
    assert told == [Stopped("", confirmed=False)]
    client = make_client()
    (uncertain,) = await client.open_orders()
    (task,) = emulator.tasks.values()
    await client.settle_uncertain(uncertain.order, task_id=task.id)
    await client.close()
    assert task.status == "CANCEL"


async def test_a_run_that_is_stopped_as_it_takes_up_a_stopped_order_keeps_it_stopped(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 30
    told: asyncio.Queue[Stopped] = asyncio.Queue()
    client = make_client(stopped=told.put_nowait)
    (fault,) = emulator.faults[:] = [Fault(CANCEL, "status", count=None)]
    job = await begun(client, paint())
    job.cancel()
    assert not (await told.get()).confirmed
    emulator.faults.remove(fault)
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as busy:
        busy.execute("BEGIN IMMEDIATE")  # as another process that writes
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.run(paint()), 0.5)
    await client.close()
    async with make_client() as later:
        await later.open_orders()  # a new start repeats what is still to be cancelled
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"
