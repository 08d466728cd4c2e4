"""A client's end, and what is asked of it behind that or in another loop."""

from __future__ import annotations

import asyncio

import pytest

from rh_api.client import Client, Outcome
from rh_api.emulator import Emulator
from tests.support.jobs import invert, paint
from tests.support.service import CREATE, UPLOAD, Meanwhile
from tests.support.waiting import until


async def test_an_exception_that_leads_out_stops_what_still_runs(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 60.0
    running: list[asyncio.Future[Outcome]] = []

    async def script() -> None:
        async with client:
            running.append(asyncio.ensure_future(client.run(paint())))
            await until(lambda: emulator.tasks)
            raise LookupError("of the script")

    with pytest.raises(LookupError, match="of the script"):
        await script()
    assert running[0].cancelled()
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


async def test_what_still_runs_at_the_end_of_its_block_is_waited_for(
    client: Client, emulator: Emulator
) -> None:
    async with client:
        running = asyncio.ensure_future(client.run(paint()))
        await until(lambda: emulator.tasks)
    assert (await running).results


@pytest.mark.parametrize("path", ["/api/openapi/getJsonApiFormat", UPLOAD, CREATE, "/results/"])
async def test_an_order_is_waited_for_however_far_it_has_come(
    client: Client, emulator: Emulator, path: str
) -> None:
    reached = asyncio.Event()
    emulator.faults.append(Meanwhile(path, reached.set))
    async with client:
        running = asyncio.ensure_future(client.run(invert()))
        await reached.wait()
    assert (await running).results


async def test_a_closed_client_orders_nothing(client: Client, emulator: Emulator) -> None:
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.run(paint())
    assert emulator.counters.total == 0


async def test_in_another_loop_no_order_gets_a_row_that_never_leaves(
    client: Client, emulator: Emulator
) -> None:
    await client.run(paint("first"))
    with pytest.raises(RuntimeError, match="one event loop"):
        await asyncio.to_thread(asyncio.run, client.run(paint("second")))
    assert await client.open_orders() == []
    assert len((await client.history()).orders) == emulator.counters.orders == 1
