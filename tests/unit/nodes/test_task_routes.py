"""What a page may ask about open orders, and do with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client
from rh_api.emulator import Account, Emulator, Fault
from rh_api.settings import Settings
from tests.support.jobs import paint
from tests.support.waiting import until
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted

CREATE = "/task/openapi/create"
OTHER = "second7Key0second7Key0second7Key"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    emulator = Emulator(strict=True, run_seconds=60)
    emulator.accounts[OTHER] = Account()
    async with emulator.serve():
        yield emulator


@pytest.fixture
async def host(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    async with hosted(tmp_path, monkeypatch, emulator=emulator) as host:
        yield host


async def before(host: Host, emulator: Emulator, key: str = "") -> str:
    """A task that an earlier start left running."""
    values = {
        "RUNNINGHUB_API_KEY": key or emulator.default_key,
        "RUNNINGHUB_BASE_URL": emulator.base_url,
    }
    client = Client(Settings.from_mapping(values, host.state))
    running = asyncio.ensure_future(client.run(paint()))
    earlier = set(emulator.tasks)
    await until(lambda: emulator.tasks.keys() - earlier)
    await client.leave()
    await asyncio.wait((running,))
    (task_id,) = emulator.tasks.keys() - earlier
    return task_id


async def uncertain(host: Host, emulator: Emulator, kind: Any = "lost_reply") -> int:
    """An order of this start of which nobody knows what became."""
    emulator.faults.append(Fault(CREATE, kind))
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())
    with pytest.raises(Exception, match="may be running") as caught:
        await client.run(paint())
    return caught.value.order


async def test_what_was_left_running_is_listed(host: Host, emulator: Emulator) -> None:
    assert await host.get("tasks") == {"tasks": []}
    await load_pack("nodes.runtime.cloud").leave()
    task_id = await before(host, emulator)
    (task,) = (await host.get("tasks"))["tasks"]
    assert task["task_id"] == task_id
    assert task["state"] in ("placed", "running")
    assert (task["kind"], task["program"]) == ("workflow", paint().workflow)
    assert (task["uncertain"], task["cancelling"], task["from_before"]) == (False, False, True)
    assert task["profile"] == "environment"
    assert task["link"] == ""  # an emulator has no pages
    assert emulator.default_key not in host.said


async def test_a_task_that_is_over_is_not_told_as_running(host: Host, emulator: Emulator) -> None:
    emulator.run_seconds, emulator.hold_at = 0, "3"  # its sampler
    task_id = await before(host, emulator)
    (task,) = (await host.get("tasks"))["tasks"]
    assert (task["over"], task["end"]) == (False, "")
    emulator.hold_at = None
    await until(lambda: emulator.tasks[task_id].is_over)
    load_pack("nodes.runtime.open_order_view")._answers.clear()  # seconds later
    (task,) = (await host.get("tasks"))["tasks"]
    assert task["over"]
    assert task["end"].startswith("Done")


async def test_tasks_of_every_stored_account_are_listed_once(
    host: Host, emulator: Emulator
) -> None:
    first = await before(host, emulator)
    second = await before(host, emulator, OTHER)
    for name, key in (("b", OTHER), ("same", emulator.default_key)):
        await host.post("profiles/save", name=name, origin=emulator.base_url, key=key)
    listed = (await host.get("tasks"))["tasks"]
    assert [(task["task_id"], task["profile"]) for task in listed] == [
        (first, "environment"),
        (second, "b"),
    ]
    assert (await host.post("tasks/cancel", task_id=second, profile="b")) == {"confirmed": True}
    assert emulator.tasks[second].status == "CANCEL"
    assert [task["task_id"] for task in (await host.get("tasks"))["tasks"]] == [first]


async def test_a_finished_task_is_brought_here(host: Host, emulator: Emulator) -> None:
    emulator.run_seconds, emulator.hold_at = 0, "3"  # its sampler
    task_id = await before(host, emulator)
    error = await host.error("tasks/fetch", task_id=task_id)
    assert error["key"] == "error.task_unfinished"
    emulator.hold_at = None
    await until(lambda: emulator.tasks[task_id].is_over)
    brought = await host.post("tasks/fetch", task_id=task_id)
    (picture,) = brought["results"]
    assert (brought["kept"], picture["node_id"], picture["kind"]) == (False, "9", "image")
    assert await host.get("tasks") == {"tasks": []}
    assert (await host.post("tasks/fetch", task_id=task_id))["kept"]
    assert emulator.counters.orders == 1


async def test_whoever_waits_can_be_let_go(host: Host, emulator: Emulator) -> None:
    running = asyncio.Event()
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())

    def watch(news: Any) -> None:
        if news.stage.name == "RUNNING":
            running.set()

    waiting = asyncio.ensure_future(client.run(paint(), watch))
    await running.wait()
    (task_id,) = emulator.tasks
    assert await host.get("tasks") == {"tasks": []}
    (task,) = (await host.get("tasks/all"))["tasks"]
    assert (task["task_id"], task["followed"]) == (task_id, True)
    assert await host.post("tasks/detach", task_id=task_id) == {"detached": True}
    with pytest.raises(Exception, match="No longer waiting"):
        await waiting
    assert await host.post("tasks/detach", task_id=task_id) == {"detached": False}
    (task,) = (await host.get("tasks"))["tasks"]
    assert (task["task_id"], task["from_before"], task["followed"]) == (task_id, False, False)
    assert await host.get("tasks/all") == {"tasks": [task]}
    assert emulator.counters.cancels == 0


async def test_a_server_that_shuts_down_cancels_nothing(host: Host, emulator: Emulator) -> None:
    cloud, settings = load_pack("nodes.runtime.cloud"), load_pack("nodes.runtime.config").settings()
    waiting = asyncio.ensure_future(cloud.client(settings).run(paint()))
    await until(lambda: emulator.tasks)
    await cloud.leave()
    assert waiting.done()
    (task,) = (await host.get("tasks"))["tasks"]
    assert (task["task_id"], task["from_before"]) == (*emulator.tasks, True)
    assert emulator.counters.cancels == 0


async def test_an_uncertain_order_is_looked_at_and_settled_by_its_task(
    host: Host, emulator: Emulator
) -> None:
    order = await uncertain(host, emulator)
    (row,) = (await host.get("tasks"))["tasks"]
    assert (row["order"], row["uncertain"], row["task_id"], row["before"]) == (order, True, "", 0)
    assert await host.post("tasks/look", order=order) == {"before": 0, "now": 1, "ours": 0}
    (task_id,) = emulator.tasks
    assert await host.post("tasks/settle", order=order, task_id=task_id) == {"task_id": task_id}
    (row,) = (await host.get("tasks"))["tasks"]
    assert (row["task_id"], row["uncertain"]) == (task_id, False)
    assert emulator.counters.orders == 1


async def test_an_uncertain_order_that_did_not_start_is_forgotten(
    host: Host, emulator: Emulator
) -> None:
    order = await uncertain(host, emulator, "html")
    await host.post("tasks/settle", order=order, not_started=True)
    assert await host.get("tasks") == {"tasks": []}
    error = await host.error("tasks/settle", order=order, not_started=True)
    assert error["key"] == "error.order_settled"


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("tasks/cancel", {}, "error.task_id"),
        ("tasks/cancel", {"task_id": 5}, "node.bad_type"),
        ("tasks/fetch", {"task_id": "../x"}, "error.task_id"),
        ("tasks/fetch", {"task_id": "1900000000000000999"}, "error.task_not_found"),
        ("tasks/detach", {"task_id": "1", "profile": "nobody"}, "node.no_profile"),
        ("tasks/look", {"order": "1"}, "node.bad_type"),
        ("tasks/look", {"order": True}, "node.bad_type"),
        ("tasks/look", {"order": 4711}, "error.order_settled"),
        ("tasks/settle", {"order": 1}, "node.one_answer"),
        ("tasks/settle", {"order": 1, "task_id": "1", "not_started": True}, "node.one_answer"),
    ],
)
async def test_a_request_that_cannot_be_meant_is_refused(
    host: Host, path: str, body: dict[str, Any], key: str
) -> None:
    assert (await host.error(path, **body))["key"] == key


async def test_kept_results_are_measured_and_emptied(host: Host, emulator: Emulator) -> None:
    emulator.run_seconds = 0
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())
    await client.run(paint())
    kept = await host.get("kept")
    assert kept["bytes"] > 50
    assert await host.post("kept/empty") == {"bytes": 0}
    assert (await client.run(paint())).results  # fetched again, and not ordered
    assert emulator.counters.orders == 1


async def test_results_that_are_owed_are_not_emptied(host: Host, emulator: Emulator) -> None:
    emulator.run_seconds = 0
    emulator.faults.append(Fault("/results/", "truncated", value=0.5, count=None))
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())
    with pytest.raises(Exception, match="result"):
        await client.run(paint())
    before = (await host.get("kept"))["bytes"]
    assert before
    assert await host.post("kept/empty") == {"bytes": before}
