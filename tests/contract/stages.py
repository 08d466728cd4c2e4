"""What the emulator has to be like before it gives each recorded answer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp

from rh_api.emulator import Account, Emulator, Fault
from rh_api.emulator.catalog import App, Module
from rh_api.emulator.tasks.webhooks import Webhook
from tests.contract.recorded import load

KEY = "fakekey0fakekey0fakekey0fakekey0"
BEARER = {"Authorization": f"Bearer {KEY}"}
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
    "webhook_detail",
    "webhook_retry",
    "api_key_list",
    "run_v2",
    "quick_create_run",
    "quick_create_model_params",
    "native_prompt",
    "native_history",
    "native_queue",
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
        body = {"apiKey": KEY, **body}
        async with self.session.post(path, json=body, headers=BEARER) as answer:
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


def delivered(name: str) -> Stage:
    """A webhook that went as a recorded one did; what is sent again goes nowhere, at once."""
    (sample,) = (sample for sample in load("webhook_detail") if sample["name"] == name)
    data = sample["response"]["json"]["data"]
    webhook = Webhook(
        id=data["id"],
        key=KEY,
        task_id=data["taskId"],
        url=data["webhookUrl"],
        event_data=data["eventData"],
        status=data["callbackStatus"],
        response=data["callbackResponse"],
        retries=data["retryCount"],
        created=data["createTime"],
        updated=data["updateTime"],
    )

    async def stage(world: World) -> None:
        world.emulator.webhook_retry_seconds = 0
        world.emulator.webhooks[webhook.id] = webhook

    return stage


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


async def without_account(world: World) -> None:
    del world.emulator.accounts[KEY]


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
    world.emulator.variants = ("storage_fields",)
    task = await world.finish()
    task.coins, task.money, task.third_party_money = None, Decimal("0.12"), Decimal("0.05")


async def third_party_usage(world: World) -> None:
    world.emulator.outputs_node_id, world.emulator.variants = False, ("usage_list",)
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
        for prepare in stages:
            await prepare(world)

    return stage


def published(name: str) -> Stage:
    """The app whose page is the recorded one."""

    async def stage(world: World) -> None:
        (sample,) = [sample for sample in load("ai_app_call_demo") if sample["name"] == name]
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


async def quick_module(world: World) -> None:
    """The recorded module, which takes one text."""
    graph = {
        "21": {"class_type": "PrimitiveString", "inputs": {"value": "a caption"}},
        "9": {"class_type": "PreviewAny", "inputs": {"source": ["21", 0]}},
    }
    (sample, *_) = load("quick_create_run")
    emulator = world.emulator
    emulator.modules[APP] = Module(
        APP, "002", "", emulator.add_workflow(graph), sample["request"]["json"]["nodeInfoList"]
    )


async def quick_styles(world: World) -> None:
    (sample,) = load("quick_create_model_params")
    styles = sample["response"]["json"]["data"]
    world.emulator.modules[APP] = Module(APP, "002", "", TEXT_TO_IMAGE, [], styles)


async def two_queued(world: World) -> None:
    await account(kind="SHARED", money=Decimal("128.50"), currency="CNY", coins=0, limit=30)(world)
    await knobs(queue_seconds=60, foreign_tasks=5)(world)
    await world.start()
    await world.start()


PROMPT_ID = "0f0e0d0c-0b0a-4908-8706-050403020100"
SAVING = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


def prompted(graph: Any = SAVING, *, ends: bool = True, **values: Any) -> Stage:
    """The recorded prompt of the native route; `ends`: and what came of it."""

    async def stage(world: World) -> None:
        started = {"run_seconds": 0.0 if ends else 60.0}
        await knobs(**{**started, **values})(world)
        body = {"prompt": graph, "client_id": PROMPT_ID, "prompt_id": PROMPT_ID}
        async with world.session.post(f"/proxy/{KEY}/prompt", json=body) as answer:
            assert (await answer.json())["prompt_id"] == PROMPT_ID
        (task,) = world.emulator.tasks.values()
        if ends and task.runner:
            await task.runner

    return stage


async def interrupted(world: World) -> None:
    await prompted(ends=False, hold_at="1", native_failure="told")(world)
    (task,) = world.emulator.tasks.values()
    while task.progress.current != "1":  # noqa: ASYNC110 - the emulator has no event for it
        await asyncio.sleep(0.001)
    async with world.session.post(
        f"/proxy/{KEY}/interrupt", json={"prompt_id": PROMPT_ID}
    ) as answer:
        assert answer.status == 200


MEMORY = {
    "node_id": "9",
    "exception_type": "RuntimeError",
    "exception_message": "out of memory",
    "current_inputs": "{}",
}
TEXTED = {
    "21": {"class_type": "PrimitiveString", "inputs": {"value": "a caption"}},
    "22": {"class_type": "PreviewAny", "inputs": {"source": ["21", 0]}},
}


CREATE, OUTPUTS, QUERY = "/task/openapi/create", "/task/openapi/outputs", "/openapi/v2/query"
RUN_APP = "/task/openapi/ai-app/run"
UPLOAD, OLD_UPLOAD = "/openapi/v2/media/upload/binary", "/task/openapi/upload"

STAGES: dict[tuple[str, str], Stage] = {
    ("create", "advanced with nodeInfoList, queued (netWssUrl null)"): knobs(queue_seconds=60),
    ("create", "body-only key, no Bearer header"): knobs(strict=False),
    ("create", "taskId returned as number"): knobs(variants=("numeric_ids",)),
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
    ("create", "error 1520 TASK_USER_CONCURRENT_LIMIT"): code(CREATE, 1520),
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
    ("upload", "success, msg instead of message"): knobs(variants=("upload_msg",)),
    ("upload", "success, EN page shape (code 200, filename)"): knobs(variants=("upload_en",)),
    ("upload", "too large"): knobs(upload_limit=1000),
    ("upload", "too large, older code"): code(UPLOAD, 809),
    ("upload", "too large at HTTP level"): fault(UPLOAD, "html", value=413),
    ("old_upload", "success"): knobs(strict=False),
    ("old_upload", "success zip gives bare hash"): knobs(strict=False),
    ("old_upload", "over 30 MB"): knobs(old_upload_limit=1000, strict=False),
    ("old_upload", "storage failure"): code(OLD_UPLOAD, 808),
    ("lora_url", "md5 already known, no url"): known_lora,
    ("lora_put", "success"): presigned(),
    ("lora_put", "expired signature"): presigned(sign_seconds=-60),
    ("account_status", "shared key"): account(
        kind="SHARED", money=Decimal("128.50"), currency="CNY", coins=0
    ),
    ("account_status", "integers as in the schema"): knobs(
        variants=("account_numbers",), foreign_tasks=1
    ),
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
    ("ai_app_call_demo", "older answer, an address alone"): knobs(variants=("app_address",)),
    ("webhook_detail", "delivery failed"): delivered("delivery failed"),
    ("webhook_detail", "delivered"): delivered("delivered"),
    ("webhook_retry", "success"): delivered("delivery failed"),
    ("run_v2", "AI app, waits, 48 GB"): picture_app(knobs(queue_seconds=60)),
    ("run_v2", "enterprise balance used up"): code("/openapi/v2/run/workflow/", 812),
    ("quick_create_run", "success"): quick_module,
    ("quick_create_run", "an entry that the module does not have"): quick_module,
    ("quick_create_model_params", "success"): quick_styles,
    ("queue_status", "consumer"): account(limit=2),
    ("queue_status", "dedicated, with its machines"): account(kind="EXCLUSIVE", limit=2),
    ("native_prompt", "refused by ComfyUI"): knobs(native_invalid="400"),
    ("native_prompt", "wrong key"): without_account,
    ("native_prompt", "no coins"): account(coins=0),
    ("native_history", "success"): prompted(),
    ("native_history", "a text"): prompted(TEXTED),
    ("native_history", "failed"): prompted(native_failure="told", fail_next=MEMORY),
    ("native_history", "failed, without a word"): prompted(fail_next=MEMORY),
    ("native_history", "interrupted"): interrupted,
    ("native_queue", "one runs"): prompted(ends=False),
    ("native_queue", "one waits"): prompted(ends=False, queue_seconds=60),
    ("queue_status", "shared"): two_queued,
}
"""How the emulator is brought to a recorded reply; what is not named needs nothing."""

ALSO: dict[tuple[str, str], Stage] = {
    ("account_status", "shared key"): knobs(foreign_tasks=3),
    ("queue_status", "consumer"): knobs(foreign_tasks=1),
    # Recorded by one route alone: of the order by the other nothing is known.
    ("outputs", "success several files, same cost repeated"): knobs(strict=False),
}
"""A second step for some."""


def failed_as(**turned: Any) -> Stage:
    async def stage(world: World) -> None:
        await knobs(**turned)(world)
        await failed()(world)

    return stage


STAGES["query", "failed in a node"] = failed_as(failed_code="805")
STAGES["query", "failed, traceback as list"] = failed_as(variants=("traceback_list",))

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Recorded exchanges that the emulator does not answer, with the reason."""
