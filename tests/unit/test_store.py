"""The order book keeps what it acknowledged, places nothing twice, and says when it cannot."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rh_api.errors import Fate, StoreUnavailable
from rh_api.store import Identity, OrderExists, ResultRow, State, Store

ROOT = Path(__file__).parents[2]
PICTURE = ResultRow("9", 0, "image", url="https://cdn.example/a.png", path="results/1.png", size=70)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with closing(Store.open(tmp_path, clock=clock, patience=2.0)) as opened:
        yield opened


def identity(item: int = 0) -> Identity:
    return Identity("https://www.runninghub.ai", "a1b2", "190", "graph", "inputs", item)


def intend(store: Store, item: int = 0) -> int:
    return store.intend(identity(item), instance="plus", what={"fields": {"6.text": "a cat"}})


def place(store: Store, item: int = 0) -> int:
    order = intend(store, item)
    store.placed(order, f"task-{item}")
    return order


def child(code: str, *arguments: object, version: Path = ROOT) -> subprocess.Popen[str]:
    """Another process, whose `open_store` opens the folder of the first argument."""
    opening = (
        "import sys; from pathlib import Path\n"
        "from rh_api.errors import StoreUnavailable\n"
        "from rh_api.store import Identity, OrderExists, Store\n"
        "def open_store(): return Store.open(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", opening + code, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=version, stdin=pipe, stdout=pipe, text=True)


# An order's life


def test_an_order_is_followed_through_its_states_and_found_after_a_restart(
    tmp_path: Path, store: Store, clock: Clock
) -> None:
    order = intend(store)
    clock.now = 1_001
    assert store.placed(order, "task-1")
    clock.now = 1_010
    assert store.running(order)
    clock.now = 1_040
    assert store.done(order, coins="12", money="0.1", seconds="30", results=[PICTURE])
    store.close()

    with closing(Store.open(tmp_path)) as reopened:
        row = reopened.find(identity().digest)
        assert row is not None
        assert (row.id, row.state, row.task_id, row.instance) == (
            order,
            State.DONE,
            "task-1",
            "plus",
        )
        assert (row.created, row.placed, row.started, row.ended) == (1_000, 1_001, 1_010, 1_040)
        assert (row.coins, row.money, row.third_party_money, row.seconds) == (
            "12",
            "0.1",
            None,
            "30",
        )
        assert row.what == {"fields": {"6.text": "a cat"}}
        assert row.identity_digest == identity().digest
        assert reopened.results(order) == [PICTURE]
        assert reopened.unfinished() == []
        assert reopened.set_aside is None


def test_a_failure_keeps_its_key_and_code(store: Store) -> None:
    order = place(store)
    assert store.failed(order, key="error.task_failed", code=805)
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.error_key, row.code) == (State.FAILED, "error.task_failed", 805)


@pytest.mark.parametrize("state", [s for s in State if not s.is_over])
def test_an_unfinished_order_keeps_its_twin_away(store: Store, state: State) -> None:
    order = intend(store)
    if state is State.UNCERTAIN:
        store.uncertain(order, key="error.uncertain")
    if state in (State.PLACED, State.RUNNING):
        store.placed(order, "task-1")
    if state is State.RUNNING:
        store.running(order)
    with pytest.raises(OrderExists) as caught:
        intend(store)
    assert (caught.value.row.id, caught.value.row.state) == (order, state)
    assert [row.id for row in store.unfinished()] == [order]


def test_an_order_that_is_over_leaves_room_for_another(store: Store) -> None:
    ends: list[Callable[[int], bool]] = [
        store.done,
        store.cancelled,
        lambda order: store.failed(order, key="error.task_failed"),
    ]
    orders: list[int] = []
    for end in ends:
        orders.append(place(store))
        assert end(orders[-1])
    orders.append(intend(store))
    assert orders == sorted(set(orders))
    latest = store.find(identity().digest)
    assert latest is not None
    assert latest.id == orders[-1]


def test_items_of_a_batch_and_other_accounts_are_other_orders(store: Store) -> None:
    mine = [intend(store, item) for item in range(3)]
    other = store.intend(replace(identity(), account="c3d4"), instance="default", what={})
    there = store.intend(replace(identity(), origin="http://127.0.0.1:1"), instance="", what={})
    assert [row.id for row in store.unfinished()] == [*mine, other, there]
    here = identity()
    assert [row.id for row in store.unfinished(here.origin, here.account)] == mine
    assert [row.id for row in store.unfinished(account="c3d4")] == [other]


def test_an_uncertain_order_takes_the_task_id_that_was_found_later(store: Store) -> None:
    order = intend(store)
    store.uncertain(order, key="error.uncertain")
    assert store.placed(order, "task-7")
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.task_id, row.error_key) == (State.PLACED, "task-7", "")


def test_an_order_that_never_started_goes_and_its_number_is_not_given_again(store: Store) -> None:
    order = intend(store)
    assert store.dropped(order)
    assert store.find(identity().digest) is None
    assert intend(store) != order
    assert not store.placed(order, "task-1")


def test_a_task_that_the_service_named_is_never_dropped(store: Store) -> None:
    order = place(store)
    assert not store.dropped(order)
    assert store.find(identity().digest) is not None


def test_news_that_comes_late_does_not_reopen_an_order(store: Store) -> None:
    order = place(store)
    store.done(order, coins="12", results=[PICTURE])
    late = [
        store.placed(order, "task-2"),
        store.running(order),
        store.uncertain(order, key="error.uncertain"),
        store.failed(order, key="error.task_failed"),
        store.cancelled(order),
        store.done(order, coins="99", results=[replace(PICTURE, index=1)]),
        store.want_cancel(order),
        store.cancel_confirmed(order),
        store.dropped(order),
    ]
    assert not any(late)
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.task_id, row.coins) == (State.DONE, "task-0", "12")
    assert store.results(order) == [PICTURE]


def test_an_end_is_taken_even_when_the_steps_before_it_could_not_be_written(store: Store) -> None:
    assert store.done(intend(store))


def test_a_cancel_is_wanted_until_it_is_confirmed_also_after_a_restart(
    tmp_path: Path, store: Store
) -> None:
    order = place(store)
    assert store.want_cancel(order)
    store.close()
    with closing(Store.open(tmp_path)) as reopened:
        assert [row.cancel for row in reopened.unfinished()] == ["wanted"]
        assert reopened.cancel_confirmed(order)
        assert not reopened.want_cancel(order)
        assert [row.cancel for row in reopened.unfinished()] == ["confirmed"]


def test_an_order_that_is_wanted_again_is_not_to_be_cancelled_any_more(store: Store) -> None:
    order = place(store)
    store.want_cancel(order)
    assert store.keep(order)
    assert not store.cancel_confirmed(order)
    row = store.order(order)
    assert row is not None
    assert row.cancel == ""


def test_every_part_of_an_identity_counts() -> None:
    base = Identity("o", "a", "w", "g", "i", 1)
    others = [
        replace(base, origin="p"),
        replace(base, account="b"),
        replace(base, workflow="x"),
        replace(base, graph_hash="h"),
        replace(base, inputs_hash="j"),
        replace(base, item=2),
        Identity("oa", "", "w", "g", "i", 1),
    ]
    digests = {value.digest for value in [base, *others, replace(base)]}
    assert len(digests) == 1 + len(others)


# Results


def test_results_are_added_and_replaced_by_node_and_index(store: Store) -> None:
    order = place(store)
    text = ResultRow("12:3", 0, "text", text="half a pair: \ud83d")
    store.done(order, results=[replace(PICTURE, path=None), replace(PICTURE, index=1), text])
    unknown = ResultRow("", 0, "file", url="https://cdn.example/x.zip")
    assert store.save_results(order, [PICTURE, unknown])
    assert store.results(order) == [
        unknown,
        replace(text, text="half a pair: ?"),
        PICTURE,
        replace(PICTURE, index=1),
    ]


def test_results_of_an_order_that_is_gone_are_not_kept(store: Store) -> None:
    assert not store.save_results(77, [PICTURE])
    assert store.results(77) == []


# Uploads, hashes, run times


def test_an_upload_is_known_until_it_expires_and_to_its_account_alone(store: Store) -> None:
    store.memory.remember_upload("o", "a", "f00d", "api/1.png", "https://x/1.png", expires=100)
    assert store.memory.upload("o", "a", "f00d", now=99.9) == ("api/1.png", "https://x/1.png")
    assert store.memory.upload("o", "a", "f00d", now=100) is None
    assert store.memory.upload("o", "b", "f00d", now=1) is None
    assert store.memory.upload("p", "a", "f00d", now=1) is None
    store.memory.remember_upload("o", "a", "f00d", "api/2.png", "", expires=300)
    assert store.memory.upload("o", "a", "f00d", now=200) == ("api/2.png", "")
    store.memory.forget_upload("o", "a", "f00d")
    assert store.memory.upload("o", "a", "f00d", now=1) is None


def test_a_hash_is_known_while_the_file_is_unchanged(store: Store) -> None:
    # A name that is no UTF-8, a file number of 64 bits.
    path, inode = Path(os.fsdecode(b"/loras/\xff.safetensors")), 2**64 - 1
    store.memory.remember_hash(path, 10, 20, inode, "md5", "abc")
    assert store.memory.known_hash(path, 10, 20, inode, "md5") == "abc"
    changed = [(11, 20, inode, "md5"), (10, 21, inode, "md5"), (10, 20, 5, "md5")]
    for size, mtime_ns, number, algorithm in [*changed, (10, 20, inode, "sha256")]:
        assert store.memory.known_hash(path, size, mtime_ns, number, algorithm) is None
    store.memory.remember_hash(path, 11, 20, inode, "md5", "def")
    assert store.memory.known_hash(path, 11, 20, inode, "md5") == "def"
    assert store.memory.known_hash(path, 10, 20, inode, "md5") is None


def test_the_last_twenty_run_times_of_a_workflow_and_instance_are_kept(store: Store) -> None:
    for seconds in range(25):
        store.memory.remember_run("190", "plus", seconds)
    store.memory.remember_run("190", "default", 500.5)
    assert store.memory.run_times("190", "plus", limit=99) == [float(n) for n in range(24, 4, -1)]
    assert store.memory.run_times("190", "plus", limit=2) == [24.0, 23.0]
    assert store.memory.run_times("190", "default") == [500.5]
    assert store.memory.run_times("191", "plus") == []


# Pruning


def test_old_orders_and_expired_uploads_are_forgotten_and_unfinished_ones_never(
    store: Store, clock: Clock
) -> None:
    waiting = place(store, 1)
    store.done(place(store, 2), results=[PICTURE, replace(PICTURE, index=1, path=None)])
    clock.now += 10 * 86_400
    recent = place(store, 3)
    store.done(recent, results=[replace(PICTURE, path="results/3.png")])
    store.memory.remember_upload("o", "a", "old", "n", "u", expires=clock.now)
    store.memory.remember_upload("o", "a", "new", "n", "u", expires=clock.now + 1)

    assert store.prune(clock.now, keep_days=9) == ["results/1.png"]
    assert [row.id for row in store.unfinished()] == [waiting]
    assert store.find(identity(2).digest) is None
    assert [row.path for row in store.results(recent)] == ["results/3.png"]
    assert store.memory.upload("o", "a", "old", now=0) is None
    assert store.memory.upload("o", "a", "new", now=0) is not None


def test_of_too_many_orders_the_newest_are_kept(store: Store, clock: Clock) -> None:
    waiting = place(store, 9)
    for item in range(5):
        store.done(place(store, item))
    store.prune(clock.now, keep_orders=2)
    kept = [item for item in range(5) if store.find(identity(item).digest)]
    assert kept == [3, 4]
    assert [row.id for row in store.unfinished()] == [waiting]


# Several processes


def test_two_stores_on_one_file_do_not_place_one_order_twice(tmp_path: Path, store: Store) -> None:
    with closing(Store.open(tmp_path)) as other:
        order = intend(store)
        with pytest.raises(OrderExists):
            intend(other)
        # Either may follow what the other has placed.
        assert other.placed(order, "task-1")
        assert store.running(order)
        assert other.done(order)
        assert not store.done(order)


def test_what_a_process_was_sending_when_it_ended_is_a_question(tmp_path: Path) -> None:
    with child(
        "from contextlib import closing\n"
        "open_store().intend(Identity('o', 'a', 'w', 'g', 'i'), instance='', what={})\n"
        "print('sent', flush=True); sys.stdin.read()\n",
        tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sent\n"
        with closing(Store.open(tmp_path)) as beside:
            # Its process lives and hears the reply.
            assert [row.state for row in beside.unfinished()] == [State.INTENDED]
        process.kill()
    with closing(Store.open(tmp_path)) as after:
        assert [row.state for row in after.unfinished()] == [State.UNCERTAIN]


def test_of_processes_that_start_together_one_places_the_order(tmp_path: Path) -> None:
    code = (
        "sys.stdin.read()\n"
        "store = open_store()\n"
        "try: store.intend(Identity('o', 'a', 'w', 'g', 'i'), instance='', what={}); print('mine')\n"
        "except OrderExists as error: print('exists', error.row.id)\n"
        "store.close()\n"
    )
    folder = tmp_path / "deep" / "state"
    children = [child(code, folder) for _ in range(4)]
    for process in children:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = sorted(process.communicate()[0].strip() for process in children)
    assert said == ["exists 1", "exists 1", "exists 1", "mine"]


def test_every_acknowledged_order_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "store = open_store()\n"
        "for item in range(100_000):\n"
        "    order = store.intend(Identity('o', sys.argv[2], 'w', 'g', 'i', item),\n"
        "        instance='', what={'x': 'y' * 500})\n"
        "    store.placed(order, f'task-{item}')\n"
        "    print(order, f'task-{item}', flush=True)\n"
    )
    acknowledged: dict[int, str] = {}
    for attempt in range(4):
        with child(code, tmp_path, attempt) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(1 + 40 * attempt)]
            process.kill()
            lines += process.stdout  # said before it died
        acknowledged |= {int(number): task for number, task in map(str.split, lines)}
        with closing(Store.open(tmp_path)) as store:
            assert store.set_aside is None
            rows = {row.id: row for row in store.unfinished()}
            assert {order: rows[order].task_id for order in acknowledged} == acknowledged
            # Only the one that it was at work on is more than what it said.
            assert len(store.unfinished(account=str(attempt))) - len(lines) in (0, 1)


# A file that cannot be used


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
            store.dropped(intend(store))
        with closing(Store.open(tmp_path)) as store:
            assert store.set_aside is None


def test_a_book_set_aside_is_told_of_for_a_day_or_until_it_is_removed(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "orders.newer-2.sqlite3"
    path.write_bytes(b"")
    clock.now = path.stat().st_mtime
    with closing(Store.open(tmp_path, clock=clock)) as store:
        assert store.lost_book() == path
        clock.now += 86_401
        assert store.lost_book() is None
        clock.now -= 3 * 86_400  # a clock that was set back
        assert store.lost_book() == path
        path.unlink()
        assert store.lost_book() is None


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


def test_a_file_of_a_newer_version_is_set_aside_whole(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        order = place(store)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        db.execute("PRAGMA user_version = 1000")
    with closing(Store.open(tmp_path)) as store:
        assert store.set_aside == tmp_path / "orders.newer-1.sqlite3"
        assert store.unfinished() == []
    with closing(sqlite3.connect(tmp_path / "orders.newer-1.sqlite3")) as db:
        assert db.execute("SELECT id, task_id FROM orders").fetchall() == [(order, "task-0")]


def test_a_file_of_an_older_version_is_migrated_with_its_orders(tmp_path: Path) -> None:
    # The next version, as a copy of this one that makes one table more.
    shutil.copytree(ROOT / "rh_api", tmp_path / "next" / "rh_api")
    with (tmp_path / "next" / "rh_api" / "store" / "schema.py").open("a") as schema:
        schema.write(
            'MIGRATIONS = (*MIGRATIONS, "CREATE TABLE later (x); INSERT INTO later VALUES (7);")'
        )
    state = tmp_path / "state"
    with closing(Store.open(state)) as store:
        order = place(store)
    code = (
        "store = open_store()\n"
        "print(store.set_aside, [(row.id, row.task_id) for row in store.unfinished()])\n"
        "store.close()\n"
    )
    for _ in range(2):
        said = child(code, state, version=tmp_path / "next").communicate()[0]
        assert said == f"None [({order}, 'task-0')]\n"
    with closing(Store.open(state)) as store:
        assert store.set_aside == state / "orders.newer-1.sqlite3"
    with closing(sqlite3.connect(state / "orders.newer-1.sqlite3")) as db:
        assert db.execute("SELECT x FROM later").fetchall() == [(7,)]


def test_a_log_without_its_file_is_not_replayed_into_a_new_one(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "a")) as store:
        place(store)
        log = (tmp_path / "a" / "orders.sqlite3-wal").read_bytes()
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "orders.sqlite3-wal").write_bytes(log)
    with closing(Store.open(folder)) as store:
        assert store.set_aside == folder / "orders.damaged-1.sqlite3"
        assert (folder / "orders.damaged-1.sqlite3-wal").read_bytes() == log
        assert store.unfinished() == []


def test_a_file_that_another_process_uses_is_not_taken_from_it(tmp_path: Path) -> None:
    code = (
        "store = open_store()\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "store.placed(1, 'task-1')\n"
        "store.close()\n"
    )
    with closing(Store.open(tmp_path)) as store:
        intend(store)
    process = child(code, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        db.execute("PRAGMA user_version = 1000")
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(tmp_path, patience=0.1)
    assert (caught.value.key, caught.value.params["reason"]) == ("error.store_in_use", "newer")
    process.communicate("go on\n")
    assert process.returncode == 0
    with closing(Store.open(tmp_path)) as store:
        assert store.set_aside == tmp_path / "orders.newer-1.sqlite3"
    with closing(sqlite3.connect(tmp_path / "orders.newer-1.sqlite3")) as db:
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
            store.placed(order, "task-0")
        assert unwritten.value.fate is Fate.UNKNOWN
        assert [row.id for row in store.unfinished()] == [order]
    assert store.placed(order, "task-0")
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
            "limit(Path(sys.argv[1], 'orders.sqlite3-wal').stat().st_size)\n"
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
            for name in ("orders.sqlite3", "orders.sqlite3-wal"):
                assert (folder / name).stat().st_mode & 0o777 == 0o600


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


# Any sequence of calls, against a dictionary

OPEN_STATES = {State.INTENDED, State.PLACED, State.RUNNING, State.UNCERTAIN}
MOVES: dict[str, tuple[set[State], State]] = {
    "placed": ({State.INTENDED, State.UNCERTAIN}, State.PLACED),
    "running": ({State.PLACED}, State.RUNNING),
    "uncertain": ({State.INTENDED}, State.UNCERTAIN),
    "done": (OPEN_STATES, State.DONE),
    "failed": (OPEN_STATES, State.FAILED),
    "cancelled": (OPEN_STATES, State.CANCELLED),
}
ITEMS = st.integers(0, 2)


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store.open(self.folder)
        self.model: dict[int, tuple[int, State]] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def latest(self, item: int) -> int | None:
        return max((order for order, (i, _) in self.model.items() if i == item), default=None)

    @rule(item=ITEMS)
    def intend(self, item: int) -> None:
        order = self.latest(item)
        if order is not None and self.model[order][1] in OPEN_STATES:
            with pytest.raises(OrderExists) as caught:
                intend(self.store, item)
            assert caught.value.row.id == order
        else:
            new = intend(self.store, item)
            assert new not in self.model
            self.model[new] = (item, State.INTENDED)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), move=st.sampled_from(sorted(MOVES)))
    def move(self, data: st.DataObject, move: str) -> None:
        order = data.draw(st.sampled_from(sorted(self.model)))
        more = {"placed": ("task",)}.get(move, ())
        key = {"key": "error.x"} if move in ("uncertain", "failed") else {}
        applied = getattr(self.store, move)(order, *more, **key)
        came_from, goes_to = MOVES[move]
        item, state = self.model[order]
        assert applied == (state in came_from)
        if applied:
            self.model[order] = (item, goes_to)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(sorted(self.model)))
        gone = self.model[order][1] in (State.INTENDED, State.UNCERTAIN)
        assert self.store.dropped(order) == gone
        if gone:
            del self.model[order]

    @rule(keep=st.integers(0, 2))
    def prune(self, keep: int) -> None:
        self.store.prune(0, keep_orders=keep)
        over = sorted(order for order, (_, state) in self.model.items() if state.is_over)
        for order in over[: len(over) - keep] if len(over) > keep else []:
            del self.model[order]

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder)
        assert self.store.set_aside is None
        # Nobody hears any more whether a request that was on its way arrived.
        for order, (item, state) in self.model.items():
            if state is State.INTENDED:
                self.model[order] = (item, State.UNCERTAIN)

    @invariant()
    def the_book_says_what_was_done(self) -> None:
        unfinished = {order: s for order, (_, s) in self.model.items() if s in OPEN_STATES}
        assert {row.id: row.state for row in self.store.unfinished()} == unfinished
        for item in range(3):
            row, order = self.store.find(identity(item).digest), self.latest(item)
            assert (row and (row.id, row.state)) == (order and (order, self.model[order][1]))


AnySequence.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
test_any_sequence_of_calls_leaves_what_a_dictionary_would_hold = AnySequence.TestCase
