"""AI apps as nodes of a real ComfyUI: the same inputs and outputs, fields from the app's form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import apart, mark, remote
from tests.comfy.test_refusals import nothing_was_sent, sentence
from tests.comfy.test_results import IMAGES, OUT_1
from tests.support.graphs import node

pytestmark = pytest.mark.comfy

INVERT_APP, REDRAW_APP = "1900000000000000202", "1900000000000000203"


def app(name: str, fields: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return node("RunningHubAIApp", app=name, **inputs, **(fields or {}))


@pytest.mark.parametrize("link", ["{}", "https://www.runninghub.ai/ai-detail/{}"])
async def test_a_batch_goes_through_an_app(
    comfyui: ComfyClient, emulator: Emulator, link: str
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="pair", mark=mark()),
            "2": app(link.format(INVERT_APP), {"10.image": ["1", 0]}),
            "3": node("TestInverts", image=["1", 0]),
            "4": apart(["2", IMAGES], ["3", 0]),
            "5": apart(["2", OUT_1], ["3", 0]),
        }
    )

    assert result.outputs["4"]["text"] == result.outputs["5"]["text"] == ["0.0000"]
    assert {task.order.route for task in emulator.tasks.values()} == {"ai-app"}
    assert emulator.counters.orders == 2


async def test_fields_of_the_form_are_set_and_the_rest_is_sent_as_stored(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue({"1": app(REDRAW_APP, {"12.steps": 4, "3.text": f"x {mark()}"})})

    assert result.outcome == "success", result.failure
    (task,) = emulator.tasks.values()
    sent = {f"{info['nodeId']}.{info['fieldName']}": info["fieldValue"] for info in task.node_info}
    assert (sent["12.steps"], sent["12.seed"], sent["10.image"]) == ("4", "42", "example.png")


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown field": (app(INVERT_APP, {"99.text": "x"}), ["99.text", "has no such field"]),
    "option": (app(INVERT_APP, {"12.upscale_method": "bilinearr"}), ["bilinearr", "bilinear"]),
    "number": (app(REDRAW_APP, {"12.steps": "many"}), ["12.steps", "INT", "many"]),
    "blank": (app(" "), ["Which AI app"]),
    "unknown app": (app("1900000000000000999"), ["no such AI app"]),
    "a workflow": (app(catalog.INVERT), ["is a workflow", "RunningHub Remote Workflow"]),
    "an app": (remote(INVERT_APP), ["is an AI app", "RunningHub AI App"]),
    "a workflow's link": (
        app(f"https://www.runninghub.ai/workflow/{catalog.INVERT}"),
        ["link of a workflow"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_cannot_work_is_said_before_it_costs(
    comfyui: ComfyClient, emulator: Emulator, case: str
) -> None:
    wrong, words = WRONG[case]
    message = sentence(await comfyui.queue({"1": wrong}))
    assert [word for word in words if word not in message] == [], message
    assert nothing_was_sent(emulator)


async def test_an_app_that_was_changed_is_run_anew(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    built_in = emulator.apps[REDRAW_APP]
    own = replace(built_in, id=emulator.next_id(), fields=list(built_in.fields))
    emulator.apps[own.id] = own
    prompt = {"1": app(own.id, {"3.text": f"x {mark()}"})}
    await comfyui.queue(prompt)
    await comfyui.queue(prompt)
    assert emulator.counters.orders == 1

    own.fields.append({**own.fields[1], "nodeId": "4", "fieldValue": "new"})
    # A field that the copy at hand lacks lets the change be seen before ten minutes are over.
    await comfyui.queue({"1": app(own.id, {"4.text": f"y {mark()}"})})
    orders = emulator.counters.orders
    await comfyui.queue(prompt)
    assert emulator.counters.orders == orders + 1
