"""Whoever waits is told for what: the account's queue, and how long a run usually takes."""

from __future__ import annotations

import asyncio

import pytest

from rh_api.client import Client, Progress, Stage
from rh_api.emulator import Emulator, Fault
from rh_api.errors import Fate, RateLimited, ResultUnavailable
from tests.support.jobs import invert, paint
from tests.support.waiting import begun, until

from .conftest import MakeClient

CREATE = "/task/openapi/create"
QUERY = "/openapi/v2/query"
UPLOAD = "/openapi/v2/media/upload"
ACCOUNT = "/uc/openapi/accountStatus"


async def test_a_long_wait_in_the_queue_is_told_with_what_runs_and_waits(
    client: Client, emulator: Emulator
) -> None:
    emulator.queue_seconds = 3.0
    news: list[Progress] = []
    await client.run(paint("queued"), news.append)
    waits = [progress.params for progress in news if progress.stage is Stage.QUEUED]
    assert waits[0] == {}  # nobody wonders about a short wait
    assert {"running", "queued"} == waits[-1].keys()
    requests = emulator.counters.requests["/openapi/v2/queue/status"]
    assert 2 <= requests <= 6


async def test_the_second_run_is_told_how_long_the_first_one_took(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.2
    usual: list[object] = []
    for name in ("first", "second"):
        news: list[Progress] = []
        await client.run(paint(name), news.append)
        running = [progress.params for progress in news if progress.stage is Stage.RUNNING]
        assert running
        usual.append(running[-1].get("usual"))
    assert usual[0] is None
    assert isinstance(usual[1], float)
    assert usual[1] > 0


async def test_a_pause_of_a_day_does_not_end_the_watching(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(QUERY, "retry_after", value=100_000))
    outcome = await client.run(paint())
    assert outcome.task_id in emulator.tasks


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [(7_000, "117 minutes"), (100_000, "28 hours"), (10**9, "11575 days")],
)
async def test_an_order_that_shall_come_another_day_says_when(
    client: Client, emulator: Emulator, seconds: int, pause: str
) -> None:
    emulator.faults.append(Fault(CREATE, "retry_after", value=seconds))
    with pytest.raises(RateLimited, match=f"in {pause}") as caught:
        await client.run(paint())
    assert caught.value.fate is Fate.NOT_STARTED
    assert emulator.counters.under(CREATE) == 1


async def test_an_order_that_waits_to_be_sent_is_nobodys_question(
    make_client: MakeClient, emulator: Emulator
) -> None:
    """Whoever answered it would let an equal order go, and this one then went out as well."""
    emulator.faults.append(Fault(CREATE, "retry_after", value=120))
    stages: list[Stage] = []
    waiting = asyncio.ensure_future(
        make_client(pace=1.0).run(paint(), lambda news: stages.append(news.stage))
    )
    await until(lambda: Stage.WAITING_FOREIGN in stages)
    other = make_client()
    assert await other.open_orders() == []
    await other.run(paint())
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert emulator.counters.orders == 1


async def test_a_result_that_shall_come_another_day_says_when(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/results/", "retry_after", value=100_000))
    with pytest.raises(ResultUnavailable, match="in 28 hours"):
        await client.run(paint())
    await client.run(paint())
    assert emulator.counters.orders == 1


async def test_a_task_that_shall_be_asked_about_another_day_says_when(
    client: Client, emulator: Emulator
) -> None:
    first = await client.run(paint())
    emulator.faults.append(Fault(QUERY, "retry_after", value=100_000))
    with pytest.raises(RateLimited, match="in 28 hours") as caught:
        await client.task(first.task_id).refresh()
    assert "othing was started" not in str(caught.value)
    assert caught.value.fate is Fate.UNKNOWN


@pytest.mark.parametrize("path", [UPLOAD, ACCOUNT])
async def test_whatever_shall_come_another_day_says_when(
    client: Client, emulator: Emulator, path: str
) -> None:
    emulator.faults.append(Fault(path, "retry_after", value=100_000))
    with pytest.raises(RateLimited, match="in 28 hours"):
        await (client.run(invert()) if path == UPLOAD else client.account.status())
    assert (emulator.counters.under(path), emulator.counters.orders) == (1, 0)


async def test_odd_refusals_of_a_gateway_do_not_end_a_wait(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults += [
        Fault(QUERY, "body", value="", status=403),
        Fault("/task/openapi/outputs", "body", value="<html>", status=404),
    ]
    await client.run(paint())
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("refusals", [1, 3])
async def test_odd_refusals_do_not_end_a_wait_that_begins_with_them(
    make_client: MakeClient, emulator: Emulator, refusals: int
) -> None:
    """Who waits for a task by its id looks at it first."""
    emulator.run_seconds = 0.5
    first = make_client()
    ordering = await begun(first, paint())
    await first.leave()
    await asyncio.wait((ordering,))
    (task_id,) = emulator.tasks
    emulator.faults += [
        Fault(QUERY, "body", count=refusals, value="", status=403),
        Fault("/task/openapi/outputs", "body", count=refusals, value="<html>", status=404),
    ]
    assert (await make_client().task(task_id).wait()).results
    assert all(fault.struck == refusals for fault in emulator.faults)
