"""Uploads, downloads and the presigned PUT."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from rh_api.emulator import Fault

if TYPE_CHECKING:
    from conftest import Remote

DATA = bytes(range(256)) * 4
OLD_UPLOAD = "/task/openapi/upload"


async def old_upload(remote: Remote, data: bytes, name: str, **fields: str) -> Any:
    form = aiohttp.FormData()
    for field, value in {"apiKey": remote.key, "fileType": "input", **fields}.items():
        form.add_field(field, value)
    form.add_field("file", data, filename=name)
    async with remote.session.post(OLD_UPLOAD, data=form, headers=remote.bearer) as answer:
        return await answer.json()


async def test_equal_bytes_get_equal_names_and_an_address(remote: Remote) -> None:
    first, second = [await remote.upload(DATA, name) for name in ("a.png", "b.PNG")]

    name = f"openapi/{hashlib.sha256(DATA).hexdigest()}.png"
    assert first == second
    assert first["data"]["fileName"] == name
    assert (first["data"]["type"], first["data"]["size"]) == ("image", str(len(DATA)))
    assert await remote.get(first["data"]["download_url"]) == (200, DATA)
    assert remote.emulator.counters.upload_bytes == 2 * len(DATA)


async def test_the_older_upload_names_by_content_and_a_zip_barely(remote: Remote) -> None:
    digest = hashlib.sha256(DATA).hexdigest()

    assert (await old_upload(remote, DATA, "a.png"))["data"] == {
        "fileName": f"api/{digest}.png",
        "fileType": "input",
    }
    assert (await old_upload(remote, DATA, "a.zip"))["data"]["fileName"] == digest


async def test_both_uploads_have_a_limit(remote: Remote) -> None:
    remote.emulator.upload_limit = remote.emulator.old_upload_limit = len(DATA) - 1

    assert (await remote.upload(DATA))["code"] == 1008
    assert (await old_upload(remote, DATA, "a.png"))["code"] == 809
    assert not remote.emulator.uploads


async def test_what_is_no_known_format_is_refused(remote: Remote) -> None:
    assert (await remote.upload(DATA, "a.exe"))["code"] == 1007
    assert (await old_upload(remote, DATA, "a.png", fileType="weights"))["code"] == 301


async def test_an_upload_s_time_ends(remote: Remote) -> None:
    remote.emulator.upload_ttl = -1
    reply = await remote.upload(DATA)

    assert (await remote.get(reply["data"]["download_url"]))[0] == 404
    created = await remote.create(
        "1900000000000000102",
        nodeInfoList=[
            {"nodeId": "10", "fieldName": "image", "fieldValue": reply["data"]["fileName"]}
        ],
    )
    assert created["code"] == 433


@pytest.mark.parametrize(
    ("span", "status", "expected"),
    [
        ("bytes=0-9", 206, DATA[:10]),
        ("bytes=1000-", 206, DATA[1000:]),
        ("bytes=-5", 206, DATA[-5:]),
        ("bytes=1000-9999", 206, DATA[1000:]),
        ("bytes=5000-", 416, b""),
        ("pages=1", 416, b""),
    ],
)
async def test_a_download_can_be_asked_for_in_ranges(
    remote: Remote, span: str, status: int, expected: bytes
) -> None:
    url = (await remote.upload(DATA))["data"]["download_url"]

    assert await remote.get(url, Range=span) == (status, expected)
    assert remote.emulator.counters.download_bytes == len(expected)


async def test_a_range_of_something_that_has_changed_is_the_whole(remote: Remote) -> None:
    url = (await remote.upload(DATA))["data"]["download_url"]

    assert await remote.get(url, Range="bytes=5-", **{"If-Range": '"other"'}) == (200, DATA)
    remote.emulator.ranges = False
    assert await remote.get(url, Range="bytes=5-") == (200, DATA)


async def lora_address(remote: Remote, data: bytes) -> Any:
    md5 = hashlib.md5(data).hexdigest()
    reply = await remote.v1("/api/openapi/getLoraUploadUrl", loraName="style", md5Hex=md5)
    return reply["data"]


async def put(remote: Remote, url: str, data: Any, **headers: str) -> tuple[int, str]:
    async with remote.session.put(url, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_lora_is_put_once_and_then_known(remote: Remote) -> None:
    first = await lora_address(remote, DATA)
    status, _ = await put(remote, first["url"], DATA)
    second = await lora_address(remote, DATA)

    assert status == 200
    assert second == {"fileName": first["fileName"]}
    stored = remote.emulator.loras[first["fileName"]]
    assert (stored.size, stored.md5) == (len(DATA), hashlib.md5(DATA).hexdigest())
    assert remote.emulator.counters.put_bytes == len(DATA)


async def test_a_put_lora_can_be_used_in_its_own_loader_only(remote: Remote) -> None:
    lora = await lora_address(remote, DATA)
    await put(remote, lora["url"], DATA)
    name = lora["fileName"]

    own = {"nodeId": "20", "fieldName": "file_name", "fieldValue": name}
    other = {"nodeId": "2", "fieldName": "lora_name", "fieldValue": name}

    assert (await remote.create("1900000000000000105", nodeInfoList=[own]))["code"] == 0
    assert (await remote.create("1900000000000000109", nodeInfoList=[other]))["code"] == 433


async def test_bytes_that_do_not_match_their_md5_are_not_the_lora(remote: Remote) -> None:
    lora = await lora_address(remote, DATA)
    await put(remote, lora["url"], b"something else")

    assert "url" in await lora_address(remote, DATA)


async def chunks():
    yield DATA


async def test_the_store_refuses_like_a_cloud_store(remote: Remote) -> None:
    url = (await lora_address(remote, DATA))["url"]
    remote.emulator.sign_seconds = -60
    late = (await lora_address(remote, DATA))["url"]

    refusals = [
        await put(remote, late, DATA),
        await put(remote, url.replace("q-signature=", "q-signature=0"), DATA),
        await put(remote, url, DATA, **remote.bearer),
        await put(remote, url, chunks()),
    ]

    assert [status for status, _ in refusals] == [403, 403, 400, 411]
    assert "Request has expired" in refusals[0][1]
    assert all(text.startswith("<Error>") for _, text in refusals)
    assert ("header", urlsplit(url).path) in remote.emulator.counters.keys_misplaced


async def test_a_large_lora_is_hashed_without_being_held(remote: Remote) -> None:
    block, count = b"\x07" * 1024 * 1024, 48
    digest = hashlib.md5(block * count).hexdigest()
    reply = await remote.v1("/api/openapi/getLoraUploadUrl", loraName="big", md5Hex=digest)

    async def blocks():
        for _ in range(count):
            yield block

    tracemalloc.start()
    length = str(len(block) * count)
    status, _ = await put(remote, reply["data"]["url"], blocks(), **{"Content-Length": length})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert status == 200
    assert remote.emulator.loras[reply["data"]["fileName"]].is_whole
    assert peak < 16 * len(block)


async def test_a_body_can_be_read_slowly(remote: Remote) -> None:
    remote.emulator.faults.append(Fault("/openapi/v2/media", "slow_read", value=len(DATA) * 4))
    clock = remote.emulator.clock
    begun = clock()

    reply = await remote.upload(DATA)

    assert reply["code"] == 0
    assert clock() - begun > 0.2
