"""Whatever lies in the journal's folder and is not ours stays, whoever cleans up."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from rh_api.emulator import Emulator
from rh_api.journal.retention import Retention
from tests.client.conftest import MakeClient
from tests.support.clocks import QuickClock
from tests.support.jobs import invert, paint

DAY = 86_400.0
DATES = ("created", "placed", "started", "ended")
LARGE = 9 * 10**9
STRANGE = (
    "film.mp4",
    "0000.png",
    "0001.part",
    "half.part.tag",
    ".hidden/0000.part",
    "01/0000.png",
    "1/notes.txt",
    "1/deeper/0000.part",
    "1/00.png",
    "2/film.mp4",
    "holiday/0000.part",
    "task-a b/0000.png",
    "\uff12/0000.png",
)
NAMED_AS_OURS = ("1/0000.png", "1/0001.part", "7/0000.png", "7/0001.part", "task-123/0000.png")
EMPTY = ("empty", "3", "task-4")


def strangers(state: Path) -> list[Path]:
    """Files and empty folders of a person's own, years old, in and beside the folders of results.

    In `runninghub-results` none has a name that only we give there.
    """
    outside, ours = state.parent / "outside", state / "runninghub-results"
    strange: list[Path] = []
    for place in (outside, state, state / "results", ours):
        for name in STRANGE + (NAMED_AS_OURS if place != ours else ()):
            strange.append(place / name)
            strange[-1].parent.mkdir(parents=True, exist_ok=True)
            strange[-1].write_bytes(b"mine")
        for name in EMPTY[: 1 if place == ours else None]:
            strange.append(place / name)
            strange[-1].mkdir()
        strange.append(place / "large.mp4")
        with strange[-1].open("wb") as file:
            file.truncate(LARGE)
        if place != outside and sys.platform != "win32":
            strange.append(place / "9")
            strange[-1].symlink_to(outside, target_is_directory=True)
    old = time.time() - 900 * DAY
    for path in strange:
        os.utime(path, (old, old), follow_symlinks=False)
        if path.parent not in strange:
            os.utime(path.parent, (old, old))
    return strange


def gone(strange: list[Path]) -> list[Path]:
    """Those that are gone or changed."""

    def is_whole(path: Path) -> bool:
        size = LARGE if path.name == "large.mp4" else 4
        return path.is_dir() or (path.is_file() and path.stat().st_size == size)

    return [path for path in strange if not is_whole(path)]


async def test_no_file_of_a_person_s_own_is_deleted(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    strange = strangers(state)
    Retention(days=1, orders=100, bytes=10**8).write(state)

    client = make_client()
    await client.run(invert())
    await client.engine.context.wait_for_background()
    assert gone(strange) == []
    await client.run(paint())
    assert await client.delete_orders([1]) == [1]
    assert gone(strange) == []
    assert await client.kept_bytes() > 0
    await client.empty_kept()
    assert gone(strange) == []
    assert await client.kept_bytes() == 0

    with closing(sqlite3.connect(state / "orders.sqlite3")) as db, db:
        dates = ", ".join(f"{name} = {name} - 3 * {DAY}" for name in DATES)
        db.execute(f"UPDATE orders SET {dates}")
    clock = client.engine.context.sender.clock
    assert isinstance(clock, QuickClock)
    for words in ("a dog", "a bird"):
        clock.slept += DAY
        await client.run(paint(words))
        await client.engine.context.wait_for_background()
    assert [order.order for order in (await client.history()).orders] == [4, 3]
    assert gone(strange) == []
