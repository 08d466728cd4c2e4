"""The emulator answers each recorded request with the recorded reply.

A knob, a fault or a state brings it there. Ids, addresses, times and file names are masked.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rh_api.emulator import Account, Emulator, Fault
from rh_api.emulator.catalog import App

SAMPLES = Path(__file__).parent / "samples"
KEY = "fakekey0fakekey0fakekey0fakekey0"
TEXT_TO_IMAGE = "1900000000000000101"
RECORDED_TASK = "1900000000000000001"
UPLOAD_SIZE = 3490

FAMILIES = (
    "create",
    "workflow_json",
    "cancel",
    "status",
    "outputs",
    "query",
    "upload",
    "old_upload",
    "lora_url",
    "lora_put",
    "account_status",
    "queue_status",
    "ai_app_run",
    "ai_app_call_demo",
    "v2_resource_list",
)

Stage = Callable[["World"], Awaitable[None]]


class World:
    """An emulator, a client, and what the recorded request's ids stand for here."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session
        self.ids: dict[str, str] = {}
        self.query_string: str | None = None

    async def post(self, path: str, **body: Any) -> Any:
        async with self.session.post(path, json={"apiKey": KEY, **body}) as answer:
            return await answer.json()

    async def start(self, workflow_id: str = TEXT_TO_IMAGE) -> Any:
        """Start a task that stands for the recorded one."""
        reply = await self.post("/task/openapi/create", workflowId=workflow_id)
        self.ids[RECORDED_TASK] = reply["data"]["taskId"]
        return self.emulator.tasks[reply["data"]["taskId"]]

    async def finish(self, workflow_id: str = TEXT_TO_IMAGE) -> Any:
        """The same, to its end, with the recorded cost."""
        self.emulator.run_seconds = 0
        task = await self.start(workflow_id)
        await task.runner
        task.started, task.coins = task.ended - 83, 17
        return task


@pytest.fixture
async def world():
    emulator = Emulator(run_seconds=60)
    emulator.accounts[KEY] = Account()
    async with emulator.serve() as base, aiohttp.ClientSession(base) as session:
        yield World(emulator, session)


