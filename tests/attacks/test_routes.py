"""Hostile pages and callers get nothing from our routes, and change nothing."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import stand_in_host

SESSION = "/runninghub/session"
CHANGE = "/runninghub/change"
LOOK = "/runninghub/look"


class Board:
    """Two routes of a plain kind, and how often each was reached."""

    def __init__(self, routes: ModuleType) -> None:
        self.reached: list[str] = []

        async def change(body: Any) -> dict[str, Any]:
            self.reached.append("change")
            return {"body": dict(body)}

        async def look(_: Any) -> dict[str, Any]:
            self.reached.append("look")
            return {"seen": True}

        async def fail(_: Any) -> dict[str, Any]:
            raise ValueError("secret words of a bug")

        self.change, self.look, self.fail = change, look, fail
        self.rows = (
            routes.Route("POST", CHANGE, "board.change"),
            routes.Route("GET", LOOK, "board.look"),
            routes.Route("POST", "/runninghub/fail", "board.fail"),
        )


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    stand_in_host(tmp_path, monkeypatch)
    return load_pack("nodes.routes")


@pytest.fixture
def board(routes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Board:
    board = Board(routes)
    monkeypatch.setitem(sys.modules, f"{routes.__name__}.board", board)  # type: ignore[arg-type]
    session = [route for route in routes.ROUTES if route.path == SESSION]
    monkeypatch.setattr(routes, "ROUTES", (*session, *board.rows))
    return board


@pytest.fixture
async def server(routes: ModuleType, board: Board) -> AsyncIterator[TestServer]:
    app = web.Application()
    table = web.RouteTableDef()
    routes.install(table, {"studio.example", "*.tunnel.example"})
    app.add_routes(table)
    async with TestServer(app) as server:
        yield server


@pytest.fixture
async def page(server: TestServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        yield session


async def token(page: ClientSession, server: TestServer) -> str:
    async with page.post(server.make_url(SESSION), json={"locale": "en"}) as answer:
        assert answer.status == 200
        return (await answer.json())["token"]


# Each as a browser sends it; {port} is the server's. A None takes the header away.
HOSTILE: dict[str, tuple[str, str, dict[str, str | None], bytes]] = {
    "a page without origin, on an old browser": ("POST", CHANGE, {"Origin": "null"}, b"{}"),
    "a form of another page": (
        "POST",
        CHANGE,
        {"Origin": "http://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
        b"a=1",
    ),
    "a domain that was pointed at this machine": (
        "POST",
        CHANGE,
        {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        b"{}",
    ),
    "plain text that looks like JSON": ("POST", CHANGE, {"Content-Type": "text/plain"}, b"{}"),
    "another site, says the browser": ("POST", CHANGE, {"Sec-Fetch-Site": "cross-site"}, b"{}"),
    "another port of this machine": (
        "POST",
        CHANGE,
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        b"{}",
    ),
    "this machine under another name": (
        "POST",
        CHANGE,
        {"Origin": "http://localhost:{port}"},
        b"{}",
    ),
    "no token": ("POST", CHANGE, {"X-RunningHub-Token": None}, b"{}"),
    "a made-up token": ("POST", CHANGE, {"X-RunningHub-Token": "x" * 43}, b"{}"),
    "a look from another page": ("GET", LOOK, {"Origin": "https://evil.example"}, b""),
    "a look from a picture's address": ("GET", LOOK, {"Sec-Fetch-Site": "cross-site"}, b""),
    "a look from a rebound domain": ("GET", LOOK, {"Host": "evil.example"}, b""),
    "a host with a user name": ("GET", LOOK, {"Host": "127.0.0.1@evil.example"}, b""),
    "a host that only begins well": ("GET", LOOK, {"Host": "127.0.0.1.evil.example"}, b""),
    "a host that only ends like ours": ("GET", LOOK, {"Host": "eviltunnel.example"}, b""),
    "a host below one that was named alone": ("GET", LOOK, {"Host": "a.studio.example"}, b""),
    "a session for a rebound domain": (
        "POST",
        SESSION,
        {"Host": "evil.example", "Origin": "http://evil.example"},
        b"{}",
    ),
    "a session for another page": ("POST", SESSION, {"Origin": "https://evil.example"}, b"{}"),
    "a session by a form": ("POST", SESSION, {"Content-Type": "text/plain"}, b"{}"),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_request_gets_nothing(
    page: ClientSession, server: TestServer, board: Board, case: str
) -> None:
    method, path, changed, body = HOSTILE[case]
    good = {
        "Origin": f"http://127.0.0.1:{server.port}",
        "Content-Type": "application/json",
        "X-RunningHub-Token": await token(page, server),
    }
    mixed = {**good, **changed}
    headers = {k: v.format(port=server.port) for k, v in mixed.items() if v is not None}
    async with page.request(method, server.make_url(path), headers=headers, data=body) as answer:
        text = await answer.text()
    assert answer.status == 403
    assert good["X-RunningHub-Token"] not in text
    assert board.reached == []


@pytest.mark.parametrize("path", [CHANGE, SESSION])
async def test_nothing_changes_by_a_get(
    page: ClientSession, server: TestServer, board: Board, path: str
) -> None:
    async with page.get(server.make_url(path)) as answer:
        assert answer.status == 405
    assert board.reached == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "localhost:{port}",
        "[::1]:{port}",
        "192.168.1.7",
        "studio.example:443",
        "a1-8188.tunnel.example",
    ],
)
async def test_own_pages_are_served_by_each_name_of_this_machine(
    page: ClientSession, server: TestServer, board: Board, host: str
) -> None:
    host = host.format(port=server.port)
    origin = f"https://{host}".removesuffix(":443")
    headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    headers["X-RunningHub-Token"] = await token(page, server)
    for url, method in ((CHANGE, page.post), (LOOK, page.get)):
        more = {"json": {"a": 1}} if url == CHANGE else {}
        async with method(server.make_url(url), headers=headers, **more) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
    assert board.reached == ["change", "look"]


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"a": NaN}', b'"a"', b"[" * 100_000, b"\xff"])
async def test_a_body_that_is_no_object_is_named(
    page: ClientSession, server: TestServer, board: Board, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    headers["X-RunningHub-Token"] = await token(page, server)
    async with page.post(server.make_url(CHANGE), headers=headers, data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["key"] == "node.route_body"
    assert board.reached == []


async def test_a_bug_shows_nothing_of_itself(page: ClientSession, server: TestServer) -> None:
    headers = {"X-RunningHub-Token": await token(page, server)}
    url = server.make_url("/runninghub/fail")
    async with page.post(url, headers=headers, json={}) as answer:
        assert answer.status == 500
        text = await answer.text()
    assert "secret words" not in text
    assert "error.unexpected" in text


async def test_an_answer_speaks_the_pages_language(page: ClientSession, server: TestServer) -> None:
    for locale, word in (("zh", "页面"), ("en", "Reload")):
        async with page.post(server.make_url(SESSION), json={"locale": locale}):
            pass
        async with page.post(server.make_url(CHANGE), json={}) as answer:
            assert word in (await answer.json())["error"]["message"]
