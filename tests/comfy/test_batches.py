"""Batches and lists in a real ComfyUI: an order an item, results in the batch's order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import Prompt, apart, hollow_png, looks, mark, remote, save
from tests.comfy.server import Server
from tests.comfy.test_results import IMAGES, MASKS, OUT_1, OUT_2, TASK_ID, TEXT
from tests.support.graphs import node
from tests.support.waiting import until

pytestmark = pytest.mark.comfy

CREATE = "/task/openapi/create"
SAME_TO_THE_BIT = "0.0000"


def inverted(kind: str = "batch", holds: str = "TestHolds", **inputs: Any) -> Prompt:
    """Pictures inverted in the cloud (2) and here (3)."""
    return {
        "1": node(holds, kind=kind, mark=mark()),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}, **inputs),
        "3": node("TestInverts", image=["1", 0]),
    }


def sent(emulator: Emulator, name: str) -> list[object]:
    """What each task got for a field, in the order of their ids."""
    node_id, _, field = name.partition(".")
    return [
        info["fieldValue"]
        for task in sorted(emulator.tasks.values(), key=lambda task: task.id)
        for info in task.node_info
        if (info["nodeId"], info["fieldName"]) == (node_id, field)
    ]


async def test_a_batch_comes_back_in_its_order_as_one_batch(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        **inverted(),
        "4": apart(["2", IMAGES], ["3", 0]),
        "5": apart(["2", OUT_1], ["3", 0]),
        "6": looks("2", TASK_ID),
        "7": looks("2", MASKS),
    }
    result = await comfyui.queue(prompt)

    assert result.outputs["4"]["text"] == result.outputs["5"]["text"] == [SAME_TO_THE_BIT]
    first, second, third = result.outputs["6"]["text"]
    assert first == third != second
    assert result.outputs["7"]["text"] == ["(3, 6, 7) torch.float32 0.0000..0.0000"]
    assert len(result.outputs["2"]["images"]) == 3
    # The first and the last picture are equal: one order, told once, and its result twice.
    assert result.outputs["2"]["text"][0] == "2 orders done · 2 coins"
    assert emulator.counters.orders == 2
    assert len(emulator.uploads) == 2


async def test_a_list_of_several_sizes_comes_back_as_single_pictures(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        **inverted("sized", "TestHolds3"),
        "4": apart(["2", IMAGES], ["3", 0]),
        "5": apart(["2", OUT_1], ["3", 0]),
    }
    result = await comfyui.queue(prompt)

    assert result.outputs["4"]["text"] == result.outputs["5"]["text"] == [SAME_TO_THE_BIT] * 3
    assert emulator.counters.orders == 3


async def test_fields_of_equal_length_go_in_step_and_single_ones_repeat(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    workflow = emulator.add_workflow(
        {
            "1": node("LoadImage", image="example.png"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="p"),
            "3": node("PrimitiveString", value=""),
            "4": node("SaveText", text=["3", 0], filename_prefix="t"),
            "5": node("PrimitiveInt", value=0),
            "6": node("PreviewAny", source=["5", 0]),
        }
    )
    number = mark()
    fields = {"1.image": ["1", 0], "3.value": ["2", 0], "5.value": number}
    result = await comfyui.queue(
        {
            "1": node("TestHolds3", kind="sized", mark=mark()),
            "2": node("TestHolds3", kind="text", mark=mark()),
            "3": remote(workflow, fields, outputs="2, 4"),
            "4": apart(["3", IMAGES], ["1", 0]),
            "5": apart(["3", TEXT], ["2", 0]),
        }
    )

    assert result.outputs["4"]["text"] == [SAME_TO_THE_BIT] * 3
    assert result.outputs["5"]["text"] == ["equal"] * 3
    assert sent(emulator, "5.value") == [number] * 3


async def test_outputs_are_joined_node_by_node(comfyui: ComfyClient, emulator: Emulator) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds3", kind="number", mark=mark()),
            "2": remote(catalog.TWO_PICTURES, {"5.width": ["1", 0]}),
            "3": looks("2", OUT_1),
            "4": looks("2", OUT_2),
            "5": looks("2", IMAGES),
        }
    )

    (blended,) = result.outputs["3"]["text"]
    scaled = result.outputs["4"]["text"]
    assert blended.startswith("(3, 192, 256, 3)")
    widths = [int(text.split(", ")[2]) for text in scaled]
    assert widths == [widths[0], widths[0] + 1, widths[0] + 2]
    # Order by order, the first order's two pictures first.
    assert result.outputs["5"]["text"][1::2] == scaled
    assert emulator.counters.orders == 3


async def test_items_run_side_by_side(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.hold_at = "10"
    queued = await comfyui.submit(inverted("sized", "TestHolds3"))
    await comfyui.event(
        lambda event: (
            event.type == "progress_text"
            and event.data["node"] == "2"
            and "0 of 3 done, 3 running" in event.data["text"]
        )
    )
    emulator.hold_at = None
    result = await comfyui.finish(queued)

    assert result.outcome == "success", result.failure


async def test_when_an_item_fails_it_is_named_and_it_alone_is_ordered_again(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "code", value=433, after=1))
    prompt = {**inverted("sized", "TestHolds3"), "4": apart(["2", IMAGES], ["3", 0])}
    first = await comfyui.queue(prompt)
    message = first.failure["exception_message"]
    assert "1 of 3 items failed" in message
    assert "Item " in message
    assert emulator.counters.orders == 2

    second = await comfyui.queue(prompt)
    assert second.outputs["4"]["text"] == [SAME_TO_THE_BIT] * 3
    assert emulator.counters.orders == 3
    assert "2 of them kept from before" in second.outputs["2"]["text"][0]


async def test_a_result_that_is_no_picture_loses_none_of_the_others(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    broken = hollow_png()
    emulator.faults.append(Fault("/results/", "body", value=broken))
    result = await comfyui.queue(
        {**inverted("sized", "TestHolds3"), "4": looks("2", TASK_ID), "5": save(["2", IMAGES])}
    )

    line = result.outputs["2"]["text"][1]
    assert "cannot be read as a picture" in line
    (named,) = re.findall(r"runninghub/(\S+) \[output\]", line)
    folder = server.base / "output" / "runninghub"
    (file,) = [path for task in emulator.tasks for path in folder.glob(f"{task}*")]
    assert (file.name, file.read_bytes()) == (named, broken)
    assert len(result.outputs["4"]["text"]) == 3
    assert len(result.outputs["5"]["images"]) == 2


async def test_stop_cancels_all(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 20
    queued = await comfyui.submit(inverted("sized", "TestHolds3"))
    await until(lambda: len(emulator.tasks) == 3, 10)

    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)


async def test_a_zip_field_gets_one_zip_of_all_pictures(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    workflow = emulator.add_workflow(
        {
            "1": node("LoadImages(zip)", upload="stored.zip"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="z"),
        }
    )
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="batch", mark=mark()),
            "2": remote(workflow, {"1.upload": ["1", 0]}),
            "3": apart(["2", IMAGES], ["1", 0]),
        }
    )

    assert result.outputs["3"]["text"] == [SAME_TO_THE_BIT]
    assert emulator.counters.orders == 1
    (stored,) = emulator.uploads.values()
    assert stored.extension == "zip"
