"""Several processes on one journal, and processes that are killed."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.errors import StoreUnavailable
from rh_api.journal import OrderExists, State, Store
from tests.unit.journal.samples import child, identity, intend, place


def test_two_stores_on_one_file_do_not_place_one_order_twice(tmp_path: Path, store: Store) -> None:
    with closing(Store.open(tmp_path)) as other:
        order = intend(store)
        with pytest.raises(OrderExists):
            intend(other)
        # Either may follow what the other has placed.
        assert other.set_placed(order, "task-1")
        assert store.set_running(order)
        assert other.set_done(order)
        assert not store.set_done(order)


def test_what_a_process_was_sending_when_it_ended_is_a_question(tmp_path: Path) -> None:
    with child(
        "from contextlib import closing\n"
        # Named: a journal that nobody holds is closed, and its process seen as gone.
        "store = open_store()\n"
        "store.intend(Identity('o', 'a', 'w', 'g', 'i'), instance='', what={})\n"
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
    printed = sorted(process.communicate()[0].strip() for process in children)
    assert printed == ["exists 1", "exists 1", "exists 1", "mine"]


def test_of_two_processes_that_are_told_one_task_at_once_one_has_it(tmp_path: Path) -> None:
    together, site = threading.Barrier(2), identity().origin

    def become(store: Store, order: int, task: str) -> int:
        together.wait(10)
        return store.place_or_twin(order, site, task, ())

    with (
        closing(Store.open(tmp_path)) as here,
        closing(Store.open(tmp_path)) as there,
        ThreadPoolExecutor(2) as threads,
    ):
        for number in range(20):
            first, second = intend(here, 2 * number), intend(there, 2 * number + 1)
            task = f"task-{number}"
            orders = threads.map(become, (here, there), (first, second), (task, task))
            assert tuple(orders) in ((0, first), (second, 0))


def test_every_acknowledged_order_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "store = open_store()\n"
        "for item in range(100_000):\n"
        "    order = store.intend(Identity('o', sys.argv[2], 'w', 'g', 'i', item),\n"
        "        instance='', what={'x': 'y' * 500})\n"
        "    task = f'task-{sys.argv[2]}-{item}'\n"
        "    store.set_placed(order, task)\n"
        "    print(order, task, flush=True)\n"
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


def task_ids(store: Store) -> list[str | None]:
    return [row.task_id for row in store.unfinished()]


@pytest.mark.parametrize("harm", ["left out", "damaged"])
def test_no_order_of_a_killed_process_hangs_on_a_file_beside_the_journal(
    tmp_path: Path, harm: str
) -> None:
    code = (
        "import os\n"
        "store = open_store()\n"
        "for item in range(20):\n"
        "    order = store.intend(Identity('o', 'a', 'w', 'g', 'i', item), instance='', what={})\n"
        "    store.set_placed(order, f'task-{item}')\n"
        "os._exit(0)\n"
    )
    process = child(code, tmp_path)
    process.communicate()
    assert process.returncode == 0
    for path in tmp_path.glob("orders.sqlite3?*"):
        data = path.read_bytes()
        path.unlink()
        if harm == "damaged":
            path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    with closing(Store.open(tmp_path)) as store:
        assert store.set_aside is None
        assert task_ids(store) == [f"task-{item}" for item in range(20)]


def test_a_journal_with_a_write_ahead_log_is_converted_with_all_that_is_in_it(
    tmp_path: Path,
) -> None:
    """Up to 0.1.0 it was written so, and a process may have been killed at any moment."""
    with closing(Store.open(tmp_path)) as store:
        for item in range(20):
            place(store, item)
    code = (
        "import os, sqlite3\n"
        "db = sqlite3.connect(Path(sys.argv[1], 'orders.sqlite3'), isolation_level=None)\n"
        "db.execute('PRAGMA journal_mode = WAL')\n"
        "db.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "db.execute(\"UPDATE orders SET task_id = 'late-' || id\")\n"
        "os._exit(0)\n"
    )
    process = child(code, tmp_path)
    process.communicate()
    assert process.returncode == 0
    assert (tmp_path / "orders.sqlite3-wal").stat().st_size > 0
    for _ in range(2):
        with closing(Store.open(tmp_path)) as store:
            assert store.set_aside is None
            assert task_ids(store) == [f"late-{number}" for number in range(1, 21)]
            assert not list(tmp_path.glob("orders.sqlite3?*"))


def test_a_write_ahead_log_is_not_converted_under_a_process_that_uses_it(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        place(store)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("SELECT count(*) FROM orders").fetchone()
        with pytest.raises(StoreUnavailable):
            Store.open(tmp_path, patience=0.1)
        assert db.execute("SELECT task_id FROM orders").fetchone() == ("task-0",)
    with closing(Store.open(tmp_path)) as store:
        assert task_ids(store) == ["task-0"]
