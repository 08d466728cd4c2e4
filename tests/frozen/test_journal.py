"""A journal that version 0.1.0 left opens, loses nothing, and nothing in it is paid for again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.client import Client, State
from rh_api.emulator import Fault
from rh_api.errors import Uncertain
from tests.frozen.jobs import MEDIA, PLAIN, film, picture, sound
from tests.frozen.journal import DONE, JOBS, JOURNAL, ORDER, RECORDED, Past, going_on
from tests.frozen.service import settings
from tests.support.clocks import QuickClock


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    async with going_on(tmp_path) as past:
        yield past


# What is served


@pytest.mark.parametrize("name", DONE)
async def test_what_is_done_is_served_and_not_paid_again(past: Past, name: str) -> None:
    row = past.row(name)
    async with past.client() as client:
        outcome = await client.run(JOBS[name]())

    assert (outcome.kept, outcome.task_id) == (True, row["task_id"])
    assert past.emulator.counters.orders == 0
    assert (outcome.usage.coins, outcome.usage.seconds) == (row["coins"], row["seconds"])
    entries = [entry for entry in past.rows("results") if entry["order_id"] == row["id"]]
    assert [(came.node_id, came.text, came.size, came.url) for came in outcome.results] == [
        (entry["node_id"], entry["text"], entry["size"], entry["url"])
        for entry in sorted(entries, key=lambda entry: entry["index"])
    ]
    for entry, result in zip(
        sorted(entries, key=lambda entry: entry["index"]), outcome.results, strict=True
    ):
        if entry["path"] is None:
            assert result.path is None
        else:
            assert result.path is not None
            assert result.path.read_bytes() == (RECORDED / entry["path"]).read_bytes()


async def test_results_by_a_task_s_id_are_served_too(past: Past) -> None:
    row = past.row("done")
    async with past.client() as client:
        assert (await client.task(row["task_id"]).fetch()).kept
    assert sum(past.emulator.counters.requests.values()) == 0


async def test_what_was_paid_and_never_came_is_fetched(past: Past) -> None:
    files = {"sound": sound(), "film": film(), "address": picture()}
    for name, source in files.items():
        path = f"/results/emulated-user/output/{name}"
        past.emulator.faults.append(
            Fault(path, "body", count=None, value=source.body, content_type=source.mime)
        )
    async with past.client() as client:
        outcome = await client.run(JOBS["done, owed"]())

    assert outcome.task_id == past.row("done, owed")["task_id"]
    assert past.emulator.counters.orders == 0
    bodies = [result.path.read_bytes() if result.path else None for result in outcome.results]
    assert bodies == [source.body for source in files.values()]


# What is under way


@pytest.mark.parametrize("name", ["running", "placed"])
async def test_what_runs_is_rejoined(past: Past, name: str) -> None:
    task_id = await past.runs(name)
    async with past.client() as client:
        outcome = await client.run(JOBS[name]())

    assert outcome.task_id == task_id
    assert past.emulator.counters.orders == 1
    assert past.row(name)["state"] == "done"


@pytest.mark.parametrize("name", ["uncertain", "intended"])
async def test_an_uncertain_order_is_a_question(past: Past, name: str) -> None:
    async with past.client() as client:
        with pytest.raises(Uncertain) as caught:
            await client.run(JOBS[name]())
        open_orders = {order.order: order for order in await client.open_orders()}

    assert past.emulator.counters.orders == 0
    number = past.row(name)["id"]
    assert caught.value.order == number
    assert (open_orders[number].state, open_orders[number].task_id) == (State.UNCERTAIN, "")
    assert open_orders[number].inputs["4.value"] == name


async def test_an_answer_to_a_question_takes_the_task_up(past: Past) -> None:
    task_id = await past.runs("running")
    with closing(sqlite3.connect(past.state / JOURNAL)) as db, db:
        db.execute("UPDATE orders SET task_id = '1' WHERE task_id = ?", (task_id,))
    async with past.client() as client:
        await client.settle_uncertain(past.row("uncertain")["id"], task_id=task_id)
        assert (await client.run(JOBS["uncertain"]())).task_id == task_id
    assert past.emulator.counters.orders == 1


async def test_what_was_stopped_is_cancelled(past: Past) -> None:
    task_id = await past.runs("cancel wanted", seconds=600)
    async with past.client() as client:
        await client.open_orders()

    assert past.emulator.tasks[task_id].status == "CANCEL"
    assert past.row("cancel wanted")["state"] == "cancelled"


@pytest.mark.parametrize("name", ["failed", "cancelled"])
async def test_what_came_to_nothing_is_ordered_when_it_is_asked_for_again(
    past: Past, name: str
) -> None:
    async with past.client() as client:
        assert (await client.run(JOBS[name]())).results
    assert past.emulator.counters.orders == 1


async def test_every_open_order_is_listed(past: Past) -> None:
    rows = [row for row in past.rows() if row["ended"] is None]
    async with past.client() as client:
        listed = await client.open_orders()
    assert [(order.order, order.cancelling) for order in listed] == [
        (row["id"], row["cancel"] == "wanted") for row in rows
    ]
    assert {order.program for order in listed} == {PLAIN}
    assert all(order.from_before for order in listed)


# What saves work


async def test_what_was_uploaded_is_not_uploaded_again(past: Past) -> None:
    async with past.client() as client:
        assert await client.uploads.is_known(picture())
        assert await client.uploads.is_known(sound())
        assert not await client.uploads.is_known(picture(77))


async def test_run_times_and_costs_are_known(past: Past) -> None:
    async with past.client() as client:
        usual = await client.costs.estimate(PLAIN, "default")
        media = await client.costs.estimate(MEDIA, "default")
    runs = [row["seconds"] for row in past.rows("runs") if row["workflow"] == PLAIN]
    assert usual.runs == len(runs) > 2
    assert usual.seconds == pytest.approx(sorted(runs)[len(runs) // 2], abs=0.05)
    assert media.runs == 1


# The file


async def test_nothing_is_lost_by_opening_it(past: Past) -> None:
    before = {table: past.rows(table) for table in TABLES}
    async with past.client() as client:
        await client.costs.estimate(PLAIN, "default")
    after = {table: past.rows(table) for table in TABLES}
    # Nobody hears the reply any more.
    intended = before["orders"][ORDER.index("intended")]
    assert intended["state"] == "intended"
    intended |= {"state": "uncertain", "error_key": "error.uncertain_before"}
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows


TABLES = ("orders", "results", "uploads", "runs", "hashes")


def described(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns by table, and indexes with what they cover, of a file of SQLite."""
    with closing(sqlite3.connect(path)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'index')")
        columns = {name: db.execute(f"PRAGMA table_xinfo({name})").fetchall() for (name,) in names}
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall()
        return {**columns, "indexes": sorted(indexes, key=str)}


