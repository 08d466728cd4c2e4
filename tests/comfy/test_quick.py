"""Modules of Quick Create as nodes of a real ComfyUI."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark
from tests.comfy.test_refusals import nothing_was_sent, sentence
from tests.support.graphs import node

pytestmark = pytest.mark.comfy

PAINT, REDRAW, BLEND = catalog.modules().values()
KEY = "0123456789abcdef0123456789abcdef"


def quick(text: str, fields: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return node("RunningHubQuickCreate", module=text, **inputs, **(fields or {}))


async def test_a_module_runs_with_what_is_connected_and_all_else_of_its_example(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="pair", mark=mark()),
            "2": quick(BLEND.example(KEY), {"1.image": ["1", 0], "5.crop": "center"}),
            "3": node("PreviewImage", images=["2", 0]),
        }
    )
    assert result.outcome == "success", result.failure
    assert result.outputs["3"]["images"]
    orders = [task.order for task in emulator.tasks.values()]
    assert [order.route for order in orders] == ["quick", "quick"]
    for order in orders:
        sent = {f"{e['nodeId']}.{e['fieldName']}": e["fieldValue"] for e in order.node_info}
        assert (sent["5.crop"], sent["2.image"]) == ("center", "example_small.png")
        assert sent["1.image"] != "example.png"
    assert KEY not in str(emulator.journal)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (quick(" "), "Which module"),
        (quick("https://www.runninghub.ai/quick"), "no complete JSON object"),
        (quick(PAINT.example(), {"99.text": "x"}), "has no such field"),
        (quick(PAINT.example(), {"5.batch_size": "many"}), "5.batch_size"),
    ],
)
async def test_what_cannot_work_is_refused_before_the_graph_runs(
    comfyui: ComfyClient, emulator: Emulator, prompt: dict[str, Any], words: str
) -> None:
    result = await comfyui.queue({"1": prompt})
    assert result.outcome == "refused"
    assert words in sentence(result)
    assert nothing_was_sent(emulator)
