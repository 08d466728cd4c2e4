"""The whole way of a webhook: an order, the service's call, the listener, the journal, a look."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.accounts import example_key
from rh_api.errors import BadInput, Fate, Unreachable
from rh_api.journal import Store
from rh_api.settings import Settings
from rh_api.webhook_listener import BODY_LIMIT, listening
from tests.client.conftest import MakeClient
from tests.support.jobs import paint, paint_by_model
from tests.support.waiting import until

DETAIL = "/task/openapi/getWebhookDetail"
RESEND = "/task/openapi/retryWebhook"


@dataclass
class Ear:
    """A listener for the journal in `folder`, as another process of the person's has one."""

    folder: Path
    port: int
    task_ids: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def heard(self) -> dict[int, bool]:
        """By order: whether its address was called. Also those that lie in the journal since."""
        store = Store.open(self.folder)
        try:
            orders = range(1, store.last_order() + 1)
            heard = store.webhooks.received(list(orders))
            return {order: order in heard for order in orders}
        finally:
            store.close()


@pytest.fixture
async def ear(tmp_path: Path) -> AsyncIterator[Ear]:
    task_ids: list[str] = []
    async with listening(tmp_path / "state", 0, task_ids.append) as port:
        yield Ear(tmp_path / "state", port, task_ids)


@pytest.fixture
def client(make_client: MakeClient, ear: Ear) -> Client:
    return make_client(RUNNINGHUB_WEBHOOK_URL=ear.url)


def addresses(emulator: Emulator) -> list[str]:
    urls = [(entry.json or {}).get("webhookUrl") for entry in emulator.journal]
    return [str(url) for url in urls if url]


async def post(url: str, body: bytes | str | dict[str, object]) -> int:
    text = json.dumps(body) if isinstance(body, dict) else body
    data = io.BytesIO(text.encode() if isinstance(text, str) else text)
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as answer:
        assert await answer.read() in (b"", b"404: Not Found", b"405: Method Not Allowed")
        return answer.status


def delivery(task_id: str) -> dict[str, object]:
    done = {"code": 0, "msg": "success", "data": [{"fileUrl": "https://evil.example/x.png"}]}
    return {"event": "TASK_END", "taskId": task_id, "eventData": json.dumps(done)}


@pytest.mark.parametrize("job", [paint(), paint_by_model()], ids=["text", "object"])
async def test_what_the_service_posts_is_taken_in_both_shapes(
    make_client: MakeClient, ear: Ear, emulator: Emulator, job: Job
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL=ear.url, RUNNINGHUB_API_KEY=example_key("shared"))
    outcome = await client.run(job)

    await until(lambda: ear.task_ids)
    assert ear.task_ids == [outcome.task_id]
    assert ear.heard() == {1: True}
    (address,) = addresses(emulator)
    assert address.startswith(ear.url + "/webhook/")
    detail = await client.webhooks.details(outcome.task_id)
    await until(lambda: next(iter(emulator.webhooks.values())).status == "SUCCESS")
    assert detail.url == address


async def test_only_what_may_be_asked_twice_is_sent_again_after_a_lost_reply(
    make_client: MakeClient, ear: Ear, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL=ear.url, RUNNINGHUB_API_KEY=example_key("shared"))
    outcome = await client.run(paint())
    await until(lambda: ear.task_ids)
    emulator.faults += [Fault(path, "lost_reply") for path in (DETAIL, RESEND)]
    before = Counter(emulator.counters.requests)
    details = await client.webhooks.details(outcome.task_id)  # it reads
    with pytest.raises(Unreachable) as caught:
        await client.webhooks.resend(details)  # each time it is POSTed once more
    assert caught.value.fate is Fate.NO_ORDER
    requests = emulator.counters.requests - before
    assert (requests[DETAIL], requests[RESEND]) == (2, 1)


async def test_without_an_address_no_order_carries_one(
    make_client: MakeClient, emulator: Emulator
) -> None:
    await make_client().run(paint())
    assert addresses(emulator) == []


