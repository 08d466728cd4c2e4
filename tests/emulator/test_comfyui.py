"""With a real ComfyUI behind it, here a small stand-in, the emulator lets graphs run there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from rh_api.emulator import Emulator

if TYPE_CHECKING:
    from conftest import Remote

GRAPH = {
    "4": {"class_type": "Anything", "inputs": {"words": "a text, no file"}},
    "9:1": {"class_type": "Saver", "inputs": {"images": ["4", 0], "filename_prefix": "out"}},
}


@dataclass
class StandIn:
    """ComfyUI's routes. `refusal` is said to prompts, `ends` how they end, `waits` holds them."""

    refusal: dict[str, Any] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    loses_sockets: bool = False
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    prompts: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    stopped: list[tuple[str, Any]] = field(default_factory=list)
    views: list[dict[str, str]] = field(default_factory=list)
    history: dict[str, Any] = field(default_factory=dict)
    sockets: dict[str, web.WebSocketResponse] = field(default_factory=dict)
    running: set[asyncio.Task[None]] = field(default_factory=set)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/object_info", self.object_info)
        app.router.add_post("/upload/image", self.upload)
        app.router.add_post("/prompt", self.prompt)
        app.router.add_get("/ws", self.socket)
        app.router.add_get("/history/{id}", self.look)
        app.router.add_get("/view", self.view)
        app.router.add_post("/queue", self.stop)
        app.router.add_post("/interrupt", self.stop)
        return app

    async def object_info(self, _request: web.Request) -> web.Response:
        return web.json_response({"Anything": {}, "Saver": {"output_node": True}})

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = f"{form['subfolder']}/{form['image'].filename}".lstrip("/")
        self.uploads[name] = form["image"].file.read()
        return web.json_response({"name": form["image"].filename})

    async def prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.refusal:
            return web.json_response(self.refusal, status=400)
        prompt_id = body["prompt_id"]
        self.prompts[prompt_id] = body["prompt"]
        running = asyncio.create_task(self.run(prompt_id, body["client_id"]))
        self.running.add(running)
        return web.json_response({"prompt_id": prompt_id, "number": 1, "node_errors": {}})

    async def run(self, prompt_id: str, client_id: str) -> None:
        socket = self.sockets[client_id]
        if self.loses_sockets:
            await socket.close()
        else:
            await socket.send_json({"type": "status", "data": {"status": {}}})
            for frame in self.frames:
                data = {**frame["data"], "prompt_id": prompt_id}
                await socket.send_json({**frame, "data": data})
            await socket.send_bytes(b"\0\0\0\1\0\0\0\1picture")
        await self.waits.wait()
        self.history[prompt_id] = {
            "outputs": self.outputs,
            "status": {"messages": self.messages},
        }
        if not self.loses_sockets:
            end = {"node": None, "prompt_id": prompt_id}
            await socket.send_json({"type": "executing", "data": end})

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[request.query["clientId"]] = socket
        async for _ in socket:
            pass
        return socket

    async def look(self, request: web.Request) -> web.Response:
        prompt = request.match_info["id"]
        return web.json_response({prompt: self.history[prompt]} if prompt in self.history else {})

    async def view(self, request: web.Request) -> web.Response:
        self.views.append(dict(request.query))
        return web.Response(body=f"bytes of {request.query['filename']}".encode())

    async def stop(self, request: web.Request) -> web.Response:
        self.stopped.append((request.path, await request.json()))
        return web.Response()


