"""A graph from the canvas, whose links count the sockets that are shown,
gives the right outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import decoded, loaded, looks, mark, pixels, remote, save
from tests.support.service import asked

pytestmark = pytest.mark.comfy

POOL_OUT_1, POOL_TEXT, POOL_TASK = 7, 4, 6


def form(*sockets: int, **more: Any) -> str:
    return json.dumps({"v": 1, "kind": "workflow", "sockets": list(sockets), **more})


async def test_each_visible_socket_carries_its_output(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    source = await loaded(comfyui, pixels())
    shown = form(POOL_OUT_1 + 1, POOL_TASK, POOL_OUT_1)
    result = await comfyui.queue(
        {
            "1": source,
            "6:2": remote(catalog.TWO_PICTURES, {"1.image": ["1", 0]}, form=shown, outputs="4,12"),
            "3": save(["6:2", 0]),
            "4": looks("6:2", 1),
            "5": save(["6:2", 2]),
        }
    )
    assert result.outcome == "success", result
    (scaled,) = result.outputs["3"]["images"]
    (blended,) = result.outputs["5"]["images"]
    assert (await decoded(comfyui, scaled)).shape == (120, 200, 3)
    assert (await decoded(comfyui, blended)).shape == (23, 37, 3)
    (task_id,) = emulator.tasks
    assert task_id in str(result.outputs["4"])
    # What was queued can be queued again as it is.
    queued = result.history["prompt"][2]
    assert "sockets" not in json.loads(queued["6:2"]["inputs"]["form"])
    again = await comfyui.queue(json.loads(json.dumps(queued)))
    assert again.outcome == "success", again
    assert emulator.counters.orders == 1


async def test_the_form_is_no_part_of_the_order(comfyui: ComfyClient, emulator: Emulator) -> None:
    fields = {"21.value": f"text {mark()}"}
    prompts = [
        {"1": remote(catalog.TEXT_OUT, fields), "2": looks("1", POOL_TEXT)},
        {"1": remote(catalog.TEXT_OUT, fields, form=form(POOL_TEXT)), "2": looks("1", 0)},
        {"1": remote(catalog.TEXT_OUT, fields, form=form(0, POOL_TEXT, x=1)), "2": looks("1", 1)},
    ]
    results = [await comfyui.queue(prompt) for prompt in prompts]
    assert [result.outcome for result in results] == ["success"] * 3
    assert len({str(result.outputs["2"]) for result in results}) == 1
    assert emulator.counters.orders == 1


async def test_a_part_of_the_graph_runs_alone(comfyui: ComfyClient, emulator: Emulator) -> None:
    fields = {"21.value": f"text {mark()}"}
    prompt = {
        "1": remote(catalog.TEXT_OUT, fields, form=form(POOL_TEXT)),
        "2": looks("1", 0),
        "3": save(["9", 0]),
    }
    result = await comfyui.queue(prompt, targets=["2"])
    assert result.outcome == "success", result
    assert "2" in result.outputs


@pytest.mark.parametrize("bad", ["{", "[]", form(20), form(-1), json.dumps({"sockets": "0"})])
async def test_a_damaged_form_is_refused_on_its_node(
    comfyui: ComfyClient, emulator: Emulator, bad: str
) -> None:
    prompt = {
        "1": remote(catalog.TEXT_OUT, form=bad),
        "2": looks("1", 0),
        "3": save(["4", 0]),
        "4": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1}},
    }
    result = await comfyui.queue(prompt)
    assert result.outcome == "refused"
    assert list(result.node_errors) == ["1"]
    assert "cannot be read" in result.refusal
    assert not asked(emulator)


async def test_a_link_from_a_socket_that_is_gone_is_refused_on_its_node(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {"1": remote(catalog.TEXT_OUT, form=form(POOL_TEXT)), "2": looks("1", 1)}
    result = await comfyui.queue(prompt)
    assert list(result.node_errors) == ["1"]
    assert "output 1" in result.refusal
    assert not asked(emulator)


async def test_a_prompt_that_came_past_the_handler_gives_no_wrong_output(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    """Another pack put it into the queue: nobody counted its links anew."""
    prompt = {
        "1": remote(catalog.TEXT_OUT, {"21.value": f"text {mark()}"}, form=form(POOL_TEXT)),
        "2": looks("1", 0),
    }
    result = await comfyui.queue_past_handlers(prompt, "2")
    assert result.outcome == "error", result.outputs
    assert result.failure["node_id"] == "1"
    assert "/prompt" in result.failure["exception_message"]
    assert emulator.counters.orders == 0
