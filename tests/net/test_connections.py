"""Over which connection an order goes: its upload's or a new one, never one that may be dead."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from rh_api.emulator import Emulator
from rh_api.errors import Fate, Unreachable
from rh_api.net import api
from rh_api.net.api import AiohttpTransport
from rh_api.run.ports import Meter
from rh_api.wire.call import Auth, Call, Request, Response
from rh_api.wire.uploads import UPLOAD_PATH

from .conftest import Scripted, Serve

Reach = Callable[..., AiohttpTransport]

CREATE = "/task/openapi/create"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"code":0,"data":{} }'
TIMED_OUT = b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n"


def create() -> Call[Response]:
    return Call(Request("POST", CREATE, Auth.BODY, {}), lambda response: response, False, None, 5.0)


def poll() -> Call[Response]:
    return Call(Request("GET", "/", Auth.NONE), lambda response: response, True, None, 5.0)


async def upload(transport: AiohttpTransport) -> Response:
    return await transport.upload(UPLOAD_PATH, b"x", "a.png", "image/png", {}, Meter())


class Listening:
    """Answers whatever is asked, and notes over which connection it was."""

    def __init__(self, server: Scripted, unasked: bytes = b"") -> None:
        self.server = server
        self.asked: list[int] = []
        self._unasked = unasked
        server.talk = self._talk

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.server.connections
        while True:
            await self.server.read_request(reader)
            self.asked.append(number)
            writer.write(OK + self._unasked)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_an_order_goes_over_the_connection_of_its_upload(
    reach: Reach, serve: Serve, server_side: ssl.SSLContext, trusted: Path, secure: bool
) -> None:
    there = Listening(await serve(context=server_side if secure else None))
    transport = reach(there.server.origin)
    await upload(transport)
    await transport.send(create(), fresh=True)
    assert there.asked == [1, 1]


async def test_an_upload_takes_an_old_connection_and_an_order_does_not(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "ORDER_SECONDS", -1.0)  # as if it had been idle for long
    there = Listening(await serve())
    transport = reach(there.server.origin)
    await upload(transport)
    await upload(transport)
    await transport.send(create(), fresh=True)
    assert there.asked == [1, 1, 2]


async def test_an_order_without_a_connection_is_not_sent_whatever_was_given_up_for_it(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "ORDER_SECONDS", -1.0)
    there = Listening(await serve())
    transport = reach(there.server.origin)
    await upload(transport)
    await there.server.refuse()
    with pytest.raises(Unreachable) as caught:
        await transport.send(create(), fresh=True)
    assert caught.value.fate is Fate.NOT_STARTED


async def test_a_progress_socket_leaves_the_next_poll_its_connection(
    reach: Reach, serve: Serve
) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    await transport.send(poll())
    with contextlib.suppress(Unreachable):  # this server speaks no WebSocket
        async with transport.socket(there.server.origin.replace("http", "ws")):
            pass
    await transport.send(poll())
    assert there.asked == [1, 2, 1]


async def test_a_poll_and_an_order_share_no_connection(reach: Reach, serve: Serve) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    await transport.send(poll())
    await transport.send(create(), fresh=True)
    await transport.send(poll())
    assert there.asked == [1, 2, 1]


@pytest.mark.parametrize("close", ["fin", "rst"])
async def test_a_connection_whose_end_was_seen_carries_no_order(
    emulator: Emulator, reach: Reach, close: Literal["fin", "rst"]
) -> None:
    emulator.idle_close = close
    transport = reach(emulator.base_url)
    for _ in range(10):
        emulator.idle_timeout = 0.0
        await transport.send(create(), fresh=True)
        emulator.idle_timeout = None
        await transport.send(poll())  # its answer comes behind that end
    assert emulator.counters.requests[CREATE] == 10


async def test_a_connection_over_which_something_came_unasked_carries_no_order(
    reach: Reach, serve: Serve
) -> None:
    there = Listening(await serve(), TIMED_OUT)
    transport = reach(there.server.origin)
    for _ in range(3):
        assert (await transport.send(create(), fresh=True)).status == 200
    assert there.asked == [1, 2, 3]
