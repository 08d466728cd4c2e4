"""An order of files of this machine is the same order when their names at the service stand in for
them, as when a page brings the inputs of a past order back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator
from rh_api.emulator.accounts import example_key
from rh_api.errors import Detached
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, picture
from tests.support.service import CREATE
from tests.support.waiting import until

EDIT = "rhart-image-n-pro/edit"


def edited() -> Job:
    """A standard model that takes a picture."""
    return Job(model=EDIT, fields={"imageUrls": [picture()], "prompt": "p", "resolution": "1k"})


async def brought_back(client: Client, job: Job) -> Job:
    """The job with the names, or URLs, of its files at the service."""
    (order, *_) = (await client.history()).orders
    fields = dict(job.fields)
    for name, value in order.inputs.items():
        if isinstance(value, dict):
            uploaded = await client.uploads.remote_copy(str(value["sha256"]))
            assert uploaded is not None
            fields.pop("imageUrls", None)
            fields[name] = uploaded.url if job.model else uploaded.name
    return replace(job, fields=fields)


async def test_inputs_that_were_brought_back_follow_the_task_that_was_left(
    client: Client, emulator: Emulator
) -> None:
    emulator.hold_at = "10"
    left = asyncio.ensure_future(client.run(invert()))
    await until(lambda: client.engine.context.followers)
    (task,) = emulator.tasks
    client.task(task).detach()
    with pytest.raises(Detached):
        await left
    again = asyncio.ensure_future(client.run(await brought_back(client, invert())))
    await until(lambda: client.engine.context.followers or len(emulator.tasks) > 1)
    emulator.hold_at = None
    assert (await again).task_id == task
    assert emulator.counters.orders == 1


async def test_inputs_that_were_brought_back_get_the_results_that_are_here(
    make_client: MakeClient, emulator: Emulator
) -> None:
    job = invert()
    first = await make_client().run(job)
    client = make_client()
    outcome = await client.run(await brought_back(client, job))
    assert (outcome.task_id, outcome.kept) == (first.task_id, True)
    assert emulator.counters.orders == 1
    anew = await client.run(replace(await brought_back(client, job), again=True))
    assert anew.task_id != first.task_id
    assert emulator.counters.orders == 2


async def test_the_urls_of_a_models_files_are_brought_back_too(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_API_KEY=example_key("shared"))
    first = await client.run(edited())
    assert (await client.run(await brought_back(client, edited()))).task_id == first.task_id
    assert emulator.counters.orders == 1


async def test_what_was_ordered_by_a_name_stays_that_order(
    client: Client, emulator: Emulator
) -> None:
    name = (await client.uploads.send(picture())).name
    by_name = Job(invert().workflow, {"10.image": name})
    first = await client.run(by_name)
    await client.run(invert())
    assert (await client.run(by_name)).task_id == first.task_id
    assert emulator.counters.requests[CREATE] == 2
