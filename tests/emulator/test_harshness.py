"""The harsh readings of doubtful facts, and what stands between a client and the service."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from rh_api.emulator import Fault, catalog
from rh_api.emulator.catalog import TEXT_OUT
from tests.support.graphs import node

if TYPE_CHECKING:
    from conftest import Remote

CREATE = "/task/openapi/create"
STATUS = "/uc/openapi/accountStatus"
QUERY = "/openapi/v2/query"
RESOURCES = "/openapi/v2/resource/list"
APP_LIST = "/openapi/v2/aiapp/list"
APP = "1900000000000000202"


async def both(remote: Remote, task_id: str) -> tuple[list[Any], list[Any]]:
    """The results that one poll by each route sees."""
    results = (await remote.query(task_id))["results"] or []
    return results, (await remote.outputs(task_id))["data"]


async def ended(remote: Remote, workflow_id: str = TEXT_OUT) -> str:
    created = await remote.create(workflow_id)
    await remote.emulator.tasks[created["data"]["taskId"]].runner
    return created["data"]["taskId"]


# What the service knows


async def listed(remote: Remote, name: str) -> list[str]:
    body = {"resourceType": "CHECKPOINT", "resourceName": name, "current": 1, "size": 50}
    reply = await remote.post(RESOURCES, body, **remote.bearer)
    return [record["nodeModelName"] for record in reply["data"]["records"]]


async def test_models_are_found_by_their_title_and_not_by_their_file(remote: Remote) -> None:
    model = "nocturne_xl_fp16.safetensors"

    assert await listed(remote, "Harbour") == [model]
    assert await listed(remote, "nocturne") == []
    assert model in await listed(remote, "")

    remote.emulator.resource_filter = "file"
    assert await listed(remote, "nocturne") == [model]


async def test_a_model_may_run_that_no_list_shows(remote: Remote) -> None:
    (model,) = catalog.UNLISTED
    graph = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    graph["4"]["inputs"]["ckpt_name"] = model

    assert model not in await listed(remote, "")
    ran = await remote.finished(await remote.create(remote.emulator.add_workflow(graph)))
    assert ran["status"] == "SUCCESS"


async def test_lists_of_models_are_answered_twenty_times_a_minute(remote: Remote) -> None:
    for _ in range(20):
        await listed(remote, "")
    refused = await remote.post(RESOURCES, {"resourceType": "LORA"}, **remote.bearer)
    assert refused["code"] == 1003


async def test_a_new_task_may_be_unknown_to_all_but_its_order(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.unknown_seconds = 60, 3600
    task_id = (await remote.create())["data"]["taskId"]

    for path in ("status", "outputs", "cancel"):
        assert (await remote.v1(f"/task/openapi/{path}", taskId=task_id))["code"] == 807
    assert (await remote.query(task_id))["errorCode"] == "1004"

    remote.emulator.unknown_seconds = 0.0
    assert (await remote.query(task_id))["status"] == "RUNNING"


async def test_a_cancel_that_was_taken_may_end_its_task_later(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.cancel_seconds = 60, 0.1
    created = await remote.create()

    assert (await remote.v1("/task/openapi/cancel", taskId=created["data"]["taskId"]))["code"] == 0
    assert (await remote.query(created["data"]["taskId"]))["status"] == "RUNNING"
    assert (await remote.finished(created))["status"] == "CANCEL"


async def test_a_v2_order_is_answered_with_client_and_tips(remote: Remote) -> None:
    path = f"/openapi/v2/run/workflow/{TEXT_OUT}"

    reply = await remote.post(path, {}, **remote.bearer)
    assert len(reply["clientId"]) == 32
    assert '"node_errors": {}' in reply["promptTips"]


async def test_public_apps_hold_their_id_in_an_example_call(remote: Remote) -> None:
    apps: list[dict[str, Any]] = []
    page: dict[str, Any] = {"hasNext": True, "current": 0}
    while page["hasNext"]:
        body = {"current": page["current"] + 1, "size": 50, "sort": "NEWEST"}
        page = (await remote.post(APP_LIST, body, **remote.bearer))["data"]
        apps += page["records"]

    assert page["total"] > len(apps) > 100
    assert "id" not in apps[0]
    examples = [app["invokeExample"] for app in apps]
    assert any(APP in example for example in examples)
    assert any("www.runninghub.cn" in example for example in examples)
    assert any("www.runninghub.ai" in example for example in examples)
    assert any('"{\\"webappId' in example for example in examples)
    assert any("'{\"webappId" in example for example in examples)


async def test_the_list_of_apps_takes_the_bare_key_too_unless_strict(remote: Remote) -> None:
    refused = await remote.post(APP_LIST, {}, Authorization=remote.key)
    too_many = await remote.post(APP_LIST, {"size": 51}, **remote.bearer)
    remote.emulator.strict = False
    replies = [
        await remote.post(APP_LIST, {}, **headers)
        for headers in ({"Authorization": remote.key}, remote.bearer)
    ]

    assert (refused["code"], too_many["code"]) == (412, 301)
    assert [len(reply["data"]["records"]) for reply in replies] == [10, 10]


# Results


@pytest.mark.parametrize("strict", [True, False])
async def test_the_routes_list_results_in_another_order(remote: Remote, strict: bool) -> None:
    savers = [node("EmptyImage", width=8, height=8, batch_size=1, color=1)]
    savers += [node("SaveImage", images=["0", 0], filename_prefix=name) for name in "ab"]
    graph = {str(number): entry for number, entry in enumerate(savers)}
    remote.emulator.strict = strict
    task_id = await ended(remote, remote.emulator.add_workflow(graph))
    results, files = await both(remote, task_id)
    named = [[row["nodeId"] for row in listed] for listed in (results, files)]
    assert (named[0] != named[1]) == strict
    assert sorted(named[0]) == sorted(named[1]) == ["1", "2"]


async def test_results_may_come_later_than_success(remote: Remote) -> None:
    remote.emulator.late_results = 2
    task_id = await ended(remote)

    assert await both(remote, task_id) == ([], [])
    results, files = await both(remote, task_id)
    assert (len(results), len(files)) == (2, 1)


async def test_a_part_of_the_results_may_be_seen_first(remote: Remote) -> None:
    remote.emulator.late_results, remote.emulator.late_results_seen = 1, 1
    task_id = await ended(remote)

    assert len((await remote.query(task_id))["results"]) == 1
    assert len((await remote.query(task_id))["results"]) == 2


@pytest.mark.parametrize(("knob", "address"), [("null", None), ("empty", "")])
async def test_a_result_may_have_no_address(remote: Remote, knob: Any, address: Any) -> None:
    remote.emulator.missing_address, remote.emulator.missing_address_polls = knob, 2
    task_id = await ended(remote, "1900000000000000101")

    results, files = await both(remote, task_id)
    assert (results[0]["url"], files[0]["fileUrl"]) == (address, address)
    results, files = await both(remote, task_id)
    assert results[0]["url"] == files[0]["fileUrl"]
    assert results[0]["url"].startswith("http")


async def test_a_create_may_be_told_another_orders_id(remote: Remote) -> None:
    first = (await remote.create())["data"]["taskId"]
    remote.emulator.told_task_id = first

    second = (await remote.create())["data"]["taskId"]

    assert second == first
    assert len(remote.emulator.tasks) == remote.emulator.counters.orders == 2


# Between here and there


@pytest.mark.parametrize("status", [303, 301, 307, 308])
@pytest.mark.parametrize("processed", [True, False])
async def test_a_create_may_be_redirected_booked_or_not(
    remote: Remote, status: int, processed: bool
) -> None:
    fault = Fault(CREATE, "redirect", value="/elsewhere", status=status, processed=processed)
    remote.emulator.faults.append(fault)
    remote.emulator.strict = False
    body = {"apiKey": remote.key, "workflowId": TEXT_OUT}

    async with remote.session.post(CREATE, json=body, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (status, "/elsewhere")

    assert remote.emulator.counters.orders == processed


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 408, 413, 415, 421, 429, 500, 503])
async def test_a_create_may_be_refused_by_any_status(remote: Remote, status: int) -> None:
    remote.emulator.faults.append(Fault(CREATE, "status", value=status))

    async with remote.session.post(CREATE, json={}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (status, 500)


@pytest.mark.parametrize("path", [QUERY, "/task/openapi/outputs"])
async def test_a_poll_may_be_told_to_wait_for_a_day(remote: Remote, path: str) -> None:
    remote.emulator.faults.append(Fault(path, "retry_after", value=100_000))

    async with remote.session.post(path, json={}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "100000")


async def picture(remote: Remote) -> tuple[str, bytes]:
    data = bytes(range(256)) * 100
    return (await remote.upload(data))["data"]["download_url"], data


@pytest.mark.parametrize(("count", "times"), [(1, 1), (None, 3)])
async def test_a_cut_file_is_told_as_whole_once_or_always(
    remote: Remote, count: int | None, times: int
) -> None:
    url, data = await picture(remote)
    remote.emulator.faults.append(Fault("/input/", "cut", count=count, value=0.25))
    part = len(data) // 4

    for _ in range(times):
        async with remote.session.get(url) as answer:
            assert (answer.content_length, await answer.read()) == (part, data[:part])
    status, _ = await remote.get(url, Range=f"bytes={part}-")
    assert status == (206 if count else 416)


async def test_a_range_may_have_another_etag(remote: Remote) -> None:
    url, data = await picture(remote)
    async with remote.session.get(url) as answer:
        etag = answer.headers["ETag"]
    remote.emulator.faults.append(Fault("/input/", "other_etag"))

    async with remote.session.get(url, headers={"Range": "bytes=10-"}) as answer:
        assert (answer.status, await answer.read()) == (206, data[10:])
        assert answer.headers["ETag"] != etag


async def test_a_file_may_come_in_chunks_without_its_length(remote: Remote) -> None:
    url, data = await picture(remote)
    remote.emulator.faults.append(Fault("/input/", "chunked"))

    async with remote.session.get(url) as answer:
        assert answer.content_length is None
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert await answer.read() == data


async def test_a_file_may_never_end(remote: Remote) -> None:
    url, data = await picture(remote)
    remote.emulator.faults.append(Fault("/input/", "endless"))

    async with remote.session.get(url) as answer:
        received = 0
        while received < 50 * len(data):
            received += len(await answer.content.read(65536))
    assert (await remote.get(url))[1] == data


@pytest.mark.parametrize("path", [STATUS, QUERY])
async def test_a_reply_may_hold_millions_of_objects(remote: Remote, path: str) -> None:
    remote.emulator.faults.append(Fault(path, "objects", value=100_000))

    assert (await remote.post(path, {}))["data"] == [{}] * 100_000


async def test_a_reply_may_be_nested_deeper_than_can_be_read(remote: Remote) -> None:
    remote.emulator.faults.append(Fault(STATUS, "nested", value=200_000))

    with pytest.raises(RecursionError):
        await remote.post(STATUS, {})


@pytest.mark.parametrize("way", ["plain", "json", "percent", "base64", "utf16"])
@pytest.mark.parametrize("path", [CREATE, QUERY])
async def test_a_refusal_may_repeat_the_key(remote: Remote, way: str, path: str) -> None:
    remote.emulator.faults.append(Fault(path, "echo_key", value=way))
    body = {} if path == QUERY else {"apiKey": remote.key}

    async with remote.session.post(path, json=body, headers=remote.bearer) as answer:
        raw, charset = await answer.read(), answer.charset
    refusal = json.loads(raw.decode(charset or "utf-8"))

    key = remote.key
    written = {
        "percent": "".join(f"%{ord(letter):02X}" for letter in key),
        "base64": base64.b64encode(f"Bearer {key}".encode()).decode(),
    }
    assert written.get(way, key) in refusal.get("msg", refusal.get("errorMessage"))
    assert (key.encode() in raw) == (way == "plain")


async def test_a_redirect_may_repeat_the_key(remote: Remote) -> None:
    remote.emulator.faults.append(Fault(CREATE, "echo_key", value="location"))

    async with remote.session.post(
        CREATE, json={"apiKey": remote.key}, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"].endswith(remote.key)


async def test_a_flooding_socket_sends_as_fast_as_it_is_read(remote: Remote) -> None:
    remote.emulator.socket, remote.emulator.run_seconds = "flood", 60
    created = await remote.create()

    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        messages = [await socket.receive(2) for _ in range(2000)]

    assert {message.type for message in messages} == {aiohttp.WSMsgType.TEXT}
    assert json.loads(messages[-1].data)["type"] == "progress"
    assert sum(len(message.data) for message in messages) > 1_000_000
    assert await asyncio.wait_for(remote.create(), 2)
