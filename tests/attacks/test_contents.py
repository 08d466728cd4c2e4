"""Results that are not what they are called, or larger than they look: kept as files,
never opened."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator, catalog
from rh_api.errors import BadReply, ResultUnavailable, RunningHubError
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind
from tests.attacks.conftest import CANARY, files
from tests.support.clocks import QuickClock
from tests.support.jobs import paint
from tests.support.pictures import huge_png
from tests.support.service import Explodes, results_are

T = TypeVar("T")

MIB = 1024 * 1024
CAP = 64 * MIB

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64


# Each worker reads this module: what takes a second is made once, by whoever sends it.


@functools.cache
def gibibyte() -> bytes:
    """A gigabyte of zeros as a gzip of one megabyte."""
    block, packer = bytes(MIB), zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(block) for _ in range(1024)), packer.flush()])


@functools.cache
def zip_bomb() -> bytes:
    """Zips in a zip, and a name that would leave the folder."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.bin", bytes(4 * MIB))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.zip", inner.getvalue())
        archive.writestr("../../exploded", b"x")
    return outer.getvalue()


def pretending_mp4() -> bytes:
    """A film of a million frames of 32k by 32k, says its header."""
    track = struct.pack(">4I3H", 0, 0, 0, 1, 0x7FFF, 0x7FFF, 0) + b"\0" * 64
    moov = b"moov" + struct.pack(">I", len(track) + 8) + b"tkhd" + track
    return MP4 + struct.pack(">I", len(moov) + 4) + moov


@pytest.mark.parametrize(
    ("body", "suffix", "kind"),
    [
        (MP4, ".mp4", Kind.VIDEO),
        (zip_bomb, ".zip", Kind.FILE),
        (SVG, ".bin", None),
        (pickle.dumps(Explodes()), ".bin", None),
        (b"PK\x03\x04" + b"archive/data.pkl", ".zip", Kind.FILE),
        (b"#!/bin/sh\nrm -rf /\n", ".bin", None),
        (b"MZ" + b"\0" * 64, ".bin", None),
        (b"\x89PNG\r\n\x1a\n", ".png", Kind.IMAGE),
    ],
    ids=["mp4", "zip", "svg", "pickle", "torch", "script", "program", "half a png"],
)
async def test_bytes_decide_what_a_picture_is_and_nothing_is_opened(
    client: Client,
    emulator: Emulator,
    home: Path,
    body: bytes | Callable[[], bytes],
    suffix: str,
    kind: Kind | None,
) -> None:
    body = body if isinstance(body, bytes) else body()
    emulator.faults.append(results_are(body))
    (result,) = (await client.run(paint())).results
    assert result.path is not None
    assert result.path.suffix == suffix
    assert (result.type and result.type.kind) == kind
    assert result.path.read_bytes() == body
    assert {path.relative_to(home).parts[0] for path in files(home)} == {"state"}


@pytest.mark.parametrize("body", [HTML, b"<?xml version='1.0'?><Error/>", b""])
async def test_a_page_is_an_error_and_no_picture(
    client: Client, emulator: Emulator, home: Path, body: bytes
) -> None:
    emulator.faults.append(results_are(body))
    with pytest.raises(ResultUnavailable) as caught:
        await client.run(paint())
    assert caught.value.task_id in emulator.tasks
    assert not files(home / "state" / "runninghub-results")


@pytest.mark.parametrize("make", [huge_png, zip_bomb, pretending_mp4], ids=["png", "zip", "mp4"])
async def test_a_result_costs_the_memory_of_a_block_whatever_it_claims(
    client: Client, emulator: Emulator, make: Callable[[], bytes]
) -> None:
    await client.run(paint("warm"))
    body = make()
    emulator.faults.append(results_are(body))
    peak, outcome = await measured(client.run(paint("bomb")))
    assert outcome.results[0].size == len(body)
    assert peak < CAP


# Answers


@pytest.fixture
async def hostile(home: Path) -> AsyncIterator[Callable[[bytes, str], Awaitable[Client]]]:
    """`await hostile(body, encoding)`: a client of a service that answers everything with it."""
    servers: list[asyncio.Server] = []
    clients: list[Client] = []

    async def start(body: bytes, encoding: str) -> Client:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
                kind = f"Content-Encoding: {encoding}\r\n" if encoding else ""
                line = f"HTTP/1.1 200 OK\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
                writer.write(line.encode() + body)
                await writer.drain()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        values = {
            "RUNNINGHUB_API_KEY": CANARY,
            "RUNNINGHUB_BASE_URL": f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}",
            "RUNNINGHUB_STATE": str(home / "state"),
        }
        clients.append(Client(Settings.from_mapping(values), clock=QuickClock(50)))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()
    for server in servers:
        server.close()


DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gibibyte, "gzip"),
        (DEEP, ""),
        (b'{"code": 0, "data": ' + DEEP + b"}", ""),
        (json.dumps({"code": 0, "data": {"prompt": "[" * 200_000}}).encode(), ""),
        (b'{"code": ' + b"9" * 100_000 + b"}", ""),
        (b'{"code": 1e999, "data": NaN}', ""),
    ],
    ids=["gzip", "deep", "deep data", "deep text", "long number", "infinite"],
)
async def test_an_answer_cannot_fill_the_memory_or_the_stack(
    hostile: Callable[[bytes, str], Awaitable[Client]],
    body: bytes | Callable[[], bytes],
    encoding: str,
) -> None:
    client = await hostile(body if isinstance(body, bytes) else body(), encoding)
    peak, error = await measured(_failing(client))
    assert isinstance(error, BadReply), error
    assert peak < CAP


async def _failing(client: Client) -> RunningHubError | None:
    try:
        await client.programs.workflow(catalog.INVERT)
    except RunningHubError as error:
        return error
    return None


async def measured(work: Awaitable[T]) -> tuple[int, T]:
    """Peak of what Python allocated while `work` was done, and its result."""
    tracemalloc.start()
    try:
        result = await work
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()