async def test_a_new_journal_has_every_table_of_the_old_one(past: Past, tmp_path: Path) -> None:
    async with Client(settings(past.emulator, tmp_path / "new")) as client:
        await client.open_orders()
    new, old = described(tmp_path / "new" / JOURNAL), described(RECORDED / JOURNAL)
    assert set(new.pop("indexes")) >= set(old.pop("indexes"))
    for name, columns in old.items():
        assert new[name][: len(columns)] == columns


def test_the_recorded_file_is_of_the_first_version() -> None:
    with closing(sqlite3.connect(RECORDED / JOURNAL)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        states = {state for (state,) in db.execute("SELECT state FROM orders")}
    assert states == {state.value for state in State}


async def test_files_lie_where_they_lay(past: Past, tmp_path: Path) -> None:
    state = tmp_path / "new"
    async with Client(settings(past.emulator, state), clock=QuickClock(20)) as client:
        await client.run(JOBS["done graph"]())
        open_files = {path.name for path in state.iterdir()}
    closed = {path.relative_to(state).as_posix() for path in state.rglob("*") if path.is_file()}
    assert open_files >= {JOURNAL, "orders.lock", "runninghub-results"}
    assert closed == {JOURNAL, "orders.lock", "runninghub-results/1/0001.png"}


async def test_what_lies_where_it_lay_is_deleted_with_its_order_and_nothing_else_there(
    past: Past,
) -> None:
    results = past.state / "results"
    mine = [results / "1" / "notes.txt", results / "999" / "0000.png", results / "film.mp4"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    number = past.row("done")["id"]
    async with past.client() as client:
        assert (await client.run(JOBS["done"]())).kept
        kept = await client.kept_bytes()
        assert await client.delete_orders([number]) == [number]
        assert 0 < await client.kept_bytes() < kept
        await client.empty_kept()
        assert await client.kept_bytes() == 0
    assert {path for path in results.rglob("*") if path.is_file()} == {*mine}


async def test_a_second_start_finds_what_the_first_left(past: Past) -> None:
    for _ in range(2):
        async with past.client() as client:
            outcomes = await asyncio.gather(*(client.run(job()) for job in DONE.values()))
        assert all(outcome.kept for outcome in outcomes)
    assert past.emulator.counters.orders == 0
