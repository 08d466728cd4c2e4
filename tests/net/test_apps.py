"""From an app's form to its start: what was set is what runs,
and what was not is what is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.catalog import apps
from rh_api.errors import NodeInfoRefused
from rh_api.graph.app_fields import app_values, check_app
from rh_api.graph.fields import node_info
from rh_api.net.api import AiohttpTransport
from rh_api.wire.apps import call_demo, run_app
from rh_api.wire.orders import NodeInfo

Reach = Callable[..., AiohttpTransport]
REDRAW = "1900000000000000203"


@pytest.mark.parametrize("app_id", list(apps()))
async def test_an_app_of_which_nothing_is_set_runs_as_it_was_published(
    emulator: Emulator, reach: Reach, app_id: str
) -> None:
    transport = reach(emulator.base_url)
    form = await transport.send(call_demo(app_id))
    ticket = await transport.send(run_app(app_id, node_info(app_values(form, {}))))
    assert ticket.tips.node_errors == {}
    assert emulator.journal[-1].json["webappId"] == int(app_id)
    sent = {
        (field["nodeId"], field["fieldName"]): field["fieldValue"]
        for field in emulator.journal[-1].json["nodeInfoList"]
    }
    assert sent == {
        (row["nodeId"], row["fieldName"]): row["fieldValue"] for row in emulator.apps[app_id].fields
    }


async def test_values_arrive_as_the_nodes_take_them(emulator: Emulator, reach: Reach) -> None:
    transport = reach(emulator.base_url)
    form = await transport.send(call_demo(REDRAW))
    typed = {"12.seed": 2**64 - 1, "12.denoise": 0.25, "3.text": "a dog", "10.image": "example.png"}
    values = app_values(form, check_app(form, typed))
    ticket = await transport.send(run_app(REDRAW, node_info(values)))
    inputs = emulator.tasks[ticket.task_id].graph["12"]["inputs"]
    assert (inputs["seed"], inputs["steps"], inputs["denoise"]) == (2**64 - 1, 20, 0.25)


@pytest.mark.parametrize(("reroll", "drawn"), [(False, 0), (True, 1)])
async def test_a_stored_seed_is_held_unless_asked_otherwise(
    emulator: Emulator, reach: Reach, reroll: bool, drawn: int
) -> None:
    transport = reach(emulator.base_url)
    form = await transport.send(call_demo(REDRAW))
    values = app_values(form, {}, reroll_seeds=reroll)
    await transport.send(run_app(REDRAW, node_info(values)))
    assert emulator.rerolls == drawn


async def test_a_field_that_the_app_does_not_offer_is_refused_by_the_service(
    emulator: Emulator, reach: Reach
) -> None:
    with pytest.raises(NodeInfoRefused):
        await reach(emulator.base_url).send(run_app(REDRAW, (NodeInfo("12", "cfg", "9"),)))
