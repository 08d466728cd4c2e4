"""Results to files: whole or not at all, resumed where that is safe, typed by their bytes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import shutil
import zlib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import (
    BadInput,
    DiskFull,
    Fate,
    HostRefused,
    RateLimited,
    ResultUnavailable,
    ServiceFault,
    Unreachable,
)
from rh_api.net.bulk import RequestsBulk
from rh_api.net.part import Part
from rh_api.net.transfer_thread import StallPolicy
from rh_api.run.ports import Meter
from rh_api.wire.filetypes import FLAC, MP4, PNG, Kind, Verdict
from tests.support.pictures import plain_png

from .conftest import Scripted, Serve

Carry = Callable[..., RequestsBulk]

PICTURE = b"\x89PNG\r\n\x1a\n" + os.urandom(300_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where results go; made by the download."""
    return tmp_path / "results"


def put(emulator: Emulator, data: bytes, name: str = "a.png") -> str:
    return emulator.base_url + emulator.store.put_result(name, data, user="u", ttl=3600).path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_a_file_appears_whole_under_its_proven_name_without_the_key(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    url = put(emulator, PICTURE)
    meter = Meter(lambda *now: told.append(now))
    fetched = await carry(emulator.base_url).download(url, folder / "r1", meter)
    assert fetched.path == folder / "r1.png"
    assert (fetched.size, fetched.type) == (len(PICTURE), PNG)
    assert fetched.path.read_bytes() == PICTURE
    assert names(folder) == ["r1.png"]
    assert told[-1] == (len(PICTURE), len(PICTURE))
    assert not emulator.counters.keys_seen
    assert "Authorization" not in emulator.journal[-1].headers


@pytest.mark.parametrize(
    ("name", "data", "suffix", "kind"),
    [
        ("a.jpg", PICTURE, ".png", PNG),
        ("a.png", b"\0\0\0\x18ftypisom" + bytes(50), ".mp4", MP4),
        ("a.flac", b"fLaC" + bytes(50), ".flac", FLAC),
        ("a.png", b"no picture at all", ".bin", None),
        ("a.txt", "一只猫".encode(), ".txt", Kind.TEXT),
        ("a.json", b'{"a": 1}', ".json", Kind.TEXT),
        ("a.txt", b"", ".txt", Kind.TEXT),
        ("a.txt", b"\0\1\2binary", ".bin", None),
        ("a.mov", b"\0\0\0\x08moov" + bytes(50), ".mov", None),
        ("a.SAFETENSORS", b"whatever", ".safetensors", None),
        ("a.exr", b"\x76\x2f\x31\1", ".exr", None),
        ("a.md", "# 猫".encode(), ".md", Kind.TEXT),
        ("a.srt", b"1\r\n00:00:00,000 --> 00:00:01,000\r\nmeow", ".srt", Kind.TEXT),
        ("a.csv", b"\0\1\2binary", ".bin", None),
        ("a.svg", b"<svg onload='alert(1)'/>", ".bin", None),
        ("a.pkl", b"whatever", ".bin", None),
        ("a", b"whatever", ".bin", None),
        ("a.html", b"<!doctype html><p>meant so", ".bin", None),
        ("..%2f..%2fx.py", b"import os", ".bin", None),
    ],
)
async def test_bytes_decide_what_a_file_is(
    emulator: Emulator,
    carry: Carry,
    folder: Path,
    name: str,
    data: bytes,
    suffix: str,
    kind: object,
) -> None:
    emulator.faults.append(Fault("/results", "body", value=data, content_type="image/png"))
    url = f"{emulator.base_url}/results/u/output/{name}"
    fetched = await carry(emulator.base_url).download(url, folder / "r", Meter())
    assert fetched.path == folder / f"r{suffix}"
    assert kind in (fetched.type, getattr(fetched.type, "kind", None))
    assert fetched.path.read_bytes() == data


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"<!DOCTYPE html><html>sign in</html>", "error.result_is_page"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "error.result_is_page"),
        (b"", "error.result_empty"),
    ],
)
async def test_a_page_or_nothing_is_never_saved(
    emulator: Emulator, carry: Carry, folder: Path, data: bytes, key: str
) -> None:
    emulator.faults.append(Fault("/results", "body", value=data))
    with pytest.raises(ResultUnavailable) as caught:
        await carry(emulator.base_url).download(put(emulator, b"x"), folder / "r", Meter())
    assert (caught.value.key, caught.value.fate) == (key, Fate.OVER)
    assert names(folder) == []