@pytest.fixture
async def comfyui() -> AsyncIterator[tuple[StandIn, str]]:
    stand_in = StandIn()
    stand_in.waits.set()
    runner = web.AppRunner(stand_in.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield stand_in, f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    for running in stand_in.running:
        running.cancel()
    await asyncio.gather(*stand_in.running, return_exceptions=True)
    await runner.cleanup()


@pytest.fixture
def emulator(comfyui: tuple[StandIn, str]) -> Emulator:
    return Emulator(strict=True, comfyui=comfyui[1])


@pytest.fixture
def stand_in(comfyui: tuple[StandIn, str]) -> StandIn:
    return comfyui[0]


def file(name: str, kind: str = "output", subfolder: str = "") -> dict[str, str]:
    return {"filename": name, "subfolder": subfolder, "type": kind}


async def test_a_graph_of_classes_that_only_comfyui_knows_runs_there(
    remote: Remote, stand_in: StandIn
) -> None:
    stand_in.outputs = {
        "9:1": {"images": [file("out_00007_.png"), file("out_00008_.png")], "animated": [True]},
        "5": {"audio": [file("sound_00001_.flac", subfolder="audio")]},
        "6": {"text": ["a line"]},
        "7": {"text": ["the same"], "files": [file("words_00003.txt")]},
        "8": {"images": [file("ComfyUI_temp_00001_.png", "temp")]},
    }
    created = await remote.inline(GRAPH)
    reply = await remote.finished(created)

    assert list(stand_in.prompts.values()) == [GRAPH]
    assert json.loads(created["data"]["promptTips"])["outputs_to_execute"] == ["9:1"]
    assert reply["status"] == "SUCCESS"
    results = [(row["nodeId"], row["outputType"], row["text"]) for row in reply["results"]]
    assert results == [
        ("9:1", "png", None),
        ("9:1", "png", None),
        ("5", "flac", None),
        ("6", "txt", "a line"),
        ("7", "txt", None),
    ]
    urls = [row["url"] for row in reply["results"] if row["url"]]
    names = [url.rpartition("/output/")[2] for url in urls]
    assert [name.rpartition("_")[0].rpartition("_")[0] for name in names] == [
        "out_00001",
        "out_00002",
        "audio/sound_00001",
        "words_00001",
    ]
    assert await remote.get(urls[1]) == (200, b"bytes of out_00008_.png")
    assert stand_in.views[2] == file("sound_00001_.flac", subfolder="audio")


async def test_uploads_are_carried_once_under_their_names(
    remote: Remote, stand_in: StandIn
) -> None:
    name = (await remote.upload(b"some bytes", "a.png"))["data"]["fileName"]
    graph = {**GRAPH, "1": {"class_type": "Anything", "inputs": {"image": name}}}

    await remote.finished(await remote.inline(graph))
    assert stand_in.uploads == {name: b"some bytes"}
    stand_in.uploads.clear()
    await remote.finished(await remote.inline(graph))
    assert not stand_in.uploads


async def test_what_comfyui_does_not_take_is_refused_with_its_words(
    remote: Remote, stand_in: StandIn
) -> None:
    errors = {"4": {"errors": [{"message": "Value not in list"}], "class_type": "Anything"}}
    stand_in.refusal = {"error": {"type": "prompt_outputs_failed"}, "node_errors": errors}

    refused = await remote.inline(GRAPH)

    assert refused["code"] == 433
    report = json.loads(refused["msg"].removeprefix("VALIDATE_PROMPT_FAILED: "))
    assert report["node_errors"] == errors
    assert remote.emulator.counters.orders == 0


async def test_a_refused_graph_may_be_taken_and_told_in_tips(
    remote: Remote, stand_in: StandIn
) -> None:
    remote.emulator.invalid_graph = "tips"
    stand_in.refusal = {"error": "no prompt", "node_errors": {}}

    created = await remote.inline(GRAPH)

    assert created["data"]["taskStatus"] == "FAILED"
    assert json.loads(created["data"]["promptTips"])["result"] is False


async def test_a_failure_is_told_with_node_and_message(remote: Remote, stand_in: StandIn) -> None:
    error = {
        "node_id": "4",
        "node_type": "Anything",
        "exception_type": "ValueError",
        "exception_message": "no",
        "traceback": ["line 1\n"],
        "current_inputs": {"words": ["x"]},
        "current_outputs": [],
    }
    stand_in.messages = [["execution_start", {}], ["execution_error", error]]

    reply = await remote.finished(await remote.inline(GRAPH))

    assert reply["status"] == "FAILED"
    reason = reply["failedReason"]
    assert all(isinstance(value, str) for value in reason.values())
    assert (reason["node_id"], reason["node_name"]) == ("4", "Anything")
    assert (reason["exception_type"], reason["exception_message"]) == ("ValueError", "no")
    assert json.loads(reason["traceback"]) == ["line 1\n"]


async def test_the_socket_says_what_comfyui_says(remote: Remote, stand_in: StandIn) -> None:
    stand_in.frames = [
        {"type": "execution_start", "data": {}},
        {"type": "executing", "data": {"node": "4", "display_node": "4"}},
        {"type": "progress", "data": {"node": "4", "value": 1, "max": 2}},
    ]
    stand_in.waits.clear()
    remote.emulator.socket_replay = True
    created = await remote.inline(GRAPH)
    frames: list[Any] = []
    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        async for message in socket:
            text = message.type is aiohttp.WSMsgType.TEXT
            frames.append(json.loads(message.data)["type"] if text else message.data[8:])
            if not text:
                stand_in.waits.set()

    order = ["status", "execution_start", "executing", "progress", b"picture"]
    assert [frame for frame in frames if frame in order][:5] == order
    assert frames[-3:] == ["execution_success", "executing", "status"]


async def test_a_cancelled_task_leaves_comfyui(remote: Remote, stand_in: StandIn) -> None:
    stand_in.waits.clear()
    created = await remote.inline(GRAPH)

    await remote.v1("/task/openapi/cancel", taskId=created["data"]["taskId"])
    [prompt_id] = stand_in.prompts
    stand_in.waits.set()

    assert (await remote.query(created["data"]["taskId"]))["status"] == "CANCEL"
    assert stand_in.stopped == [
        ("/queue", {"delete": [prompt_id]}),
        ("/interrupt", {"prompt_id": prompt_id}),
    ]


async def test_without_a_socket_the_history_tells_the_end(
    remote: Remote, stand_in: StandIn
) -> None:
    stand_in.loses_sockets = True
    stand_in.outputs = {"9:1": {"images": [file("out_00001_.png")]}}

    reply = await remote.finished(await remote.inline(GRAPH))

    assert [result["nodeId"] for result in reply["results"]] == ["9:1"]


async def test_a_comfyui_that_is_gone_is_an_error_not_a_task(
    remote: Remote, unused_tcp_port_factory: Any
) -> None:
    remote.emulator.comfyui.url = f"http://127.0.0.1:{unused_tcp_port_factory()}"

    refused = await remote.inline(GRAPH)

    assert refused["code"] == 500
    assert "ComfyUI" in refused["msg"]
    assert remote.emulator.counters.orders == 0
