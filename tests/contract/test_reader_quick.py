"""Quick Create and orders by V2: we ask what was recorded, and read what it means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api import errors
from rh_api.errors import RunningHubError
from rh_api.wire.call import Auth, Call, Response
from rh_api.wire.orders import NodeInfo, TaskOptions, Ticket, Tips
from rh_api.wire.quick import Style, model_params, quick_entries, read_module, run_quick
from rh_api.wire.run_v2 import run_app, run_workflow
from rh_api.wire.tasks import Phase
from tests.contract.recorded import load

TASK = "1900000000000000001"
FAMILIES = ("quick_create_run", "quick_create_model_params")
EXCHANGES = [
    pytest.param(family, sample, id=f"{family}: {sample['name']}")
    for family in FAMILIES
    for sample in load(family)
]


def call(family: str, body: dict[str, Any]) -> Call[Any]:
    if family == "quick_create_model_params":
        return model_params(body["webappId"], body["type"])
    module = read_module(json.dumps(body))
    return run_quick(module.form.app_id, module.code, {"nodeInfoList": quick_entries(module, {})})


def read(family: str, name: str) -> Any:
    (sample,) = [sample for sample in load(family) if sample["name"] == name]
    response = sample["response"]
    body = json.dumps(response["json"]).encode()
    return call(family, sample["request"]["json"]).read(Response(response["status"], body))


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_the_recorded_request_is_what_we_send(family: str, sample: dict[str, Any]) -> None:
    recorded = sample["request"]
    body = dict(recorded["json"])
    request = call(family, body).request
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    assert request.auth is (Auth.BODY if body.pop("apiKey", None) else Auth.NONE)
    assert request.body == body


V2 = "/openapi/v2/run/"


def call_v2(sample: dict[str, Any]) -> Call[Ticket]:
    kind, _, number = sample["request"]["path"].removeprefix(V2).partition("/")
    body = sample["request"]["json"]
    listed = tuple(
        NodeInfo(info["nodeId"], info["fieldName"], info["fieldValue"])
        for info in body["nodeInfoList"]
    )
    run = run_workflow if kind == "workflow" else run_app
    return run(number, listed, TaskOptions(instance=body.get("instanceType", "default")))


V2_READ: dict[str, Ticket | tuple[type[RunningHubError], int]] = {
    "workflow, runs at once": Ticket(TASK, Phase.RUNNING, tips=Tips(("9",))),
    "AI app, waits, 48 GB": Ticket(TASK, Phase.QUEUED, tips=Tips(("9",))),
    "enterprise balance used up": (errors.NoBalance, 812),
    "a node that is not there": (errors.NodeInfoRefused, 1101),
}


@pytest.mark.parametrize("sample", load("run_v2"), ids=lambda sample: sample["name"])
def test_an_order_by_v2_is_sent_and_read_as_recorded(sample: dict[str, Any]) -> None:
    recorded, order = sample["request"], call_v2(sample)
    assert (order.request.method, order.request.path) == (recorded["method"], recorded["path"])
    assert (order.request.auth, order.request.body) == (Auth.BEARER, recorded["json"])
    assert not order.repeatable
    answer = Response(200, json.dumps(sample["response"]["json"]).encode())
    expected = V2_READ[sample["name"]]
    if isinstance(expected, Ticket):
        assert order.read(answer) == expected
        return
    with pytest.raises(expected[0]) as caught:
        order.read(answer)
    assert (caught.value.code, caught.value.fate) == (expected[1], errors.Fate.NOT_STARTED)


def test_a_started_module_is_a_ticket() -> None:
    ticket = read("quick_create_run", "success")
    assert isinstance(ticket, Ticket)
    assert (ticket.task_id, ticket.phase) == ("1900000000000000001", Phase.RUNNING)
    assert ticket.tips.outputs == ("9",)


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("unknown module", errors.AppNotFound, 901),
        ("an entry that the module does not have", errors.NodeInfoRefused, 803),
    ],
)
def test_a_refusal_is_its_error_and_nothing_was_started(
    name: str, kind: type[RunningHubError], code: int
) -> None:
    with pytest.raises(kind) as caught:
        read("quick_create_run", name)
    assert (caught.value.code, caught.value.fate) == (code, errors.Fate.NOT_STARTED)


def test_styles_have_their_loras_with_weights() -> None:
    first, second = read("quick_create_model_params", "success")
    assert first == Style(
        id="1",
        name="ink",
        key="input1",
        preview="https://rh-images.example.com/ink.png",
        content="",
        trigger="ink style",
        category="1",
        loras=(("ink.safetensors", "0.8"),),
    )
    assert second.loras == (("ink.safetensors", "0.8"), ("wash.safetensors", "0"))


def test_only_the_library_may_be_asked_twice() -> None:
    assert not run_quick("1900000000000000201", "002", {"nodeInfoList": []}).repeatable
    assert model_params("1900000000000000201", 2).repeatable