@pytest.mark.parametrize(
    ("fault", "error", "fate"),
    [
        (Fault("/results", "body", value="", status=403), ResultUnavailable, Fate.OVER),
        (Fault("/results", "body", value="", status=404), ResultUnavailable, Fate.OVER),
        (Fault("/results", "body", value="", status=503), ServiceFault, Fate.UNKNOWN),
        (Fault("/results", "html"), ServiceFault, Fate.UNKNOWN),
        (Fault("/results", "retry_after", value=7), RateLimited, Fate.NOT_STARTED),
        (Fault("/results", "reset"), Unreachable, Fate.UNKNOWN),
    ],
)
async def test_what_goes_wrong_is_told_apart(
    emulator: Emulator, carry: Carry, folder: Path, fault: Fault, error: type, fate: Fate
) -> None:
    emulator.faults.append(fault)
    with pytest.raises(error) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), folder / "r", Meter())
    assert caught.value.fate is fate
    assert getattr(caught.value, "retry_after", 7) == 7
    assert names(folder) == []


async def test_an_expired_result_says_so(emulator: Emulator, carry: Carry, folder: Path) -> None:
    url = emulator.base_url + "/results/u/output/gone.png"
    with pytest.raises(ResultUnavailable) as caught:
        await carry(emulator.base_url).download(url, folder / "r", Meter())
    assert caught.value.params["reason"] == "HTTP 404"


# Resuming


def leave(folder: Path, data: bytes, synced: int | None = None) -> None:
    """Instead of what a broken try left: these bytes, of which so many were on the disk."""
    tag = folder / "r.part.tag"
    _, mark = tag.read_text("latin-1").split("\n")
    tag.write_text(f"{len(data) if synced is None else synced}\n{mark}", "latin-1")
    (folder / "r.part").write_bytes(data)


async def broken_once(emulator: Emulator, bulk: RequestsBulk, url: str, into: Path) -> int:
    """A first try that breaks in the middle; the bytes that it left."""
    emulator.faults.append(Fault("/results", "truncated"))
    with pytest.raises(Unreachable) as caught:
        await bulk.download(url, into, Meter())
    assert caught.value.fate is Fate.UNKNOWN
    assert names(into.parent) == ["r.part", "r.part.tag"]
    return into.with_name("r.part").stat().st_size


