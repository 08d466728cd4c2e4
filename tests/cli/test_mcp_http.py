"""An agent's server over HTTP on loopback, a process of its own, asked by the official client."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from rh_api.emulator import Emulator, Fault, catalog
from tests.support.waiting import until

from .conftest import Call

HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a page", "version": "1"},
    },
}
PAINT = {
    "kind": "workflow",
    "program": catalog.TEXT_TO_IMAGE,
    "fields": {"6.text": "a cat", "3.seed": 7, "5.width": 64, "5.height": 64},
}


@dataclass(frozen=True)
class Served:
    process: asyncio.subprocess.Process
    address: str
    token: str

    @asynccontextmanager
    async def client(self, token: str | None) -> AsyncIterator[Client]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with create_mcp_http_client(headers=headers) as http:
            transport = streamable_http_client(self.address, http_client=http)
            async with Client(transport) as client:
                yield client

    async def status(self, **headers: str) -> int:
        """What the first message of a client gets, with the right token and those headers."""
        plain = {"Accept": "application/json, text/event-stream"}
        all_headers = {**plain, "Authorization": f"Bearer {self.token}", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.address, json=HELLO, headers=all_headers) as answer,
        ):
            return answer.status


@asynccontextmanager
async def serving(environment: dict[str, str], folder: Path) -> AsyncIterator[Served]:
    options = ["--http", "0", "--out", str(folder), "--max-cost", "50 coins"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rh_api", "mcp", *options),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        match = re.search(r"(http://127\.0\.0\.1:\d+/mcp) .*Bearer (\S+)", line)
        assert match, line
        yield Served(process, match[1], match[2])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def served(process_environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(process_environment, tmp_path / "out") as server:
        yield server


async def test_whoever_has_the_token_orders_and_nobody_else(
    served: Served, emulator: Emulator
) -> None:
    assert len(served.token) >= 32
    for token in (None, "", "other", served.token[:-1]):
        with pytest.raises(BaseException) as refused:  # noqa: PT011 - a group of the client's own
            async with served.client(token) as client:
                await client.call_tool("run", PAINT)
        assert not isinstance(refused.value, KeyboardInterrupt)
        assert await served.status(Authorization=f"Bearer {token}") == 401
    assert await served.status() == 200
    assert await served.status(Authorization=served.token) == 401
    # A page in the browser that reaches this address by a name of its own.
    assert await served.status(Host="evil.example") == 421
    assert await served.status(Host="evil.example:80") == 421
    assert await served.status(Origin="https://evil.example") == 403
    assert await served.status(Origin="null") == 403
    assert emulator.counters.orders == 0

    shares: list[float] = []

    async def progress(share: float, _total: float | None, _message: str | None) -> None:
        shares.append(share)

    async with served.client(served.token) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("run", PAINT, progress_callback=progress)

    assert {"search_models", "show_form", "quote", "run", "wait_for", "history"} <= tools
    done = json.loads(result.content[0].text)  # type: ignore[union-attr]
    assert done["status"] == "done", done
    assert Path(done["results"][0]["path"]).is_file()
    assert shares == sorted(shares)
    assert shares
    assert emulator.counters.orders == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no other process's Ctrl-C there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_stops_what_runs(
    served: Served, emulator: Emulator, number: signal.Signals
) -> None:
    emulator.run_seconds = 3600

    async def order() -> None:
        async with served.client(served.token) as client:
            await client.call_tool("run", PAINT)

    running = asyncio.ensure_future(order())
    await until(lambda: emulator.tasks or running.done())
    served.process.send_signal(number)
    assert await served.process.wait() == 0
    running.cancel()
    await asyncio.wait([running])
    assert not emulator.open_tasks(emulator.default_key)
    assert emulator.counters.orders == emulator.counters.cancels == 1


async def test_an_order_of_a_server_that_was_killed_is_unknown_and_not_ordered_again(
    served: Served, emulator: Emulator, process_environment: dict[str, str], tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "hang", value="after"))

    async def order(server: Served) -> dict[str, Any]:
        async with server.client(server.token) as client:
            result = await client.call_tool("run", PAINT)
            return json.loads(result.content[0].text)  # type: ignore[union-attr]

    running = asyncio.ensure_future(order(served))
    await until(lambda: emulator.counters.orders or running.done())
    served.process.kill()
    await served.process.wait()
    running.cancel()
    await asyncio.wait([running])
    async with serving(process_environment, tmp_path / "out") as another:
        answer = await order(another)
    assert answer["status"] == "unknown", answer
    assert emulator.counters.orders == 1


def test_a_port_that_is_taken_says_how_to_choose_another(call: Call, base_url: str) -> None:
    ran = call("mcp", "--http", base_url.rpartition(":")[2])
    assert ran.code == 2
    assert f"Port {base_url.rpartition(':')[2]} of 127.0.0.1" in ran.err
