"""A journal that is damaged is set aside, one that is newer, locked or not writable is said,
and none is overwritten."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.errors import Fate, StoreUnavailable
from rh_api.journal import Store
from rh_api.journal.schema import MIGRATIONS
from tests.support.clocks import SetClock
from tests.unit.journal.samples import ROOT, child, intend, place


def flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


def another_database(_: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bookmarks.sqlite3")
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE bookmarks (url TEXT)")
        return path.read_bytes()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut in the header": lambda data: data[:60],
    "cut in half": lambda data: data[: len(data) // 2],
    "bit of the magic": lambda data: flipped(data, 3),
    "bit of the page size": lambda data: flipped(data, 16),
    "bit of the tables": lambda data: flipped(data, data.index(b"TABLE orders") + 7),
    "bit of a row": lambda data: flipped(data, data.rindex(b"placed", 0, data.rindex(b"task-0"))),
    "random": lambda data: b"\x93\x11\xfe\x07" * 3000,
    "text": lambda data: b"orders: none\n",
    "another database": another_database,
}


@pytest.mark.parametrize("way", DAMAGES)
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, way: str) -> None:
    for number in (1, 2):
        with closing(Store.open(tmp_path)) as store:
            place(store)
        book = tmp_path / "orders.sqlite3"
        damaged = DAMAGES[way](book.read_bytes())
        book.write_bytes(damaged)

        with closing(Store.open(tmp_path)) as store:
            aside = tmp_path / f"orders.damaged-{number}.sqlite3"
            assert store.set_aside == aside
            assert aside.read_bytes() == damaged
            assert store.unfinished() == []
            store.drop(intend(store))
        with closing(Store.open(tmp_path)) as store:
            assert store.set_aside is None


@pytest.mark.parametrize("garbage", [b"garbage", b"\x93\x11" * 3000], ids=["text", "pages"])
def test_garbage_in_the_lock_of_a_journal_is_cut_off(tmp_path: Path, garbage: bytes) -> None:
    with closing(Store.open(tmp_path)) as store:
        order = place(store)
    (tmp_path / "orders.lock").write_bytes(garbage)
    with closing(Store.open(tmp_path)) as store, closing(Store.open(tmp_path)) as other:
        assert [row.id for row in store.unfinished()] == [order]
        assert other.set_aside is None
    assert (tmp_path / "orders.lock").read_bytes() == b""


def test_a_file_of_others_named_like_the_lock_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "orders.lock").write_bytes(b"my own")
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(tmp_path)
    assert str(tmp_path / "orders.lock") in str(caught.value)
    assert caught.value.fate is Fate.NOT_STARTED
    assert [path.name for path in tmp_path.iterdir()] == ["orders.lock"]
    assert (tmp_path / "orders.lock").read_bytes() == b"my own"


def test_a_book_set_aside_is_told_of_for_a_day_or_until_it_is_removed(
    tmp_path: Path, clock: SetClock
) -> None:
    path = tmp_path / "orders.newer-2.sqlite3"
    path.write_bytes(b"")
    clock.now = path.stat().st_mtime
    with closing(Store.open(tmp_path, clock=clock)) as store:
        assert store.lost_journal() == path
        clock.now += 86_401
        assert store.lost_journal() is None
        clock.now -= 3 * 86_400  # a clock that was set back
        assert store.lost_journal() == path
        path.unlink()
        assert store.lost_journal() is None


def test_a_bit_flipped_anywhere_in_the_header_never_hides_an_order(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "good")) as store:
        order = place(store)
    good = (tmp_path / "good" / "orders.sqlite3").read_bytes()
    for position in range(100):
        folder = tmp_path / f"byte-{position}"
        folder.mkdir()
        (folder / "orders.sqlite3").write_bytes(flipped(good, position, position % 8))
        try:
            store = Store.open(folder)
        except StoreUnavailable:
            continue
        with closing(store):
            assert store.set_aside or [row.id for row in store.unfinished()] == [order]


def set_version(folder: Path, version: int) -> int:
    """Give a journal another version; the one that it had."""
    with closing(sqlite3.connect(folder / "orders.sqlite3")) as db:
        before = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version}")
        return before


def refused_as_newer(folder: Path, *kept: str) -> str:
    """It is said at once, whoever has it open, and no file gets another name; what is said."""
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(folder)
    assert caught.value.key == ("error.store_newer_kept" if kept else "error.store_newer")
    assert caught.value.params["file"] == str(folder / "orders.sqlite3")
    assert caught.value.fate is Fate.NOT_STARTED
    names = {path.name for path in folder.iterdir()} - {"orders.sqlite3-journal"}
    assert names - set(kept) == {"orders.sqlite3", "orders.lock"}
    return str(caught.value)


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        order = place(store)
    version = set_version(tmp_path, 1000)
    before = (tmp_path / "orders.sqlite3").read_bytes()
    for _ in range(2):
        refused_as_newer(tmp_path)
        assert (tmp_path / "orders.sqlite3").read_bytes() == before
    set_version(tmp_path, version)
    with closing(Store.open(tmp_path)) as store:
        assert [row.id for row in store.unfinished()] == [order]


def test_a_file_of_an_older_version_is_migrated_with_its_orders(tmp_path: Path) -> None:
    # The next version, as a copy of this one that makes one table more.
    shutil.copytree(ROOT / "rh_api", tmp_path / "next" / "rh_api")
    with (tmp_path / "next" / "rh_api" / "journal" / "schema.py").open("a") as schema:
        schema.write(
            'MIGRATIONS = (*MIGRATIONS, "CREATE TABLE later (x); INSERT INTO later VALUES (7);")'
        )
    state = tmp_path / "state"
    with closing(Store.open(state)) as store:
        order = place(store)
    version = len(MIGRATIONS)
    code = (
        "store = open_store()\n"
        "print(store.set_aside, [(row.id, row.task_id) for row in store.unfinished()])\n"
        "store.close()\n"
    )
    for _ in range(2):
        printed = child(code, state, version=tmp_path / "next").communicate()[0]
        assert printed == f"None [({order}, 'task-0')]\n"
    backup = state / f"orders-v{version}.bak"
    assert str(backup) in refused_as_newer(state, backup.name)
    with closing(sqlite3.connect(state / "orders.sqlite3")) as db:
        assert db.execute("SELECT x FROM later").fetchall() == [(7,)]

    backup.replace(state / "orders.sqlite3")  # as that sentence says
    with closing(Store.open(state)) as store:
        assert [row.id for row in store.unfinished()] == [order]


@pytest.mark.parametrize(("name", "mode"), [("journal", "DELETE"), ("wal", "WAL")])
def test_a_log_without_its_file_is_not_replayed_into_a_new_one(
    tmp_path: Path, name: str, mode: str
) -> None:
    with closing(Store.open(tmp_path / "a")) as store:
        place(store)
        with closing(sqlite3.connect(tmp_path / "a" / "orders.sqlite3")) as db:
            db.execute(f"PRAGMA journal_mode = {mode}")
            db.execute("UPDATE orders SET item = 7")
            if name == "wal":
                db.commit()
            log = (tmp_path / "a" / f"orders.sqlite3-{name}").read_bytes()
    assert log
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / f"orders.sqlite3-{name}").write_bytes(log)
    with closing(Store.open(folder)) as store:
        assert store.set_aside == folder / "orders.damaged-1.sqlite3"
        assert (folder / f"orders.damaged-1.sqlite3-{name}").read_bytes() == log
        assert store.unfinished() == []


@pytest.mark.parametrize("is_newer", [True, False], ids=["newer", "damaged"])
def test_a_file_that_another_process_uses_is_not_taken_from_it(
    tmp_path: Path, is_newer: bool
) -> None:
    code = (
        "store = open_store()\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "store.set_placed(1, 'task-1')\n"
        "store.close()\n"
    )
    with closing(Store.open(tmp_path)) as store:
        intend(store)
    process = child(code, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    set_version(tmp_path, 1000 if is_newer else 0)
    if is_newer:
        refused_as_newer(tmp_path)
    else:
        with pytest.raises(StoreUnavailable, match="is damaged and another process"):
            Store.open(tmp_path, patience=0.1)
    process.communicate("go on\n")
    assert process.returncode == 0
    file = tmp_path / ("orders.sqlite3" if is_newer else "orders.damaged-1.sqlite3")
    if is_newer:
        refused_as_newer(tmp_path)
    else:
        with closing(Store.open(tmp_path)) as store:
            assert store.set_aside == file
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT task_id FROM orders").fetchall() == [("task-1",)]


def test_damage_met_while_working_refuses_orders_and_is_set_aside_at_the_next_start(
    tmp_path: Path, store: Store
) -> None:
    intend(store)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        db.execute("UPDATE orders SET what = '{'")
        db.commit()
    with pytest.raises(StoreUnavailable) as caught:
        intend(store)
    assert caught.value.fate is Fate.NOT_STARTED
    store.close()
    with closing(Store.open(tmp_path)) as reopened:
        assert reopened.set_aside == tmp_path / "orders.damaged-1.sqlite3"
        assert reopened.folder == tmp_path
        intend(reopened)


def test_a_journal_that_is_made_slowly_is_in_nobody_elses_use(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path, patience=0.0)) as store:
        assert store.set_aside is None


@pytest.mark.parametrize("obstacle", ["file for a folder", "folder for the book", "read-only"])
def test_a_store_that_cannot_be_written_is_not_opened(tmp_path: Path, obstacle: str) -> None:
    folder = tmp_path / "state"
    match obstacle:
        case "file for a folder":
            folder.write_text("")
            folder = folder / "deeper"
        case "folder for the book":
            (folder / "orders.sqlite3").mkdir(parents=True)
        case _:
            Store.open(folder).close()
            # For root, every file can be written; this byte makes SQLite refuse it all the same.
            data = (folder / "orders.sqlite3").read_bytes()
            (folder / "orders.sqlite3").write_bytes(flipped(data, 18, bit=3))
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(folder, patience=0.1)
    assert caught.value.fate is Fate.NOT_STARTED
    assert caught.value.params["folder"] == str(folder)
    assert caught.value.params["reason"]
    assert "RUNNINGHUB_STATE can name another folder" in str(caught.value)


def test_while_another_holds_the_file_no_order_is_placed_and_a_running_one_is_kept(
    tmp_path: Path, store: Store
) -> None:
    order = intend(store)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as refused:
            intend(store, 1)
        assert refused.value.fate is Fate.NOT_STARTED
        with pytest.raises(StoreUnavailable) as unwritten:
            store.set_placed(order, "task-0")
        assert unwritten.value.fate is Fate.UNKNOWN
        assert [row.id for row in store.unfinished()] == [order]
    assert store.set_placed(order, "task-0")
    assert intend(store, 1)
    store.close()
    for _ in range(2):  # the first opening looks everything over, for there was an error
        with closing(Store.open(tmp_path)) as reopened:
            assert reopened.set_aside is None
            assert len(reopened.unfinished()) == 2


if sys.platform != "win32":  # no other system can be told that a file may not grow

    def test_on_a_full_disk_no_order_is_placed_until_there_is_room(tmp_path: Path) -> None:
        code = (
            "import resource\n"
            "store = open_store()\n"
            "def intend(item):\n"
            "    try: return store.intend(Identity('o', 'a', 'w', 'g', 'i', item),\n"
            "        instance='', what={'x': 'y' * 9000})\n"
            "    except StoreUnavailable as error: return error.fate.name\n"
            "def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))\n"
            "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
            "first = intend(1)\n"
            "limit(Path(sys.argv[1], 'orders.sqlite3').stat().st_size)\n"
            "second = intend(2)\n"
            "limit(soft)\n"
            "print(first, second, intend(3) > first, len(store.unfinished()))\n"
            "store.close()\n"
        )
        assert child(code, tmp_path).communicate()[0].split() == ["1", "NOT_STARTED", "True", "2"]

    def test_the_book_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
        folder = tmp_path / "state"
        with closing(Store.open(folder)) as store:
            intend(store)
            assert folder.stat().st_mode & 0o777 == 0o700
            assert (folder / "orders.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_closed_store_says_so_and_is_sound_when_opened_again(
    tmp_path: Path, store: Store
) -> None:
    intend(store)
    store.close()
    with pytest.raises(StoreUnavailable):
        store.unfinished()
    with pytest.raises(StoreUnavailable):
        intend(store, 1)
    with closing(Store.open(tmp_path)) as reopened:
        assert len(reopened.unfinished()) == 1
