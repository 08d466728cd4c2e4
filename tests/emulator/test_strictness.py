"""The emulator refuses what the service refuses, with the documented code."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Account

if TYPE_CHECKING:
    from conftest import Remote

TEXT_TO_IMAGE = "1900000000000000101"
SUBGRAPH = "1900000000000000108"
STATUS = "/uc/openapi/accountStatus"
NODE_LIST = "APIKEY_INVALID_NODE_INFO"


def item(place: str, value: Any) -> dict[str, Any]:
    node, _, name = place.rpartition(".")
    return {"nodeId": node, "fieldName": name, "fieldValue": value}


# Keys


async def test_an_older_path_wants_the_key_in_its_body(remote: Remote) -> None:
    for path in ("create", "status", "outputs", "cancel"):
        reply = await remote.post(f"/task/openapi/{path}", {"taskId": "1"}, **remote.bearer)

        assert (reply["code"], reply["msg"]) == (301, "must not be blank")


async def test_an_older_path_wants_the_key_in_its_header_too_unless_told_otherwise(
    remote: Remote,
) -> None:
    refused = await remote.post(STATUS, {"apikey": remote.key})
    assert (refused["code"], refused["msg"]) == (412, "TOKEN_INVALID")
    other = {"Authorization": f"Bearer {'x' * 32}"}
    assert (await remote.post(STATUS, {"apikey": remote.key}, **other))["code"] == 412

    remote.emulator.strict = False
    assert (await remote.post(STATUS, {"apikey": remote.key}))["code"] == 0


async def test_a_newer_path_wants_the_key_in_its_header(remote: Remote) -> None:
    body = {"apiKey": remote.key, "taskId": "1"}

    assert await remote.post("/openapi/v2/query", body) == {"code": 412, "msg": "TOKEN_INVALID"}
    async with remote.session.get("/openapi/v2/queue/status") as answer:
        assert (await answer.json())["code"] == 412


async def test_the_account_wants_a_field_of_another_name(remote: Remote) -> None:
    assert (await remote.post(STATUS, {"apiKey": remote.key}, **remote.bearer))["code"] == 1601
    assert (await remote.post(STATUS, {"apikey": remote.key}, **remote.bearer))["code"] == 0


async def test_an_unknown_key_is_refused_in_each_generation_s_way(remote: Remote) -> None:
    remote.key, remote.bearer = "x" * 32, {"Authorization": f"Bearer {'x' * 32}"}

    assert (await remote.create())["code"] == 802
    assert (await remote.query("1"))["code"] == 412
    assert (await remote.upload(b""))["code"] == 401
    reply = await remote.post(f"/openapi/v2/run/workflow/{TEXT_TO_IMAGE}", {}, **remote.bearer)
    assert reply["errorCode"] == "1002"


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (Account(kind="FREE"), 801),
        (Account(enabled=False), 802),
        (Account(kind="SHARED", enabled=False), 811),
        (Account(coins=0), 414),
        (Account(coins=0, money=Decimal(0)), 416),
        (Account(kind="SHARED", money=Decimal(0)), 812),
        (Account(kind="EXCLUSIVE", subscribed=False), 436),
        (Account(kind="EXCLUSIVE", machine="plus"), 435),
    ],
)
async def test_an_account_that_may_not_order_is_refused(
    remote: Remote, account: Account, code: int
) -> None:
    remote.emulator.accounts[remote.key] = account

    assert (await remote.create())["code"] == code
    assert remote.emulator.counters.orders == 0


async def test_the_balance_comes_before_the_graph(remote: Remote) -> None:
    remote.emulator.account.coins = 0

    assert (await remote.create(workflow="{broken"))["code"] == 414


# Workflows


@pytest.mark.parametrize(
    ("workflow_id", "code"),
    [("", 301), ("  ", 301), ("0", 301), (None, 301), (True, 301), ("abc", 301), ("1", 380)],
)
async def test_a_workflow_id_must_be_a_known_one(
    remote: Remote, workflow_id: Any, code: int
) -> None:
    assert (await remote.create(workflow_id))["code"] == code


async def test_an_id_may_be_a_number_above_what_javascript_holds(remote: Remote) -> None:
    assert (await remote.create(int(TEXT_TO_IMAGE)))["code"] == 0


async def test_a_workflow_that_was_never_run_is_refused(remote: Remote) -> None:
    graph = remote.emulator.workflows[TEXT_TO_IMAGE].graph
    workflow_id = remote.emulator.add_workflow(graph, never_run=True)

    assert (await remote.create(workflow_id))["code"] == 810


async def test_a_protected_workflow_wants_its_password(remote: Remote) -> None:
    graph = remote.emulator.workflows[TEXT_TO_IMAGE].graph
    workflow_id = remote.emulator.add_workflow(graph, password="open")

    assert (await remote.create(workflow_id))["code"] == 301
    assert (await remote.create(workflow_id, accessPassword="open"))["code"] == 0


async def test_the_workflow_s_json_is_text_and_its_message_upper_case(remote: Remote) -> None:
    reply = await remote.v1("/api/openapi/getJsonApiFormat", workflowId=SUBGRAPH)

    assert reply["msg"] == "SUCCESS"
    assert json.loads(reply["data"]["prompt"]) == remote.emulator.workflows[SUBGRAPH].graph


# nodeInfoList


async def test_a_field_that_is_listed_twice_is_refused(remote: Remote) -> None:
    """What becomes of it is not documented; one public client keeps the last."""
    twice = [item("6.text", "one"), item("6.text", "two")]
    assert (await remote.create(nodeInfoList=twice))["code"] == 803
    assert remote.emulator.counters.orders == 0


@pytest.mark.parametrize(
    "wrong",
    [
        item("999.text", "x"),
        item("6.txt", "x"),
        item("6.clip", "x"),
        item("3.model", ["4", 0]),
        item("3.steps", "many"),
        item("3.steps", 1.5),
        item("3.steps", True),
        item("3.cfg", ""),
        item("3.seed", None),
        item("6.text", ["a", "b"]),
        item("6.text", {"a": 1}),
    ],
)
async def test_a_list_that_does_not_fit_the_workflow_is_refused(
    remote: Remote, wrong: dict[str, Any]
) -> None:
    reply = await remote.create(nodeInfoList=[item("6.text", "fine"), wrong])

    assert (reply["code"], reply["msg"], reply["data"]) == (803, NODE_LIST, None)
    assert remote.emulator.counters.orders == 0


@pytest.mark.parametrize(
    ("place", "sent", "stored"),
    [
        ("3.seed", "1231231", 1231231),
        ("3.seed", 2**64 - 1, 2**64 - 1),
        ("3.steps", 4.0, 4),
        ("3.cfg", "6.5", 6.5),
        ("3.cfg", 3, 3.0),
        ("6.text", 42, "42"),
    ],
)
async def test_a_value_that_can_become_the_stored_type_is_taken(
    remote: Remote, place: str, sent: Any, stored: Any
) -> None:
    reply = await remote.create(nodeInfoList=[item(place, sent)])

    node, name = place.split(".")
    value = remote.emulator.tasks[reply["data"]["taskId"]].graph[node]["inputs"][name]
    assert (value, type(value)) == (stored, type(stored))


@pytest.mark.parametrize("text", ["true", "False", True])
async def test_a_boolean_may_come_as_text(remote: Remote, text: Any) -> None:
    reply = await remote.create(SUBGRAPH, nodeInfoList=[item("12:5.resize_source", text)])

    graph = remote.emulator.tasks[reply["data"]["taskId"]].graph
    assert graph["12:5"]["inputs"]["resize_source"] is (str(text).lower() == "true")


@pytest.mark.parametrize(
    "body",
    [
        {"nodeInfoList": "text"},
        {"nodeInfoList": ["text"]},
        {"nodeInfoList": [{"nodeId": "6", "fieldName": "", "fieldValue": "x"}]},
        {"nodeInfoList": [{"nodeId": "6", "fieldName": "text"}]},
        {"instanceType": "Plus"},
        {"instanceType": "rtx4090"},
        {"retainSeconds": 60},
        {"addMetadata": "perhaps"},
        {"workflow": {"3": {}}},
    ],
)
async def test_a_field_of_the_wrong_kind_is_refused(remote: Remote, body: dict[str, Any]) -> None:
    assert (await remote.create(**body))["code"] == 301


async def test_retaining_is_for_shared_keys_and_ten_to_180_seconds(remote: Remote) -> None:
    remote.emulator.accounts[remote.key] = Account(kind="SHARED", money=Decimal(1))

    codes = [(await remote.create(retainSeconds=span))["code"] for span in (9, 10, 180, 181, "60")]

    assert codes == [301, 0, 0, 301, 301]


@pytest.mark.parametrize("machine", ["default", "plus", "ultra"])
async def test_each_machine_is_known(remote: Remote, machine: str) -> None:
    assert (await remote.create(instanceType=machine))["code"] == 0


# Graphs


def changed(remote: Remote, node: str, **inputs: Any) -> dict[str, Any]:
    graph = json.loads(json.dumps(remote.emulator.workflows[TEXT_TO_IMAGE].graph))
    for name, value in inputs.items():
        if value is None:
            del graph[node]["inputs"][name]
        else:
            graph[node]["inputs"][name] = value
    return graph


@pytest.mark.parametrize(
    ("node", "inputs", "kind"),
    [
        ("3", {"steps": None}, "required_input_missing"),
        ("3", {"steps": 0}, "value_smaller_than_min"),
        ("3", {"cfg": 1000}, "value_bigger_than_max"),
        ("3", {"seed": "abc"}, "invalid_input_type"),
        ("3", {"sampler_name": "fast"}, "value_not_in_list"),
        ("3", {"model": "a name"}, "bad_linked_input"),
        ("3", {"model": ["77", 0]}, "bad_linked_input"),
        ("3", {"model": ["4", 2]}, "return_type_mismatch"),
        ("4", {"ckpt_name": "missing.safetensors"}, "value_not_in_list"),
    ],
)
async def test_an_invalid_graph_is_refused_with_comfyui_s_reason(
    remote: Remote, node: str, inputs: dict[str, Any], kind: str
) -> None:
    reply = await remote.inline(changed(remote, node, **inputs))

    report = json.loads(reply["msg"].partition(": ")[2])
    assert reply["code"] == 433
    assert report["error"]["type"] == "prompt_outputs_failed_validation"
    assert [error["type"] for error in report["node_errors"][node]["errors"]] == [kind]
    assert report["node_errors"][node]["dependent_outputs"] == ["9"]


@pytest.mark.parametrize(
    ("graph", "kind"),
    [
        ({"1": {"class_type": "NoSuchNode", "inputs": {}}}, "missing_node_type"),
        ({"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}, "prompt_no_outputs"),
    ],
)
async def test_a_graph_that_cannot_run_at_all_is_refused(
    remote: Remote, graph: dict[str, Any], kind: str
) -> None:
    reply = await remote.inline(graph)

    assert (reply["code"], json.loads(reply["msg"].partition(": ")[2])["error"]["type"]) == (
        433,
        kind,
    )


async def test_text_that_is_no_graph_is_refused(remote: Remote) -> None:
    assert (await remote.create(workflow="{half"))["code"] == 433
    assert (await remote.create(workflow="[]"))["code"] == 433


async def test_a_cycle_is_refused(remote: Remote) -> None:
    graph = {
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }

    assert (await remote.inline(graph))["code"] == 433


async def test_outputs_that_can_run_do_and_the_others_are_named_in_the_tips(
    remote: Remote,
) -> None:
    graph = changed(remote, "3")
    graph["20"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
    graph["21"] = {"class_type": "PreviewImage", "inputs": {"images": ["20", 0]}}

    reply = await remote.inline(graph)

    tips = json.loads(reply["data"]["promptTips"])
    assert (reply["code"], tips["result"]) == (0, True)
    assert tips["outputs_to_execute"] == ["9"]
    assert tips["node_errors"]["20"]["errors"][0]["type"] == "custom_validation_failed"
    assert tips["node_errors"]["20"]["dependent_outputs"] == ["21"]


async def test_a_list_beside_an_inline_graph_is_refused(
    remote: Remote,
) -> None:
    graph = changed(remote, "6", text="inline")
    fits, alien = [item("6.text", "from the list")], [item("999.text", "x")]
    refusal = (803, f"{NODE_LIST}: node_not_found_in_workflow")
    for items in (fits, alien):
        wrong = await remote.inline(graph, nodeInfoList=items)
        assert (wrong["code"], wrong["msg"]) == refusal


async def test_a_placeholder_id_is_good_for_an_inline_graph_by_a_knob(remote: Remote) -> None:
    text = json.dumps(changed(remote, "3"))
    assert (await remote.create("1", workflow=text))["code"] == 0
    assert (await remote.create("0", workflow=text))["code"] == 301

    remote.emulator.accepts_placeholder_workflow = False
    assert (await remote.create("1", workflow=text))["code"] == 380


# Limits


async def test_over_the_limit_each_kind_of_key_is_refused_in_its_way(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    for kind, code in (("NORMAL", 421), ("EXCLUSIVE", 415)):
        remote.emulator.accounts[remote.key] = Account(kind=kind, limit=1)
        remote.emulator.tasks.clear()
        first, second = await remote.create(), await remote.create()

        assert (first["code"], second["code"]) == (0, code)


async def test_a_personal_queue_waits_and_has_an_end(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    remote.emulator.accounts[remote.key] = Account(kind="EXCLUSIVE", limit=1)
    await remote.create()

    queued = await remote.create(usePersonalQueue="true")

    assert (queued["data"]["taskStatus"], queued["data"]["netWssUrl"]) == ("QUEUED", None)
    task = remote.emulator.tasks[queued["data"]["taskId"]]
    remote.emulator.tasks.update({str(number): task for number in range(1000)})
    assert (await remote.create(usePersonalQueue=True))["code"] == 814


# Tasks and apps


@pytest.mark.parametrize(
    ("task_id", "code"), [("", 301), ("0", 301), ("-1", 301), ("x", 301), ("77", 807)]
)
async def test_a_task_id_must_be_a_known_one(remote: Remote, task_id: str, code: int) -> None:
    for path in ("status", "outputs", "cancel"):
        assert (await remote.v1(f"/task/openapi/{path}", taskId=task_id))["code"] == code


async def test_somebody_else_s_task_is_unknown(remote: Remote) -> None:
    remote.emulator.accounts["y" * 32] = Account()
    created = await remote.create()
    task_id = created["data"]["taskId"]
    remote.key, remote.bearer = "y" * 32, {"Authorization": f"Bearer {'y' * 32}"}

    assert (await remote.outputs(task_id))["code"] == 807
    assert (await remote.query(task_id))["errorCode"] == "1004"


async def test_an_app_takes_its_exposed_fields_only(remote: Remote) -> None:
    async def run(app: int, *items: dict[str, Any]) -> Any:
        return await remote.v1("/task/openapi/ai-app/run", webappId=app, nodeInfoList=[*items])

    assert (await run(1))["code"] == 901
    assert (await run(1900000000000000201, item("7.text", "hidden")))["code"] == 803
    assert (await run(1900000000000000201, item("6.text", "shown")))["code"] == 0


async def test_unknown_paths_and_methods_are_refused_as_json(remote: Remote) -> None:
    async with remote.session.post("/task/openapi/nothing", json={}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 404)
    async with remote.session.get("/task/openapi/create") as answer:
        assert (answer.status, (await answer.json())["code"]) == (405, 1009)
