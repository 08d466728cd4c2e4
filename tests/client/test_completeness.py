"""A success is what its list shows in the end: late, in part, without addresses,
or empty by design."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client, Job, Outcome, Stopped
from rh_api.emulator import Emulator, Fault
from rh_api.errors import NoOutput, Uncertain
from tests.client.conftest import MakeClient
from tests.support.graphs import node
from tests.support.jobs import paint
from tests.support.waiting import begun, until

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"


def two_saves(colour: int = 1, *, last: str = "SaveImage") -> Job:
    """A graph with two pictures: each of the nodes 2 and 3 saves one."""
    picture = node("EmptyImage", width=8, height=8, batch_size=1, color=colour)
    save = (
        {"images": ["1", 0], "filename_prefix": "a"}
        if last == "SaveImage"
        else {"images": ["1", 0]}
    )
    graph = {
        "1": picture,
        "2": node("SaveImage", images=["1", 0], filename_prefix="b"),
        "3": node(last, **save),
    }
    return Job(graph=graph)


def nodes_of(outcome: Outcome) -> list[str]:
    return [result.node_id for result in outcome.results]


@pytest.mark.parametrize("listed", [0, 1])
async def test_results_that_are_listed_late_are_waited_for(
    client: Client, emulator: Emulator, listed: int
) -> None:
    emulator.late_results, emulator.late_results_seen = 5, listed
    outcome = await client.run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert (outcome.missing, outcome.notices) == ((), ())
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("how", ["null", "empty", "blank"])
async def test_a_result_without_an_address_is_asked_for_again(
    client: Client, emulator: Emulator, how: Any
) -> None:
    emulator.missing_address, emulator.missing_address_polls = how, 3
    outcome = await client.run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert all(result.path for result in outcome.results)


@pytest.mark.parametrize("how", ["null", "empty", "blank"])
async def test_a_result_that_never_gets_an_address_is_named_and_comes_later_for_nothing(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path, how: Any
) -> None:
    emulator.missing_address = how
    outcome = await make_client(pace=30.0).run(two_saves())
    (there,) = outcome.results
    (gone,) = outcome.missing
    assert {there.node_id, gone} == {"2", "3"}
    assert [notice.key for notice in outcome.notices] == ["progress.incomplete"]

    again = await make_client(pace=30.0).run(two_saves())
    assert (again.kept, again.missing) == (True, (gone,))
    fetched = await make_client(pace=30.0).task(outcome.task_id).fetch()
    assert fetched.missing == (gone,)

    emulator.missing_address = None
    fetched = await make_client(pace=30.0).task(outcome.task_id).fetch()
    assert sorted(nodes_of(fetched)) == ["2", "3"]
    assert fetched.notices == ()
    last = await make_client(pace=30.0).run(two_saves())
    assert (last.kept, sorted(nodes_of(last)), last.notices) == (True, ["2", "3"], ())
    assert emulator.counters.orders == 1


async def test_a_result_without_an_address_is_named_where_nothing_was_announced(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.blank_prompt_tips, emulator.missing_address = True, "null"
    outcome = await make_client(pace=30.0).run(two_saves())
    assert {*nodes_of(outcome), *outcome.missing} == {"2", "3"}
    assert [notice.key for notice in outcome.notices] == ["progress.incomplete"]


async def test_rows_without_anything_are_not_told_as_saved_nothing(
    client: Client, emulator: Emulator
) -> None:
    emulator.missing_address = "null"
    with pytest.raises(NoOutput, match=r"none of its results \(1\).*It cost .*\[task"):
        await client.run(paint())
    with pytest.raises(NoOutput, match="without a readable result"):
        await client.run(paint())
    emulator.missing_address = None
    assert (await client.run(paint())).results
    assert emulator.counters.orders == 1


async def test_fewer_addresses_than_nodes_is_a_list_in_part(
    make_client: MakeClient, emulator: Emulator
) -> None:
    graph = dict(two_saves().graph or {})
    job = Job(graph=graph | {"4": node("SaveImage", images=["1", 0], filename_prefix="c")})
    emulator.outputs_node_id = False
    emulator.late_results = 10**6
    for listed, missing in ((1, ("?",)), (2, ("?",)), (3, ())):
        emulator.late_results_seen = listed
        outcome = await make_client(pace=30.0).run(job)
        assert (len(outcome.results), outcome.missing) == (listed, missing)
        keys = [notice.key for notice in outcome.notices]
        assert keys == (["progress.incomplete"] if missing else [])
    assert emulator.counters.orders == 1


async def test_a_list_that_stays_in_part_is_delivered_and_completed_by_the_next_run(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.late_results, emulator.late_results_seen = 10**6, 1
    outcome = await make_client(pace=30.0).run(two_saves())
    assert len(outcome.results) == 1
    assert len(outcome.missing) == 1
    emulator.late_results = 0
    again = await make_client(pace=30.0).run(two_saves())
    assert sorted(nodes_of(again)) == ["2", "3"]
    assert again.notices == ()
    assert emulator.counters.orders == 1


async def test_an_empty_list_is_no_new_order_by_itself(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.late_results = 10**6
    with pytest.raises(NoOutput):
        await make_client(pace=30.0).run(two_saves())
    with pytest.raises(NoOutput, match="not ordered again automatically"):
        await make_client(pace=30.0).run(two_saves())
    assert emulator.counters.orders == 1
    (task_id,) = emulator.tasks

    emulator.late_results = 0
    fetched = await make_client(pace=30.0).task(task_id).fetch()
    assert sorted(nodes_of(fetched)) == ["2", "3"]
    served = await make_client(pace=30.0).run(two_saves())
    assert (served.kept, len(served.results)) == (True, 2)
    assert emulator.counters.orders == 1


async def test_an_empty_list_is_ordered_again_when_somebody_says_so(
    client: Client, emulator: Emulator
) -> None:
    emulator.no_outputs = True
    with pytest.raises(NoOutput):
        await client.run(paint())
    emulator.no_outputs = False
    outcome = await client.run(paint(again=True))
    assert outcome.results
    assert emulator.counters.orders == 2


async def test_a_preview_is_not_waited_for(client: Client, emulator: Emulator) -> None:
    outcome = await client.run(two_saves(last="PreviewImage"))
    assert nodes_of(outcome) == ["2"]
    assert outcome.notices == ()
    assert emulator.counters.under(QUERY) + emulator.counters.under(OUTPUTS) <= 3


async def test_what_gave_nothing_the_last_two_times_is_not_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.late_results, emulator.late_results_seen = 10**6, 1
    for colour in (1, 2):  # once may be a mishap of the service's
        assert (await make_client(pace=30.0).run(two_saves(colour))).notices
    polls = emulator.counters.under(QUERY) + emulator.counters.under(OUTPUTS)
    third = await make_client(pace=30.0).run(two_saves(3))
    assert third.notices == ()
    more = emulator.counters.under(QUERY) + emulator.counters.under(OUTPUTS) - polls
    assert more < polls / 4


async def test_after_one_list_that_stayed_in_part_the_next_is_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.late_results, emulator.late_results_seen = 10**6, 1
    assert (await make_client(pace=30.0).run(two_saves(1))).missing
    emulator.late_results = 4
    assert sorted(nodes_of(await make_client(pace=30.0).run(two_saves(2)))) == ["2", "3"]


async def stopped_too_late(
    make_client: MakeClient, emulator: Emulator, job: Job, polls: int = 4
) -> None:
    """Stop comes as the task ends, and the poll that sees this lists one of two results."""
    emulator.result_lag, emulator.late_results, emulator.late_results_seen = 3600, polls, 1
    stops: list[Stopped] = []
    client = make_client(stopped=stops.append)
    running = await begun(client, job)
    await until(lambda: not emulator.open_tasks(emulator.default_key))
    running.cancel()
    emulator.result_lag = 0.0
    await until(lambda: stops)
    assert stops[0].too_late
    await client.close()


@pytest.mark.parametrize("polls", [2, 3, 4, 5])
async def test_a_stop_that_came_too_late_keeps_all_results(
    make_client: MakeClient, emulator: Emulator, polls: int
) -> None:
    """By either route, and each lists them in an order of its own."""
    await stopped_too_late(make_client, emulator, two_saves(), polls)
    outcome = await make_client().run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert (outcome.missing, emulator.counters.orders) == ((), 1)
    assert len((await make_client().run(two_saves())).results) == 2


async def test_after_stops_that_came_too_late_the_next_list_is_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    for colour in (1, 2):
        await stopped_too_late(make_client, emulator, two_saves(colour))
    assert sorted(nodes_of(await make_client().run(two_saves(3)))) == ["2", "3"]


async def test_a_success_that_was_seen_for_its_cost_keeps_all_results(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "50 coins"}
    emulator.result_lag, emulator.late_results, emulator.late_results_seen = 3600, 4, 1
    killed = make_client(**limit)
    running = await begun(killed, two_saves())
    await killed.leave()
    await asyncio.wait((running,))
    later = make_client(**limit)
    assert await later.open_orders()
    emulator.result_lag = 0.0
    while await later.open_orders():
        assert emulator.counters.orders == 1
        await asyncio.sleep(0.02)
    outcome = await later.run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert (outcome.missing, emulator.counters.orders) == ((), 1)


async def test_a_list_in_part_after_a_restart_is_one_as_well(
    make_client: MakeClient, emulator: Emulator
) -> None:
    """What the service told with the ticket is in the journal."""
    emulator.late_results, emulator.late_results_seen = 10**6, 1
    emulator.run_seconds = 0.5
    first = make_client(pace=30.0)
    job = await begun(first, two_saves())
    await first.leave()
    await asyncio.wait((job,))
    outcome = await make_client(pace=30.0).run(two_saves())
    assert len(outcome.missing) == 1
    assert emulator.counters.orders == 1


async def test_a_list_in_part_of_a_task_that_was_lost_and_found_is_one_as_well(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.unknown_seconds = 3600
    with pytest.raises(Uncertain):
        await make_client(pace=60.0).run(two_saves())
    emulator.unknown_seconds, emulator.late_results, emulator.late_results_seen = 0.0, 3, 1
    outcome = await make_client().run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert emulator.counters.orders == 1


async def test_an_empty_text_of_an_earlier_version_is_asked_for_again(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    """Such a row was kept as a result without file and text, for good."""
    first = make_client(pace=30.0)
    await first.run(two_saves())
    await first.close()
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        db.execute("UPDATE results SET url = '', path = NULL, size = NULL WHERE node_id = '3'")
        db.execute("""UPDATE orders SET missing = '["3"]'""")
    outcome = await make_client(pace=30.0).run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
    assert emulator.counters.orders == 1


async def test_a_poll_that_is_refused_while_results_are_late_changes_nothing(
    client: Client, emulator: Emulator
) -> None:
    emulator.late_results = 3
    emulator.faults.append(Fault(OUTPUTS, "code", count=None, value=807))
    outcome = await client.run(two_saves())
    assert sorted(nodes_of(outcome)) == ["2", "3"]
