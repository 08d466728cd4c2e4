"""A task's life, as knobs make it, seen through each generation of the API and the socket."""

from __future__ import annotations

import asyncio
import itertools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from rh_api.emulator import Account

if TYPE_CHECKING:
    from conftest import Remote

TEXT_TO_IMAGE = "1900000000000000101"
TEXT_OUT = "1900000000000000107"
STATUS = "/task/openapi/status"


async def states(remote: Remote, task_id: str) -> tuple[Any, Any, Any]:
    """(status, outputs' code, query's status)."""
    status = await remote.v1(STATUS, taskId=task_id)
    outputs = await remote.outputs(task_id)
    return status["data"], outputs["code"], (await remote.query(task_id))["status"]


@pytest.mark.parametrize(
    ("waiting", "shown"),
    [
        ("create_seconds", ("QUEUED", 0, "CREATE")),
        ("queue_seconds", ("QUEUED", 813, "QUEUED")),
        ("run_seconds", ("RUNNING", 804, "RUNNING")),
    ],
)
async def test_each_generation_has_its_word_for_a_state(
    remote: Remote, waiting: str, shown: tuple[Any, Any, Any]
) -> None:
    setattr(remote.emulator, waiting, 60)
    data = (await remote.create())["data"]

    assert data["taskStatus"] == shown[2]
    assert (data["netWssUrl"] is None) == (shown[0] == "QUEUED")
    assert await states(remote, data["taskId"]) == shown


async def test_a_task_goes_from_state_to_state_in_its_time(remote: Remote) -> None:
    emulator = remote.emulator
    emulator.create_seconds, emulator.queue_seconds, emulator.run_seconds = 0.1, 0.1, 0.1
    created = await remote.create(TEXT_OUT)
    task = emulator.tasks[created["data"]["taskId"]]
    statuses = [created["data"]["taskStatus"]]
    while statuses[-1] != "SUCCESS":
        now = (await remote.query(task.id))["status"]
        statuses += [now] if now != statuses[-1] else []

    assert statuses == ["CREATE", "QUEUED", "RUNNING", "SUCCESS"]
    assert task.started - task.created >= 0.2
    assert task.ended - task.started >= 0.1
    assert await states(remote, task.id) == ("SUCCESS", 0, "SUCCESS")


async def test_ids_have_19_digits_and_differ_between_emulators(remote: Remote) -> None:
    first = remote.emulator.next_id()
    later = type(remote.emulator)().next_id()

    assert (len(first), len(later)) == (19, 19)
    assert first != later
    assert int(first) > 2**53