async def test_forged_late_huge_and_unknown_deliveries_change_nothing(
    client: Client, ear: Ear, emulator: Emulator
) -> None:
    emulator.hold_at = "9"
    job = asyncio.ensure_future(client.run(paint()))
    await until(lambda: addresses(emulator))
    await until(lambda: emulator.tasks)
    (address,) = addresses(emulator)
    (task_id,) = emulator.tasks
    forged = [
        (f"{ear.url}/webhook/{'x' * 43}", delivery(task_id), 404),
        (f"{ear.url}/webhook/", delivery(task_id), 404),
        (f"{ear.url}/prompt", delivery(task_id), 404),
        (address + "/more", delivery(task_id), 404),
        (address, delivery("1900000000000000999"), 404),
        (address, "no JSON", 400),
        (address, b"\xff\x00" * 100, 400),
        (address, {"event": "TASK_BEGIN", "taskId": task_id, "eventData": "{}"}, 400),
        (address, b"x" * (BODY_LIMIT + 1), 413),
    ]
    await until(lambda: task_of_first(ear) == task_id)
    answers = [await post(url, body) for url, body, _ in forged]
    heard, is_over = ear.heard(), job.done()
    emulator.hold_at = None
    assert answers == [status for _, _, status in forged]
    assert (heard, is_over, ear.task_ids) == ({1: False}, False, [])

    outcome = await job
    assert all("evil.example" not in result.url for result in outcome.results)
    await until(lambda: ear.task_ids)

    requests = dict(emulator.counters.requests)
    for _ in range(3):  # late and repeated
        assert await post(address, delivery(task_id)) == 200
    assert ear.task_ids == [task_id]
    assert dict(emulator.counters.requests) == requests


def task_of_first(ear: Ear) -> str | None:
    """The task of the first order, once the journal knows it."""
    store = Store.open(ear.folder)
    try:
        row = store.order(1)
        return None if row is None else row.task_id
    finally:
        store.close()


async def test_a_lying_delivery_with_the_right_address_ends_nothing(
    client: Client, ear: Ear, emulator: Emulator
) -> None:
    emulator.hold_at = "9"
    job = asyncio.ensure_future(client.run(paint()))
    await until(lambda: addresses(emulator) and emulator.tasks)
    (task_id,) = emulator.tasks
    assert await post(addresses(emulator)[0], delivery(task_id)) == 200
    await until(lambda: ear.task_ids)
    requests = emulator.counters.requests["/openapi/v2/query"]
    await until(lambda: emulator.counters.requests["/openapi/v2/query"] > requests)
    assert not job.done()

    emulator.hold_at = None
    outcome = await job
    assert all("evil.example" not in result.url for result in outcome.results)


async def test_get_says_nothing(ear: Ear) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/webhook/x", "/webhook"):
            async with session.get(ear.url + path) as answer:
                assert answer.status in (404, 405)
                assert "aiohttp" not in answer.headers.get("Server", "")


async def test_a_setting_lets_the_client_listen_itself(
    make_client: MakeClient, tmp_path: Path, free_port: int, emulator: Emulator
) -> None:
    client = make_client(
        RUNNINGHUB_WEBHOOK_URL=f"http://127.0.0.1:{free_port}",
        RUNNINGHUB_WEBHOOK_PORT=str(free_port),
    )
    await client.run(paint())
    ear = Ear(tmp_path / "state", free_port)
    await until(lambda: ear.heard() == {1: True})
    second = make_client(RUNNINGHUB_WEBHOOK_PORT=str(free_port))
    await second.run(paint("a dog"))  # the port is taken: it goes without
    await client.close()
    assert not (tmp_path / "state" / "webhooks.alive").exists()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_port_that_is_taken_is_told(ear: Ear, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Choose another"):
        async with listening(tmp_path / "other", ear.port):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "http://tunnel.example",
        "https://",
        "tunnel.example",
        "https://tunnel.example/?a=b",
        "https://tunnel.example/#a",
        "https://user@tunnel.example",
        "https://tunnel.example:8188",
        "https://tunnel.example:0",
        "https://tunnel.example:999999",
        "https://tun nel.example",
        "ftp://tunnel.example",
        "https://" + "a" * 400,
    ],
)
def test_an_address_that_cannot_work_or_leads_to_comfyui_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        Settings.from_mapping({"RUNNINGHUB_WEBHOOK_URL": url})


@pytest.mark.parametrize("port", ["8188", "-1", "65536", "x", "1.5"])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    with pytest.raises(BadInput):
        Settings.from_mapping({"RUNNINGHUB_WEBHOOK_PORT": port})


def test_an_address_is_read_without_its_last_slash() -> None:
    settings = Settings.from_mapping({"RUNNINGHUB_WEBHOOK_URL": " https://a.example/rh/ "})
    assert (settings.webhook_url, settings.webhook_port) == ("https://a.example/rh", 0)
