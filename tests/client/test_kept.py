"""Results on this machine can be emptied, and what is still on its way is left alone; names of
uploads are trusted as long as whoever asks needs them."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from rh_api.client import Client, Progress, RemoteWorkflow, Stage, Stopped
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.graph.constants import NAME_SECONDS
from rh_api.journal.retention import Retention
from rh_api.programs.library import KEPT_SECONDS
from tests.client.conftest import MakeClient
from tests.support.clocks import QuickClock
from tests.support.jobs import invert, paint, picture
from tests.support.service import uploads
from tests.support.waiting import until

DAY = 86_400.0


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "runninghub-results").rglob("*") if path.is_file()]


async def test_emptied_results_are_gone_and_come_back_for_nothing(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    ordered = await make_client("elsewhere").run(paint())
    client = make_client()
    await client.run(invert())
    await client.task(ordered.task_id).fetch()
    paths = files(tmp_path / "state")
    assert len(paths) == 2
    assert await client.kept_bytes() == sum(path.stat().st_size for path in paths)
    # Of no order that is known.
    forgotten = tmp_path / "state" / "runninghub-results" / "999" / "0000.png"
    forgotten.parent.mkdir()
    forgotten.write_bytes(b"x")

    await client.empty_kept()
    assert files(tmp_path / "state") == []
    assert await client.kept_bytes() == 0
    assert (await client.run(invert())).results
    assert (await client.task(ordered.task_id).fetch()).results
    assert emulator.counters.orders == 2


async def test_another_run_with_new_seeds_is_one_although_the_last_results_were_deleted(
    client: Client, emulator: Emulator
) -> None:
    first = await client.run(paint(reroll_seeds=True))
    await client.empty_kept()
    second = await client.run(paint(reroll_seeds=True))
    assert (first.task_id == second.task_id, emulator.counters.orders) == (False, 2)


async def test_a_transfer_under_way_is_left_alone(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/results/", "drip", value=2_000))
    begun = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.stage is Stage.DOWNLOADING:
            begun.set()

    running = asyncio.ensure_future(client.run(paint(), watch))
    await begun.wait()
    await client.empty_kept()
    (result,) = (await running).results
    assert result.path is not None
    assert result.path.stat().st_size == result.size
    assert emulator.counters.under("/results/") == 1
    assert files(tmp_path / "state") == [result.path]


async def test_a_stop_amid_a_download_tells_what_was_paid(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/results/", "drip", value=2_000))
    stops: list[Stopped] = []
    client = make_client(stopped=stops.append)
    running = asyncio.ensure_future(client.run(paint()))
    await until(lambda: emulator.faults[0].struck)
    running.cancel()
    await until(lambda: stops)
    (late,) = stops
    assert (late.confirmed, late.too_late, late.usage.coins) == (True, True, "1")
    assert (await client.run(paint())).task_id == late.task_id
    assert emulator.counters.orders == 1


async def test_an_upload_whose_name_shall_last_is_made_anew_in_time(
    client: Client, emulator: Emulator
) -> None:
    def grow_older(hours: int) -> None:
        with closing(sqlite3.connect(client.settings.state / "orders.sqlite3")) as db, db:
            db.execute("UPDATE uploads SET expires = expires - 3600 * ?", (hours,))

    (old,) = await client.uploads.send_all([picture()], lasts=NAME_SECONDS)
    grow_older(15)
    assert await client.uploads.send_all([picture()], lasts=NAME_SECONDS) == [old]
    grow_older(2)
    assert await client.uploads.send(picture()) == old  # as for an order, which uses it at once
    assert uploads(emulator) == 1
    await client.uploads.send_all([picture()], lasts=NAME_SECONDS)
    assert uploads(emulator) == 2


async def test_results_stay_within_their_bounds_while_a_client_runs_for_days(
    make_client: MakeClient, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    client = make_client()
    Retention(bytes=10**8).write(folder)
    await client.run(invert())
    await client.engine.context.wait_for_background()
    for number, days in ((801, 0.5), (802, 1.5), (803, 2.5), (804, 3.5)):
        large = folder / "runninghub-results" / str(number) / "0000.mp4"
        large.parent.mkdir()
        with large.open("wb") as file:
            file.truncate(6 * 10**7)
        then = time.time() - days * DAY
        os.utime(large, (then, then))

    async def task_ids() -> set[str]:
        await client.engine.context.wait_for_background()
        return {path.parent.name for path in files(folder) if path.suffix == ".mp4"}

    await client.run(paint())
    assert await task_ids() == {"801", "802", "803", "804"}  # it was tidied a moment ago
    clock = client.engine.context.sender.clock
    assert isinstance(clock, QuickClock)
    clock.slept += DAY
    await client.run(paint("a dog"))
    assert await task_ids() == {"801"}


async def test_a_program_is_not_kept_beyond_its_ten_minutes(client: Client) -> None:
    def kept() -> list[str]:
        gc.collect()
        return [thing.id for thing in gc.get_objects() if type(thing) is RemoteWorkflow]

    before = len(kept())
    await client.programs.workflow(catalog.INVERT)
    clock = client.engine.context.sender.clock
    assert isinstance(clock, QuickClock)
    clock.slept += KEPT_SECONDS
    await client.programs.workflow(catalog.TEXT_TO_IMAGE)
    assert len(kept()) == before + 1
