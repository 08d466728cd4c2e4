"""The one call whose key stands in its address: it is sent there, and seen nowhere else."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import Refused, RunningHubError
from rh_api.net.api import AiohttpTransport
from rh_api.wire.apps import call_demo
from rh_api.wire.call import Auth, Call, Request

from .conftest import KEY, Scripted, Serve

Reach = Callable[..., AiohttpTransport]
PATH = "/api/webapp/apiCallDemo"
APP = "1900000000000000201"
PART = KEY[:16]  # what is cut short may show half a key


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_the_key_stands_in_the_query_and_in_the_header(
    emulator: Emulator, reach: Reach
) -> None:
    form = await reach(emulator.base_url).send(call_demo(APP))
    entry = emulator.journal[-1]
    assert (entry.path, entry.query) == (PATH, f"webappId={APP}&apiKey={KEY}")
    assert entry.headers["Authorization"] == f"Bearer {KEY}"
    assert emulator.counters.keys_misplaced == set()
    assert [field.full_name for field in form.fields] == ["6.text", "3.sampler_name"]
    # The answer repeats the key in a ready command line.
    assert PART not in repr(form)


async def test_a_path_without_a_query_gets_one(emulator: Emulator, reach: Reach) -> None:
    call = Call(Request("GET", PATH, Auth.QUERY), lambda response: response, True)
    await reach(emulator.base_url).send(call)
    assert emulator.journal[-1].query == f"apiKey={KEY}"


async def error_of(transport: AiohttpTransport, seconds: float = 0.5) -> RunningHubError:
    call = call_demo(APP)
    with pytest.raises(RunningHubError) as caught:
        await transport.send(Call(call.request, call.read, True, seconds=seconds))
    return caught.value


def shown(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """Everything that a person or a log could see of a failure."""
    records = [logging.Formatter().format(record) for record in caplog.records]
    words = [repr(error), str(error), repr(vars(error)), repr(error.__context__)]
    return "\n".join([*words, *traceback.format_exception(error), *records])


FAULTS: list[tuple[str, Any]] = [
    ("reset", None),
    ("lost_reply", None),
    ("hang", None),
    ("empty", None),
    ("truncated", None),
    ("redirect", f"https://example.com{PATH}?apiKey={KEY}"),
    ("retry_after", 1),
    ("body", f"<html>{KEY}</html>"),
    ("html", 502),
    ("html", 413),
    ("null_data", None),
    ("code", 500),
    ("code", 802),
    ("code", 901),
]


@pytest.mark.parametrize(("kind", "value"), FAULTS)
async def test_no_failure_shows_the_key(
    emulator: Emulator, reach: Reach, caplog: pytest.LogCaptureFixture, kind: Any, value: Any
) -> None:
    asyncio.get_running_loop().set_debug(True)
    emulator.faults.append(Fault(PATH, kind, None, value))
    error = await error_of(reach(emulator.base_url))
    assert emulator.journal[-1].query.endswith(KEY)
    assert PART not in shown(error, caplog)


ANSWERS = [
    b"HTTP/1.1 302 Found\r\nLocation: /x?apiKey=" + KEY.encode() + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 999999 Odd\r\n\r\n",
    b"no http at all\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA\x00b: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz",
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_no_odd_answer_shows_the_key(
    reach: Reach, serve: Serve, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    scripted: Scripted

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await scripted.read_request(reader)
        writer.write(answer)

    scripted = await serve(talk)
    error = await error_of(reach(scripted.origin))
    assert f"apiKey={KEY}" in scripted.heads[0]
    assert PART not in shown(error, caplog)


async def test_nor_does_a_line_that_cannot_be_made(
    reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    assert PART not in shown(await error_of(reach("http://127.0.0.1:1")), caplog)


async def test_an_older_answer_is_told_without_its_address(
    emulator: Emulator, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.variants = ("app_address",)
    error = await error_of(reach(emulator.base_url))
    assert isinstance(error, Refused)
    assert PART not in shown(error, caplog)
