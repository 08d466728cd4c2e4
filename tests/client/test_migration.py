"""An old graph and what became of it order the same at the service, pictures by their pixels."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from PIL import Image

from rh_api.client import Client, Job, Source
from rh_api.emulator import Emulator, catalog
from rh_api.graph.fields import looks_like_field
from rh_api.migration import migrate
from rh_api.models.catalogue import Catalogue
from rh_api.wire.filetypes import Kind
from rh_api.wire.orders import TaskOptions
from tests.support.old_packs import Media, Order, orders

SITE = "https://www.runninghub.cn"
APP = "1900000000000000203"


def picture() -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (16, 16), bytes(range(256)) * 3).save(file, "PNG")
    return file.getvalue()


def chain(target: str, *entries: tuple[int, str, Any], is_app: bool = False) -> dict[str, Any]:
    """A picture through an uploader, plain values, one order."""
    settings = {"base_url": SITE, "apiKey": "0" * 32, "workflowId_webappId": target}
    upload = {"apiConfig": ["1", 0], "image": ["2", 0]}
    prompt: dict[str, Any] = {
        "1": {"class_type": "RH_SettingsNode", "inputs": settings},
        "2": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "3": {"class_type": "RH_ImageUploaderNode", "inputs": upload},
    }
    last = None
    for node, field, value in entries:
        inputs = {"nodeId": node, "fieldName": field, "fieldValue": value}
        before = {"previousNodeInfoList": [last, 0]} if last else {}
        last = str(len(prompt) + 1)
        prompt[last] = {"class_type": "RH_NodeInfoListNode", "inputs": {**inputs, **before}}
    execute = {"apiConfig": ["1", 0], "nodeInfoList": [last, 0], "is_webapp_task": is_app}
    prompt["99"] = {"class_type": "RH_ExecuteNode", "inputs": {**execute, "use_rtx4090_48g": True}}
    return prompt


GRAPHS = {
    "workflow": chain(
        catalog.IMAGE_TO_IMAGE, (10, "image", ["3", 0]), (3, "text", "ink"), (12, "steps", "9")
    ),
    "seed": chain(catalog.IMAGE_TO_IMAGE, (12, "seed", "77"), (10, "image", ["3", 0])),
    "app": chain(APP, (10, "image", ["3", 0]), (3, "text", "a woodcut"), is_app=True),
}


@pytest.mark.parametrize("name", GRAPHS)
async def test_the_same_is_ordered(name: str, emulator: Emulator, client: Client) -> None:
    old = GRAPHS[name]
    (order,) = orders(old)
    await _as_the_old_pack(emulator, order)
    new = migrate(old, Catalogue((), date="")).document["99"]
    await client.run(_job(new["inputs"], is_app=new["class_type"] == "RunningHubAIApp"))
    paths = ("/task/openapi/create", "/task/openapi/ai-app/run")
    first, second = [entry.json for entry in emulator.journal if entry.path in paths]
    before, after = _meant(emulator, first), _meant(emulator, second)
    if order.is_app:
        # We send an app's whole form; what nobody set has the value that the app stores.
        form = emulator.apps[order.target].fields
        stored = {(str(f["nodeId"]), f["fieldName"], str(f["fieldValue"])) for f in form}
        assert after["fields"] - before["fields"] <= stored
        after["fields"] &= before["fields"]
    assert before == after


async def _as_the_old_pack(emulator: Emulator, order: Order) -> None:
    """Its calls, the key in the body alone: the picture by the older upload, then the order."""
    emulator.strict = False
    async with aiohttp.ClientSession(emulator.base_url) as session:
        key = emulator.default_key
        named: dict[object, str] = {}
        for value in {value for _, _, value in order.fields if isinstance(value, Media)}:
            form = aiohttp.FormData({"apiKey": key, "fileType": "image"})
            form.add_field("file", picture(), filename="image.png", content_type="image/png")
            async with session.post("/task/openapi/upload", data=form) as answer:
                named[value] = (await answer.json())["data"]["fileName"]
        fields = [
            {"nodeId": node, "fieldName": field, "fieldValue": named.get(value, value)}
            for node, field, value in order.fields
        ]
        body: dict[str, Any] = {"apiKey": key, "nodeInfoList": fields}
        body["webappId" if order.is_app else "workflowId"] = order.target
        if order.instance:
            body["instanceType"] = order.instance
        path = "ai-app/run" if order.is_app else "create"
        async with session.post(f"/task/openapi/{path}", json=body) as answer:
            assert (await answer.json())["code"] == 0


def _job(inputs: Mapping[str, Any], *, is_app: bool) -> Job:
    """What our node makes of its inputs; the link brings the picture."""
    fields = {
        name: Source(Kind.IMAGE, picture(), ".png", "image/png")
        if isinstance(value, list)
        else value
        for name, value in inputs.items()
        if looks_like_field(name)
    }
    options = TaskOptions(instance=inputs["instance"])
    target = {"app" if is_app else "workflow": inputs["app" if is_app else "workflow"]}
    return Job(**target, fields=fields, options=options, reroll_seeds=inputs["reroll_seeds"])


def _meant(emulator: Emulator, body: Mapping[str, Any]) -> dict[str, Any]:
    """An order by what it means: files by their pixels, numbers and texts alike."""
    fields = {
        (str(field["nodeId"]), field["fieldName"], _meaning(emulator, field["fieldValue"]))
        for field in body["nodeInfoList"]
    }
    target = str(body.get("webappId", body.get("workflowId")))
    options = {"metadata": body.get("addMetadata", True), "machine": body.get("instanceType")}
    return {"target": target, "fields": fields, **options}


def _meaning(emulator: Emulator, value: object) -> object:
    stored = emulator.uploads.get(str(value))
    if stored is None:
        return json.dumps(value) if not isinstance(value, str) else value
    with Image.open(io.BytesIO(stored.data)) as image:
        return image.size, image.convert("RGBA").tobytes()
