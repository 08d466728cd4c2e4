"""Facts that sources tell differently: the client means the same by each reading."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, catalog
from rh_api.emulator.tasks.lifecycle import cancel
from rh_api.errors import TaskCancelled, TaskFailed
from rh_api.journal.rows import State
from tests.support.jobs import invert, paint
from tests.support.waiting import begun


async def test_the_older_paths_get_the_key_in_header_and_body(
    client: Client, emulator: Emulator
) -> None:
    assert emulator.strict
    assert (await client.run(invert())).results
    assert (await client.account.status()).kind == "NORMAL"
    assert (await client.programs.app(next(iter(emulator.apps)))).app_id
    assert (await client.programs.app(next(iter(emulator.apps)))).fields
    assert emulator.counters.requests["/task/openapi/create"] == 1


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_batch_of_a_graph_is_whole_whatever_the_limit_is(
    client: Client, emulator: Emulator, limit: int
) -> None:
    """By the documentation a consumer runs one task at a time; live keys had two and three."""
    emulator.account.limit = limit
    runs = [asyncio.ensure_future(client.run(paint(f"cat {number}"))) for number in range(4)]
    outcomes = await asyncio.gather(*runs)

    assert all(outcome.results and not outcome.gaps for outcome in outcomes)
    assert emulator.counters.orders == 4
    assert emulator.counters.requests["/task/openapi/create"] == 4  # none was refused for a place


async def test_a_whole_graph_with_seeds_drawn_anew_is_still_not_paid_twice(
    client: Client, emulator: Emulator
) -> None:
    graph = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    first = await client.run(Job(graph=graph))
    again = await client.run(Job(graph=graph))

    assert emulator.rerolls == emulator.counters.orders == 1
    assert [r.path for r in again.results] == [r.path for r in first.results]


@pytest.mark.parametrize("code", ["805", "1000"])
@pytest.mark.parametrize("status", ["CANCEL", "FAILED"])
async def test_a_task_that_was_cancelled_here_is_told_as_cancelled(
    client: Client, emulator: Emulator, status: Any, code: Any
) -> None:
    emulator.cancelled_status, emulator.failed_code, emulator.run_seconds = status, code, 60
    run = await begun(client, paint())
    (task_id,) = emulator.tasks
    assert await client.task(task_id).cancel()

    with pytest.raises(TaskCancelled):
        await run
    (order,) = (await client.history()).orders
    assert order.state is State.CANCELLED
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("code", ["805", "1000"])
async def test_a_task_that_was_cancelled_elsewhere_is_told_as_it_was(
    client: Client, emulator: Emulator, code: Any
) -> None:
    emulator.cancelled_status, emulator.failed_code, emulator.run_seconds = "FAILED", code, 60
    run = await begun(client, paint())
    (task,) = emulator.tasks.values()
    await cancel(task)

    with pytest.raises(TaskFailed):
        await run
