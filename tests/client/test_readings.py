"""Facts that sources tell differently: the client means the same by each reading."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator
from rh_api.emulator.tasks.lifecycle import cancel
from rh_api.errors import TaskCancelled, TaskFailed
from rh_api.journal.rows import State
from tests.support.jobs import paint
from tests.support.waiting import begun


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