async def test_cancelling_stops_a_running_task_and_bills_its_time(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    task_id = (await remote.create())["data"]["taskId"]

    reply = await remote.v1("/task/openapi/cancel", taskId=task_id)

    assert reply == {"code": 0, "msg": "success", "data": None}
    assert await states(remote, task_id) == ("FAILED", 805, "CANCEL")
    assert (await remote.query(task_id))["usage"]["consumeCoins"] == "1"
    assert remote.emulator.counters.cancels == 1
    assert await remote.v1("/task/openapi/cancel", taskId=task_id) == reply


async def test_cancelling_a_queued_task_costs_nothing(remote: Remote) -> None:
    remote.emulator.queue_seconds = 60
    task_id = (await remote.create())["data"]["taskId"]

    await remote.v1("/task/openapi/cancel", taskId=task_id)

    assert await states(remote, task_id) == ("FAILED", 805, "CANCEL")
    assert remote.emulator.account.coins == 76600


async def test_a_finished_task_stays_finished_when_cancelled(remote: Remote) -> None:
    created = await remote.create()
    await remote.finished(created)
    task_id = created["data"]["taskId"]

    await remote.v1("/task/openapi/cancel", taskId=task_id)

    assert await states(remote, task_id) == ("SUCCESS", 0, "SUCCESS")


async def test_slots_are_shared_with_foreign_tasks_and_freed_at_the_end(remote: Remote) -> None:
    emulator = remote.emulator
    emulator.account.limit, emulator.foreign_tasks, emulator.run_seconds = 3, 2, 0.2
    first = await remote.create()
    second = await remote.create()
    await remote.finished(first)
    third = await remote.create()

    assert [reply["code"] for reply in (first, second, third)] == [0, 421, 0]
    async with remote.session.get("/openapi/v2/queue/status", headers=remote.bearer) as answer:
        data = (await answer.json())["data"]
    assert data == {
        "apiKeyType": "NORMAL",
        "concurrentLimit": 3,
        "runningCount": "3",
        "queuedCount": "0",
        "totalCurrentTasks": "3",
    }


async def test_over_the_limit_tasks_can_be_queued_one_after_the_other(remote: Remote) -> None:
    emulator = remote.emulator
    emulator.account.limit, emulator.queue_when_full, emulator.run_seconds = 1, True, 0.05
    emulator.hold_at = "21"  # none ends while the others are ordered

    created = [await remote.create(TEXT_OUT) for _ in range(8)]
    emulator.hold_at = None
    for reply in created:
        await remote.finished(reply)

    tasks = list(emulator.tasks.values())
    assert [reply["data"]["taskStatus"] for reply in created] == ["RUNNING", *["QUEUED"] * 7]
    assert all(later.started >= earlier.ended for earlier, later in itertools.pairwise(tasks))


async def test_coins_and_money_are_taken(remote: Remote) -> None:
    first = await remote.finished(await remote.create(TEXT_OUT, instanceType="plus"))
    remote.emulator.accounts[remote.key] = Account(kind="SHARED", money=Decimal(5), coins=0)
    second = await remote.finished(await remote.create(TEXT_OUT))

    assert first["usage"]["consumeCoins"] == "1"
    assert second["usage"]["consumeMoney"] == "0.002"
    assert remote.emulator.account.money == Decimal("4.998")


async def test_a_failed_task_is_billed(remote: Remote) -> None:
    remote.emulator.fail_next = {"node_id": "9"}

    assert (await remote.finished(await remote.create()))["usage"]["consumeCoins"] == "1"


async def test_failures_are_counted_down(remote: Remote) -> None:
    remote.emulator.fail_next = {"node_id": "3", "exception_message": "full", "count": 2}

    replies = [await remote.finished(await remote.create()) for _ in range(3)]

    assert [reply["status"] for reply in replies] == ["FAILED", "FAILED", "SUCCESS"]
    reason = replies[0]["failedReason"]
    assert (reason["node_id"], reason["node_name"], reason["exception_message"]) == (
        "3",
        "KSampler",
        "full",
    )


async def test_a_failure_may_have_no_node(remote: Remote) -> None:
    remote.emulator.fail_next = {"error_code": 1501, "error_message": "Content"}

    reply = await remote.finished(await remote.create())

    assert (reply["status"], reply["errorCode"], reply["failedReason"]) == ("FAILED", "1501", {})


async def test_results_lag_behind_the_status(remote: Remote) -> None:
    remote.emulator.result_lag = 60
    created = await remote.create(TEXT_OUT)
    await remote.finished(created)

    assert await states(remote, created["data"]["taskId"]) == ("SUCCESS", 804, "RUNNING")
    remote.emulator.result_lag = 0
    assert await states(remote, created["data"]["taskId"]) == ("SUCCESS", 0, "SUCCESS")


async def test_results_expire(remote: Remote) -> None:
    remote.emulator.result_ttl = -1
    created = await remote.create()
    reply = await remote.finished(created)

    status, body = await remote.get(reply["results"][0]["url"])

    assert (status, b"NoSuchKey" in body) == (404, True)


async def test_result_addresses_can_be_anywhere(remote: Remote) -> None:
    remote.emulator.result_base = "https://elsewhere.example.com"

    reply = await remote.finished(await remote.create())

    assert reply["results"][0]["url"].startswith("https://elsewhere.example.com/results/")


async def test_texts_are_files_or_results_without_one(remote: Remote) -> None:
    created = await remote.create(TEXT_OUT)
    shown, saved = (await remote.finished(created))["results"]
    [item] = (await remote.outputs(created["data"]["taskId"]))["data"]

    assert (shown["url"], shown["nodeId"], shown["text"]) == (None, "22", "a caption")
    assert (saved["nodeId"], saved["outputType"], saved["text"]) == ("23", "txt", None)
    assert await remote.get(saved["url"]) == (200, b"a caption")
    assert item["fileUrl"] == saved["url"]


async def test_a_result_may_name_no_node(remote: Remote) -> None:
    remote.emulator.outputs_node_id = False
    created = await remote.create()

    [result] = (await remote.finished(created))["results"]
    [item] = (await remote.outputs(created["data"]["taskId"]))["data"]

    assert set(result) == {"url", "outputType", "text"}
    assert "nodeId" not in item
    assert item["fileUrl"] == result["url"]


async def test_latency_comes_before_each_answer(remote: Remote) -> None:
    remote.emulator.latency = 0.1
    begun = remote.emulator.clock()

    await remote.query("1")

    assert remote.emulator.clock() - begun >= 0.1


# Sockets


async def listen(remote: Remote, url: str) -> tuple[list[dict[str, Any]], int | None]:
    async with remote.session.ws_connect(url) as socket:
        frames = [
            json.loads(message.data)
            async for message in socket
            if message.type is aiohttp.WSMsgType.TEXT and message.data.startswith("{")
        ]
        return frames, socket.close_code


async def test_a_held_task_stays_at_a_node_until_it_is_let_go(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.hold_at = 0, "3"
    created = await remote.create()
    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            news = json.loads(message.data)
            if news["type"] == "progress" and news["data"]["value"] == news["data"]["max"]:
                # A node later it would be over: it has no time to run.
                assert (await states(remote, created["data"]["taskId"]))[2] == "RUNNING"
                remote.emulator.hold_at = None
    assert (await remote.finished(created))["status"] == "SUCCESS"


async def test_a_refused_socket_does_not_stop_the_task(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket = 0.2, "refused"
    created = await remote.create()

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await remote.session.ws_connect(created["data"]["netWssUrl"])

    assert refused.value.status == 403
    assert (await remote.finished(created))["status"] == "SUCCESS"


async def test_a_socket_is_told_in_outputs_when_create_did_not(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    remote.emulator.socket = "late"
    created = await remote.create()
    outputs = await remote.outputs(created["data"]["taskId"])

    assert created["data"]["netWssUrl"] is None
    assert "clientId=" in outputs["data"]["netWssUrl"]


async def test_a_socket_may_be_somebody_else_s(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket = 60, "foreign"
    remote.emulator.foreign_socket_url = "ws://socket.example.com/{client_id}"

    data = (await remote.create())["data"]

    assert data["netWssUrl"] == f"ws://socket.example.com/{data['clientId']}"


async def test_a_silent_socket_is_open_and_says_nothing(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket = 0.05, "silent"
    created = await remote.create()

    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        await remote.finished(created)
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.2)

    assert remote.emulator.counters.sockets == 1


async def test_a_lying_socket_ends_before_the_task_does(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket = 0.3, "lying"
    created = await remote.create()
    frames, _ = await listen(remote, created["data"]["netWssUrl"])
    task = remote.emulator.tasks[created["data"]["taskId"]]

    ends = [
        place
        for place, frame in enumerate(frames)
        if frame["type"] == "execution_success"
        and frame["data"]["prompt_id"] == task.prompt_id
        and "node" not in frame["data"]
    ]
    begins = [place for place, frame in enumerate(frames) if frame["type"] == "execution_start"]

    assert len(ends) == 2
    assert ends[0] < begins[0] < ends[1]


async def test_a_preview_is_a_binary_frame_with_a_jpeg(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket_replay = 0.3, True
    created = await remote.create()

    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        frames = [frame.data async for frame in socket if frame.type is aiohttp.WSMsgType.BINARY]

    assert [frame[:10] for frame in frames] == [b"\0\0\0\1\0\0\0\1\xff\xd8"]


async def test_who_comes_late_is_told_the_current_node(remote: Remote) -> None:
    remote.emulator.run_seconds = 2
    created = await remote.create()
    url = created["data"]["netWssUrl"]
    async with remote.session.ws_connect(url) as early:
        async for message in early:
            if '"node": "3"' in str(message.data):
                break
        async with remote.session.ws_connect(url) as late:
            news = [json.loads((await late.receive()).data) for _ in range(2)]

    assert [frame["type"] for frame in news] == ["status", "executing"]
    assert news[1]["data"]["node"] == "3"


async def test_progress_is_spread_over_the_run(remote: Remote) -> None:
    remote.emulator.run_seconds, remote.emulator.socket_replay = 0.6, True
    created = await remote.create()
    times: dict[str, float] = {}
    async with remote.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                times[json.loads(message.data)["type"]] = remote.emulator.clock()

    task = remote.emulator.tasks[created["data"]["taskId"]]
    assert task.started < times["progress"] < times["execution_success"]
    assert times["execution_success"] - task.started >= 0.6


# Webhooks


@pytest.fixture
async def receiver():
    """A webhook receiver whose first answers are those in ``answers``, then 200."""
    received: list[Any] = []
    answers: list[int] = []

    async def hook(request: web.Request) -> web.Response:
        received.append(await request.json())
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    yield f"http://{host}:{port}/hook", received, answers
    await runner.cleanup()


async def delivered(remote: Remote, task_id: str) -> Any:
    while True:
        reply = await remote.v1("/task/openapi/getWebhookDetail", taskId=task_id)
        if reply["code"] == 0 and reply["data"]["callbackStatus"] == "SUCCESS":
            return reply["data"]


async def test_a_webhook_is_told_the_end_as_text(remote: Remote, receiver: Any) -> None:
    url, received, answers = receiver
    answers.append(500)
    remote.emulator.webhook_retry_seconds = 0
    created = await remote.create(webhookUrl=url)
    task_id = created["data"]["taskId"]

    detail = await delivered(remote, task_id)

    event = received[-1]
    assert (event["event"], event["taskId"]) == ("TASK_END", task_id)
    posted, polled = json.loads(event["eventData"]), await remote.outputs(task_id)
    # The one figure that is a number there.
    assert posted["data"][0].pop("taskCostTime") == int(polled["data"][0].pop("taskCostTime"))
    assert posted == polled
    assert (len(received), detail["retryCount"]) == (2, 1)
    assert detail["userApiKey"] == "emul****mula"


async def test_a_webhook_of_a_newer_route_gets_an_object(remote: Remote, receiver: Any) -> None:
    url, received, _ = receiver
    path = f"/openapi/v2/run/workflow/{TEXT_TO_IMAGE}"
    reply = await remote.post(path, {"webhookUrl": url}, **remote.bearer)

    await delivered(remote, reply["taskId"])

    assert received[0]["eventData"] == await remote.query(reply["taskId"])


@pytest.mark.parametrize(
    "path", ["/task/openapi/create", f"/openapi/v2/run/workflow/{TEXT_TO_IMAGE}"]
)
async def test_a_webhook_tells_an_end_that_polls_do_not_see_yet(
    remote: Remote, receiver: Any, path: str
) -> None:
    url, received, _ = receiver
    remote.emulator.result_lag = 60
    body = {"apiKey": remote.key, "workflowId": TEXT_TO_IMAGE, "webhookUrl": url}
    reply = await remote.post(path, body, **remote.bearer)
    task_id = (reply.get("data") or reply)["taskId"]

    await asyncio.wait_for(delivered(remote, task_id), 5)

    told = received[0]["eventData"]
    told = told if isinstance(told, dict) else json.loads(told)
    assert told["results"] if "results" in told else told["data"]
    assert (await remote.query(task_id))["status"] == "RUNNING"


async def test_a_webhook_can_be_sent_again_elsewhere(remote: Remote, receiver: Any) -> None:
    url, received, _ = receiver
    remote.emulator.webhook_retry_seconds = 0
    created = await remote.create(webhookUrl="http://127.0.0.1:9/")
    task_id = created["data"]["taskId"]
    await remote.finished(created)
    detail = (await remote.v1("/task/openapi/getWebhookDetail", taskId=task_id))["data"]

    await remote.v1("/task/openapi/retryWebhook", webhookId=detail["id"], webhookUrl=url)
    await delivered(remote, task_id)

    assert [event["taskId"] for event in received] == [task_id]
    assert (await remote.v1("/task/openapi/getWebhookDetail", taskId="1"))["code"] == 1
