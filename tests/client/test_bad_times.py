"""Bad journals, bad clocks, odd answers, two machines, another key: nothing is paid twice,
and it is said."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
import ssl
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.client import Client
from rh_api.emulator import Account, Emulator, Fault, catalog
from rh_api.errors import Fate, StoreUnavailable, TaskCancelled, Unreachable
from rh_api.journal import Store
from rh_api.settings import Settings
from tests.client.conftest import MakeClient
from tests.support.clocks import QuickClock
from tests.support.jobs import paint, picture
from tests.support.waiting import begun

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"
OTHER = "second7Key0second7Key0second7Key"


# The journal


async def test_a_book_of_a_newer_version_is_refused_and_kept(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 30
    client = make_client()
    await begun(client, paint())
    await client.leave()
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match=r"orders\.sqlite3 was written by a newer") as caught:
        make_client()
    assert caught.value.fate is Fate.NOT_STARTED
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    assert len(await make_client().open_orders()) == 1
    assert emulator.counters.orders == 1


async def test_without_a_book_that_can_be_written_nothing_is_sent(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    Store.open(tmp_path / "state").close()
    book = tmp_path / "state" / "orders.sqlite3"
    data = bytearray(book.read_bytes())
    data[18] = 9  # a format that SQLite may read and not write; root may write any file
    book.write_bytes(bytes(data))
    with pytest.raises(StoreUnavailable, match="No order is placed") as caught:
        make_client()
    assert caught.value.fate is Fate.NOT_STARTED
    assert emulator.counters.total == 0


async def test_while_another_process_holds_the_book_nothing_is_ordered(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    await client.programs.workflow(catalog.TEXT_TO_IMAGE)
    book = tmp_path / "state" / "orders.sqlite3"
    with closing(sqlite3.connect(book, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked") as caught:
            await client.run(paint())
    assert caught.value.fate is Fate.NOT_STARTED
    assert emulator.counters.orders == 0
    assert (await client.run(paint())).results


# The machine


async def test_a_sleep_of_eight_hours_loses_nothing(
    emulator: Emulator, base_url: str, tmp_path: Path
) -> None:
    emulator.run_seconds = 0.2
    values = {
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_BASE_URL": base_url,
        "RUNNINGHUB_STATE": str(tmp_path / "state"),
    }
    clock = QuickClock(8.0)
    async with Client(Settings.from_mapping(values), clock=clock) as client:
        job = await begun(client, paint(time_limit=60.0))
        emulator.faults.append(Fault(QUERY, "delay", value=0.5))  # it ends meanwhile
        clock.slept = 8 * 3600.0
        assert (await job).results  # type: ignore[attr-defined]
    assert (emulator.counters.orders, emulator.counters.cancels) == (1, 0)


async def test_a_machine_out_of_files_is_told_and_goes_on_when_there_are_some(
    make_client: MakeClient, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> ssl.SSLContext:
        raise OSError(errno.EMFILE, "Too many open files")

    journals = {thread for thread in threading.enumerate() if "journal" in thread.name}
    client, other = make_client(pace=200.0), make_client("other", pace=200.0)
    with monkeypatch.context() as patch:
        patch.setattr(ssl, "create_default_context", full)
        for starved in (client, other):
            with pytest.raises(Unreachable, match="Too many open files") as caught:
                await starved.run(paint())
            assert caught.value.fate is Fate.NOT_STARTED
        await other.close()
    assert (await client.run(paint())).results
    await client.close()
    assert {thread for thread in threading.enumerate() if "journal" in thread.name} <= journals
    assert emulator.counters.orders == 1


async def test_two_machines_with_one_key_do_not_meddle(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.account.limit = 1
    emulator.run_seconds = 0.3
    first, second = make_client("one"), make_client("two")
    both = await asyncio.gather(first.run(paint()), second.run(paint()))
    assert both[0].task_id != both[1].task_id  # two journals: each ordered what it was asked for
    assert emulator.counters.orders == 2
    emulator.run_seconds = 30
    await begun(first, paint("another"))
    assert await second.open_orders() == []
    await second.close()
    await first.leave()
    assert len(emulator.open_tasks(emulator.default_key)) == 1


# The results


async def test_results_with_one_name_are_kept_apart(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.result_name = "result.png"
    pictures = [picture(red).body for red in (1, 2, 3)]
    emulator.faults += [
        Fault("/results/", "body", value=body, content_type="image/png") for body in pictures
    ]
    jobs = [paint(text) for text in ("one", "two", "three")]
    outcomes = await make_client().run_all(jobs)
    paths = [result.path for outcome in outcomes for result in outcome.results]
    contents = [path.read_bytes() for path in paths if path is not None]
    assert sorted(contents) == sorted(pictures)  # type: ignore[type-var]
    assert {r.name for outcome in outcomes for r in outcome.results} == {"result.png"}
    again = await make_client().run_all(jobs)
    assert [r.path for outcome in again for r in outcome.results] == paths
    assert [path.read_bytes() for path in paths if path is not None] == contents


# The service's answers


async def test_a_task_that_somebody_cancels_on_the_site_is_said_so(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 30
    client = make_client()
    job = await begun(client, paint())
    (task_id,) = emulator.tasks
    await make_client("the site").task(task_id).cancel()
    with pytest.raises(TaskCancelled, match=task_id):
        await job
    assert await client.open_orders() == []
    emulator.run_seconds = 0.05
    assert (await client.run(paint())).task_id != task_id


async def test_a_status_that_nobody_knows_is_no_end(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 0.5
    odd = json.dumps({"taskId": "1", "status": "HIBERNATED", "errorCode": "", "results": None})
    emulator.faults.append(Fault(QUERY, "body", value=odd, count=5))
    assert (await client.run(paint())).results
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("path", [QUERY, OUTPUTS])
async def test_an_hour_of_nothing_said_is_no_end(
    make_client: MakeClient, emulator: Emulator, path: str
) -> None:
    emulator.run_seconds = 1.0
    if path == OUTPUTS:
        emulator.faults.append(Fault(QUERY, "code", value=412, count=None))
    null = json.dumps({"code": 0, "msg": "success", "data": None})
    nothing = [Fault(endpoint, "body", value=null, count=None) for endpoint in {path, OUTPUTS}]
    emulator.faults += nothing
    client = make_client(pace=2000.0)
    job = asyncio.ensure_future(client.run(paint()))
    await asyncio.sleep(2.0)  # more than an hour of the client's time
    assert not job.done()
    for fault in nothing:
        emulator.faults.remove(fault)
    assert (await job).results
    assert emulator.counters.orders == 1


# Another account


@pytest.mark.parametrize("changed", ["key", "site"])
async def test_what_runs_stays_with_its_account_when_another_is_chosen(
    make_client: MakeClient, emulator: Emulator, base_url: str, changed: str
) -> None:
    emulator.run_seconds = 1.5
    emulator.accounts[OTHER] = Account()
    first = make_client()
    await begun(first, paint())
    (task_id,) = emulator.tasks
    await first.leave()
    chosen = (
        make_client(RUNNINGHUB_API_KEY=OTHER)
        if changed == "key"
        else make_client(RUNNINGHUB_BASE_URL=base_url.replace("127.0.0.1", "localhost"))
    )
    assert await chosen.open_orders() == []
    await chosen.close()
    back = make_client()
    (order,) = await back.open_orders()
    assert order.task_id == task_id
    assert (await back.run(paint())).task_id == task_id
    assert emulator.counters.orders == 1
    assert emulator.counters.cancels == 0
