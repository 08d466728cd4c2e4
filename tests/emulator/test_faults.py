"""Each kind of fault does what it says, seen from the other end of the wire."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from rh_api.emulator import Fault
from tests.support.waiting import until

if TYPE_CHECKING:
    from conftest import Remote

CREATE = "/task/openapi/create"
STATUS = "/uc/openapi/accountStatus"


async def raw(remote: Remote, path: str = CREATE, **body: Any) -> tuple[bytes, type | None]:
    """Everything that comes back over a plain socket, and how the connection ended."""
    address = urlsplit(remote.emulator.base_url)
    content = json.dumps(
        {"apiKey": remote.key, "workflowId": "1900000000000000101", **body}
    ).encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {remote.key}\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode())
    writer.write(content)
    received, ended = b"", None
    try:
        while block := await reader.read(65536):
            received += block
    except ConnectionError as problem:
        ended = type(problem)
    writer.close()
    return received, ended


def split(answer: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return {
        "status": lines[0].split()[1],
        **{name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])},
    }, body


def strike(remote: Remote, kind: Any, **values: Any) -> Fault:
    fault = Fault(values.pop("path", CREATE), kind, **values)
    remote.emulator.faults.append(fault)
    return fault


def orders(remote: Remote) -> int:
    return remote.emulator.counters.orders


async def test_reset_comes_before_the_order_is_booked(remote: Remote) -> None:
    strike(remote, "reset")

    assert await raw(remote) == (b"", ConnectionResetError)
    assert orders(remote) == 0


async def test_a_lost_reply_comes_after_the_order_is_booked(remote: Remote) -> None:
    strike(remote, "lost_reply")

    assert await raw(remote) == (b"", ConnectionResetError)
    assert orders(remote) == 1


@pytest.mark.parametrize(("when", "booked"), [("before", 0), ("after", 1)])
async def test_hanging_gives_no_answer_until_the_client_leaves(
    remote: Remote, when: str, booked: int
) -> None:
    strike(remote, "hang", value=when)
    timeout = aiohttp.ClientTimeout(total=0.3)

    with pytest.raises(asyncio.TimeoutError):
        await remote.session.post(
            CREATE,
            json={"apiKey": remote.key, "workflowId": "1900000000000000101"},
            headers=remote.bearer,
            timeout=timeout,
        )

    assert orders(remote) == booked
    assert (await remote.create())["code"] == 0


async def test_half_a_json_is_told_honestly_and_booked(remote: Remote) -> None:
    strike(remote, "half_json", value=0.5)

    head, body = split((await raw(remote))[0])

    assert (head["status"], head["content-length"]) == ("200", str(len(body)))
    assert body.startswith(b'{"code": 0')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert orders(remote) == 1


async def test_a_truncated_answer_is_shorter_than_it_said(remote: Remote) -> None:
    strike(remote, "truncated")

    answer, _ = await raw(remote)

    head, body = split(answer)
    assert 0 < len(body) < int(head["content-length"])
    assert orders(remote) == 1


async def test_a_download_can_break_off_and_be_resumed(remote: Remote) -> None:
    data = bytes(range(256)) * 100
    url = (await remote.upload(data, "a.png"))["data"]["download_url"]
    strike(remote, "truncated", path="/input/", value=0.25)

    async with remote.session.get(url) as answer:
        first = await answer.content.readexactly(len(data) // 4)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()
    status, rest = await remote.get(url, Range=f"bytes={len(first)}-")

    assert (len(first), status) == (len(data) // 4, 206)
    assert first + rest == data


async def test_dripping_spreads_an_answer_over_time(remote: Remote) -> None:
    strike(remote, "drip", value=2000)
    clock = remote.emulator.clock
    begun = clock()

    answer, _ = await raw(remote)

    assert json.loads(split(answer)[1])["code"] == 0
    assert clock() - begun > 0.2


async def test_a_delay_is_waited(remote: Remote) -> None:
    strike(remote, "delay", value=0.2, path=STATUS)
    clock = remote.emulator.clock
    begun = clock()

    assert (await remote.post(STATUS, {"apikey": remote.key}, **remote.bearer))["code"] == 0
    assert clock() - begun >= 0.2


async def test_a_code_is_said_without_booking(remote: Remote) -> None:
    strike(remote, "code", value=421)

    assert await remote.create() == {"code": 421, "msg": "TASK_QUEUE_MAXED", "data": None}
    assert orders(remote) == 0


@pytest.mark.parametrize(("processed", "booked"), [(False, 0), (True, 1)])
async def test_a_server_fault_may_come_before_or_after_booking(
    remote: Remote, processed: bool, booked: int
) -> None:
    strike(remote, "status", value=503, processed=processed)

    head, body = split((await raw(remote))[0])

    assert (head["status"], json.loads(body)["code"]) == ("503", 500)
    assert orders(remote) == booked


async def test_a_gateway_s_page_is_no_json(remote: Remote) -> None:
    strike(remote, "html")

    head, body = split((await raw(remote))[0])

    assert (head["status"], head["content-type"]) == ("502", "text/html; charset=utf-8")
    assert body.startswith(b"<html>")


async def test_wrong_types_turn_ids_into_numbers_and_states_into_unknown_ones(
    remote: Remote,
) -> None:
    strike(remote, "wrong_types")
    strike(remote, "wrong_types", path=STATUS)

    created = await remote.create()
    account = await remote.post(STATUS, {"apikey": remote.key}, **remote.bearer)

    assert isinstance(created["data"]["taskId"], int)
    assert created["data"]["taskStatus"] == "PREPARING"
    assert created["code"] == 0
    assert account["data"]["remainCoins"] == 76600


async def test_null_data_says_success_and_nothing_more(remote: Remote) -> None:
    strike(remote, "null_data")
    strike(remote, "null_data", path="/openapi/v2/query")

    assert await remote.create() == {"code": 0, "msg": "success", "data": None}
    assert orders(remote) == 1
    assert set((await remote.query("1")).values()) == {None}


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_names_another_address(remote: Remote, status: int) -> None:
    strike(remote, "redirect", value="https://elsewhere.example.com/", status=status)

    head, _ = split((await raw(remote))[0])

    assert (head["status"], head["location"]) == (str(status), "https://elsewhere.example.com/")
    assert orders(remote) == 0


async def test_too_many_requests_says_when_to_come_back(remote: Remote) -> None:
    strike(remote, "retry_after", value=7)

    head, body = split((await raw(remote))[0])

    assert (head["status"], head["retry-after"]) == ("429", "7")
    assert json.loads(body)["code"] == 1003


async def test_any_body_can_be_said_or_none(remote: Remote) -> None:
    strike(remote, "body", value=b"\x00\x01", status=201, content_type="image/png")
    strike(remote, "empty")

    first, second = [split((await raw(remote))[0]) for _ in range(2)]

    assert (first[0]["status"], first[0]["content-type"], first[1]) == (
        "201",
        "image/png",
        b"\x00\x01",
    )
    assert (second[0]["status"], second[1]) == ("200", b"")


async def test_faults_are_counted_spared_and_tied_to_a_path(remote: Remote) -> None:
    fault = strike(remote, "code", value=500, after=1, count=2)

    assert (await remote.post(STATUS, {"apikey": remote.key}, **remote.bearer))["code"] == 0
    assert [(await remote.create())["code"] for _ in range(4)] == [0, 500, 500, 0]
    assert fault.struck == 2


async def test_a_fault_without_a_count_goes_on(remote: Remote) -> None:
    strike(remote, "code", value=500, count=None)

    assert [(await remote.create())["code"] for _ in range(5)] == [500] * 5


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Fault("/", "explode")


@pytest.mark.parametrize("close", ["fin", "rst"])
async def test_an_idle_connection_is_closed(remote: Remote, close: str) -> None:
    remote.emulator.idle_timeout, remote.emulator.idle_close = 0.1, close
    address = urlsplit(remote.emulator.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"GET /openapi/v2/queue/status HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b'TOKEN_INVALID"}')

    if close == "rst":
        with pytest.raises(ConnectionResetError):
            await reader.read()
    else:
        assert await reader.read() == b""
    writer.close()


async def test_an_idle_connection_is_forgotten_and_its_next_request_is_lost(
    remote: Remote,
) -> None:
    remote.emulator.idle_timeout, remote.emulator.idle_close = 0.05, "silent"
    address = urlsplit(remote.emulator.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    request = b"GET /openapi/v2/queue/status HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request)
    await reader.readuntil(b'TOKEN_INVALID"}')
    await until(lambda: not remote.emulator.connections.kept)
    writer.write(request)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    assert remote.emulator.counters.under("/openapi/v2/queue") == 1
    writer.close()


async def test_a_busy_connection_is_not_idle(remote: Remote) -> None:
    remote.emulator.idle_timeout = 0.15
    strike(remote, "delay", value=0.4)

    await remote.post(STATUS, {"apikey": remote.key}, **remote.bearer)

    assert (await remote.create())["code"] == 0
    assert remote.emulator.counters.connections == 1
