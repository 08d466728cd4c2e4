"""Results to files: whole or not at all, and typed by their bytes, from hosts that may be asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import (
    Fate,
    HostRefused,
    RateLimited,
    ResultUnavailable,
    ServiceFault,
    Unreachable,
)
from rh_api.net.stalls import StallPolicy
from rh_api.run.ports import Meter
from rh_api.wire.filetypes import FLAC, MOV, MP4, PNG, Kind
from tests.support.waiting import until

from .conftest import Serve
from .downloads import HALF, PICTURE, Carry, names, put


async def test_a_file_appears_whole_under_its_proven_name_without_the_key(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    moves: list[tuple[int, int | None]] = []
    url = put(emulator, PICTURE)
    meter = Meter(lambda *now: moves.append(now))
    fetched = await carry(emulator.base_url).download(url, folder / "r1", meter)
    assert fetched.path == folder / "r1.png"
    assert (fetched.size, fetched.type) == (len(PICTURE), PNG)
    assert fetched.path.read_bytes() == PICTURE
    assert names(folder) == ["r1.png"]
    assert moves[-1] == (len(PICTURE), len(PICTURE))
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
        ("a.mp4", b"\0\0\0\x08moov" + bytes(50), ".mov", MOV),
        ("a.mov", b"\0\0\0\x08else" + bytes(50), ".mov", None),
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
    key = "".join(spelled.format(letter, ord(letter)) for letter in emulator.default_key)
    target = f"https://elsewhere.example/{key}/a.png"
    emulator.faults.append(Fault("/results", "redirect", value=target))
    with pytest.raises(HostRefused) as caught:
        await carry(emulator.base_url).download(put(emulator, PICTURE), folder / "r", Meter())
    assert caught.value.params["url"] == "https://elsewhere.example/…/a.png"


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
    # Its thread is not waited for, and removes what it wrote when the machine lets it.
    await until(lambda: names(folder) == [])


async def test_a_drip_below_the_floor_is_given_up_and_can_go_on(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    emulator.faults.append(Fault("/results", "drip", value=2000))
    url = put(emulator, PICTURE)
    bulk = carry(
        emulator.base_url, download_policy=StallPolicy(floor=20_000, window=0.4, reply=0.4)
    )
    with pytest.raises(Unreachable) as caught:
        await bulk.download(url, folder / "r", Meter())
    assert (caught.value.key, caught.value.fate) == ("error.too_slow", Fate.UNKNOWN)
    assert names(folder) == ["r.part", "r.part.tag"]
    # With the floor of a line that is no test's: a busy machine may be silent for as long.
    again = await carry(emulator.base_url).download(url, folder / "r", Meter())
    assert again.path.read_bytes() == PICTURE
    assert "Range" in emulator.journal[-1].headers


async def test_a_slow_line_above_the_floor_is_waited_for(
    emulator: Emulator, carry: Carry, folder: Path
) -> None:
    emulator.faults.append(Fault("/results", "drip", value=300_000))
    bulk = carry(emulator.base_url, download_policy=StallPolicy(floor=1000, window=0.2, reply=0.2))
    fetched = await bulk.download(put(emulator, PICTURE), folder / "r", Meter())
    assert fetched.path.read_bytes() == PICTURE
