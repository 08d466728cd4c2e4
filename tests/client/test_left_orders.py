"""What nobody follows any more is ended when what is held for it is used up."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import CostLimit, TimeLimit
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint
from tests.support.waiting import begun, until


async def test_whoever_follows_a_bounded_task_later_stops_it_when_its_time_is_over(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "3 coins"}
    emulator.run_seconds = 60
    first = make_client(**limit, pace=40)
    ordering = await begun(first, invert())
    (task,) = emulator.tasks.values()
    await first.leave()
    await asyncio.wait((ordering,))
    later = make_client(**limit, pace=40)
    with pytest.raises(TimeLimit):
        await later.task(task.id).wait()
    await later.close()
    assert (task.status, emulator.counters.cancels) == ("CANCEL", 1)


async def test_what_nobody_follows_any_more_is_stopped_when_its_time_is_over(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="2 coins")
    emulator.run_seconds = 60
    ordering = await begun(client, invert())
    (task,) = emulator.tasks.values()
    assert client.task(task.id).detach()
    await asyncio.wait((ordering,))
    await until(lambda: task.status == "CANCEL", 60)
    await client.close()
    assert (task.coins or 0) <= 2


async def test_where_no_poll_tells_anything_the_paid_time_counts_all_the_same(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="3 coins", pace=40)
    emulator.run_seconds, emulator.queue_seconds = 60, 0.1
    for path in ("/openapi/v2/query", "/task/openapi/outputs"):
        emulator.faults.append(Fault(path, "retry_after", count=None, value=1))
    with pytest.raises(TimeLimit):
        await client.run(invert())
    await client.close()
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


async def test_nothing_new_is_ordered_while_a_left_task_may_cost_more_than_is_held_for_it(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    limit = await left_one_running(make_client, emulator)
    (task,) = emulator.tasks.values()
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        db.execute("UPDATE orders SET created = created - 3600, placed = placed - 3600")
    for path in ("/openapi/v2/query", "/task/openapi/outputs"):
        emulator.faults.append(Fault(path, "code", count=None, value=301))
    with pytest.raises(CostLimit, match=f"task {task.id}, may have run longer than the money held"):
        await make_client(**limit).run(invert(2))
    emulator.faults.clear()
    emulator.hold_at = None
    assert (await make_client(**limit).run(invert(2))).results
    assert emulator.counters.orders == 2


async def test_one_left_task_that_the_service_has_lost_hides_no_other(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "2 coins"}
    emulator.run_seconds = 60
    killed = make_client(**limit)
    orders = [await begun(killed, invert(red)) for red in (1, 2)]
    lost, other = emulator.tasks.values()
    await killed.leave()
    await asyncio.wait(orders)
    del emulator.tasks[lost.id]
    # So fast that it has been unknown for long when the other one's time is over.
    later = make_client(pace=80, **limit)
    assert await later.open_orders()
    await until(lambda: other.status == "CANCEL", 60)
    emulator.run_seconds = 0.05
    # At its own pace: the five seconds that are paid for would be a blink of the fast clock.
    assert (await make_client(pace=1.0, **limit).run(invert(3))).results


async def left_one_running(make_client: MakeClient, emulator: Emulator) -> dict[str, str]:
    """A process ordered `invert()` and has ended; the limit that was and is set."""
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "10 coins"}
    emulator.hold_at = "13"
    ended = make_client(**limit)
    ordering = await begun(ended, invert())
    await ended.leave()
    await asyncio.wait((ordering,))
    return limit


async def test_a_left_task_that_is_unknown_for_a_moment_is_not_paid_again(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = await left_one_running(make_client, emulator)
    polls = "/openapi/v2/query", "/task/openapi/outputs"
    unknown = [Fault(path, "code", value=807) for path in polls]
    emulator.faults.extend(unknown)
    later = make_client(**limit)
    await later.open_orders()
    await until(lambda: all(fault.struck for fault in unknown))
    looks = emulator.counters.under("/openapi/v2/query")
    await until(lambda: emulator.counters.under("/openapi/v2/query") > looks, 30)  # no question yet
    emulator.hold_at = None
    assert (await later.run(invert())).results
    assert emulator.counters.orders == 1


async def test_a_left_task_that_stays_unknown_is_a_question_until_it_is_known(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = await left_one_running(make_client, emulator)
    emulator.unknown_seconds = 3600
    later = make_client(**limit, pace=100.0)
    (order,) = await later.open_orders()
    while not order.is_uncertain:
        assert order.task_id in emulator.tasks
        await asyncio.sleep(0.02)
        (order,) = await later.open_orders()
    emulator.unknown_seconds, emulator.hold_at = 0.0, None
    assert (await later.run(invert())).results
    assert emulator.counters.orders == 1


async def test_a_left_task_that_is_older_than_any_and_unknown_holds_up_no_order(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    limit = await left_one_running(make_client, emulator)
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        ages = "created = created - 100000, placed = placed - 100000"
        db.execute(f"UPDATE orders SET {ages}, started = started - 100000")
    emulator.tasks.clear()
    emulator.hold_at = None
    assert (await make_client(**limit, pace=1.0).run(invert(2))).results
    assert emulator.counters.orders == 2


async def test_a_task_of_another_process_that_waited_long_is_left_to_it(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "2 coins"}
    first, second = make_client(**limit, pace=1.0), make_client(**limit)
    emulator.queue_seconds, emulator.run_seconds = 6.0, 2.0
    waiting = asyncio.ensure_future(first.run(invert(1)))
    await until(lambda: emulator.counters.orders == 1)
    (task,) = emulator.tasks.values()
    await until(lambda: task.status == "RUNNING", 30)
    emulator.queue_seconds, emulator.run_seconds = 0.0, 0.05
    await second.run(invert(2))
    assert (await waiting).results
    assert emulator.counters.cancels == 0


async def test_a_copy_of_the_journal_alone_knows_what_was_ordered(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    """What a copy or sync tool takes of a folder in use."""
    first = await make_client().run(paint())
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "state" / "orders.sqlite3", tmp_path / "copy")
    second = await make_client("copy").run(paint())
    assert (second.task_id, emulator.counters.orders) == (first.task_id, 1)
