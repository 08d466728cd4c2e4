"""What is kept of results on this machine, and what goes."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.errors import StoreUnavailable
from rh_api.journal import SqliteJournal, Store
from rh_api.journal.retention import FORMER_RESULTS, RESULTS, ResultFolders
from tests.unit.journal.samples import identity

DAY = 24 * 3600


@pytest.fixture
def aged(tmp_path: Path):
    """Makes an order's folder of so many bytes, so many days old."""

    def make(name: str, size: int, days: float) -> Path:
        folder = tmp_path / RESULTS / name
        folder.mkdir(parents=True)
        file = folder / "0000.png"
        file.write_bytes(b"x" * size)
        then = time.time() - days * DAY
        os.utime(file, (then, then))
        os.utime(folder, (then, then))
        return folder

    return make


def test_the_oldest_orders_go_first_until_the_rest_fits(tmp_path: Path, aged) -> None:
    old, middle, new = aged("1", 100, 9), aged("2", 100, 5), aged("3", 100, 2)
    ResultFolders(tmp_path).tidy(most=200)
    assert [path.exists() for path in (old, middle, new)] == [False, True, True]


def test_what_is_young_stays_however_large(tmp_path: Path, aged) -> None:
    young = aged("1", 1000, 0)
    ResultFolders(tmp_path).tidy(most=10)
    assert young.exists()


def test_all_that_was_made_of_forgotten_orders_goes(tmp_path: Path, aged) -> None:
    order, other = aged("1", 10, 3), aged("2", 10, 3)
    (order / "0000.png.thumbnail.webp").write_bytes(b"small")
    ResultFolders(tmp_path).delete([1, 7])
    assert not order.exists()
    assert other.exists()


def test_half_files_go_when_nobody_can_take_them_up_any_more(tmp_path: Path, aged) -> None:
    old, new = aged("1", 10, 2), aged("2", 10, 0.5)
    for folder, days in ((old, 2.0), (new, 0.5)):
        for name in ("0001.part", "0001.part.tag"):
            (folder / name).write_bytes(b"half")
            then = time.time() - days * DAY
            os.utime(folder / name, (then, then))
    ResultFolders(tmp_path).tidy()
    assert [path.name for path in old.iterdir()] == ["0000.png"]
    assert len(list(new.iterdir())) == 3


def test_nothing_kept_yet_is_nothing_to_do(tmp_path: Path) -> None:
    ResultFolders(tmp_path).tidy()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_deleted_keeps_nothing_else(tmp_path: Path, aged) -> None:
    order = aged("2", 10, 3)
    stuck = tmp_path / RESULTS / "1"
    stuck.write_bytes(b"no folder, and so not to be deleted as one")
    ResultFolders(tmp_path).delete([1, 2])
    assert stuck.exists()
    assert not order.exists()


async def test_a_folder_goes_before_the_row_that_names_it(tmp_path: Path, aged) -> None:
    journal = SqliteJournal(Store.open(tmp_path, patience=0.1), "o", "a")
    order = await journal.intend(identity(), instance="", what={})
    await journal.record_cancelled(order)
    folder = aged(str(order), 10, 3)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await journal.delete([order])
    assert not folder.exists()
    assert await journal.delete([order]) == [order]
    await journal.close()


async def test_an_order_that_runs_keeps_its_folder(tmp_path: Path, aged) -> None:
    journal = SqliteJournal.open(tmp_path, "o", "a")
    order = await journal.intend(identity(), instance="", what={})
    folder = aged(str(order), 10, 3)
    assert await journal.delete([order]) == []
    await journal.close()
    assert folder.exists()


def test_of_the_former_folder_only_the_orders_that_the_journal_names_are_cleaned(
    tmp_path: Path, aged
) -> None:
    ours, theirs = aged("1", 100, 9), aged("2", 100, 9)
    (tmp_path / RESULTS).rename(tmp_path / FORMER_RESULTS)
    ours, theirs = (tmp_path / FORMER_RESULTS / path.name for path in (ours, theirs))
    (ours / "notes.txt").write_bytes(b"mine")
    folders = ResultFolders(tmp_path, [1])
    assert (folders.names(), folders.size()) == (["1"], 100)
    folders.tidy(most=0)
    folders.delete([1, 2])
    assert [path.name for path in ours.iterdir()] == ["notes.txt"]
    assert theirs.exists()
