"""A download that broke goes on where it was, where that is safe; else it starts anew."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import Fate, Unreachable
from rh_api.net.files import RequestsBulk
from rh_api.net.partial_download import Part
from rh_api.net.stalls import StallPolicy
from rh_api.run.ports import Meter

from .conftest import Serve
from .downloads import HALF, PICTURE, Carry, names, put, says


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
    # Progress is told before the answer comes.
    emulator.faults.append(Fault("/results", "delay", value=0.5))
    moves: list[int] = []
    meter = Meter(lambda done, _: moves.append(done))
    fetched = await bulk.download(url, folder / "r", meter)
    assert emulator.journal[-1].headers["Range"] == f"bytes={have}-"
    assert fetched.path.read_bytes() == PICTURE
    assert names(folder) == ["r.png"]
    assert all(done >= have for done in moves)


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
    changed = PICTURE[:8] + bytes(200_000)
    put(emulator, changed)
    assert (await bulk.download(url, folder / "r", Meter())).path.read_bytes() == changed


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
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n"
        b'Content-Range: bytes 10-19/20\r\nETag: "b"\r\n\r\n',
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
    bulk = carry(server.origin, download_policy=StallPolicy(floor=1000, window=0.8, reply=0.8))
    with pytest.raises(Unreachable) as caught:
        await bulk.download(server.origin + "/a.png", folder / "r", Meter())
    assert caught.value.key == "error.too_slow"


async def _left_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the other side closes the connection in that time."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(reader.read(), seconds)
        return True
    return False


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
    part = Part(folder / "r")
    with part.alone(), part.growing(0, '"a"') as growing:  # as another process does
        growing.write(PICTURE[:5])
        fetched = await bulk.download(url, folder / "r", Meter())
        assert fetched.path.read_bytes() == PICTURE
        growing.write(PICTURE[5:])
    assert part.named(".png").read_bytes() == PICTURE
