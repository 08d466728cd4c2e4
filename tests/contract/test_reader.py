"""Our calls ask what each recorded exchange asks, and read its answer as what it means."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rh_api import errors
from rh_api.errors import Fate, RunningHubError
from rh_api.wire import accounts, orders, tasks, uploads, webhooks, workflows
from rh_api.wire.accounts import Account, ApiKey, QueueStatus
from rh_api.wire.call import Auth, Call, Response
from rh_api.wire.orders import NodeInfo, TaskOptions
from rh_api.wire.socket import SocketNews, SocketReader
from rh_api.wire.tasks import Phase, RemoteResult, Report, Usage
from rh_api.wire.uploads import LoraSlot, Uploaded
from rh_api.wire.webhooks import Delivery
from tests.contract.recorded import SAMPLES, load

KEYS = ("fakekey0fakekey0fakekey0fakekey0", "badkey00badkey00badkey00badkey00")
TASK = "1900000000000000001"
SOCKET = (
    "wss://www.runninghub.cn:443/ws/c_instance?c_host=10.0.0.1&c_port=80"
    "&clientId=0123456789abcdef0123456789abcdef&workflowId=1900000000000000101"
    "&Rh-Comfy-Auth=eyJ1c2VySWQiOiJmYWtlLXVzZXIiLCJzaWduRXhwaXJlIjowLCJ0cyI6MCwic2lnbiI6ImZha2UifQ=="
)
PNG = "https://rh-images.example.com/fakeuser/output/ComfyUI_00001_abcde_1760000000.png"
PNG_2 = "https://rh-images.example.com/fakeuser/output/ComfyUI_00002_fghij_1760000000.png"
MP4 = "https://rh-images.example.com/fakeuser/output/Video_00001_klmno_1760000000.mp4"
UPLOAD_URL = f"https://rh-images.example.com/input/openapi/{'a' * 64}.png"


@dataclass(frozen=True)
class Fails:
    """An error: its class, what it says about the order, and the remote code."""

    kind: type[RunningHubError]
    fate: Fate
    code: int | None = None


def refused(kind: type[RunningHubError], code: int | None) -> Fails:
    return Fails(kind, Fate.NOT_STARTED, code)


def unknown(kind: type[RunningHubError], code: int | None = None) -> Fails:
    return Fails(kind, Fate.UNKNOWN, code)


def over(kind: type[RunningHubError], code: int | None) -> Fails:
    return Fails(kind, Fate.OVER, code)


@dataclass(frozen=True)
class Ended:
    """A report of a task that failed, or was cancelled."""

    phase: Phase
    error: Fails
    node_id: str | None = None
    words: tuple[str, ...] = ()
    """What a person must be able to read in the error."""


# What we would send


def create(body: dict[str, Any]) -> Call[Any]:
    return orders.create(
        body["workflowId"],
        tuple(
            NodeInfo(entry["nodeId"], entry["fieldName"], entry["fieldValue"])
            for entry in body.get("nodeInfoList", ())
        ),
        TaskOptions(
            instance=body.get("instanceType", "default"),
            add_metadata=body.get("addMetadata", True),
            personal_queue=body.get("usePersonalQueue", False),
            retain_seconds=body.get("retainSeconds"),
            webhook_url=body.get("webhookUrl"),
        ),
        graph=body.get("workflow"),
        access_password=body.get("accessPassword", ""),
    )


CALLS: dict[str, Callable[[dict[str, Any]], Call[Any]]] = {
    "create": create,
    "workflow_json": lambda body: workflows.workflow_json(body["workflowId"]),
    "cancel": lambda body: tasks.cancel(body["taskId"]),
    "status": lambda body: tasks.status(body["taskId"]),
    "outputs": lambda body: tasks.outputs(body["taskId"]),
    "query": lambda body: tasks.query(body["taskId"]),
    "lora_url": lambda body: uploads.lora_slot(body["loraName"], body["md5Hex"]),
    "account_status": lambda _: accounts.account_status(),
    "queue_status": lambda _: accounts.queue_status(),
    "webhook_detail": lambda body: webhooks.webhook_detail(body["taskId"]),
    "webhook_retry": lambda body: webhooks.resend_webhook(
        body["webhookId"], body.get("webhookUrl", "")
    ),
    "api_key_list": lambda _: accounts.api_key_list(),
}
UPLOADS = {"upload": uploads.UPLOAD_PATH, "old_upload": uploads.OLD_UPLOAD_PATH}

# In test_reader_apps.py.
APPS_AND_LISTS = {"ai_app_run", "ai_app_call_demo", "v2_resource_list"}

# In test_reader_models.py.
MODELS = {"model_create", "price_preview"}

# Read elsewhere: the PUT of a LoRA file has no body to read, its status decides.
NATIVE = {"native_prompt", "native_history", "native_queue"}
QUICK = {"quick_create_run", "quick_create_model_params", "run_v2"}
NOT_READ_HERE = {"lora_put", "error_codes", "sockets", *APPS_AND_LISTS, *MODELS, *QUICK, *NATIVE}

# Requests of other clients that we never send, and why.
NOT_SENT = {
    ("create", "inline graph plus nodeInfoList not in stored workflow"): "a graph goes alone",
    ("account_status", "key only in header / wrong field name"): "the field is apikey",
    ("status", "key in header only"): "the key goes into the body",
    ("status", "taskId zero"): "sent as a number",
    ("query", "bad id"): "an id of another shape",
    ("query", "no bearer falls back to old envelope"): "the key is always sent",
}

# The service's defaults: sent or left out, they are the same order.
DEFAULTS = {"addMetadata": True, "usePersonalQueue": False, "instanceType": "default"}


def without_defaults(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k not in DEFAULTS or v != DEFAULTS[k]}


# What the answers mean

STARTED = ("ticket", TASK, Phase.RUNNING, SOCKET, ("9",), ())
QUEUED = ("ticket", TASK, Phase.QUEUED, None, ("9",), ())
RUNNING = Report(Phase.RUNNING)
COINS = Usage(coins="17", seconds="83")
NO_COST = Usage()
NODE_FAILURE = ("3", ("KSampler", "RuntimeError", "example failure"))

DELIVERY = Delivery(
    id="1900000000000000301",
    task_id=TASK,
    url="https://plugin.example.com/rh/hook/0f3b",
    event="TASK_END",
    event_data=json.dumps(
        {
            "code": 0,
            "msg": "success",
            "data": [{"fileUrl": PNG, "fileType": "png", "taskCostTime": 0, "nodeId": "9"}],
        },
        separators=(",", ":"),
    ),
    state="FAILED",
    answer="I/O error: connect timed out",
    tries=3,
    created="2026-01-01T00:00:00",
    updated="2026-01-01T00:01:00",
)

EXPECTED: dict[tuple[str, str], object] = {
    ("create", "basic, starts at once"): STARTED,
    ("create", "advanced with nodeInfoList, queued (netWssUrl null)"): QUEUED,
    ("create", "body-only key, no Bearer header"): STARTED,
    ("create", "taskId returned as number"): STARTED,
    ("create", "inline graph"): STARTED,
    ("create", "inline graph with warm instance (shared key)"): STARTED,
    ("create", "encrypted workflow"): STARTED,
    ("create", "accepted but promptTips shows node errors"): (
        "ticket",
        TASK,
        Phase.FAILED,
        None,
        (),
        ("4",),
    ),
    ("create", "placeholder workflowId rejected"): refused(errors.Refused, 301),
    ("create", "inline graph plus nodeInfoList not in stored workflow"): refused(
        errors.NodeInfoRefused, 803
    ),
    ("create", "submit with server fault, outcome unknown"): unknown(errors.ServiceFault),
    ("create", "success code without data"): unknown(errors.BadReply),
    ("create", "error 301 PARAMS_INVALID"): refused(errors.Refused, 301),
    ("create", "error 380 WORKFLOW_NOT_EXISTS"): refused(errors.WorkflowNotFound, 380),
    ("create", "error 412 TOKEN_INVALID"): refused(errors.KeyRefused, 412),
    ("create", "error 414 TASK_CREATE_FAILED_BY_NOT_ENOUGH_POWER_VALUE"): refused(
        errors.NoBalance, 414
    ),
    ("create", "error 415 TASK_INSTANCE_MAXED"): refused(errors.QueueFull, 415),
    ("create", "error 416 TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET"): refused(errors.NoBalance, 416),
    ("create", "error 421 TASK_QUEUE_MAXED"): refused(errors.QueueFull, 421),
    ("create", "error 433 VALIDATE_PROMPT_FAILED"): refused(errors.GraphRejected, 433),
    ("create", "error 433 Your API balance is insufficient"): refused(errors.NoBalance, 433),
    ("create", "error 435 TASK_USER_EXCLAPI_INSTANCE_NOT_FOUND"): refused(
        errors.InstanceNotFound, 435
    ),
    ("create", "error 436 TASK_USER_EXCLAPI_REQUIRED"): refused(errors.PlanRefused, 436),
    ("create", "error 500 UNKNOWN_ERROR"): unknown(errors.ServiceFault, 500),
    ("create", "error 801 APIKEY_UNSUPPORTED_FREE_USER"): refused(errors.PlanRefused, 801),
    ("create", "error 802 APIKEY_UNAUTHORIZED"): refused(errors.KeyRefused, 802),
    ("create", "error 803 APIKEY_INVALID_NODE_INFO"): refused(errors.NodeInfoRefused, 803),
    ("create", "error 806 APIKEY_USER_NOT_FOUND"): refused(errors.KeyRefused, 806),
    ("create", "error 810 WORKFLOW_NOT_SAVED_OR_NOT_RUNNING"): refused(
        errors.WorkflowNeverRun, 810
    ),
    ("create", "error 811 CORPAPIKEY_INVALID"): refused(errors.KeyRefused, 811),
    ("create", "error 812 CORPAPIKEY_INSUFFICIENT_FUNDS"): refused(errors.NoBalance, 812),
    ("create", "error 814 PERSONAL_QUEUE_COUNT_LIMIT"): refused(errors.QueueFull, 814),
    ("create", "error 1520 TASK_USER_CONCURRENT_LIMIT"): refused(errors.QueueFull, 1520),
    ("workflow_json", "success (note upper-case msg, prompt is a string)"): (
        "graph",
        ("3", "4", "5", "6", "7", "8", "9"),
    ),
    ("workflow_json", "unknown workflow"): refused(errors.WorkflowNotFound, 380),
    ("workflow_json", "bad key"): refused(errors.KeyRefused, 802),
    ("cancel", "success"): None,
    ("cancel", "unknown task"): over(errors.TaskNotFound, 807),
    ("status", "QUEUED"): Phase.QUEUED,
    ("status", "RUNNING"): Phase.RUNNING,
    ("status", "SUCCESS"): Phase.SUCCESS,
    ("status", "FAILED"): Phase.FAILED,
    ("status", "taskId zero"): refused(errors.Refused, 301),
    ("status", "unknown task"): over(errors.TaskNotFound, 807),
    ("status", "key in header only"): refused(errors.Refused, 301),
    ("outputs", "queued"): Report(Phase.QUEUED),
    ("outputs", "running with socket"): Report(Phase.RUNNING, socket_url=SOCKET),
    ("outputs", "running without socket"): RUNNING,
    ("outputs", "success one image"): Report(
        Phase.SUCCESS, (RemoteResult(PNG, "9", "png"),), COINS
    ),
    ("outputs", "success several files, same cost repeated"): Report(
        Phase.SUCCESS,
        (
            RemoteResult(PNG, "9", "png"),
            RemoteResult(PNG_2, "9", "png"),
            RemoteResult(MP4, "15", "mp4"),
        ),
        COINS,
    ),
    ("outputs", "success with money and storage fields"): Report(
        Phase.SUCCESS,
        (RemoteResult(PNG, "9", "png"),),
        Usage(money="0.12", third_party_money="0.05", seconds="83"),
    ),
    ("outputs", "finished with no output"): Report(Phase.SUCCESS, ()),
    ("outputs", "still starting (data null)"): RUNNING,
    ("outputs", "failed in a node"): Ended(
        Phase.FAILED, over(errors.TaskFailed, 805), *NODE_FAILURE
    ),
    ("outputs", "failed out of memory"): Ended(
        Phase.FAILED,
        over(errors.TaskFailed, 805),
        "3",
        ("KSampler", "OutOfMemoryError", "Allocation on device 0"),
    ),
    ("outputs", "cancelled, no reason given"): Ended(Phase.FAILED, over(errors.TaskFailed, 805)),
    ("outputs", "unknown task"): over(errors.TaskNotFound, 807),
    ("outputs", "purged task"): over(errors.TaskNotFound, 423),
    ("outputs", "server fault"): unknown(errors.ServiceFault, 500),
    ("outputs", "bad key"): refused(errors.KeyRefused, 802),
    ("query", "queued"): Report(Phase.QUEUED, usage=NO_COST),
    ("query", "running"): Report(Phase.RUNNING, usage=NO_COST),
    ("query", "created"): Report(Phase.CREATED),
    ("query", "success"): Report(
        Phase.SUCCESS,
        (RemoteResult(PNG, "9", "png"), RemoteResult(MP4, "15", "mp4")),
        COINS,
    ),
    ("query", "success with text output"): Report(
        Phase.SUCCESS, (RemoteResult("", "22", "txt", "a caption"),), COINS
    ),
    ("query", "success newer shape with sub-task usage"): Report(
        Phase.SUCCESS,
        (RemoteResult(PNG, "", "jpg"),),
        Usage(third_party_money="0.14"),
    ),
    ("query", "failed in a node"): Ended(Phase.FAILED, over(errors.TaskFailed, 805), *NODE_FAILURE),
    ("query", "failed, traceback as list"): Ended(
        Phase.FAILED, over(errors.TaskFailed, 1000), *NODE_FAILURE
    ),
    ("query", "failed by moderation"): Ended(
        Phase.FAILED, over(errors.ContentRefused, 1501), words=("Content verification failed",)
    ),
    ("query", "failed, real people"): Ended(
        Phase.FAILED, over(errors.ContentRefused, 1505), words=("Photorealistic real people",)
    ),
    ("query", "failed, timed out"): Ended(
        Phase.FAILED, over(errors.TaskFailed, 1006), words=("Task execution timed out",)
    ),
    ("query", "cancelled"): Ended(Phase.CANCELLED, over(errors.TaskCancelled, None)),
    ("query", "task not found"): over(errors.TaskNotFound, 1004),
    ("query", "bad id"): refused(errors.Refused, 1007),
    ("query", "no bearer falls back to old envelope"): refused(errors.KeyRefused, 412),
    ("query", "rate limited by HTTP"): refused(errors.RateLimited, None),
    ("upload", "success, CN shape"): Uploaded(f"openapi/{'a' * 64}.png", UPLOAD_URL),
    ("upload", "success, msg instead of message"): Uploaded(f"openapi/{'a' * 64}.png", UPLOAD_URL),
    ("upload", "success, EN page shape (code 200, filename)"): Uploaded(
        f"openapi/{'a' * 64}.png", UPLOAD_URL
    ),
    ("upload", "bad key"): refused(errors.KeyRefused, 401),
    ("upload", "too large"): refused(errors.FileTooLarge, 1008),
    ("upload", "too large, older code"): refused(errors.FileTooLarge, 809),
    ("upload", "too large at HTTP level"): refused(errors.FileTooLarge, None),
    ("old_upload", "success"): Uploaded(f"api/{'a' * 64}.png"),
    ("old_upload", "success zip gives bare hash"): Uploaded("a" * 64),
    ("old_upload", "over 30 MB"): refused(errors.FileTooLarge, 809),
    ("old_upload", "storage failure"): refused(errors.UploadFailed, 808),
    ("lora_url", "new file"): LoraSlot(
        "api-lora-cn/0123456789abcdef0123456789abcdef.safetensors",
        "https://rh-models.example.com/api-lora-cn/0123456789abcdef0123456789abcdef.safetensors"
        "?q-sign-algorithm=sha1&q-ak=FAKEAK&q-sign-time=1760000000;1760003600"
        "&q-key-time=1760000000;1760003600&q-header-list=host&q-url-param-list="
        "&q-signature=fakesignature",
    ),
    ("lora_url", "md5 already known, no url"): LoraSlot(
        "api-lora-cn/0123456789abcdef0123456789abcdef.safetensors", None
    ),
    ("lora_url", "blank md5"): refused(errors.Refused, 301),
    ("account_status", "consumer key"): Account("76600", None, None, "NORMAL", 0),
    ("account_status", "shared key"): Account("0", "128.50", "CNY", "SHARED", 3),
    ("account_status", "integers as in the schema"): Account("76600", None, None, "", 1),
    ("account_status", "key only in header / wrong field name"): refused(errors.KeyRefused, 1601),
    ("account_status", "free user"): refused(errors.PlanRefused, 801),
    ("account_status", "bad key"): refused(errors.KeyRefused, 802),
    ("queue_status", "consumer"): QueueStatus(2, 1, 0, "NORMAL"),
    ("queue_status", "shared"): QueueStatus(30, 5, 2, "SHARED"),
    ("queue_status", "dedicated, with its machines"): QueueStatus(2, 0, 0, "EXCLUSIVE", 2),
    ("queue_status", "bad key"): refused(errors.KeyRefused, 412),
    ("webhook_detail", "delivery failed"): DELIVERY,
    ("webhook_detail", "delivered"): replace(
        DELIVERY, state="SUCCESS", answer='{"ok":true}', tries=0
    ),
    ("webhook_detail", "no webhook for task"): refused(errors.NotFound, 1),
    ("webhook_retry", "success"): None,
    ("webhook_retry", "unknown webhook id"): refused(errors.NotFound, 1),
    ("api_key_list", "success"): [
        ApiKey("fake****key0", "plugin", 1, "", "0", "", "2026-01-01T00:00:00")
    ],
}

EXCHANGES = [
    pytest.param(family, sample, id=f"{family}: {sample['name']}")
    for family in (*CALLS, *UPLOADS)
    for sample in load(family)
]


def reply_of(sample: dict[str, Any]) -> Response:
    reply = sample["response"]
    body = json.dumps(reply["json"]) if "json" in reply else reply["text"]
    headers = {name.lower(): value for name, value in reply["headers"].items()}
    return Response(reply["status"], body.encode(), headers)


def meaning(family: str, sample: dict[str, Any]) -> object:
    """What our reader makes of an exchange, in the words of the table."""
    body = sample["request"].get("json", {})
    read = uploads.read_upload if family in UPLOADS else CALLS[family](body).read
    try:
        value = read(reply_of(sample))
    except RunningHubError as error:
        return Fails(type(error), error.fate, error.code)
    if isinstance(value, orders.Ticket):
        tips = value.tips
        return (
            "ticket",
            value.task_id,
            value.phase,
            value.socket_url,
            tips.outputs,
            tuple(tips.node_errors),
        )
    return ("graph", tuple(value)) if family == "workflow_json" else value


def test_every_recorded_exchange_has_its_meaning_here():
    families = {path.stem for path in SAMPLES.glob("*.json")}
    recorded = {(family, s["name"]) for family in families - NOT_READ_HERE for s in load(family)}
    assert set(EXPECTED) == recorded
    assert set(NOT_SENT) <= recorded


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_a_recorded_answer_has_its_meaning(family: str, sample: dict[str, Any]):
    expected = EXPECTED[family, sample["name"]]
    result = meaning(family, sample)
    if isinstance(expected, Ended):
        assert isinstance(result, Report)
        assert result.error is not None
        error = result.error
        assert result.phase is expected.phase
        assert Fails(type(error), error.fate, error.code) == expected.error
        assert error.node_id == expected.node_id
        assert all(word in repr(error.params) for word in expected.words)
    else:
        assert result == expected


@pytest.mark.parametrize(("family", "sample"), [p for p in EXCHANGES if p.values[0] in CALLS])
def test_the_recorded_request_is_what_we_send(family: str, sample: dict[str, Any]):
    recorded = sample["request"]
    body = recorded.get("json", {})
    request = CALLS[family](body).request
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    if (family, sample["name"]) in NOT_SENT:
        return
    places = {Auth.BODY: "apiKey", Auth.LOWER_BODY: "apikey"}
    if request.auth is Auth.BEARER:
        assert recorded["headers"]["Authorization"].removeprefix("Bearer ") in KEYS
    else:
        assert body[places[request.auth]] in KEYS
    ours = {name: value for name, value in body.items() if name.lower() != "apikey"}
    assert without_defaults(dict(request.body or {})) == without_defaults(ours)


@pytest.mark.parametrize("family", UPLOADS)
def test_uploads_go_where_the_recorded_ones_went(family: str):
    assert {s["request"]["path"] for s in load(family)} == {UPLOADS[family]}


def test_only_what_starts_or_sends_something_is_not_repeatable():
    repeatable = {
        family: CALLS[family](load(family)[0]["request"].get("json", {})).repeatable
        for family in CALLS
    }
    assert {family for family, again in repeatable.items() if not again} == {
        "create",
        "webhook_retry",
    }


def test_what_a_node_refused_is_an_error_that_names_it():
    sample = next(s for s in load("create") if "node errors" in s["name"])
    error = orders.rejected_nodes(create(sample["request"]["json"]).read(reply_of(sample)))
    assert error is not None
    assert (error.node_id, error.task_id) == ("4", TASK)
    assert "CheckpointLoaderSimple: Value not in list ckpt_name" in str(error.params["remote"])


# Codes

READERS: dict[str, Callable[[Response], object]] = {
    "/task/openapi/create": orders.create("1").read,
    "/task/openapi/cancel": tasks.cancel("1").read,
    "/task/openapi/status": tasks.status("1").read,
    "/task/openapi/outputs": tasks.outputs("1").read,
    "/openapi/v2/query": tasks.query("1").read,
    "/openapi/v2/media/upload/binary": uploads.read_upload,
    "/task/openapi/upload": uploads.read_upload,
    "/uc/openapi/accountStatus": accounts.account_status().read,
}

# The order may run after these: a fault of the service, and what is said of a task that exists or
# existed, which is no answer to a create. All other codes are given before there is a task.
MAY_HAVE_STARTED = {500, 1000, 1005, 1010, 1011, 1012}
MAY_HAVE_STARTED |= {804, 813} | {423, 807, 1004} | {805, 1006, 1015, 1504} | {808, 1013}

KINDS: dict[str, tuple[type[RunningHubError], ...]] = {
    "auth": (errors.KeyRefused, errors.PlanRefused),
    "permission": (errors.PlanRefused,),
    "queue-full": (errors.QueueFull,),
    "transient": (
        errors.ServiceFault,
        errors.UploadFailed,
        errors.RateLimited,
        errors.TaskFailed,
    ),
    "bad-request": (errors.Refused,),
    "balance": (errors.NoBalance,),
    "not-found": (errors.NotFound,),
    "task-failed": (errors.TaskFailed,),
    "moderation": (errors.ContentRefused,),
    "status": (errors.TaskUnfinished,),
}


def codes() -> list[dict[str, Any]]:
    return [c for c in load("error_codes") if c["code"] not in errors.SUCCESS_CODES]


def test_every_documented_code_has_a_class():
    recorded = {entry["code"] for entry in load("error_codes")}
    assert recorded == set(errors.BY_CODE) | errors.SUCCESS_CODES


@pytest.mark.parametrize("entry", codes(), ids=lambda e: f"{e['code']} {e['name']}")
def test_a_code_in_answer_to_a_create_says_whether_it_may_run(entry: dict[str, Any]):
    reply = Response(200, json.dumps({"code": entry["code"], "msg": entry["name"]}).encode())
    with pytest.raises(errors.BY_CODE[entry["code"]]) as caught:
        orders.create("1").read(reply)
    error = caught.value
    assert type(error) is errors.BY_CODE[entry["code"]]
    assert error.code == entry["code"]
    assert error.params["remote"] == entry["name"]
    assert isinstance(error, tuple(kind for c in entry["classes"] for kind in KINDS[c]))
    unknown = entry["code"] in MAY_HAVE_STARTED
    assert error.fate is (Fate.UNKNOWN if unknown else Fate.NOT_STARTED)


@pytest.mark.parametrize(
    "entry",
    [c for c in codes() if c["path"] in READERS],
    ids=lambda e: f"{e['code']} at {e['path']}",
)
def test_a_code_is_read_where_it_was_recorded(entry: dict[str, Any]):
    response = Response(200, json.dumps(entry["reply"]).encode())
    try:
        value = READERS[entry["path"]](response)
    except RunningHubError as error:
        assert type(error) is errors.BY_CODE[entry["code"]]  # noqa: PT017
    else:
        # The codes of the older poll are states.
        assert isinstance(value, Report)
        states = {804: Phase.RUNNING, 813: Phase.QUEUED}
        assert value.phase is states.get(entry["code"], Phase.FAILED)


# The socket


def fold(reader: SocketReader, message: dict[str, Any]) -> SocketNews | None:
    if "binary_base64" in message:
        return reader.binary(base64.b64decode(message["binary_base64"]))
    return reader.text(message["text"] if "text" in message else json.dumps(message))


@pytest.mark.parametrize(
    "sequence",
    [s for s in load("sockets") if "expected_percent_after_each" in s],
    ids=lambda s: s["name"],
)
def test_the_socket_shows_the_documented_percentage(sequence: dict[str, Any]):
    reader = SocketReader(sequence["total_nodes"])
    shown = 0.0
    percents: list[int] = []
    for message in sequence["messages"]:
        news = fold(reader, message)
        if news is not None and news.fraction is not None:
            shown = news.fraction
        percents.append(round(shown * 100))
    assert percents == sequence["expected_percent_after_each"]


def test_noise_on_the_socket_is_no_news():
    (sequence,) = [s for s in load("sockets") if "expected_percent_after_each" not in s]
    reader = SocketReader(7)
    news = [fold(reader, message) for message in sequence["messages"]]
    assert news[:3] == [None, None, None]
    assert news[3] == SocketNews(fraction=0.02, node_id="3", node_fraction=0.2)
