"""Connections that are opened before they are needed: who takes them, and who does not."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.connections import abort
from rh_api.errors import Fate, Unreachable
from rh_api.net.api import AiohttpTransport
from rh_api.net.files import RequestsBulk
from rh_api.run.ports import Meter
from rh_api.settings import Settings
from rh_api.wire.call import Auth, Call, Request, Response
from rh_api.wire.uploads import UPLOAD_PATH
from tests.support.waiting import until

from .conftest import Scripted, Serve

Reach = Callable[..., AiohttpTransport]
Carry = Callable[..., RequestsBulk]
Close = Literal["fin", "rst"]

CREATE = "/task/openapi/create"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"code":0,"data":{} }'
TIMED_OUT = b"HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def create() -> Call[Response]:
    return Call(Request("POST", CREATE, Auth.BODY, {}), lambda response: response, False, None, 5.0)


def poll() -> Call[Response]:
    return Call(Request("GET", "/", Auth.NONE), lambda response: response, True, None, 5.0)


async def upload(bulk: RequestsBulk) -> Response:
    return await bulk.upload(UPLOAD_PATH, b"x", "a.png", "image/png", {}, Meter())


class Listening:
    """Answers whatever is asked, and notes over which connection it was."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.asked: list[int] = []
        self.ended: list[int] = []
        server.talk = self._talk

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.server.connections
        try:
            while True:
                await self.server.read_request(reader)
                self.asked.append(number)
                writer.write(OK)
        finally:
            self.ended.append(number)


# Orders


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_an_order_goes_over_a_connection_that_was_opened_for_it_and_carried_nothing(
    reach: Reach, serve: Serve, server_side: ssl.SSLContext, trusted: Path, secure: bool
) -> None:
    there = Listening(await serve(context=server_side if secure else None))
    transport = reach(there.server.origin)
    transport.expect(1)
    await until(lambda: there.server.connections)
    assert there.asked == []
    await transport.send(create(), fresh=True)
    await transport.send(create(), fresh=True)
    assert there.asked == [1, 2]  # and each goes over one of its own
    await until(lambda: there.ended == [1, 2])


async def test_an_order_waits_for_a_connection_that_is_on_its_way(
    reach: Reach, serve: Serve
) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    transport.expect(2)
    await asyncio.gather(*(transport.send(create(), fresh=True) for _ in range(2)))
    assert sorted(there.asked) == [1, 2]
    assert there.server.connections == 2


async def test_what_is_expected_twice_is_opened_once(reach: Reach, serve: Serve) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    await transport.send(poll())
    for _ in range(3):
        transport.expect(1)
    await until(lambda: there.server.connections == 2)
    await transport.send(create(), fresh=True)
    await transport.send(poll())
    assert (there.asked, there.server.connections) == ([1, 2, 1], 2)


async def test_a_poll_never_takes_the_connection_of_an_order(reach: Reach, serve: Serve) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    transport.expect(1)
    await until(lambda: there.server.connections)
    await transport.send(poll())
    await transport.send(create(), fresh=True)
    assert there.asked == [2, 1]


@pytest.mark.parametrize("close", ["fin", "rst"])
async def test_a_connection_whose_end_was_seen_carries_no_order(
    emulator: Emulator, reach: Reach, close: Close
) -> None:
    emulator.unused_close = close
    transport = reach(emulator.base_url)
    await transport.send(poll())
    for number in range(10):
        emulator.unused_timeout = 0.0
        transport.expect(1)
        await until(lambda number=number: emulator.counters.connections == 2 * number + 2)
        emulator.unused_timeout = None
        await transport.send(poll())  # its answer comes behind that end
        await transport.send(create(), fresh=True)
    assert emulator.counters.requests[CREATE] == 10


