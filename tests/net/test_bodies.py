"""How the body of a result proves that it is whole, and that the disk has room for it."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import zlib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import BadInput, DiskFull, Fate, ResultUnavailable, Unreachable
from rh_api.net.download import most_bytes
from rh_api.run.ports import Meter
from rh_api.wire.filetypes import PNG
from rh_api.wire.integrity import Verdict
from tests.support.pictures import plain_png

from .conftest import Serve
from .downloads import PICTURE, Carry, names, put, says

# Framing


async def test_a_chunked_file_is_whole_when_its_last_chunk_came(
    carry: Carry, serve: Serve, folder: Path
) -> None:
    server = await serve()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    says(
        server, head + b"8\r\n\x89PNG\r\n\x1a\n\r\n", head + b"8\r\n\x89PNG\r\n\x1a\n\r\n0\r\n\r\n"
    )
    bulk = carry(server.origin)
    with pytest.raises(Unreachable):
        await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    fetched = await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    assert (fetched.size, fetched.type) == (8, PNG)


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Unreachable),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Encoding: gzip\r\n\r\n",
            ResultUnavailable,
        ),
        (b"HTTP/1.1 999999 OK\r\n\r\n", Unreachable),
    ],
)
async def test_a_body_that_cannot_be_proven_whole_is_not_taken(
    carry: Carry, serve: Serve, folder: Path, head: bytes, error: type
) -> None:
    server = await serve()
    says(server, head + b"\x89PNG\r\n\x1a\n")
    with pytest.raises(error):
        await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert [name for name in names(folder) if not name.startswith("r.part")] == []


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data[:100_000]) + gzip.compress(data[100_000:])


def padded(data: bytes) -> bytes:
    return gzip.compress(data) + bytes(512)


def bare(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("pack", "word"),
    [
        (gzipped, "gzip"),
        (gzipped, "aws-chunked, gzip"),
        (padded, "gzip"),
        (zlib.compress, "deflate"),
        (bare, "deflate"),
        (gzipped, "deflate"),
    ],
)
async def test_a_packed_body_is_unpacked_and_proven_by_its_own_end(
    carry: Carry, serve: Serve, folder: Path, pack: Callable[[bytes], bytes], word: str
) -> None:
    server, plain = await serve(), PICTURE + bytes(5 * 2**20)
    head = f'HTTP/1.1 200 OK\r\nContent-Encoding: {word}\r\nETag: "a"\r\n'
    body = pack(plain)
    says(
        server,
        f"{head}\r\n".encode() + body[:-1000],
        f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body,
    )
    bulk = carry(server.origin)
    with pytest.raises(Unreachable):
        await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    fetched = await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    assert "Range" not in server.heads[1]
    assert (fetched.size, fetched.path.read_bytes()) == (len(plain), plain)


@pytest.mark.parametrize("word", ["", "identity", "None", "utf-8", "aws-chunked"])
async def test_a_coding_that_is_none_is_no_reason_to_lose_a_result(
    carry: Carry, serve: Serve, folder: Path, word: str
) -> None:
    server = await serve()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {word}\r\nContent-Length: {len(PICTURE)}"
    says(server, f"{head}\r\n\r\n".encode() + PICTURE)
    fetched = await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert fetched.path.read_bytes() == PICTURE


@pytest.mark.parametrize(
    ("data", "verdict"),
    [(plain_png((1, 2, 3)), Verdict.WHOLE), (b"fLaC" + bytes(500), Verdict.CUT)],
)
async def test_without_a_length_a_file_proves_its_end_or_is_doubted(
    emulator: Emulator, carry: Carry, folder: Path, data: bytes, verdict: Verdict
) -> None:
    emulator.faults.append(Fault("/results", "unmeasured"))
    fetched = await carry(emulator.base_url).download(put(emulator, data), folder / "r", Meter())
    assert (fetched.path.read_bytes(), fetched.verdict) == (data, verdict)


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/xml"])
async def test_a_text_that_begins_like_a_page_is_one_unless_the_server_says_so(
    emulator: Emulator, carry: Carry, folder: Path, name: str, content_type: str
) -> None:
    data = b"<html><body>what a model wrote</body></html>"
    emulator.faults.append(Fault("/results", "body", value=data, content_type=content_type))
    url = f"{emulator.base_url}/results/u/output/{name}"
    fetching = carry(emulator.base_url).download(url, folder / "r", Meter())
    if content_type == "text/plain":
        assert (await fetching).path.read_bytes() == data
        return
    with pytest.raises(ResultUnavailable, match="web page"):
        await fetching


async def test_a_bomb_leaves_room_on_the_disk(
    emulator: Emulator, carry: Carry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_usage(where: Path) -> Usage:
        used = sum(path.stat().st_size for path in where.iterdir())
        return Usage(2**24, used, 2**24 - used)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    emulator.faults.append(Fault("/results", "gzip_bomb", value=16))
    with pytest.raises(DiskFull):
        await carry(emulator.base_url).download(put(emulator, b"x"), folder / "r", Meter())
    assert names(folder) == []


# The disk


async def test_a_disk_that_cannot_hold_it_is_told_before_the_first_byte(
    carry: Carry, serve: Serve, folder: Path
) -> None:
    server = await serve()
    says(server, b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n\x89PNG")
    with pytest.raises(DiskFull):
        await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert names(folder) == []


Usage = namedtuple("Usage", "total used free")


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body in pieces that never ends."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"100000\r\n" + b"\x89PNG\r\n\x1a\n".ljust(2**20) + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()


async def test_a_body_without_an_end_leaves_room_on_the_disk(
    carry: Carry, serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 100 * 2**20
    least = room

    def disk_usage(where: Path) -> Usage:
        nonlocal least
        used = sum(path.stat().st_size for path in where.iterdir())
        least = min(least, room - used)
        return Usage(room, used, room - used)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    server = await serve(endless)
    with pytest.raises(DiskFull) as caught:
        await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert caught.value.fate is Fate.OVER
    assert names(folder) == []
    assert room // 10 <= least < room // 4


@pytest.mark.parametrize(
    ("name", "mime", "most"),
    [
        ("a.png", "application/octet-stream", 10**9),
        ("a", "image/webp", 10**9),
        ("a.mp4", "video/mp4", 20 * 10**9),
        ("a", "", 20 * 10**9),
    ],
)
def test_a_body_without_a_length_is_limited_by_its_kind(name: str, mime: str, most: int) -> None:
    assert most_bytes(name, mime, 0) == most
    assert most_bytes(name, mime, 7) == 7  # which a person set


async def test_a_small_disk_takes_a_small_body_of_unknown_length(
    carry: Carry, serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9000, 8000, 1000))
    server = await serve()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    says(server, head + b"64\r\n" + b"fLaC".ljust(100) + b"\r\n0\r\n\r\n")
    fetched = await carry(server.origin).download(server.origin + "/a", folder / "r", Meter())
    assert fetched.size == 100


@pytest.mark.parametrize(("length", "is_taken"), [(900, True), (901, False), (1_001, False)])
async def test_a_body_of_known_length_leaves_room_on_the_disk(
    carry: Carry,
    serve: Serve,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    is_taken: bool,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9000, 8000, 1000))
    server = await serve()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    says(server, head + b"fLaC".ljust(length))
    fetching = carry(server.origin).download(server.origin + "/a", folder / "r", Meter())
    if is_taken:
        assert (await fetching).size == length
    else:
        with pytest.raises(DiskFull):
            await fetching


@pytest.fixture
def full(folder: Path) -> Path:
    """A folder on a disk that has no room for what comes."""
    folder.mkdir()
    (folder / "r.part").symlink_to("/dev/full")
    (folder / "r.part.tag").symlink_to("/dev/null")
    return folder


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_a_disk_that_runs_full_leaves_nothing_half(
    emulator: Emulator, carry: Carry, full: Path
) -> None:
    with pytest.raises(DiskFull) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), full / "r", Meter())
    assert caught.value.fate is Fate.OVER
    assert names(full) == []


async def test_a_folder_that_cannot_be_written_is_named(
    emulator: Emulator, carry: Carry, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput) as caught:
        await carry(emulator.base_url).download(
            put(emulator, PICTURE), tmp_path / "file" / "r", Meter()
        )
    assert caught.value.key == "error.folder_not_writable"
    assert caught.value.params["folder"] == "file"


async def test_a_name_that_is_taken_by_a_folder_is_told(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    (folder / "r.png" / "x").mkdir(parents=True)
    with pytest.raises(BadInput) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), folder / "r", Meter())
    assert caught.value.key == "error.folder_not_writable"
    assert names(folder) == ["r.png"]
    shutil.rmtree(folder)
