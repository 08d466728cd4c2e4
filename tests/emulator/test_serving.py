"""Serving: in a thread, with TLS, steered by another process, and what is counted."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
import trustme

from rh_api.emulator import Emulator, Fault
from rh_api.emulator.catalog import INVERT, example_picture
from tests.support.broken_requests import break_off
from tests.support.waiting import until

if TYPE_CHECKING:
    from conftest import Remote

ROOT = Path(__file__).parents[2]
CREATE = "/task/openapi/create"
TEXT_OUT = "1900000000000000107"


def order(key: str, **body: Any) -> dict[str, Any]:
    return {"apiKey": key, "workflowId": TEXT_OUT, **body}


def test_importing_it_needs_no_pillow() -> None:
    code = "import sys, rh_api.emulator; sys.exit('PIL' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_it_imports_nothing_of_the_rest() -> None:
    for source in (ROOT / "rh_api" / "emulator").glob("*.py"):
        assert "from .." not in source.read_text(encoding="utf-8"), source


def test_a_knob_that_does_not_exist_is_an_error() -> None:
    emulator = Emulator()
    with pytest.raises(AttributeError, match="run_second"):
        emulator.run_second = 1.0  # pyright: ignore[reportAttributeAccessIssue]
    emulator.run_seconds = 1.0


def test_it_serves_synchronous_callers_from_a_thread() -> None:
    emulator = Emulator(run_seconds=0)
    with emulator.run_in_thread() as base, requests.Session() as session:
        created = session.post(base + CREATE, json=order(emulator.default_key)).json()
        body = {"apiKey": emulator.default_key, "taskId": created["data"]["taskId"]}
        while (reply := session.post(f"{base}/task/openapi/outputs", json=body).json())["code"]:
            assert reply["code"] == 804

    assert reply["data"][0]["nodeId"] == "23"
    with pytest.raises(requests.ConnectionError):
        requests.post(base + CREATE, json={}, timeout=5)


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with Emulator().run_in_thread() as base:
        port = int(base.rpartition(":")[2])
        with pytest.raises(OSError, match="address"), Emulator().run_in_thread(port):
            pass


async def test_it_serves_tls() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    emulator = Emulator(run_seconds=0.2)

    async with emulator.serve(ssl_context=server) as base, aiohttp.ClientSession() as session:
        body = order(emulator.default_key)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.post(base + CREATE, json=body)
        authority.configure_trust(client)
        async with session.post(base + CREATE, json=body, ssl=client) as answer:
            data = (await answer.json())["data"]
        async with session.ws_connect(data["netWssUrl"], ssl=client) as socket:
            first = await socket.receive_json()

    assert base.startswith("https://127.0.0.1:")
    assert data["netWssUrl"].startswith("wss://127.0.0.1:")
    assert first["type"] == "status"


async def test_tasks_go_on_after_a_restart_of_the_service() -> None:
    emulator = Emulator(queue_seconds=60)
    async with (
        emulator.serve() as base,
        aiohttp.ClientSession(base) as session,
        session.post(CREATE, json=order(emulator.default_key)) as answer,
    ):
        task_id = (await answer.json())["data"]["taskId"]
    port = int(base.rpartition(":")[2])
    between = emulator.tasks[task_id].status
    emulator.queue_seconds = emulator.run_seconds = 0

    async with emulator.serve(port) as again:
        await emulator.tasks[task_id].runner

    assert (between, again) == ("QUEUED", base)
    assert emulator.tasks[task_id].status == "SUCCESS"


@pytest.mark.parametrize("fault", ["hang", "delay"])
async def test_serving_ends_at_once_whatever_is_on_its_way(fault: Any) -> None:
    emulator = Emulator(run_seconds=60, socket="silent")
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        async with emulator.serve() as base:
            async with session.post(base + CREATE, json=order(emulator.default_key)) as answer:
                address = (await answer.json())["data"]["netWssUrl"]
            socket = await session.ws_connect(address)
            emulator.faults.append(Fault(CREATE, fault, value=60))
            hung = asyncio.create_task(session.post(base + CREATE, json={}))
            while not emulator.faults[0].struck:  # noqa: ASYNC110 - it is a plain attribute
                await asyncio.sleep(0)
            begun = loop.time()

        assert loop.time() - begun < 1
        with pytest.raises(aiohttp.ClientError):
            await hung
        await socket.close()


# For days


def closed_connections() -> list[object]:
    gc.collect()
    things = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Transport)]
    return [transport for transport in things if transport.is_closing()]


async def answered_by_a_connection_of_its_own(remote: Remote) -> None:
    async with (
        aiohttp.ClientSession(remote.emulator.base_url) as client,
        client.post(CREATE, json={}) as answer,
    ):
        await answer.read()


async def test_nothing_is_left_of_a_connection_that_its_client_closed(remote: Remote) -> None:
    before = len(closed_connections())
    for _ in range(3):
        await answered_by_a_connection_of_its_own(remote)

    await until(lambda: len(closed_connections()) <= before, 10)


async def test_old_tasks_are_forgotten_with_what_is_kept_of_them(remote: Remote) -> None:
    emulator = remote.emulator
    emulator.kept_tasks, emulator.kept_seconds, emulator.webhook_retry_seconds = 2, 0, 0
    hook = f"{emulator.base_url}/nowhere"
    ids: list[str] = []
    urls: list[str] = []
    for _ in range(5):
        reply = await remote.finished(await remote.create(webhookUrl=hook))
        ids.append(reply["taskId"])
        urls.append(reply["results"][0]["url"])
        assert (await remote.get(urls[-1]))[0] == 200

    await remote.create()

    counters = emulator.counters
    assert len([path for path in counters.requests if path.startswith("/results/")]) == 3
    assert counters.under("/results/") == 5
    assert [(await remote.get(url))[0] for url in urls] == [404, 404, 404, 200, 200]
    assert [id_ in emulator.tasks for id_ in ids] == [False] * 3 + [True] * 2
    assert {webhook.task_id for webhook in emulator.webhooks.values()} <= {*emulator.tasks}


async def test_results_and_uploads_are_kept_up_to_their_bytes(remote: Remote) -> None:
    emulator = remote.emulator
    names = [(await remote.upload(data))["data"]["fileName"] for data in (b"1" * 9, b"2" * 9)]
    await remote.upload(b"1" * 9)
    first = await remote.finished(await remote.create())
    emulator.kept_bytes = 9
    await remote.create()
    assert [*emulator.uploads] == names[::-1]  # all of it is young
    assert first["taskId"] in emulator.tasks

    emulator.kept_seconds = 0
    second = await remote.finished(await remote.create())
    await remote.create()

    assert list(emulator.uploads) == names[:1]
    assert not {first["taskId"], second["taskId"]} & {*emulator.tasks}


@pytest.mark.parametrize("queue_seconds", [0, 60])
async def test_an_old_upload_stays_while_an_order_needs_it(
    remote: Remote, queue_seconds: float
) -> None:
    emulator = remote.emulator
    emulator.kept_bytes, emulator.kept_seconds, emulator.queue_seconds = 0, 0, queue_seconds
    name = (await remote.upload(example_picture("example.png")))["data"]["fileName"]
    picture = {"nodeId": "10", "fieldName": "image", "fieldValue": name}
    created = await remote.create(INVERT, nodeInfoList=[picture])
    if queue_seconds:
        await remote.create()
        assert [*emulator.uploads] == [name]
    else:
        assert (await remote.finished(created))["status"] == "SUCCESS"
        await remote.create()
        assert not emulator.uploads


# Another process


async def control(remote: Remote, name: str, body: dict[str, Any]) -> int:
    async with remote.session.post(f"/emulator/{name}", json=body) as answer:
        return answer.status


async def test_knobs_are_turned_over_http(remote: Remote) -> None:
    assert await control(remote, "knobs", {"latency": 0.01, "account": {"limit": 0}}) == 200
    assert await control(remote, "knobs", {"latencies": 1}) == 400
    assert await control(remote, "knobs", {"account": {"limits": 1}}) == 400

    assert remote.emulator.latency == 0.01
    assert (await remote.create())["code"] == 421


async def test_faults_and_workflows_come_over_http(remote: Remote) -> None:
    graph = remote.emulator.workflows[TEXT_OUT].graph
    added = {"graph": graph, "workflow_id": "1900000000000000999", "never_run": True}

    assert await control(remote, "faults", {"path": CREATE, "kind": "code", "value": 500}) == 200
    assert await control(remote, "faults", {"path": CREATE, "kind": "explode"}) == 400
    assert await control(remote, "workflows", added) == 200
    assert await control(remote, "workflows", {"title": "no graph"}) == 400

    assert (await remote.create())["code"] == 500
    assert (await remote.create("1900000000000000999"))["code"] == 810


async def test_state_is_told_and_reset_over_http(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    created = await remote.create(TEXT_OUT)
    async with remote.session.get("/emulator/state") as answer:
        state = await answer.json()
    await control(remote, "reset", {})
    async with remote.session.get("/emulator/state") as answer:
        after = await answer.json()

    task = state["tasks"][created["data"]["taskId"]]
    assert (task["status"], task["workflow_id"]) == ("RUNNING", TEXT_OUT)
    assert state["counters"]["orders"] == 1
    assert state["counters"]["requests"] == {CREATE: 1}
    assert state["accounts"][remote.key]["coins"] == 76600
    assert (after["tasks"], after["counters"]["orders"]) == ({}, 0)
    assert after["knobs"]["run_seconds"] == 0.3


# Counters


async def test_requests_orders_and_connections_are_counted(remote: Remote) -> None:
    for _ in range(3):
        await remote.create(TEXT_OUT)
    await answered_by_a_connection_of_its_own(remote)

    counters = remote.emulator.counters
    assert counters["orders"] == 3
    assert counters.requests[CREATE] == counters.total == 4
    assert counters.under("/task/") == 4
    assert counters.connections == 2


async def test_it_is_seen_where_a_key_was(remote: Remote) -> None:
    created = await remote.create()
    reply = await remote.finished(created)
    path = "/" + reply["results"][0]["url"].partition("://")[2].partition("/")[2]
    await remote.post("/openapi/v2/query", {"apiKey": remote.key}, **remote.bearer)
    await remote.get(path, **remote.bearer)
    await remote.get(f"{path}?key={remote.key}")

    counters = remote.emulator.counters
    assert {("body", CREATE), ("header", "/openapi/v2/query")} <= counters.keys_seen
    assert counters.keys_misplaced == {
        ("body", "/openapi/v2/query"),
        ("header", path),
        ("query", path),
    }


async def test_the_journal_keeps_requests_as_they_came(remote: Remote) -> None:
    await remote.create(TEXT_OUT, accessPassword="secret")

    [entry] = remote.emulator.journal
    assert (entry.method, entry.path) == ("POST", CREATE)
    assert entry.json == order(remote.key, accessPassword="secret")
    assert entry.headers["Content-Type"] == "application/json"


async def test_computing_does_not_hold_up_other_requests(remote: Remote) -> None:
    """A task's pictures are drawn beside the loop: answers come while it is at work."""
    for _ in range(3):
        await remote.create()
    answers = 0
    while not all(task.is_over for task in remote.emulator.tasks.values()):
        await remote.query("1")
        answers += 1

    assert answers > 10  # about a hundred; none, if the loop itself drew


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_can_order_nothing_here(headers: dict[str, str]) -> None:
    emulator = Emulator(run_seconds=0)
    body = json.dumps(order(emulator.default_key))
    with emulator.run_in_thread() as base:
        kind = {"Content-Type": "text/plain", **headers}
        for path in (CREATE, "/emulator/knobs"):
            assert requests.post(base + path, body, headers=kind, timeout=10).status_code == 403
        own = {
            **kind,
            "Origin": base,
            "Host": urlsplit(base).netloc,
            "Sec-Fetch-Site": "same-origin",
        }
        assert requests.post(base + CREATE, body, headers=own, timeout=10).status_code == 200
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/task/openapi/create", "application/json"),
        ("/openapi/v2/media/upload/binary", "multipart/form-data; boundary=half"),
        ("/emulator/faults", "application/json"),
    ],
)
async def test_a_client_that_breaks_off_while_it_sends_is_no_error(
    caplog: pytest.LogCaptureFixture, path: str, content_type: str
) -> None:
    emulator = Emulator()
    own = {"Content_Type": content_type, "Authorization": f"Bearer {emulator.default_key}"}
    async with emulator.serve() as address:
        await break_off(address + path, **own)
    assert caplog.records == []
