"""The journal's thread: what is asked at once is done in one visit, in one transaction where that
goes, and each hears its own."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rh_api.errors import Fate, StoreUnavailable
from rh_api.journal import OrderExists, SqliteJournal, Store
from tests.unit.journal.samples import child, identity


class Counting(ThreadPoolExecutor):
    """The journal's thread, held until it may begin, and how often it was sent for."""

    def __init__(self) -> None:
        super().__init__(1)
        self.visits = 0
        self.may_begin = threading.Event()
        super().submit(self.may_begin.wait)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        self.visits += 1
        return super().submit(fn, *args, **more)


@pytest.fixture
def thread() -> Counting:
    return Counting()


@pytest.fixture
def journal(tmp_path: Path, thread: Counting) -> SqliteJournal:
    return SqliteJournal(Store.open(tmp_path), "https://x", "account", thread)


async def test_what_many_ask_at_once_is_one_visit_in_their_order(
    journal: SqliteJournal, thread: Counting
) -> None:
    intents = [
        asyncio.ensure_future(journal.intend(identity(item=item), instance="default", what={}))
        for item in range(100)
    ]
    await asyncio.sleep(0)
    thread.may_begin.set()
    assert await asyncio.gather(*intents) == list(range(1, 101))
    assert thread.visits == 1
    await journal.close()


async def test_all_that_is_answered_is_on_the_disk_and_nothing_else(
    tmp_path: Path, journal: SqliteJournal, thread: Counting
) -> None:
    items = [0, 1, 1, 2, 3]  # the second of the twins is refused
    intents = [
        asyncio.ensure_future(journal.intend(identity(item=item), instance="default", what={}))
        for item in items
    ]
    await asyncio.sleep(0)
    thread.may_begin.set()
    answers = await asyncio.gather(*intents, return_exceptions=True)
    with closing(Store.open(tmp_path)) as other:
        written = {row.item: row.id for row in other.unfinished()}
    assert isinstance(answers.pop(2), OrderExists)
    assert answers == [written[item] for item in (0, 1, 2, 3)]
    await journal.close()


async def test_while_another_process_holds_the_file_each_is_told_and_none_is_written(
    tmp_path: Path, thread: Counting
) -> None:
    journal = SqliteJournal(Store.open(tmp_path, patience=0.05), "https://x", "account", thread)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        intents = [
            asyncio.ensure_future(journal.intend(identity(item=item), instance="default", what={}))
            for item in range(3)
        ]
        reading = asyncio.ensure_future(journal(journal.store.unfinished, *journal.owner))
        await asyncio.sleep(0)
        thread.may_begin.set()
        answers = await asyncio.gather(*intents, return_exceptions=True)
        assert await reading == []
    assert [type(error) for error in answers] == [StoreUnavailable] * 3
    assert {error.fate for error in answers if isinstance(error, StoreUnavailable)} == {
        Fate.NOT_STARTED
    }
    assert await journal(journal.store.unfinished, *journal.owner) == []
    await journal.close()


if sys.platform != "win32":  # no other system can be told that a file may not grow

    def test_on_a_disk_that_fills_up_each_is_told_what_became_of_it(tmp_path: Path) -> None:
        code = (
            "import asyncio, resource\n"
            "from rh_api.journal import SqliteJournal\n"
            "async def main():\n"
            "    journal = SqliteJournal(open_store(), 'o', 'a')\n"
            "    async def intend(item, size):\n"
            "        what = {'x': 'y' * size}\n"
            "        try: await journal.intend(Identity('o', 'a', 'w', 'g', 'i', item),\n"
            "            instance='', what=what)\n"
            "        except StoreUnavailable as error: return error.fate.name\n"
            "        return item\n"
            "    await intend(0, 10)\n"
            "    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
            "    room = Path(sys.argv[1], 'orders.sqlite3').stat().st_size + 300_000\n"
            "    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))\n"
            "    answers = await asyncio.gather(*(intend(n, 20_000) for n in range(1, 21)))\n"
            "    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))\n"
            "    await journal.close()\n"
            "    written = {row.item for row in open_store().unfinished()}\n"
            "    print(*answers)\n"
            "    print(written == {0, *(item for item in answers if item != 'NOT_STARTED')})\n"
            "asyncio.run(main())\n"
        )
        answers, is_so = child(code, tmp_path).communicate()[0].splitlines()
        assert is_so == "True"
        assert set(answers.split()) > {"NOT_STARTED", "1"}


async def test_what_was_stopped_before_its_turn_is_not_done(
    journal: SqliteJournal, thread: Counting
) -> None:
    first = asyncio.ensure_future(journal(journal.store.find, identity().digest))
    stopped = asyncio.ensure_future(journal.intend(identity(), instance="default", what={}))
    await asyncio.sleep(0)
    stopped.cancel()
    thread.may_begin.set()
    assert await first is None
    assert await journal(journal.store.unfinished, *journal.owner) == []
    await journal.close()


async def test_each_hears_of_its_own_failure_and_all_of_a_closed_journal(
    journal: SqliteJournal, thread: Counting
) -> None:
    thread.may_begin.set()
    bad = journal.intend(identity(), instance="default", what={"no JSON": object()})
    good = journal.intend(identity(item=1), instance="default", what={})
    failure, order = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(failure, TypeError)
    assert order
    await journal.close()
    for _ in range(2):
        with pytest.raises((RuntimeError, StoreUnavailable)):
            await journal(journal.store.find, identity().digest)


def test_a_loop_after_another_is_answered(journal: SqliteJournal, thread: Counting) -> None:
    async def left() -> None:
        asyncio.ensure_future(journal(journal.store.find, identity().digest)).add_done_callback(
            lambda _: None
        )
        await asyncio.sleep(0)

    asyncio.run(left())
    thread.may_begin.set()
    assert asyncio.run(journal(journal.store.find, identity().digest)) is None
    asyncio.run(journal.close())
