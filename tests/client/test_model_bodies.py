"""Bodies that public clients of the vendor's send: the emulator takes them, ours are the same.

Facts of HM-RunningHub/ComfyUI_RH_OpenAPI: the three examples of its developer kit, and what its
nodes send (numbers as numbers, switches as booleans, choices as texts, one address or a list).
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator
from rh_api.emulator.accounts import example_key
from tests.client.conftest import MakeClient
from tests.support.jobs import picture

FILE = "<an uploaded picture>"

BODIES: dict[str, dict[str, Any]] = {
    "rhart-image-v1/text-to-image": {
        "prompt": "A cinematic cat sitting by a neon window, highly detailed",
        "aspectRatio": "1:1",
    },
    "rhart-image-v1/edit": {
        "prompt": "Replace the background with a clean futuristic studio.",
        "aspectRatio": "auto",
        "imageUrls": [FILE],
    },
    "rhart-video-v3.1-fast/text-to-video": {
        "prompt": "A calm spring afternoon, cherry blossoms falling beside a country road.",
        "aspectRatio": "16:9",
        "duration": "8",
        "resolution": "720p",
    },
    "alibaba/happyhorse-1.0/reference-to-video": {
        "prompt": "two friends meet",
        "imageUrls": [FILE, FILE],
        "resolution": "720p",
        "aspectRatio": "9:16",
        "duration": "5",
        "seed": 7,
    },
    "alibaba/happyhorse-1.0/image-to-video": {
        "imageUrl": FILE,
        "prompt": "it turns its head",
        "resolution": "1080p",
        "duration": "3",
    },
}


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client(RUNNINGHUB_API_KEY=example_key("shared"))


@pytest.mark.parametrize("endpoint", BODIES)
async def test_what_others_send_is_what_we_send(
    client: Client, emulator: Emulator, endpoint: str
) -> None:
    uploaded = await client.uploads.send(picture())
    body = {name: _with(uploaded.url, value) for name, value in BODIES[endpoint].items()}
    path = f"/openapi/v2/{endpoint}"
    headers = {"Authorization": f"Bearer {example_key('shared')}"}
    async with (
        aiohttp.ClientSession(client.settings.origin, headers=headers) as session,
        session.post(path, json=body) as answer,
    ):
        reply = await answer.json()
    assert reply["taskId"], reply
    # The same values by another way: a text for each number, files that are still to go up.
    values = {name: _with(picture(), value) for name, value in BODIES[endpoint].items()}
    fields = {n: str(v) if type(v) is int else v for n, v in values.items()}
    await client.run(Job(model=endpoint, fields=fields))
    theirs, ours = (e.json for e in emulator.journal if e.path == path)
    assert theirs == ours == body


def _with(file: object, value: Any) -> Any:
    if isinstance(value, list):
        return [_with(file, entry) for entry in value]
    return file if value == FILE else value
