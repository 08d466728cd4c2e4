"""An agent's tools, asked by a client that is written from the protocol's specification alone.

JSON-RPC 2.0: over a pipe a message is a line, over HTTP a POST that is answered by JSON or by a
stream of events (MCP 2025-06-18: "Transports", "Lifecycle", "Tools").
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from rh_api.emulator import Emulator, catalog

from .test_mcp_http import PAINT, serving

VERSION = "2025-06-18"
NO_METHOD = -32601
Message = dict[str, Any]


@dataclass
class Foreign:
    """`send` puts a message on the line; `answers` are the messages that came for each request."""

    send: Callable[[Message], Awaitable[list[Message]]]
    notifications: list[Message] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def ask(self, method: str, **params: Any) -> Message:
        """The answer to a request, result or error; what comes before it is a notification."""
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        came = await self.send(request)
        assert all(message["jsonrpc"] == "2.0" for message in came)
        *before, answer = came
        self.notifications += before
        assert answer["id"] == number
        return answer

    async def begin(self) -> Message:
        about = {"name": "foreign", "version": "0"}
        hello = await self.ask(
            "initialize", protocolVersion=VERSION, capabilities={}, clientInfo=about
        )
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return hello["result"]

    async def call(self, tool: str, arguments: Message, **more: Any) -> Message:
        return (await self.ask("tools/call", name=tool, arguments=arguments, **more))["result"]


@asynccontextmanager
async def over_a_pipe(environment: dict[str, str], folder: Path) -> AsyncIterator[Foreign]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rh_api", "mcp", "--out", str(folder), "--max-cost", "50 coins"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    writer, reader = process.stdin, process.stdout
    assert writer is not None
    assert reader is not None

    async def send(message: Message) -> list[Message]:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()
        came: list[Message] = []
        while "id" in message and not (came and "id" in came[-1]):
            came.append(json.loads(await reader.readline()))
        return came

    try:
        yield Foreign(send)
        writer.close()
        assert await process.wait() == 0  # closing its input ends it
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def over_http(environment: dict[str, str], folder: Path) -> AsyncIterator[Foreign]:
    async with serving(environment, folder) as server, aiohttp.ClientSession() as session:
        headers = {
            "Authorization": f"Bearer {server.token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
        }

        async def send(message: Message) -> list[Message]:
            async with session.post(server.address, json=message, headers=headers) as answer:
                if "Mcp-Session-Id" in answer.headers:
                    headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
                if "id" not in message:
                    assert answer.status == 202
                    return []
                assert answer.status == 200
                text = await answer.text()
                if answer.content_type == "application/json":
                    return [json.loads(text)]
            data = [line.removeprefix("data:") for line in text.splitlines() if "data:" in line]
            return [json.loads(line) for line in data if line.strip()]

        yield Foreign(send)


@pytest.mark.parametrize("connected", [over_a_pipe, over_http])
async def test_a_client_of_the_specification_alone_runs_the_tools(
    connected: Any, process_environment: dict[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    async with connected(process_environment, tmp_path / "out") as client:
        hello = await client.begin()
        assert hello["protocolVersion"] == VERSION
        assert hello["serverInfo"]["name"] == "runninghub"
        assert (await client.ask("ping"))["result"] == {}
        assert (await client.ask("no/such"))["error"]["code"] == NO_METHOD

        tools = {tool["name"]: tool for tool in (await client.ask("tools/list"))["result"]["tools"]}
        for tool in tools.values():
            Draft202012Validator.check_schema(tool["inputSchema"])
            Draft202012Validator.check_schema(tool["outputSchema"])

        form = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE}
        shown = await client.call("show_form", form)
        done = await client.call("run", PAINT, _meta={"progressToken": "how far"})
        many = await client.call("run_many", {"runs": [PAINT]})
        refused = await client.call("run", {"kind": "workflow"})
        nothing = await client.call("no_such_tool", {})

    answers = {"show_form": shown, "run": done, "run_many": many}
    for name, answer in answers.items():
        assert not answer.get("isError"), answer
        Draft202012Validator(tools[name]["outputSchema"]).validate(answer["structuredContent"])
        assert json.loads(answer["content"][0]["text"]) == answer["structuredContent"]
    assert (refused["isError"], nothing["isError"]) == (True, True)
    (result,) = done["structuredContent"]["results"]
    assert Path(result["path"]).is_file()
    assert {"text", "resource_link", "image"} == {part["type"] for part in done["content"]}
    (again,) = many["structuredContent"]["runs"]
    assert (again["status"], again["paid"]) == ("done", False)
    shares = [m["params"] for m in client.notifications if m["method"] == "notifications/progress"]
    assert shares
    assert {share["progressToken"] for share in shares} == {"how far"}
    assert emulator.counters.orders == 1