async def test_a_broken_download_goes_on_where_it_was(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    have = await broken_once(emulator, bulk, url, folder / "r")
    told: list[int] = []
    meter = Meter(lambda done, _: told.append(done))
    fetched = await bulk.download(url, folder / "r", meter)
    assert emulator.journal[-1].headers["Range"] == f"bytes={have}-"
    assert fetched.path.read_bytes() == PICTURE
    assert names(folder) == ["r.png"]
    assert all(done >= have for done in told)


async def test_a_server_without_ranges_sends_the_whole_again(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    emulator.ranges = False
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE


async def test_another_content_by_now_starts_anew(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    other = PICTURE[:8] + bytes(200_000)
    put(emulator, other)
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == other


async def test_what_is_left_without_its_mark_is_not_trusted(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    (folder / "r.part.tag").unlink()
    (folder / "r.part").write_bytes(bytes(100))
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE
    assert "Range" not in emulator.journal[-1].headers


async def test_a_part_that_is_already_the_whole_only_gets_its_name(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    leave(folder, PICTURE)
    fetched = await bulk.download(url, folder / "r", Meter())
    assert (fetched.size, fetched.path.read_bytes()) == (len(PICTURE), PICTURE)


async def test_only_what_was_on_the_disk_is_believed_after_a_power_cut(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    leave(folder, PICTURE[:70_000] + bytes(len(PICTURE)), synced=70_000)
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE
    assert emulator.journal[-1].headers["Range"] == "bytes=70000-"


async def test_a_mark_that_a_power_cut_has_emptied_is_not_believed(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    (folder / "r.part.tag").write_bytes(bytes(40))
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE
    assert "Range" not in emulator.journal[-1].headers


async def test_a_part_longer_than_the_whole_is_thrown_away(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url)
    await broken_once(emulator, bulk, url, folder / "r")
    leave(folder, PICTURE + b"x")
    with pytest.raises(Unreachable):
        await bulk.download(url, folder / "r", Meter())
    assert names(folder) == []
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE


def says(server: Scripted, *answers: bytes):
    """Each connection gets the next answer, then it is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answers[min(server.connections, len(answers)) - 1])

    server.talk = talk


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n%s\r\n\x89PNG\r\n\x1a\n12"


@pytest.mark.parametrize(
    ("marks", "resumed_with"),
    [
        (b'ETag: "strong"\r\nLast-Modified: yesterday\r\n', 'If-Range: "strong"'),
        (b'ETag: W/"weak"\r\nLast-Modified: yesterday\r\n', "If-Range: yesterday"),
        (b'ETag: W/"weak"\r\n', None),
    ],
)
async def test_only_a_mark_that_stands_for_bytes_lets_it_resume(
    carry: Carry, serve: Serve, folder: Path, marks: bytes, resumed_with: str | None
) -> None:
    server = await serve()
    says(server, HALF % marks)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    if resumed_with:
        assert resumed_with in server.heads[1]
        assert "Range: bytes=10-" in server.heads[1]
    else:
        assert "Range" not in server.heads[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 9-18/20\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 10-19/15\r\n\r\n",
        b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_range_that_does_not_fit_is_not_glued_on(
    carry: Carry, serve: Serve, folder: Path, answer: bytes
) -> None:
    server = await serve()
    says(server, HALF % b'ETag: "a"\r\n', answer + bytes(10))
    for _ in range(2):
        with pytest.raises(Unreachable):
            await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert names(folder) == []


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


async def test_a_bomb_leaves_room_on_the_disk(
    emulator: Emulator, carry: Carry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_usage(where: Path) -> Usage:
        taken = sum(path.stat().st_size for path in where.iterdir())
        return Usage(2**24, taken, 2**24 - taken)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    emulator.faults.append(Fault("/results", "gzip_bomb", value=16))
    with pytest.raises(DiskFull):
        await carry(emulator.base_url).download(put(emulator, b"x"), folder / "r", Meter())
    assert names(folder) == []


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
@pytest.mark.parametrize("told", ["text/plain", "text/html", "application/xml"])
async def test_a_text_that_begins_like_a_page_is_one_unless_the_server_says_so(
    emulator: Emulator, carry: Carry, folder: Path, name: str, told: str
) -> None:
    data = b"<html><body>what a model wrote</body></html>"
    emulator.faults.append(Fault("/results", "body", value=data, content_type=told))
    url = f"{emulator.base_url}/results/u/output/{name}"
    fetching = carry(emulator.base_url).download(url, folder / "r", Meter())
    if told == "text/plain":
        assert (await fetching).path.read_bytes() == data
        return
    with pytest.raises(ResultUnavailable, match="web page"):
        await fetching


# Where it may come from


async def test_redirects_are_followed_while_they_stay_on_the_list(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    path = put(emulator, PICTURE).removeprefix(emulator.base_url)
    emulator.faults.append(Fault("/results", "redirect", value=path, count=3))
    fetched = await carry(emulator.base_url).download(
        emulator.base_url + path, folder / "r", Meter()
    )
    assert fetched.type is PNG
    emulator.faults.append(Fault("/results", "redirect", value=path, count=4))
    with pytest.raises(ResultUnavailable) as caught:
        await carry(emulator.base_url).download(emulator.base_url + path, folder / "r", Meter())
    assert caught.value.key == "error.too_many_redirects"


async def test_a_redirect_elsewhere_is_refused_before_anything_is_asked(
    emulator: Emulator, carry: Carry, serve: Serve, folder: Path
) -> None:
    other = await serve()
    emulator.faults.append(Fault("/results", "redirect", value=other.origin + "/x?sig=secret"))
    with pytest.raises(HostRefused) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), folder / "r", Meter())
    assert caught.value.params["url"] == other.origin + "/x"
    assert other.connections == 0


async def test_a_foreign_address_is_refused_with_what_adding_it_needs(
    carry: Carry, folder: Path
) -> None:
    with pytest.raises(HostRefused) as caught:
        await carry("http://127.0.0.1:1").download(
            "https://new.example/a.png?sig=1", folder / "r", Meter()
        )
    assert caught.value.params == {"host": "new.example", "url": "https://new.example/a.png"}


@pytest.mark.parametrize("spelled", ["{0}", "%{1:02X}"], ids=["plain", "percent"])
async def test_a_location_with_the_key_is_told_without_it(
    emulator: Emulator, carry: Carry, folder: Path, spelled: str
) -> None:
    key = "".join(spelled.format(one, ord(one)) for one in emulator.default_key)
    target = f"https://elsewhere.example/{key}/a.png"
    emulator.faults.append(Fault("/results", "redirect", value=target))
    with pytest.raises(HostRefused) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), folder / "r", Meter())
    assert caught.value.params["url"] == "https://elsewhere.example/…/a.png"


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
        taken = sum(path.stat().st_size for path in where.iterdir())
        least = min(least, room - taken)
        return Usage(room, taken, room - taken)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    server = await serve(endless)
    with pytest.raises(DiskFull) as caught:
        await carry(server.origin).download(server.origin + "/a.png", folder / "r", Meter())
    assert caught.value.fate is Fate.OVER
    assert names(folder) == []
    assert room // 10 <= least < room // 4


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


# Stop and pace


@pytest.mark.parametrize("way", ["cancel", "stop"])
@pytest.mark.parametrize("blocked_in", ["head", "body"])
async def test_stop_ends_a_download_within_half_a_second_and_leaves_nothing(
    carry: Carry, serve: Serve, folder: Path, way: str, blocked_in: str
) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        if blocked_in == "body":
            writer.write(HALF % b'ETag: "a"\r\n')
        await asyncio.Event().wait()

    server.talk = talk
    written = asyncio.Event()
    meter = Meter(lambda done, _: written.set() if done else None)
    fetching = asyncio.ensure_future(
        carry(server.origin).download(server.origin + "/a.png", folder / "r", meter)
    )
    await (written if blocked_in == "body" else server.asked).wait()
    loop = asyncio.get_running_loop()
    started = loop.time()
    if way == "cancel":
        fetching.cancel()
    else:
        meter.stop.set()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert loop.time() - started < 0.5
    assert names(folder) == []


async def test_a_drip_below_the_floor_is_given_up_and_can_go_on(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    emulator.faults.append(Fault("/results", "drip", value=2000))
    url = put(emulator, PICTURE)
    bulk = carry(emulator.base_url, download_pace=StallPolicy(floor=20_000, window=0.4, reply=0.4))
    with pytest.raises(Unreachable) as caught:
        await bulk.download(url, folder / "r", Meter())
    assert (caught.value.key, caught.value.fate) == ("error.too_slow", Fate.UNKNOWN)
    assert names(folder) == ["r.part", "r.part.tag"]
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == PICTURE
    assert "Range" in emulator.journal[-1].headers


async def test_what_an_earlier_try_has_brought_does_not_count_as_moved(
    carry: Carry, serve: Serve, folder: Path
) -> None:
    """The answer comes when the line is watched already,
    and nothing behind it for more than a window."""
    server = await serve()
    folder.mkdir(exist_ok=True)
    (folder / "r.part").write_bytes(PICTURE[:70_000])
    (folder / "r.part.tag").write_text('70000\n"strong"', "latin-1")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        await _left_within(reader, 0.4)
        whole, rest = len(PICTURE), PICTURE[70_000:]
        span = f"bytes 70000-{whole - 1}/{whole}"
        head = f'HTTP/1.1 206 OK\r\nContent-Range: {span}\r\nETag: "strong"\r\n'
        writer.write(f"{head}Content-Length: {len(rest)}\r\n\r\n".encode())
        if not await _left_within(reader, 1.1):
            writer.write(rest)

    server.talk = talk
    bulk = carry(server.origin, download_pace=StallPolicy(floor=1000, window=0.8, reply=0.8))
    with pytest.raises(Unreachable) as caught:
        await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    assert caught.value.key == "error.too_slow"


async def _left_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the other side closes the connection in that time."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(reader.read(), seconds)
        return True
    return False


async def test_a_slow_line_above_the_floor_is_waited_for(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    emulator.faults.append(Fault("/results", "drip", value=300_000))
    bulk = carry(emulator.base_url, download_pace=StallPolicy(floor=1000, window=0.2, reply=0.2))
    fetched = await bulk.download(put(emulator, PICTURE), folder / "r", Meter())
    assert fetched.path.read_bytes() == PICTURE


async def test_what_an_earlier_try_left_is_removed_unless_somebody_writes_it(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    folder.mkdir()
    (folder / "r1.part").write_bytes(b"abc")
    (folder / "r1.part.tag").write_text('3\n"a"')
    bulk = carry(emulator.base_url)
    with Part(folder / "r1").alone():  # as another process does
        await bulk.forget(folder / "r1")
        assert {"r1.part", "r1.part.tag"} <= set(names(folder))
    await bulk.forget(folder / "r1")
    assert names(folder) == []


async def test_two_who_fetch_one_result_at_once_both_have_it_whole(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    folder.mkdir()
    bulk, url = carry(emulator.base_url), put(emulator, PICTURE)
    other = Part(folder / "r")
    with other.alone(), other.growing(0, '"a"') as growing:  # as another process does
        growing.write(PICTURE[:5])
        fetched = await bulk.download(url, folder / "r", Meter())
        assert fetched.path.read_bytes() == PICTURE
        growing.write(PICTURE[5:])
    assert other.named(".png").read_bytes() == PICTURE
