"""The progress socket: no key, listed hosts only, quiet whatever its end is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from rh_api.errors import HostRefused, Unreachable
from rh_api.net.api import AiohttpTransport, Flood

Reach = Callable[..., AiohttpTransport]
Talk = Callable[[web.WebSocketResponse, web.Request], "asyncio.Future[None]"]


@contextlib.asynccontextmanager
async def sockets(handler: Callable[[web.Request], object]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/ws", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def frames(transport: AiohttpTransport, url: str) -> list[str | bytes]:
    async with transport.socket(url) as stream:
        return [frame async for frame in stream]


def as_socket(origin: str) -> str:
    return origin.replace("http", "ws", 1) + "/ws?Rh-Comfy-Auth=abc%3D&q=1"


async def test_text_and_pictures_come_in_order_and_no_key_goes(reach: Reach) -> None:
    requests: list[web.Request] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        requests.append(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("one")
        await socket.send_bytes(b"two")
        await socket.send_str("x" * (2**20 + 1))
        await socket.send_str("three")
        await socket.close()
        return socket

    async with sockets(handler) as origin:
        messages = await frames(reach(origin), as_socket(origin))
    assert messages == ["one", b"two", "three"]
    assert "Authorization" not in requests[0].headers
    assert requests[0].query_string == "Rh-Comfy-Auth=abc%3D&q=1" or requests[0].query["q"] == "1"


async def test_a_frame_without_end_ends_the_socket_quietly(reach: Reach) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("one")
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes(9 * 2**20))
        return socket

    async with sockets(handler) as origin:
        assert await frames(reach(origin), as_socket(origin)) == ["one"]


@pytest.mark.parametrize("ends", [False, True])
async def test_whoever_stops_listening_has_stopped_whenever_that_is(
    reach: Reach, ends: bool
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if not ends:
            with contextlib.suppress(ConnectionError):
                await socket.receive()
        return socket

    async with sockets(handler) as origin:
        transport = reach(origin)
        through = asyncio.Event()

        async def listen() -> None:
            async with transport.socket(as_socket(origin)) as stream:
                if not ends:
                    through.set()
                async for _ in stream:
                    pass
            through.set()
            await asyncio.Event().wait()

        first = asyncio.ensure_future(listen())  # opens what the others share
        await through.wait()
        first.cancel()
        await asyncio.wait((first,))
        turns = 0
        through.clear()
        while not through.is_set():
            listener = asyncio.ensure_future(listen())
            for _ in range(turns):
                await asyncio.sleep(0)
            listener.cancel()
            await asyncio.wait((listener,), timeout=5)
            assert listener.cancelled(), f"after {turns} turns of the loop"
            turns += 1


async def test_a_dying_socket_ends_quietly(reach: Reach) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("one")
        assert request.transport
        request.transport.abort()
        return socket

    async with sockets(handler) as origin:
        assert await frames(reach(origin), as_socket(origin)) in (["one"], [])


@pytest.mark.parametrize("frame", ["x" * 64_000, bytes(200_000)], ids=["texts", "previews"])
async def test_a_flooding_socket_is_dropped(reach: Reach, frame: str | bytes) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await (socket.send_str if isinstance(frame, str) else socket.send_bytes)(frame)
        return socket

    async with sockets(handler) as origin:
        heard = await asyncio.wait_for(frames(reach(origin), as_socket(origin)), 20)
    assert 300 < len(heard) < 3000


def test_a_lively_socket_is_no_flood() -> None:
    flood = Flood(0.0)
    assert not any(flood.rises(500, 0.0) for _ in range(1500))  # a large graph, from the cache
    flood = Flood(0.0)
    assert any(flood.rises(2, frame / 5000) for frame in range(5000))  # of the smallest frames
    flood = Flood(0.0)
    # Twenty steps a second for an hour, each with a preview.
    assert not any(flood.rises(60_000, step / 20) for step in range(72_000))
    assert any(flood.rises(10, step / 1000) for step in range(10_000))


async def test_leaving_does_not_wait_for_a_farewell(reach: Reach) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        await socket.send_str("one")
        await asyncio.Event().wait()
        return socket

    loop = asyncio.get_running_loop()
    async with sockets(handler) as origin:
        async with reach(origin).socket(as_socket(origin)) as stream:
            async for _ in stream:
                break
            start = loop.time()
        assert loop.time() - start < 0.5


async def test_a_refused_socket_is_told_without_its_address(reach: Reach) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=403)

    async with sockets(handler) as origin:
        with pytest.raises(Unreachable) as caught:
            await frames(reach(origin), as_socket(origin))
    assert "abc" not in f"{caught.value} {caught.value.params}"
    with pytest.raises(Unreachable):
        await frames(reach(origin), as_socket(origin))


async def test_a_socket_is_not_redirected(reach: Reach) -> None:
    visits: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        visits.append(request.path_qs)
        raise web.HTTPFound("/ws?elsewhere")

    async with sockets(handler) as origin:
        with pytest.raises(HostRefused) as caught:
            await frames(reach(origin), as_socket(origin))
    assert len(visits) == 1
    assert caught.value.params["url"] == "/ws"


@pytest.mark.parametrize(
    "url",
    ["wss://socket.example/ws", "ws://127.0.0.1:9/ws", "wss://u@www.runninghub.cn/ws", "nonsense"],
)
async def test_a_foreign_socket_is_not_opened(reach: Reach, url: str) -> None:
    with pytest.raises(HostRefused):
        await frames(reach("http://127.0.0.1:8700"), url)
