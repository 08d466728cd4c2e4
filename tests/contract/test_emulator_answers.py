"""The emulator answers each recorded request with the recorded reply.

A knob, a fault or a state brings it there. Ids, addresses, times and file names are masked.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import pytest

from rh_api.emulator import Fault
from tests.contract.recorded import SAMPLES, load, masked, tags
from tests.contract.stages import ALSO, EXCEPTIONS, FAMILIES, STAGES, UPLOAD_SIZE, World, nothing

EXCHANGES = [(family, sample) for family in FAMILIES for sample in load(family)]


def test_every_exception_and_every_stage_is_a_recorded_exchange() -> None:
    recorded = {(family, sample["name"]) for family, sample in EXCHANGES}

    assert set(STAGES) | set(EXCEPTIONS) <= recorded
    assert not set(STAGES) & set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("family", "sample"),
    [pytest.param(*exchange, id=f"{exchange[0]}/{exchange[1]['name']}") for exchange in EXCHANGES],
)
async def test_the_emulator_gives_the_recorded_reply(
    world: World, family: str, sample: dict[str, Any]
) -> None:
    place = (family, sample["name"])
    assert place not in EXCEPTIONS
    await STAGES.get(place, nothing)(world)
    if place in ALSO:
        await ALSO[place](world)

    status, content_type, body = await send(world, sample["request"])

    recorded = sample["response"]
    assert status == recorded["status"]
    if "json" in recorded:
        assert masked(body) == masked(recorded["json"])
    else:
        assert content_type.startswith(recorded["headers"].get("Content-Type", ""))
        assert tags(body) == tags(recorded["text"])


async def send(world: World, recorded: dict[str, Any]) -> tuple[int, str, Any]:
    arguments: dict[str, Any] = {"headers": dict(recorded["headers"])}
    arguments["params"] = recorded.get("query")
    if "json" in recorded:
        text = json.dumps(recorded["json"])
        for there, here in world.ids.items():
            text = text.replace(f'"taskId": "{there}"', f'"taskId": "{here}"')
        arguments["data"] = text
        arguments["headers"].setdefault("Content-Type", "application/json")
    elif "multipart" in recorded:
        arguments["data"] = form(recorded["multipart"])
    elif "body" in recorded:
        arguments["data"] = b"lora"
    path = recorded["path"]
    if world.query_string:
        path += f"?{world.query_string}"
    async with world.session.request(recorded["method"], path, **arguments) as answer:
        if answer.content_type == "application/json":
            return answer.status, answer.content_type, await answer.json()
        return answer.status, answer.content_type, await answer.text()


def form(parts: dict[str, Any]) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, part in parts.items():
        if isinstance(part, str):
            data.add_field(name, part)
            continue
        content = base64.b64decode(part["bytes_base64"]).ljust(UPLOAD_SIZE, b"\0")
        data.add_field(name, content, filename=part["filename"], content_type=part["content_type"])
    return data


CODES = json.loads((SAMPLES / "error_codes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "sample",
    [pytest.param(row, id=str(row["code"])) for row in CODES if row["code"] not in (0, 200)],
)
async def test_the_emulator_says_each_error_code_in_the_envelope_of_its_path(
    world: World, sample: dict[str, Any]
) -> None:
    world.emulator.faults.append(Fault(sample["path"], "code", value=sample["code"]))

    async with world.session.post(
        sample["path"], json={"taskId": sample["reply"].get("taskId", "")}
    ) as answer:
        assert masked(await answer.json()) == masked(sample["reply"])
