"""Results that cannot be had: the others of their order are delivered, the lost ones are named,
and asking for them again is free."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client, Outcome
from rh_api.emulator import Emulator, Fault
from rh_api.errors import HostRefused, ResultUnavailable
from tests.client.conftest import MakeClient
from tests.client.test_completeness import nodes_of, two_saves
from tests.support.pictures import plain_png

GONE: dict[str, Any] = {"value": "<Error/>", "status": 404, "count": None}


def lost(emulator: Emulator, node: str = "2", **how: Any) -> Fault:
    """A fault of the file that one of the two savers made."""
    user, name = emulator.accounts[emulator.default_key].user_id, {"2": "b", "3": "a"}[node]
    fault = Fault(f"/results/{user}/output/{name}_", "body", **how)
    emulator.faults.append(fault)
    return fault


def missed(outcome: Outcome) -> str:
    (notice,) = outcome.notices
    assert notice.key == "progress.not_fetched"
    return str({**notice.params})


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (GONE, "HTTP 404"),
        ({"value": b"", "count": None}, "empty file"),
        ({"value": "<!DOCTYPE html><html>sorry</html>", "count": None}, "web page"),
    ],
)
async def test_a_result_that_cannot_be_had_takes_no_other_with_it(
    make_client: MakeClient, emulator: Emulator, how: dict[str, Any], reason: str
) -> None:
    lost(emulator, **how)
    first = await make_client().run(two_saves())
    assert nodes_of(first) == ["3"]
    assert {result.node_id for result in first.listed} == {"2", "3"}
    assert all(word in missed(first) for word in (reason, "'node': '2'", "'total': 2", "b_00001"))
    assert emulator.counters.orders == 1

    before = emulator.counters.under("/results")
    again = await make_client().run(two_saves())
    assert (nodes_of(again), again.kept) == (["3"], True)
    assert reason in missed(again)
    assert emulator.counters.under("/results") == before + 1  # what is here stays here

    emulator.faults.clear()
    fetched = await make_client().task(first.task_id).fetch()
    assert (sorted(nodes_of(fetched)), fetched.notices) == (["2", "3"], ())
    last = await make_client().run(two_saves())
    assert (sorted(nodes_of(last)), last.kept, last.notices) == (["2", "3"], True, ())
    assert last.tips.outputs == first.tips.outputs != ()
    assert emulator.counters.orders == 1


async def test_what_nothing_came_of_is_a_failure_that_says_what_to_do(
    client: Client, emulator: Emulator
) -> None:
    for node in ("2", "3"):
        lost(emulator, node, **GONE)
    with pytest.raises(
        ResultUnavailable,
        match=r"HTTP 404\. Run the same inputs .* without paying again.* cost 1 coin",
    ):
        await client.run(two_saves())
    emulator.faults.clear()
    assert len((await client.run(two_saves())).results) == 2
    assert emulator.counters.orders == 1


async def test_trouble_of_the_way_delivers_no_half(client: Client, emulator: Emulator) -> None:
    lost(emulator, value="", status=503, count=None)
    with pytest.raises(ResultUnavailable, match="internal error"):
        await client.run(two_saves())
    emulator.faults.clear()
    assert len((await client.run(two_saves())).results) == 2
    assert emulator.counters.orders == 1


async def test_results_of_a_foreign_host_are_named_with_what_to_do(
    client: Client, emulator: Emulator
) -> None:
    emulator.result_base = "https://cdn.example.com"
    with pytest.raises(HostRefused, match="RUNNINGHUB_RESULT_HOSTS"):
        await client.run(two_saves())


async def test_a_name_with_a_space_is_no_reason(client: Client, emulator: Emulator) -> None:
    emulator.result_name, emulator.escapes_names = "my pic.png", False
    emulator.faults.append(Fault("/results", "body", value=plain_png((1, 2, 3)), count=None))
    outcome = await client.run(two_saves())
    assert [result.name for result in outcome.results] == ["my pic.png"] * 2
    assert emulator.journal[-1].path.endswith("/my pic.png")


async def test_files_that_are_here_are_not_paid_anew_for_the_sake_of_a_lost_one(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    lost(emulator, **GONE)
    client = make_client()
    await client.run(two_saves())
    await client.close()
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        db.execute("UPDATE orders SET created = created - 100000, ended = ended - 100000")
    again = await make_client().run(two_saves())
    assert nodes_of(again) == ["3"]
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("how", "orders"),
    [
        ({"value": "", "status": 503}, 1),
        ({"value": "<!DOCTYPE html><html>sorry</html>"}, 1),
        ({"value": "<Error/>", "status": 404}, 2),
    ],
    ids=["a fault of the store's", "a page", "gone"],
)
async def test_an_old_order_is_paid_anew_only_when_its_results_are_gone(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path, how: dict[str, Any], orders: int
) -> None:
    fault = Fault("/results", "body", count=None, **how)
    emulator.faults.append(fault)
    client = make_client()
    with pytest.raises(ResultUnavailable):
        await client.run(two_saves())
    await client.close()
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        db.execute("UPDATE orders SET created = created - 100000, ended = ended - 100000")
    with pytest.raises(ResultUnavailable):
        await make_client().run(two_saves())
    assert emulator.counters.orders == orders


@pytest.mark.parametrize("refused", [False, True], ids=["forgotten", "a key that is refused"])
async def test_a_lost_one_can_be_fetched_when_the_service_does_not_tell_of_its_task(
    make_client: MakeClient, emulator: Emulator, refused: bool
) -> None:
    fault = lost(emulator, **GONE)
    client = make_client()
    first = await client.run(two_saves())
    emulator.tasks.clear()
    still = await client.task(first.task_id).fetch()
    assert (nodes_of(still), len(still.notices), fault.struck) == (["3"], 1, 2)
    emulator.faults.clear()
    if refused:
        emulator.faults += [Fault(f"/{part}/", "code", None, 802) for part in ("task", "openapi")]
    fetched = await client.task(first.task_id).fetch()
    assert (sorted(nodes_of(fetched)), fetched.notices) == (["2", "3"], ())
    assert emulator.counters.orders == 1
