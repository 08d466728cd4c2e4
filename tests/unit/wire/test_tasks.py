"""What an order sends, and what half an answer to it still tells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.errors import BadReply, RunningHubError, TaskFailed, TaskNotFound
from rh_api.wire import tasks
from rh_api.wire.call import Response
from rh_api.wire.tasks import NodeInfo, Phase, TaskOptions

ID = "1900000000000000001"


def ticket(body: str, status: int = 200) -> tasks.Ticket:
    return tasks.create("1").read(Response(status, body.encode()))


def test_an_option_that_was_left_alone_is_not_sent():
    call = tasks.create("7")
    assert call.request.body == {"workflowId": "7", "addMetadata": True}


def test_every_option_is_sent_by_the_service_s_name():
    options = TaskOptions("ultra", False, True, 60, "https://hook.example.com/x")
    fields = (NodeInfo("6", "text", "a cat"), NodeInfo("3", "seed", 2**64 - 1))
    call = tasks.create("7", fields, options, access_password="secret")
    assert call.request.body == {
        "workflowId": "7",
        "addMetadata": False,
        "nodeInfoList": [
            {"nodeId": "6", "fieldName": "text", "fieldValue": "a cat"},
            {"nodeId": "3", "fieldName": "seed", "fieldValue": 2**64 - 1},
        ],
        "instanceType": "ultra",
        "usePersonalQueue": True,
        "retainSeconds": 60,
        "webhookUrl": "https://hook.example.com/x",
        "accessPassword": "secret",
    }


def test_beside_a_graph_goes_no_list():
    body = tasks.create("7", (NodeInfo("6", "text", "x"),), graph="{}").request.body
    assert body == {"workflowId": "7", "addMetadata": True, "workflow": "{}"}


@pytest.mark.parametrize("form", ['"%s"', "%s", ' "%s" ', "%s "])
def test_half_an_answer_with_the_whole_id_is_a_ticket(form: str):
    whole = '{"code":0,"data":{"taskId":' + form % ID + ',"taskStatus":"RUN'
    assert ticket(whole).task_id == ID


@settings(deadline=None)
@given(st.integers(0, 200))
def test_an_id_that_was_cut_is_no_id(cut: int):
    for body in (
        f'{{"code":0,"data":{{"taskId":{ID}}}}}',
        f'{{"data":{{"taskId":"{ID}"}},"code":0}}',
    ):
        try:
            assert ticket(body[:cut]).task_id == ID
        except BadReply:
            assert cut < len(body)


@pytest.mark.parametrize("status", [302, 400, 500, 502])
def test_a_ticket_is_not_taken_from_half_a_failure(status: int):
    with pytest.raises(RunningHubError):
        ticket(f'{{"code":0,"data":{{"taskId":"{ID}"', status)


@pytest.mark.parametrize("bad", ["", "0", None, [], 1.9e18, "../x", "a b", "\ud800", "x" * 100])
def test_what_cannot_be_a_task_s_id_is_no_ticket(bad: object):
    with pytest.raises(BadReply):
        ticket(json.dumps({"code": 0, "data": {"taskId": bad}}))


@pytest.mark.parametrize("word", ["PAUSED", "", "running soon"])
def test_an_unknown_phase_is_no_end(word: str):
    body = json.dumps({"taskId": ID, "status": word, "errorCode": "", "results": None})
    report = tasks.query(ID).read(Response(200, body.encode()))
    assert report.phase is Phase.OTHER
    assert not report.phase.is_over


def test_results_are_read_by_every_name_that_clients_know():
    results = [
        {"outputUrl": "https://a/1.png", "outputType": ".PNG", "nodeId": 9},
        {"fileUrl": "https://a/2.png", "fileType": "png"},
        {"content": "words", "nodeId": "12:3"},
        {"output": "more", "url": None},
        {"text": "", "url": "https://a/3.txt"},
        "nonsense",
    ]
    body = json.dumps({"status": "SUCCESS", "results": results})
    report = tasks.query(ID).read(Response(200, body.encode()))
    assert report.results is not None
    assert [(r.url, r.node_id, r.suffix, r.text) for r in report.results] == [
        ("https://a/1.png", "9", "png", None),
        ("https://a/2.png", "", "png", None),
        ("", "12:3", "", "words"),
        ("", "", "", "more"),
        ("https://a/3.txt", "", "", ""),
        ("", "", "", None),
    ]


def test_results_that_are_not_listed_yet_differ_from_none():
    def results(value: object) -> object:
        body = json.dumps({"status": "SUCCESS", "results": value})
        return tasks.query(ID).read(Response(200, body.encode())).results

    assert results(None) is None
    assert results([]) == ()


def test_a_failure_keeps_the_end_of_its_traceback_out_of_the_sentence():
    reason = {"node_id": "3", "exception_message": "boom", "traceback": ["secret path\n"] * 3}
    body = json.dumps({"code": 805, "data": {"failedReason": reason}})
    error = tasks.outputs(ID).read(Response(200, body.encode())).error
    assert isinstance(error, TaskFailed)
    assert "boom" in repr(error.params)
    assert "secret path" not in repr(error.params)


@pytest.mark.parametrize("code", ["1004", 1004, "807"])
def test_a_failure_of_a_task_that_nobody_knows_is_no_failure_of_the_task(code: object):
    body = json.dumps({"status": "FAILED", "errorCode": code, "errorMessage": "gone"})
    with pytest.raises(TaskNotFound):
        tasks.query(ID).read(Response(200, body.encode()))


def test_a_socket_s_address_is_in_no_repr():
    url = "wss://host/ws?Rh-Comfy-Auth=credential"
    reply = {"code": 0, "data": {"taskId": ID, "netWssUrl": url}}
    made = ticket(json.dumps(reply))
    running = {"code": 804, "data": {"netWssUrl": url}}
    report = tasks.outputs(ID).read(Response(200, json.dumps(running).encode()))
    assert made.socket_url == report.socket_url == url
    assert "credential" not in repr(made) + repr(report)
