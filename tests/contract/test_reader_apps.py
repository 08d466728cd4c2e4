"""AI apps, and lists of models: we ask what was recorded, and read what it means."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from rh_api import errors
from rh_api.errors import RunningHubError
from rh_api.wire.apps import AppField, AppFieldType, AppForm, AppOption, call_demo, run_app
from rh_api.wire.call import Auth, Call, Response
from rh_api.wire.orders import NodeInfo, TaskOptions, Ticket
from rh_api.wire.resources import Resource, ResourceKind, ResourcePage, resource_list
from rh_api.wire.tasks import Phase
from tests.contract.recorded import load

TASK = "1900000000000000001"
APP = "1900000000000000201"
PNG = "https://rh-images.example.com/fakeuser/output/ComfyUI_00001_abcde_1760000000.png"


def named(family: str, name: str) -> dict[str, Any]:
    (sample,) = [sample for sample in load(family) if sample["name"] == name]
    return sample


def call(family: str, request: dict[str, Any]) -> Call[Any]:
    body = request.get("json", {})
    if family == "ai_app_call_demo":
        return call_demo(request["query"]["webappId"])
    if family == "v2_resource_list":
        return resource_list(
            ResourceKind(body["resourceType"]),
            body["resourceName"],
            page=body["current"],
            size=body["size"],
        )
    return run_app(
        str(body["webappId"]),
        tuple(
            NodeInfo(entry["nodeId"], entry["fieldName"], entry["fieldValue"])
            for entry in body["nodeInfoList"]
        ),
        TaskOptions(
            instance=body.get("instanceType", "default"), webhook_url=body.get("webhookUrl")
        ),
    )


def read(family: str, sample: dict[str, Any]) -> Any:
    response = sample["response"]
    body = json.dumps(response["json"]).encode()
    return call(family, sample["request"]).read(Response(response["status"], body))


EXCHANGES = [
    pytest.param(family, sample, id=f"{family}: {sample['name']}")
    for family in ("ai_app_run", "ai_app_call_demo", "v2_resource_list")
    for sample in load(family)
]


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_the_recorded_request_is_what_we_send(family: str, sample: dict[str, Any]) -> None:
    recorded = sample["request"]
    request = call(family, recorded).request
    assert request.method == recorded["method"]
    query = {k: v for k, v in recorded.get("query", {}).items() if k != "apiKey"}
    assert request.path == recorded["path"] + (f"?{urlencode(query)}" if query else "")
    body = dict(recorded.get("json", {}))
    in_body, in_query = body.pop("apiKey", None), recorded.get("query", {}).get("apiKey")
    assert request.auth is (Auth.BODY if in_body else Auth.QUERY if in_query else Auth.BEARER)
    # What else a list says of its fields is harmless, and of no use to the service.
    for entry in body.get("nodeInfoList", ()):
        for key in entry.keys() - {"nodeId", "fieldName", "fieldValue"}:
            del entry[key]
    assert dict(request.body or {}) == body


def test_the_id_of_an_app_is_a_number_when_it_is_started() -> None:
    body = run_app(APP).request.body
    assert body is not None
    assert json.dumps(body) == f'{{"webappId": {APP}, "nodeInfoList": []}}'


def test_only_a_start_is_not_repeatable() -> None:
    assert not run_app(APP).repeatable
    assert call_demo(APP).repeatable
    assert resource_list(ResourceKind.LORA).repeatable


@pytest.mark.parametrize(
    ("name", "phase", "has_socket"),
    [("success", Phase.RUNNING, True), ("queued, 48 GB, webhook", Phase.QUEUED, False)],
)
def test_a_started_app_is_a_ticket(name: str, phase: Phase, has_socket: bool) -> None:
    ticket = read("ai_app_run", named("ai_app_run", name))
    assert isinstance(ticket, Ticket)
    assert (ticket.task_id, ticket.phase) == (TASK, phase)
    assert (ticket.socket_url is not None) is has_socket
    assert ticket.tips.outputs == ("9",)


@pytest.mark.parametrize(
    ("family", "name", "kind", "code"),
    [
        ("ai_app_run", "unknown app", errors.AppNotFound, 901),
        ("ai_app_run", "node list mismatch", errors.NodeInfoRefused, 803),
        ("ai_app_run", "no coins", errors.NoBalance, 414),
        ("ai_app_run", "third-party balance too low", errors.NoBalance, 433),
        ("ai_app_call_demo", "unknown app", errors.AppNotFound, 901),
        ("ai_app_call_demo", "bad key", errors.KeyRefused, 802),
        ("ai_app_call_demo", "older answer, an address alone", errors.Refused, None),
    ],
)
def test_a_refusal_is_its_error(
    family: str, name: str, kind: type[RunningHubError], code: int | None
) -> None:
    with pytest.raises(kind) as caught:
        read(family, named(family, name))
    assert type(caught.value) is kind
    assert caught.value.code == code


def test_the_form_is_read_in_all_three_dialects() -> None:
    sample = named("ai_app_call_demo", "success, three fieldData dialects")
    assert read("ai_app_call_demo", sample) == AppForm(
        APP,
        "Example app",
        "",
        ("https://rh-images.example.com/cover.png",),
        False,
        (
            AppField(
                "14", "LoadImage", "image", "example.png", AppFieldType.IMAGE,
                description="上传图像", description_en="Upload image",
            ),
            AppField(
                "6", "CLIPTextEncode", "text", "a cat", AppFieldType.STRING, default="",
                multiline=True, description="提示词", description_en="Prompt",
            ),
            AppField(
                "20", "Style", "style", "0", AppFieldType.LIST,
                (AppOption("0", "photo", "photo"), AppOption("1", "ink", "ink")),
                default="0", description="风格", description_en="Style",
            ),
            AppField(
                "21", "Ratio", "ratio", "1:1", AppFieldType.LIST,
                (AppOption("1:1"), AppOption("16:9")), description="比例",
            ),
        ),
    )  # fmt: skip


def test_a_live_app_is_read() -> None:
    name = "switch, numbers and choices of classes, as live apps have them"
    form = read("ai_app_call_demo", named("ai_app_call_demo", name))
    fields = {field.full_name: field for field in form.fields}
    assert form.description == "<p>示例</p>"
    assert fields["191.image"].options is None
    assert (fields["116.value"].low, fields["116.value"].high) == (-999999, 999999)
    assert fields["185.select"].options == (
        AppOption("2", "input2", "模型", "model text"),
        AppOption("1", "input1", "用户", "your text"),
    )
    assert [option.value for option in fields["37.model"].options or ()] == [
        "flux-kontext-pro", "flux-kontext-max",
    ]  # fmt: skip
    assert fields["37.model"].default == "flux-kontext-pro"
    assert [option.value for option in fields["18.resolution"].options or ()] == ["1k", "2k", "4k"]
    assert (fields["4.ckpt_name"].type, fields["4.ckpt_name"].options) == (AppFieldType.OTHER, None)
    assert fields["11.lora_name"].type is AppFieldType.LORA


def test_models_are_listed_by_the_name_that_a_loader_takes() -> None:
    sample = named("v2_resource_list", "success")
    ink = Resource("ink_v1.safetensors", "ink", "LORA", "")
    assert read("v2_resource_list", sample) == ResourcePage((ink,), 1, 1, False)
