"""What a client tells of its past: orders of every kind, what they cost, and no other account's."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from rh_api.client import Client, Job, State
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.accounts import example_key
from rh_api.errors import Uncertain
from tests.client.conftest import MakeClient
from tests.support.jobs import PAINTER, invert, paint, paint_by_model
from tests.support.service import CREATE
from tests.support.waiting import begun

APP = min(catalog.apps())


async def test_every_kind_of_order_is_there_with_what_it_was(client: Client) -> None:
    await client.run(paint("a fox in snow"))
    await client.run(invert(red=33))
    await client.run(Job(app=APP, fields={}, title="My redraw"))
    await client.run(Job(graph=catalog.workflows()[catalog.TEXT_TO_IMAGE].graph))

    page = await client.history()

    kinds = [(past.kind, past.program) for past in page.orders]
    assert kinds[1:] == [
        ("app", APP),
        ("workflow", catalog.INVERT),
        ("workflow", catalog.TEXT_TO_IMAGE),
    ]
    graph, app, inverted, painted = page.orders
    assert graph.kind == "graph"
    assert "KSampler" in graph.name
    assert graph.inputs["6.text"] == "a lighthouse at dusk"
    assert (graph.classes["3"], "3.model" in graph.inputs) == ("KSampler", False)
    assert [past.kind for past in (await client.history("lighthouse dusk")).orders] == ["graph"]
    assert app.name == "My redraw"
    assert painted.inputs["6.text"] == "a fox in snow"
    assert set(inverted.inputs["10.image"]) == {"sha256"}  # type: ignore[call-overload]
    assert [past.state for past in page.orders] == [State.DONE] * 4
    assert [past.usage.coins for past in page.orders] == ["1"] * 4
    assert painted.first is not None
    assert painted.first.kind == "image"
    assert page.before is None


async def test_pages_go_on_where_the_last_one_ended(client: Client) -> None:
    for red in range(5):
        await client.run(invert(red=red))
    first = await client.history(limit=2)
    second = await client.history(limit=2, before=first.before)
    third = await client.history(limit=2, before=second.before)
    numbers = [past.order for page in (first, second, third) for past in page.orders]
    assert numbers == [5, 4, 3, 2, 1]
    assert third.before is None


async def test_a_model_is_found_by_its_name(make_client: MakeClient) -> None:
    client = make_client(RUNNINGHUB_API_KEY=example_key("shared"))
    await client.run(paint_by_model("an owl"))
    (past,) = (await client.history("owl")).orders
    assert (past.kind, past.program) == ("model", PAINTER)
    assert past.name
    assert past.usage.third_party_money is not None
    assert (await client.history(past.name)).orders == (past,)


async def test_what_is_under_way_and_what_is_a_question_are_history_as_well(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(Uncertain):
        await client.run(paint("lost"))
    (past,) = (await client.history()).orders
    assert (past.state, past.task_id) == (State.UNCERTAIN, "")
    assert past.error_key
    await client.settle_uncertain(past.order, not_started=True)
    assert (await client.history()).orders == ()


async def test_another_key_s_orders_are_seen_only_when_all_are_asked_for(
    make_client: MakeClient,
) -> None:
    own, other = make_client(), make_client(RUNNINGHUB_API_KEY=example_key("shared"))
    await own.run(paint("mine"))
    await other.run(paint("theirs"))
    assert [past.inputs["6.text"] for past in (await own.history()).orders] == ["mine"]
    everyone = (await own.history(everyone=True)).orders
    assert [(past.inputs["6.text"], past.account == own.settings.account) for past in everyone] == [
        ("theirs", False),
        ("mine", True),
    ]
    assert [day.coins for day in await own.spent()] == [1]


async def test_spend_is_told_by_day_and_by_program(client: Client) -> None:
    await client.run(paint("one"))
    await client.run(paint("two"))
    await client.run(invert())
    (today,) = await client.spent(7)
    assert (today.orders, today.coins, today.untold) == (3, 3, 0)
    programs = await client.spent(1, by="program")
    assert [(row.program, row.orders) for row in programs] == [
        (catalog.TEXT_TO_IMAGE, 2),
        (catalog.INVERT, 1),
    ]


async def test_what_was_served_from_before_is_neither_ordered_nor_counted(client: Client) -> None:
    for _ in range(2):
        await client.run(paint("one"))
    assert len((await client.history()).orders) == 1
    (today,) = await client.spent()
    assert today.coins == 1


async def test_a_stopped_order_is_told_as_cancelled(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 600
    running = await begun(client, paint("stopped"))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await client.engine.close()
    (past,) = (await client.history("cancelled")).orders
    assert past.state is State.CANCELLED


async def test_days_are_counted_from_one(client: Client) -> None:
    with pytest.raises(ValueError, match="0 days"):
        await client.spent(0)
