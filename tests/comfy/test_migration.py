"""A migrated prompt runs in a real ComfyUI and orders what the old one did."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from rh_api.emulator import Emulator, catalog
from rh_api.migration import migrate
from rh_api.models.catalogue import Catalogue
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark
from tests.support.pictures import plain_png

pytestmark = pytest.mark.comfy

SETTINGS = {
    "base_url": "https://www.runninghub.cn",
    "apiKey": "0" * 32,
    "workflowId_webappId": catalog.IMAGE_TO_IMAGE,
}


def entry(number: int, field: str, value: Any, before: str = "") -> dict[str, Any]:
    inputs = {"nodeId": number, "fieldName": field, "fieldValue": value}
    chained = {"previousNodeInfoList": [before, 0]} if before else {}
    return {"class_type": "RH_NodeInfoListNode", "inputs": {**inputs, **chained}}


async def test_the_first_picture_of_a_batch_and_texts_go_up(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    pictures = [plain_png((shade, 20, 30)) for shade in (200, 100)]
    first, second = [await comfyui.upload(f"{mark()}.png", data) for data in pictures]
    batch = {"image1": ["2", 0], "image2": ["3", 0]}
    execute = {"apiConfig": ["1", 0], "nodeInfoList": ["7", 0], "run_timeout": 600}
    old: dict[str, Any] = {
        "1": {"class_type": "RH_SettingsNode", "inputs": SETTINGS},
        "2": {"class_type": "LoadImage", "inputs": {"image": first}},
        "3": {"class_type": "LoadImage", "inputs": {"image": second}},
        "4": {"class_type": "ImageBatch", "inputs": batch},
        "5": {
            "class_type": "RH_ImageUploaderNode",
            "inputs": {"apiConfig": ["1", 0], "image": ["4", 0]},
        },
        "6": entry(10, "image", ["5", 0]),
        "7": entry(12, "steps", str(mark() + 1000), "6"),
        "8": {"class_type": "RH_ExecuteNode", "inputs": execute},
        "9": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}},
    }
    new: dict[str, Any] = migrate(old, Catalogue((), date="")).document
    result = await comfyui.queue(new)
    assert result.outcome == "success"
    orders = [line.json for line in emulator.journal if line.path == "/task/openapi/create"]
    assert len(orders) == 1
    fields = {
        (row["nodeId"], row["fieldName"]): row["fieldValue"] for row in orders[0]["nodeInfoList"]
    }
    assert set(fields) == {("10", "image"), ("12", "steps")}
    assert str(fields["12", "steps"]) == old["7"]["inputs"]["fieldValue"]
    with Image.open(io.BytesIO(emulator.uploads[fields["10", "image"]].data)) as sent:
        assert sent.convert("RGB").getpixel((3, 3)) == (200, 20, 30)
    assert len(result.outputs["9"]["images"]) == 1