def knobs(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        for name, value in values.items():
            setattr(world.emulator, name, value)

    return stage


def account(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        world.emulator.accounts[KEY] = Account(**values)

    return stage


def workflow(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        for name, value in values.items():
            setattr(world.emulator.workflows[TEXT_TO_IMAGE], name, value)

    return stage


def fault(path: str, kind: Any, **values: Any) -> Stage:
    async def stage(world: World) -> None:
        world.emulator.faults.append(Fault(path, kind, **values))

    return stage


def code(path: str, value: int, text: str = "") -> Stage:
    return fault(path, "code", value=value, text=text)


def running(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        await knobs(**values)(world)
        await world.start()

    return stage


def finished(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        await knobs(**values)(world)
        await world.finish()

    return stage


def failed(**failure: Any) -> Stage:
    async def stage(world: World) -> None:
        world.emulator.fail_next = {"node_id": "3", "current_inputs": "{}", **failure}
        task = await world.finish()
        task.coins = None

    return stage


async def nothing(_world: World) -> None:
    """The recorded request is answered so by a fresh emulator."""


async def missing_model(world: World) -> None:
    world.emulator.checkpoints = ()
    world.emulator.invalid_graph = "tips"


async def no_workflow(world: World) -> None:
    del world.emulator.workflows[TEXT_TO_IMAGE]


async def several_files(world: World) -> None:
    task = await world.finish()
    first = task.results[0]
    video = type(first)(
        "15",
        "mp4",
        world.emulator.store.put_result("Video_00001_klmno_1.mp4", b"", user="u", ttl=60),
    )
    task.results = [first, first, video]


async def picture_and_video(world: World) -> None:
    await several_files(world)
    del world.emulator.tasks[world.ids[RECORDED_TASK]].results[0]


async def money_and_storage(world: World) -> None:
    world.emulator.storage_fields = True
    task = await world.finish()
    task.coins, task.money, task.third_party_money = None, Decimal("0.12"), Decimal("0.05")


async def third_party_usage(world: World) -> None:
    world.emulator.outputs_node_id, world.emulator.usage_list = False, True
    task = await world.finish()
    task.coins, task.third_party_money = None, Decimal("0.14")
    task.results = [type(task.results[0])("9", "jpg", task.results[0].file)]


async def text_only(world: World) -> None:
    graph = {
        "21": {"class_type": "PrimitiveString", "inputs": {"value": "a caption"}},
        "22": {"class_type": "PreviewAny", "inputs": {"source": ["21", 0]}},
    }
    await world.finish(world.emulator.add_workflow(graph))


async def cancelled(world: World) -> None:
    task = await world.start()
    await world.post("/task/openapi/cancel", taskId=task.id)
    task.coins = None


async def known_lora(world: World) -> None:
    md5 = "0123456789abcdef0123456789abcdef"
    name = f"api-lora-cn/{md5}.safetensors"
    example = next(iter(world.emulator.loras.values()))
    world.emulator.loras[name] = dataclasses.replace(example, name=name, md5=md5)


def presigned(**values: Any) -> Stage:
    async def stage(world: World) -> None:
        await knobs(**values)(world)
        reply = await world.post(
            "/api/openapi/getLoraUploadUrl", loraName="my-style", md5Hex="0123456789abcdef" * 2
        )
        world.query_string = reply["data"]["url"].partition("?")[2]

    return stage


UPLOADED = "api/" + "a" * 64 + ".png"
APP = "1900000000000000201"


def picture_app(*stages: Stage) -> Stage:
    """The recorded app, which takes one picture that has been uploaded."""

    async def stage(world: World) -> None:
        emulator = world.emulator
        stored = emulator.store.put_upload(b"", "png", folder="api", ttl=60)
        emulator.uploads[UPLOADED] = stored
        graph = {
            "14": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
            "9": {
                "class_type": "SaveImage",
                "inputs": {"images": ["14", 0], "filename_prefix": "x"},
            },
        }
        field = {"nodeId": "14", "fieldName": "image", "fieldValue": "example.png"}
        emulator.apps[APP] = App(APP, "Example app", emulator.add_workflow(graph), [field])
        for one in stages:
            await one(world)

    return stage


def published(name: str) -> Stage:
    """The app whose page is the recorded one."""

    async def stage(world: World) -> None:
        (sample,) = [one for one in load("ai_app_call_demo") if one["name"] == name]
        data = sample["response"]["json"]["data"]
        page = ("covers", "tags", "statisticsInfo", "description", "descriptionEn")
        world.emulator.apps[APP] = App(
            APP,
            data["webappName"],
            TEXT_TO_IMAGE,
            data["nodeInfoList"],
            published={part: data[part] for part in page if part in data},
        )

    return stage


async def two_queued(world: World) -> None:
    await account(kind="SHARED", money=Decimal("128.50"), currency="CNY", coins=0, limit=30)(world)
    await knobs(queue_seconds=60, foreign_tasks=5)(world)
    await world.start()
    await world.start()


CREATE, OUTPUTS, QUERY = "/task/openapi/create", "/task/openapi/outputs", "/openapi/v2/query"
RUN_APP = "/task/openapi/ai-app/run"
UPLOAD, OLD_UPLOAD = "/openapi/v2/media/upload/binary", "/task/openapi/upload"

STAGES: dict[tuple[str, str], Stage] = {
    ("create", "advanced with nodeInfoList, queued (netWssUrl null)"): knobs(queue_seconds=60),
    ("create", "taskId returned as number"): knobs(numeric_ids=True),
    ("create", "inline graph with warm instance (shared key)"): account(
        kind="SHARED", money=Decimal(1)
    ),
    ("create", "accepted but promptTips shows node errors"): missing_model,
    ("create", "encrypted workflow"): workflow(password="fake-pass"),
    ("create", "submit with server fault, outcome unknown"): fault(CREATE, "html"),
    ("create", "success code without data"): fault(CREATE, "null_data"),
    ("create", "error 301 PARAMS_INVALID"): code(CREATE, 301),
    ("create", "error 380 WORKFLOW_NOT_EXISTS"): no_workflow,
    ("create", "error 412 TOKEN_INVALID"): code(CREATE, 412),
    ("create", "error 414 TASK_CREATE_FAILED_BY_NOT_ENOUGH_POWER_VALUE"): account(coins=0),
    ("create", "error 415 TASK_INSTANCE_MAXED"): account(kind="EXCLUSIVE", limit=0),
    ("create", "error 416 TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET"): account(
        coins=0, money=Decimal(0)
    ),
    ("create", "error 421 TASK_QUEUE_MAXED"): account(limit=0),
    ("create", "error 433 VALIDATE_PROMPT_FAILED"): knobs(checkpoints=()),
    ("create", "error 433 Your API balance is insufficient"): code(
        CREATE, 433, "Your API balance is insufficient"
    ),
    ("create", "error 435 TASK_USER_EXCLAPI_INSTANCE_NOT_FOUND"): account(
        kind="EXCLUSIVE", machine="plus"
    ),
    ("create", "error 436 TASK_USER_EXCLAPI_REQUIRED"): account(kind="EXCLUSIVE", subscribed=False),
    ("create", "error 500 UNKNOWN_ERROR"): code(CREATE, 500),
    ("create", "error 801 APIKEY_UNSUPPORTED_FREE_USER"): account(kind="FREE"),
    ("create", "error 802 APIKEY_UNAUTHORIZED"): account(enabled=False),
    ("create", "error 803 APIKEY_INVALID_NODE_INFO"): workflow(
        graph={"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}
    ),
    ("create", "error 806 APIKEY_USER_NOT_FOUND"): code(CREATE, 806),
    ("create", "error 810 WORKFLOW_NOT_SAVED_OR_NOT_RUNNING"): workflow(never_run=True),
    ("create", "error 811 CORPAPIKEY_INVALID"): account(kind="SHARED", enabled=False),
    ("create", "error 812 CORPAPIKEY_INSUFFICIENT_FUNDS"): account(kind="SHARED", money=Decimal(0)),
    ("create", "error 814 PERSONAL_QUEUE_COUNT_LIMIT"): code(CREATE, 814),
    ("create", "error 1520 TASK_USER_CONCURRENT_LIMIT"): knobs(foreign_tasks=99, limit_code=1520),
    ("cancel", "success"): running(),
    ("status", "QUEUED"): running(queue_seconds=60),
    ("status", "RUNNING"): running(),
    ("status", "SUCCESS"): finished(),
    ("status", "FAILED"): failed(),
    ("outputs", "queued"): running(queue_seconds=60),
    ("outputs", "running with socket"): running(),
    ("outputs", "running without socket"): running(socket="none"),
    ("outputs", "success one image"): finished(),
    ("outputs", "success several files, same cost repeated"): several_files,
    ("outputs", "success with money and storage fields"): money_and_storage,
    ("outputs", "finished with no output"): finished(no_outputs=True),
    ("outputs", "still starting (data null)"): running(create_seconds=60),
    ("outputs", "failed in a node"): failed(),
    ("outputs", "failed out of memory"): failed(
        exception_type="OutOfMemoryError",
        exception_message="Allocation on device 0 would exceed allowed memory. (out of memory)",
    ),
    ("outputs", "cancelled, no reason given"): cancelled,
    ("outputs", "purged task"): knobs(unknown_task_code=423),
    ("outputs", "server fault"): code(OUTPUTS, 500),
    ("outputs", "bad key"): account(enabled=False),
    ("query", "queued"): running(queue_seconds=60),
    ("query", "running"): running(),
    ("query", "created"): running(create_seconds=60),
    ("query", "success"): picture_and_video,
    ("query", "success with text output"): text_only,
    ("query", "success newer shape with sub-task usage"): third_party_usage,
    ("query", "failed in a node"): failed(),
    ("query", "failed by moderation"): failed(
        error_code=1501, error_message="Content verification failed"
    ),
    ("query", "failed, real people"): failed(
        error_code=1505, error_message="Photorealistic real people are prohibited"
    ),
    ("query", "failed, timed out"): failed(
        error_code=1006, error_message="Task execution timed out, please retry"
    ),
    ("query", "cancelled"): cancelled,
    ("query", "rate limited by HTTP"): fault(QUERY, "retry_after", value=1),
    ("upload", "success, msg instead of message"): knobs(upload_envelope="msg"),
    ("upload", "success, EN page shape (code 200, filename)"): knobs(upload_envelope="en"),
    ("upload", "too large"): knobs(upload_limit=1000),
    ("upload", "too large, older code"): code(UPLOAD, 809),
    ("upload", "too large at HTTP level"): fault(UPLOAD, "html", value=413),
    ("old_upload", "over 30 MB"): knobs(old_upload_limit=1000),
    ("old_upload", "storage failure"): code(OLD_UPLOAD, 808),
    ("lora_url", "md5 already known, no url"): known_lora,
    ("lora_put", "success"): presigned(),
    ("lora_put", "expired signature"): presigned(sign_seconds=-60),
    ("account_status", "shared key"): account(
        kind="SHARED", money=Decimal("128.50"), currency="CNY", coins=0
    ),
    ("account_status", "integers as in the schema"): knobs(account_numbers=True, foreign_tasks=1),
    ("account_status", "free user"): account(kind="FREE"),
    ("ai_app_run", "success"): picture_app(),
    ("ai_app_run", "queued, 48 GB, webhook"): picture_app(knobs(queue_seconds=60)),
    ("ai_app_run", "no coins"): picture_app(account(coins=0)),
    ("ai_app_run", "third-party balance too low"): code(
        RUN_APP, 433, "Your API balance is insufficient"
    ),
    ("ai_app_call_demo", "success, three fieldData dialects"): published(
        "success, three fieldData dialects"
    ),
    ("ai_app_call_demo", "switch, numbers and choices of classes, as live apps have them"): (
        published("switch, numbers and choices of classes, as live apps have them")
    ),
    ("ai_app_call_demo", "older answer, an address alone"): knobs(call_demo="address"),
    ("queue_status", "consumer"): account(limit=2),
    ("queue_status", "shared"): two_queued,
}
"""How the emulator is brought to a recorded reply; what is not named needs nothing."""

ALSO: dict[tuple[str, str], Stage] = {
    ("account_status", "shared key"): knobs(foreign_tasks=3),
    ("queue_status", "consumer"): knobs(foreign_tasks=1),
}
"""A second step for some."""


async def failed_with_list(world: World) -> None:
    await knobs(failed_code="1000", traceback_list=True)(world)
    await failed()(world)


STAGES["query", "failed, traceback as list"] = failed_with_list

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Recorded exchanges that the emulator does not answer, with the reason."""


def load(family: str) -> list[dict[str, Any]]:
    return json.loads((SAMPLES / f"{family}.json").read_text(encoding="utf-8"))


EXCHANGES = [(family, sample) for family in FAMILIES for sample in load(family)]


def test_every_exception_and_every_stage_is_a_recorded_exchange() -> None:
    recorded = {(family, sample["name"]) for family, sample in EXCHANGES}

    assert set(STAGES) | set(EXCEPTIONS) <= recorded
    assert not set(STAGES) & set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("family", "sample"),
    [pytest.param(*one, id=f"{one[0]}/{one[1]['name']}") for one in EXCHANGES],
)
async def test_the_emulator_gives_the_recorded_reply(
    world: World, family: str, sample: dict[str, Any]
) -> None:
    place = (family, sample["name"])
    assert place not in EXCEPTIONS
    await STAGES.get(place, nothing)(world)
    if place in ALSO:
        await ALSO[place](world)

    status, content_type, body = await send(world, sample["request"])

    recorded = sample["response"]
    assert status == recorded["status"]
    if "json" in recorded:
        assert masked(body) == masked(recorded["json"])
    else:
        assert content_type.startswith(recorded["headers"].get("Content-Type", ""))
        assert tags(body) == tags(recorded["text"])


async def send(world: World, recorded: dict[str, Any]) -> tuple[int, str, Any]:
    arguments: dict[str, Any] = {"headers": dict(recorded["headers"])}
    arguments["params"] = recorded.get("query")
    if "json" in recorded:
        text = json.dumps(recorded["json"])
        for there, here in world.ids.items():
            text = text.replace(f'"taskId": "{there}"', f'"taskId": "{here}"')
        arguments["data"] = text
        arguments["headers"].setdefault("Content-Type", "application/json")
    elif "multipart" in recorded:
        arguments["data"] = form(recorded["multipart"])
    elif "body" in recorded:
        arguments["data"] = b"lora"
    path = recorded["path"]
    if world.query_string:
        path += f"?{world.query_string}"
    async with world.session.request(recorded["method"], path, **arguments) as answer:
        if answer.content_type == "application/json":
            return answer.status, answer.content_type, await answer.json()
        return answer.status, answer.content_type, await answer.text()


def form(parts: dict[str, Any]) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, part in parts.items():
        if isinstance(part, str):
            data.add_field(name, part)
            continue
        content = base64.b64decode(part["bytes_base64"]).ljust(UPLOAD_SIZE, b"\0")
        data.add_field(name, content, filename=part["filename"], content_type=part["content_type"])
    return data


def tags(text: str) -> list[str]:
    """An answer that is no JSON, reduced to its first and last element."""
    found = re.findall(r"</?\w+>", text)
    return [found[0], found[-1]] if found else []


FREE_TEXT = ("details", "bucket", "objectKey", "curl")


def masked(value: Any, name: str = "") -> Any:
    """What differs from run to run replaced by its kind."""
    if name == "traceback":
        return f"<trace {type(value).__name__}>"
    if name == "timestamp":
        return "<stamp>"
    match value:
        case dict():
            return {key: masked(item, key) for key, item in value.items()}
        case list():
            return [masked(item) for item in value]
        case str():
            return "<text>" if name in FREE_TEXT else masked_text(value)
        case _:
            big = isinstance(value, int) and value > 10**14
            return "<id as number>" if big else value


def masked_text(value: str) -> Any:
    if value.startswith("{"):
        return masked(json.loads(value))
    if value.startswith("VALIDATE_PROMPT_FAILED: "):
        errors = json.loads(value.partition(" ")[2])["node_errors"]
        return {
            node: ([one["type"] for one in found["errors"]], found["class_type"])
            for node, found in errors.items()
        }
    if re.match(r"(https?|wss?)://", value):
        names = re.findall(r"[?&]([\w-]+)=", value)
        ending = value.partition("?")[0].rpartition("/")[2].rpartition(".")[2]
        return ["<address>", names or ending]
    value = re.sub(r"\b\d{15,}\b", "<id>", value)
    value = re.sub(r"\b[0-9a-f]{64}\b|\ba{64}\b", "<sha256>", value)
    value = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "<uuid>", value)
    value = re.sub(r"_[a-z]{5}_\d+\.", "_<mark>.", value)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hex>", value)


CODES = json.loads((SAMPLES / "error_codes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "sample",
    [pytest.param(one, id=str(one["code"])) for one in CODES if one["code"] not in (0, 200)],
)
async def test_the_emulator_says_each_error_code_in_the_envelope_of_its_path(
    world: World, sample: dict[str, Any]
) -> None:
    world.emulator.faults.append(Fault(sample["path"], "code", value=sample["code"]))

    async with world.session.post(
        sample["path"], json={"taskId": sample["reply"].get("taskId", "")}
    ) as answer:
        assert masked(await answer.json()) == masked(sample["reply"])


SEQUENCES = {one["name"]: one for one in load("sockets")}

SOCKET_EXCEPTIONS = {
    "execution_success carrying node, repeated node": (
        "a shape that one client tolerates; nobody recorded the service sending it, and the "
        "lying socket sends its frames one by one"
    ),
}


async def frames(
    world: World, task: Any, *, cancel_at: int | None = None
) -> tuple[list[Any], int | None]:
    """Text frames of a task's socket, and the code it was closed with.

    ``cancel_at`` is a value of the progress at which the task is cancelled.
    """
    reply = await world.post("/task/openapi/outputs", taskId=task.id)
    found: list[Any] = []
    async with world.session.ws_connect(reply["data"]["netWssUrl"]) as socket:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            found.append(json.loads(message.data))
            if found[-1]["data"].get("value") == cancel_at is not None:
                await world.post("/task/openapi/cancel", taskId=task.id)
        return found, socket.close_code


@pytest.fixture
async def warm(world: World) -> World:
    """A world whose workflow has run before, so that its model is loaded."""
    await world.finish()
    world.emulator.socket_replay = True
    return world


async def test_the_socket_tells_a_run_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 1
    task = await warm.start()

    told, close_code = await frames(warm, task)

    assert masked(told) == masked(SEQUENCES["normal success"]["messages"])
    assert close_code == 1000


async def test_the_socket_tells_a_failure_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 1
    warm.emulator.fail_next = {"node_id": "3"}
    task = await warm.start()

    told, close_code = await frames(warm, task)

    assert masked(told) == masked(SEQUENCES["node error"]["messages"])
    assert close_code == SEQUENCES["node error"]["close"]["code"]


async def test_the_socket_tells_a_cancel_as_recorded(warm: World) -> None:
    warm.emulator.run_seconds = 3
    task = await warm.start()

    told, _ = await frames(warm, task, cancel_at=5)

    assert masked(told) == masked(SEQUENCES["interrupted by cancel"]["messages"])


async def test_a_dying_socket_breaks_off_as_recorded(warm: World) -> None:
    recorded = SEQUENCES["socket drops mid-run, HTTP goes on"]
    warm.emulator.run_seconds, warm.emulator.socket = 1, "dying"
    warm.emulator.socket_dies_after = len(recorded["messages"])
    warm.emulator.previews = False
    task = await warm.start()

    told, close_code = await frames(warm, task)

    assert masked(told) == masked(recorded["messages"])
    assert close_code == recorded["close"]["code"]
    await task.runner
    assert task.status == "SUCCESS"


async def test_a_lying_socket_sends_the_recorded_noise(warm: World) -> None:
    recorded = SEQUENCES["noise frames to tolerate"]["messages"]
    warm.emulator.run_seconds, warm.emulator.socket = 1, "lying"
    warm.emulator.progress_state = True
    task = await warm.start()
    reply = await warm.post("/task/openapi/outputs", taskId=task.id)

    async with warm.session.ws_connect(reply["data"]["netWssUrl"]) as socket:
        sent = [message.data async for message in socket]

    assert base64.b64decode(recorded[0]["binary_base64"]) in sent
    assert recorded[1]["text"] in sent
    told = [json.loads(one) for one in sent if isinstance(one, str) and one.startswith("{")]
    assert json.loads(recorded[2]["text"]) in told
    states = [one for one in told if one["type"] == "progress_state"]
    state = states[0]["data"]["nodes"]["3"]
    assert set(state) == set(recorded[3]["data"]["nodes"]["3"])


def test_every_recorded_sequence_is_shown_or_excepted() -> None:
    shown = {
        "normal success",
        "node error",
        "interrupted by cancel",
        "socket drops mid-run, HTTP goes on",
        "noise frames to tolerate",
    }

    assert shown | set(SOCKET_EXCEPTIONS) == set(SEQUENCES)
