"""What the answers about a task tell, whichever of their shapes they have."""

from __future__ import annotations

import json

import pytest

from rh_api.errors import TaskFailed, TaskNotFound
from rh_api.wire import tasks
from rh_api.wire.call import Response
from rh_api.wire.tasks import Phase

ID = "1900000000000000001"


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


def test_a_socket_s_address_is_in_no_repr_of_a_report():
    url = "wss://host/ws?Rh-Comfy-Auth=credential"
    running = {"code": 804, "data": {"netWssUrl": url}}
    report = tasks.outputs(ID).read(Response(200, json.dumps(running).encode()))
    assert report.socket_url == url
    assert "credential" not in repr(report)
