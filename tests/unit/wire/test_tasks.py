"""What the answers about a task tell, whichever of their shapes they have."""

from __future__ import annotations

import json

import pytest

from rh_api.errors import BadReply, TaskFailed, TaskNotFound
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
        ("", "", "", "nonsense"),
    ]


URL = "https://a/1.png"


def read(report: tasks.Report) -> list[tuple[str, str | None]]:
    return [(result.url, result.text) for result in report.results or ()]


@pytest.mark.parametrize(
    ("row", "url", "text"),
    [
        ({"text": 42}, "", "42"),
        ({"text": True}, "", "true"),
        ({"text": {"caption": "一只猫"}}, "", '{"caption": "一只猫"}'),
        ({"text": [{"text": "hello"}, 1]}, "", '{"text": "hello"}\n1'),
        ({"text": ["a", ["b", "c"]]}, "", "a\nb\nc"),
        ({"text": "", "content": "hello"}, "", "hello"),
        ({"text": []}, "", None),
        ({"url": [URL]}, URL, None),
        ({"downloadUrl": URL, "outputType": "png"}, URL, None),
        ({"url": None, "coverUrl": URL}, "", None),
        ({"nodeId": "9", "outputType": "png"}, "", None),
        ({"nodeId": "9", "boxes": [1]}, "", '{"nodeId": "9", "boxes": [1]}'),
        ({"url": URL, "output": False, "content": {}}, URL, None),
        (URL, URL, None),
        ({"url": None, "outputType": "txt", "text": ""}, "", ""),
        ({"url": "", "outputType": "", "text": ""}, "", ""),
        *(
            ({"url": "", "outputType": kind, "text": ""}, "", None)
            for kind in ("png", "image", "glb")
        ),
        ({"url": None, "outputType": "mp4", "text": "a caption"}, "", "a caption"),
    ],
)
def test_results_of_other_shapes_are_not_lost(row: object, url: str, text: str | None):
    for results in ([row], json.dumps([row]), f" {json.dumps([row])}"):
        body = json.dumps({"status": "SUCCESS", "results": results})
        assert read(tasks.query(ID).read(Response(200, body.encode()))) == [(url, text)]
    body = json.dumps({"code": 0, "data": [row]})
    assert read(tasks.outputs(ID).read(Response(200, body.encode()))) == [(url, text)]


@pytest.mark.parametrize("depth", [100, 450, 800])
def test_lists_in_lists_are_read_however_deep(depth: int):
    text = "[" * depth + '"x"' + "]" * depth
    body = f'{{"status": "SUCCESS", "results": [{{"text": {text}}}]}}'
    assert read(tasks.query(ID).read(Response(200, body.encode()))) == [("", "x")]


@pytest.mark.parametrize("text", ["42", "true", "a cat"])
def test_a_bare_text_in_place_of_a_list_is_a_result(text: str):
    body = json.dumps({"status": "SUCCESS", "results": text})
    assert read(tasks.query(ID).read(Response(200, body.encode()))) == [("", text)]


@pytest.mark.parametrize("phase", [Phase.SUCCESS, Phase.RUNNING, Phase.QUEUED, Phase.CREATED])
def test_a_state_that_is_told_counts_for_more_than_a_code_beside_it(phase: Phase):
    body = json.dumps({"status": phase.value, "errorCode": "1005", "results": [{"url": URL}]})
    report = tasks.query(ID).read(Response(200, body.encode()))
    assert (report.phase, read(report)) == (phase, [(URL, None)])


def test_beside_an_unknown_state_a_code_counts():
    with pytest.raises(TaskNotFound):
        tasks.query(ID).read(Response(200, b'{"status": "?", "errorCode": "1004"}'))


def test_an_answer_of_the_older_poll_to_the_recommended_one_may_say_that_it_starts():
    report = tasks.query(ID).read(Response(200, b'{"code": 0, "msg": "success", "data": null}'))
    assert report.phase is Phase.OTHER


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"code": 0}', BadReply),
        ('{"code": 0, "data": []}', BadReply),
        ('{"errorCode": "1004"}', TaskNotFound),
        ('{"errorCode": "1004", "code": 0}', TaskNotFound),
    ],
)
def test_an_answer_without_a_state_ends_nothing(body: str, kind: type[Exception]):
    with pytest.raises(kind):
        tasks.query(ID).read(Response(200, body.encode()))


@pytest.mark.parametrize("nothing", [[], "[]", "", {}])
def test_an_empty_list_of_any_shape_is_none(nothing: object):
    body = json.dumps({"status": "SUCCESS", "results": nothing})
    assert read(tasks.query(ID).read(Response(200, body.encode()))) == []


@pytest.mark.parametrize("data", ["RUNNING", {"taskStatus": "RUNNING"}, {}, "", 1])
def test_the_older_poll_ends_no_task_without_a_list(data: object):
    body = json.dumps({"code": 0, "data": data})
    with pytest.raises(BadReply):
        tasks.outputs(ID).read(Response(200, body.encode()))


@pytest.mark.parametrize("name", ["url", "imageUrls"])
def test_each_of_several_addresses_of_a_row_is_a_result(name: str):
    row = {name: [URL, "https://a/2.png"], "coverUrl": "https://a/cover.png"}
    body = json.dumps({"status": "SUCCESS", "results": row})
    report = tasks.query(ID).read(Response(200, body.encode()))
    assert read(report) == [(URL, None), ("https://a/2.png", None)]


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


@pytest.mark.parametrize("reason", ["too dark", {"exception_message": "too dark"}], ids=str)
@pytest.mark.parametrize(("code", "words"), [("1000", "too dark"), ("1505", "real person")])
def test_a_failure_without_a_node_names_none(reason: object, code: str, words: str):
    about = {"status": "FAILED", "errorCode": code, "errorMessage": "no", "failedReason": reason}
    error = tasks.query(ID).read(Response(200, json.dumps(about).encode())).error
    assert words in str(error)
    assert "node" not in str(error)


@pytest.mark.parametrize(("code", "words"), [("1000", "out of memory"), ("1504", "in time")])
def test_a_failure_that_names_no_more_than_a_node_says_what_its_code_does(code: str, words: str):
    about = {"status": "FAILED", "errorCode": code, "errorMessage": "out of memory"}
    about["failedReason"] = {"node_id": "3"}
    error = tasks.query(ID).read(Response(200, json.dumps(about).encode())).error
    assert words in str(error)
    assert "()" not in str(error)


@pytest.mark.parametrize("code", ["1504", "1505"])
def test_a_code_s_own_sentence_tells_the_reason(code: str):
    about = {"status": "FAILED", "errorCode": code, "failedReason": "too dark"}
    error = tasks.query(ID).read(Response(200, json.dumps(about).encode())).error
    assert "too dark" in str(error)


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