async def test_a_connection_over_which_something_came_unasked_carries_no_order(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()
    there = Listening(server)
    answer = server.talk

    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.connections == 2:
            writer.write(TIMED_OUT)
            await reader.read()
        assert answer
        await answer(reader, writer)

    server.talk = impatient
    transport = reach(server.origin)
    await transport.send(poll())
    transport.expect(1)
    await until(lambda: server.connections == 2)
    await transport.send(poll())
    assert (await transport.send(create(), fresh=True)).status == 200
    assert there.asked == [1, 1, 3]


async def test_a_connection_that_nobody_used_in_time_is_closed_and_opened_anew(
    at: Callable[..., Settings], serve: Serve
) -> None:
    there = Listening(await serve())
    transport = AiohttpTransport(at(there.server.origin), unused=0.05)
    try:
        transport.expect(1)
        await until(lambda: there.ended == [1])
        await transport.send(create(), fresh=True)
    finally:
        await transport.close()
    assert there.asked == [2]


async def test_where_none_can_be_opened_the_order_says_why(reach: Reach) -> None:
    transport = reach("http://127.0.0.1:1")
    transport.expect(2)
    with pytest.raises(Unreachable) as caught:
        await transport.send(create(), fresh=True)
    assert caught.value.fate is Fate.NOT_STARTED


async def test_none_is_opened_through_a_proxy(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Listening(await serve())
    monkeypatch.setenv("http_proxy", proxy.server.origin)
    transport = reach("http://service.test")
    transport.expect(1)
    await transport.send(create(), fresh=True)
    assert (proxy.asked, proxy.server.connections) == ([1], 1)


async def test_closing_leaves_none_behind(reach: Reach, serve: Serve) -> None:
    there = Listening(await serve())
    transport = reach(there.server.origin)
    transport.expect(3)
    await until(lambda: there.server.connections == 3)
    await transport.close()
    await until(lambda: sorted(there.ended) == [1, 2, 3])


@pytest.mark.parametrize("turns", range(20))
async def test_closing_just_when_one_could_not_be_opened_says_nothing(
    reach: Reach, turns: int
) -> None:
    transport = reach("http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        await transport.send(poll())
    transport.expect(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    await transport.close()


# Transfers


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_a_transfer_goes_over_a_connection_that_was_opened_for_it(
    carry: Carry, serve: Serve, server_side: ssl.SSLContext, trusted: Path, secure: bool
) -> None:
    there = Listening(await serve(context=server_side if secure else None))
    bulk = carry(there.server.origin)
    for _ in range(2):
        bulk.expect("", 2)
        await until(lambda: there.server.connections == 2)
    await asyncio.gather(upload(bulk), upload(bulk))
    bulk.expect("", 2)  # two are idle
    await upload(bulk)
    assert len(there.asked) == 3
    assert there.server.connections == 2


async def test_a_transfer_waits_for_a_connection_that_is_on_its_way(
    carry: Carry, serve: Serve
) -> None:
    there = Listening(await serve())
    bulk = carry(there.server.origin)
    await upload(bulk)
    bulk.expect("", 2)
    await asyncio.gather(upload(bulk), upload(bulk))
    assert there.server.connections == 2


@pytest.mark.parametrize("close", ["fin", "rst"])
async def test_a_transfer_takes_none_whose_end_was_seen(
    carry: Carry, serve: Serve, close: Close
) -> None:
    server = await serve()
    there = Listening(server)
    answer, closed = server.talk, asyncio.Event()

    async def closes_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert answer
        if server.connections > 1:
            await answer(reader, writer)
            return
        if close == "rst":
            abort(writer.transport)  # type: ignore[arg-type]
        else:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        closed.set()

    server.talk = closes_the_first
    bulk = carry(server.origin)
    bulk.expect("", 1)
    await closed.wait()
    assert (await upload(bulk)).status == 200
    assert there.asked == [2]


async def test_a_host_that_may_not_be_asked_is_not_connected_to(
    emulator: Emulator, carry: Carry, serve: Serve
) -> None:
    other = Listening(await serve())
    bulk = carry(emulator.base_url)
    bulk.expect(other.server.origin + "/a.png", 1)
    await upload(bulk)
    assert (other.server.connections, emulator.counters.connections) == (0, 1)


async def test_closing_leaves_no_connection_for_transfers(carry: Carry, serve: Serve) -> None:
    there = Listening(await serve())
    bulk = carry(there.server.origin)
    bulk.expect("", 2)
    await until(lambda: there.server.connections == 2)
    await bulk.close()
    await until(lambda: sorted(there.ended) == [1, 2])
