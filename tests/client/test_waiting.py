"""Whoever waits is told for what: the account's queue, and how long a run usually takes."""

from __future__ import annotations

from rh_api.client import Client, Progress, Stage
from rh_api.emulator import Emulator
from tests.client.conftest import paint


async def test_a_long_wait_in_the_queue_is_told_with_what_runs_and_waits(
    client: Client, emulator: Emulator
) -> None:
    emulator.queue_seconds = 3.0
    news: list[Progress] = []
    await client.run(paint("queued"), news.append)
    told = [one.params for one in news if one.stage is Stage.QUEUED]
    assert told[0] == {}  # nobody wonders about a short wait
    assert {"running", "queued"} == told[-1].keys()
    asked = emulator.counters.requests["/openapi/v2/queue/status"]
    assert 2 <= asked <= 6


async def test_the_second_run_is_told_how_long_the_first_one_took(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.2
    usual: list[object] = []
    for name in ("first", "second"):
        news: list[Progress] = []
        await client.run(paint(name), news.append)
        running = [one.params for one in news if one.stage is Stage.RUNNING]
        assert running
        usual.append(running[-1].get("usual"))
    assert usual[0] is None
    assert isinstance(usual[1], float)
    assert usual[1] > 0
