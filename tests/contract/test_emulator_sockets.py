"""The emulator's socket tells a run as it was recorded."""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import pytest

from tests.contract.recorded import load, masked
from tests.contract.stages import World

SEQUENCES = {sequence["name"]: sequence for sequence in load("sockets")}

SOCKET_EXCEPTIONS = {
    "execution_success carrying node, repeated node": (
        "a shape that one client tolerates; nobody recorded the service sending it, and the "
        "lying socket sends its frames one by one"
    ),
}


async def frames(
    world: World, task: Any, *, cancel_at: int | None = None
) -> tuple[list[Any], int | None]:
    """Text frames of a task's socket, and the code it was closed with.

    ``cancel_at`` is a value of the progress at which the task is cancelled.
    """
    reply = await world.post("/task/openapi/outputs", taskId=task.id)
    messages: list[Any] = []
    async with world.session.ws_connect(reply["data"]["netWssUrl"]) as socket:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            messages.append(json.loads(message.data))
            if messages[-1]["data"].get("value") == cancel_at is not None:
                await world.post("/task/openapi/cancel", taskId=task.id)
        return messages, socket.close_code


@pytest.fixture
async def warm(world: World) -> World:
    """A world whose workflow has run before, so that its model is loaded."""
    await world.finish()
    world.emulator.socket_replay = True
    return world


async def test_the_socket_tells_a_run_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 1
    task = await warm.start()

    messages, close_code = await frames(warm, task)

    assert masked(messages) == masked(SEQUENCES["normal success"]["messages"])
    assert close_code == 1000


async def test_the_socket_tells_a_failure_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 1
    warm.emulator.fail_next = {"node_id": "3"}
    task = await warm.start()

    messages, close_code = await frames(warm, task)

    assert masked(messages) == masked(SEQUENCES["node error"]["messages"])
    assert close_code == SEQUENCES["node error"]["close"]["code"]


async def test_the_socket_tells_a_cancel_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 3
    task = await warm.start()

    messages, _ = await frames(warm, task, cancel_at=5)

    assert masked(messages) == masked(SEQUENCES["interrupted by cancel"]["messages"])


async def test_a_dying_socket_breaks_off_as_recorded(warm: World) -> None:
    recorded = SEQUENCES["socket drops mid-run, HTTP goes on"]
    warm.emulator.run_seconds, warm.emulator.socket = 1, "dying"
    warm.emulator.socket_dies_after = len(recorded["messages"])
    warm.emulator.previews = False
    task = await warm.start()

    messages, close_code = await frames(warm, task)

    assert masked(messages) == masked(recorded["messages"])
    assert close_code == recorded["close"]["code"]
    await task.runner
    assert task.status == "SUCCESS"


async def test_a_lying_socket_sends_the_recorded_noise(warm: World) -> None:
    recorded = SEQUENCES["noise frames to tolerate"]["messages"]
    warm.emulator.run_seconds, warm.emulator.socket = 1, "lying"
    warm.emulator.progress_state = True
    task = await warm.start()
    reply = await warm.post("/task/openapi/outputs", taskId=task.id)

    async with warm.session.ws_connect(reply["data"]["netWssUrl"]) as socket:
        sent = [message.data async for message in socket]

    assert base64.b64decode(recorded[0]["binary_base64"]) in sent
    assert recorded[1]["text"] in sent
    messages = [json.loads(text) for text in sent if isinstance(text, str) and text.startswith("{")]
    assert json.loads(recorded[2]["text"]) in messages
    states = [message for message in messages if message["type"] == "progress_state"]
    state = states[0]["data"]["nodes"]["3"]
    assert set(state) == set(recorded[3]["data"]["nodes"]["3"])


def test_every_recorded_sequence_is_shown_or_excepted() -> None:
    shown = {
        "normal success",
        "node error",
        "interrupted by cancel",
        "socket drops mid-run, HTTP goes on",
        "noise frames to tolerate",
    }

    assert shown | set(SOCKET_EXCEPTIONS) == set(SEQUENCES)
