"""Uploads, hashes and run times are known as long as they are of use, and old orders go."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rh_api.journal import FileStamp, Store
from rh_api.journal.retention import KEEP_HASHES
from rh_api.journal.retention import prune as delete_orders
from tests.support.clocks import SetClock
from tests.unit.journal.samples import PICTURE, identity, place, prune


def test_an_upload_is_known_until_it_expires_and_to_its_account_alone(store: Store) -> None:
    store.caches.remember_upload("o", "a", "f00d", "api/1.png", "https://x/1.png", expires=100)
    assert store.caches.upload("o", "a", "f00d", at=99.9) == ("api/1.png", "https://x/1.png")
    assert store.caches.upload("o", "a", "f00d", at=100) is None
    assert store.caches.upload("o", "b", "f00d", at=1) is None
    assert store.caches.upload("p", "a", "f00d", at=1) is None
    store.caches.remember_upload("o", "a", "f00d", "api/2.png", "", expires=300)
    assert store.caches.upload("o", "a", "f00d", at=200) == ("api/2.png", "")
    store.caches.forget_upload("o", "a", "f00d")
    assert store.caches.upload("o", "a", "f00d", at=1) is None


def test_a_hash_is_known_while_the_file_is_unchanged(store: Store) -> None:
    # A name that is no UTF-8, a file number of 64 bits.
    path = Path(os.fsdecode(b"/loras/\xff.safetensors"))
    stamp = FileStamp(10, 20, f"{2**64 - 1}.30")
    store.caches.remember_hash(path, stamp, "md5", "abc")
    assert store.caches.known_hash(path, stamp, "md5") == "abc"
    assert store.caches.known_hash(path, stamp, "sha256") is None
    for other in (stamp._replace(size=11), stamp._replace(mtime_ns=21), stamp._replace(entry="5")):
        assert store.caches.known_hash(path, other, "md5") is None
    changed = stamp._replace(size=11)
    store.caches.remember_hash(path, changed, "md5", "def")
    assert store.caches.known_hash(path, changed, "md5") == "def"
    assert store.caches.known_hash(path, stamp, "md5") is None


def test_the_last_twenty_run_times_of_a_workflow_and_instance_are_kept(store: Store) -> None:
    for seconds in range(25):
        store.caches.remember_run("190", "plus", seconds)
    store.caches.remember_run("190", "default", 500.5)
    assert store.caches.run_times("190", "plus") == [float(n) for n in range(24, 4, -1)]
    assert store.caches.run_times("190", "default") == [500.5]
    assert store.caches.run_times("191", "plus") == []


# Pruning


def test_old_orders_and_expired_uploads_are_forgotten_and_unfinished_ones_never(
    store: Store, clock: SetClock
) -> None:
    waiting = place(store, 1)
    old = place(store, 2)
    store.set_done(old, results=[PICTURE, replace(PICTURE, index=1, path=None)])
    clock.now += 10 * 86_400
    recent = place(store, 3)
    store.set_done(recent, results=[replace(PICTURE, path="results/3.png")])
    store.caches.remember_upload("o", "a", "old", "n", "u", expires=clock.now)
    store.caches.remember_upload("o", "a", "new", "n", "u", expires=clock.now + 1)

    assert prune(store, clock.now, keep_days=9) == [old]
    assert [row.id for row in store.unfinished()] == [waiting]
    assert store.find(identity(2).digest) is None
    assert [row.path for row in store.results(recent)] == ["results/3.png"]
    assert store.caches.upload("o", "a", "old", at=0) is None
    assert store.caches.upload("o", "a", "new", at=0) is not None


def test_of_too_many_orders_the_newest_are_kept(store: Store, clock: SetClock) -> None:
    waiting = place(store, 9)
    for item in range(5):
        store.set_done(place(store, item))
    assert prune(store, clock.now, keep_orders=2) == []  # somebody may still wait for one
    clock.now += 86_401
    prune(store, clock.now, keep_orders=2)
    kept = [item for item in range(5) if store.find(identity(item).digest)]
    assert kept == [3, 4]
    assert [row.id for row in store.unfinished()] == [waiting]


def test_what_is_emptied_already_is_not_written_again(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    for item in range(5):
        store.set_done(place(store, item))
    clock.now += 86_401
    emptied = prune(store, clock.now, keep_orders=1)
    assert len(emptied) == 4

    statements: list[str] = []
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        db.set_trace_callback(statements.append)
        # Named once more, as a folder may hold files that could not be deleted.
        assert store.history.old_orders(clock.now, 30, 1, emptied=True) == emptied
        delete_orders(db, clock.now, emptied)
    assert not [statement for statement in statements if statement.startswith("UPDATE")]


def test_hashes_are_kept_of_the_newest_files_and_of_all_loras(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    lora = Path("/loras/first.safetensors")
    store.caches.remember_hash(lora, FileStamp(1, 1, "1.1"), "md5", "abc")
    rows = [(b"/%d" % age, "sha256", 1, 10**9 - age, "", "d") for age in range(KEEP_HASHES + 10)]
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db, db:
        db.executemany("INSERT INTO hashes VALUES (?, ?, ?, ?, ?, ?)", rows)

    prune(store, clock.now)

    paths = store.caches.paths_of("sha256", "d")
    assert {*paths} == {Path(f"/{age}") for age in range(KEEP_HASHES)}
    assert store.caches.paths_of("md5", "abc") == [lora]
