"""The journal's thread: what is asked at once is done in one visit, and each hears its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rh_api.errors import StoreUnavailable
from rh_api.journal import SqliteJournal, Store
from tests.unit.journal.samples import identity


class Counting(ThreadPoolExecutor):
    """The journal's thread, held until it may begin, and how often it was sent for."""

    def __init__(self) -> None:
        super().__init__(1)
        self.visits = 0
        self.may_begin = threading.Event()
        super().submit(self.may_begin.wait)

    def submit(self, fn: Callable[..., Any], /, *given: Any, **more: Any) -> Future[Any]:
        self.visits += 1
        return super().submit(fn, *given, **more)


@pytest.fixture
def thread() -> Counting:
    return Counting()


@pytest.fixture
def journal(tmp_path: Path, thread: Counting) -> SqliteJournal:
    return SqliteJournal(Store.open(tmp_path), "https://x", "account", thread)


async def test_what_many_ask_at_once_is_one_visit_in_their_order(
    journal: SqliteJournal, thread: Counting
) -> None:
    asked = [
        asyncio.ensure_future(journal.intend(identity(item=item), instance="default", what={}))
        for item in range(100)
    ]
    await asyncio.sleep(0)
    thread.may_begin.set()
    assert await asyncio.gather(*asked) == list(range(1, 101))
    assert thread.visits == 1
    await journal.close()


async def test_what_was_stopped_before_its_turn_is_not_done(
    journal: SqliteJournal, thread: Counting
) -> None:
    first = asyncio.ensure_future(journal.find(identity()))
    stopped = asyncio.ensure_future(journal.intend(identity(), instance="default", what={}))
    await asyncio.sleep(0)
    stopped.cancel()
    thread.may_begin.set()
    assert await first is None
    assert await journal.unfinished() == []
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
            await journal.find(identity())


def test_a_loop_after_another_is_answered(journal: SqliteJournal, thread: Counting) -> None:
    async def left() -> None:
        asyncio.ensure_future(journal.find(identity())).add_done_callback(lambda _: None)
        await asyncio.sleep(0)

    asyncio.run(left())
    thread.may_begin.set()
    assert asyncio.run(journal.find(identity())) is None
    asyncio.run(journal.close())


@pytest.mark.parametrize(
    ("origin", "currency"),
    [
        ("https://www.runninghub.ai", "USD"),
        ("https://www.runninghub.cn", "CNY"),
        ("https://proxy.example.cn", "CNY"),
        ("http://127.0.0.1:8000", "USD"),
    ],
)
async def test_money_is_taken_for_that_of_the_site(
    tmp_path: Path, origin: str, currency: str
) -> None:
    journal = SqliteJournal(Store.open(tmp_path), origin, "account")
    assert journal.currency == currency
    await journal.close()
