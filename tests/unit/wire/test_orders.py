"""What an order sends, and what half an answer to it still tells."""

from __future__ import annotations

import json

import pytest

from rh_api.errors import BadReply, Fate, RunningHubError
from rh_api.wire import orders
from rh_api.wire.call import Response
from rh_api.wire.orders import NodeInfo, TaskOptions

ID = "1900000000000000001"


def ticket(body: str, status: int = 200) -> orders.Ticket:
    return orders.create("1").read(Response(status, body.encode()))


def test_an_option_that_was_left_alone_is_not_sent():
    call = orders.create("7")
    assert call.request.body == {"workflowId": "7", "addMetadata": True}


def test_every_option_is_sent_by_the_service_s_name():
    options = TaskOptions("ultra", False, True, 60, "https://hook.example.com/x")
    fields = (NodeInfo("6", "text", "a cat"), NodeInfo("3", "seed", 2**64 - 1))
    call = orders.create("7", fields, options, access_password="secret")
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
    body = orders.create("7", (NodeInfo("6", "text", "x"),), graph="{}").request.body
    assert body == {"workflowId": "7", "addMetadata": True, "workflow": "{}"}


@pytest.mark.parametrize("form", ['"%s"', "%s", ' "%s" ', "%s "])
def test_half_an_answer_with_the_whole_id_is_a_ticket(form: str):
    whole = '{"code":0,"data":{"taskId":' + form % ID + ',"taskStatus":"RUN'
    assert ticket(whole).task_id == ID


@pytest.mark.parametrize(
    "body",
    [
        f'{{"code":0,"data":{{"taskId":{ID}}}}}',
        f'{{"data":{{"taskId":"{ID}"}},"code":0}}',
    ],
)
def test_an_id_that_was_cut_is_no_id(body: str):
    whole = body.index(ID) + len(ID) + 1  # of digits alone nobody knows whether more follow
    for cut in range(len(body)):
        if cut < whole:
            with pytest.raises(BadReply):
                ticket(body[:cut])
        else:
            assert ticket(body[:cut]).task_id == ID


@pytest.mark.parametrize("status", [302, 400, 500, 502])
def test_a_ticket_is_not_taken_from_half_a_failure(status: int):
    with pytest.raises(RunningHubError):
        ticket(f'{{"code":0,"data":{{"taskId":"{ID}"', status)


@pytest.mark.parametrize("bad", ["", "0", None, [], 1.9e18, "../x", "a b", "\ud800", "x" * 100])
def test_what_cannot_be_a_task_s_id_is_no_ticket(bad: object):
    with pytest.raises(BadReply):
        ticket(json.dumps({"code": 0, "data": {"taskId": bad}}))


def test_a_socket_s_address_is_in_no_repr_of_a_ticket():
    url = "wss://host/ws?Rh-Comfy-Auth=credential"
    parsed = ticket(json.dumps({"code": 0, "data": {"taskId": ID, "netWssUrl": url}}))
    assert parsed.socket_url == url
    assert "credential" not in repr(parsed)


NOT, UNKNOWN = Fate.NOT_STARTED, Fate.UNKNOWN
HERE = "/task/openapi/create"
PAGE = "<!doctype html><title>Welcome</title>"


@pytest.mark.parametrize(
    ("status", "body", "fate", "wrong_address"),
    [
        *((status, "", NOT, False) for status in (401, 403, 405, 407, 413, 415, 421, 429)),
        *((status, PAGE, NOT, False) for status in (401, 403, 405, 407, 413, 415, 421, 429)),
        (307, "", NOT, False),
        (308, "", NOT, False),
        (302, "", UNKNOWN, False),
        (303, "", UNKNOWN, False),
        (303, '{"code": 0}', UNKNOWN, False),
        (301, "", UNKNOWN, True),
        (404, "", UNKNOWN, True),
        (404, PAGE, UNKNOWN, True),
        (200, PAGE, UNKNOWN, True),
        (200, "", UNKNOWN, False),
        (200, '{"code": 0, "da', UNKNOWN, False),
        (204, "", UNKNOWN, False),
        (400, "", UNKNOWN, False),
        (408, "", UNKNOWN, False),
        (409, "", UNKNOWN, False),
        *((status, "", UNKNOWN, False) for status in (500, 502, 503, 504, 520)),
        # A gateway's page: what is behind it may have started the task.
        *((status, PAGE, UNKNOWN, False) for status in (400, 500, 502, 504)),
        (200, '{"code": 802}', NOT, False),
        (200, '{"code": 301}', NOT, False),
        (404, '{"code": 404}', NOT, False),
        (500, '{"code": 414}', NOT, False),
        (200, '{"code": 421}', NOT, False),
        (200, '{"code": 1003}', NOT, False),
        (200, '{"code": 1501}', NOT, False),
        *((200, f'{{"code": {code}}}', UNKNOWN, False) for code in (500, 1000, 1005, 1010, 1012)),
        *(
            (200, f'{{"code": {code}}}', UNKNOWN, False)
            for code in (804, 805, 807, 808, 813, 1004, 1006, 1013)
        ),
        (200, '{"code": 4711}', UNKNOWN, False),
        (500, '{"code": 4711}', UNKNOWN, False),
        *(
            (status, '{"code": 4711}', NOT, False)
            for status in (401, 403, 405, 407, 413, 415, 421, 429, 307, 308)
        ),
        *((status, '{"code": 4711}', UNKNOWN, True) for status in (404, 410)),
        *((status, '{"code": 500}', UNKNOWN, False) for status in (401, 403, 404)),
    ],
)
def test_an_answer_without_a_ticket_tells_whether_a_task_was_started(
    status: int, body: str, fate: Fate, wrong_address: bool
):
    with pytest.raises(RunningHubError) as caught:
        ticket(body, status)
    assert (caught.value.fate, caught.value.wrong_address) == (fate, wrong_address)


@pytest.mark.parametrize(
    ("location", "fate"),
    [
        (f"https://www.runninghub.cn{HERE}", NOT),
        (f"//elsewhere.example:8443{HERE}", NOT),
        (HERE, NOT),
        ("", UNKNOWN),
        ("/", UNKNOWN),
        (f"{HERE}/", UNKNOWN),
        (f"{HERE}?done=1", UNKNOWN),
        ("https://[bad/", UNKNOWN),
    ],
)
def test_a_moved_site_has_started_nothing(location: str, fate: Fate):
    with pytest.raises(RunningHubError) as caught:
        orders.create("1").read(Response(301, b"", {"location": location}))
    assert caught.value.fate is fate


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_that_answers_a_processed_order_proves_nothing(status: int):
    with pytest.raises(RunningHubError) as caught:
        orders.create("1").read(Response(status, b"", {"location": HERE}))
    assert caught.value.fate is UNKNOWN


@pytest.mark.parametrize("code", [421, 500, 804, 813, 1003])
def test_with_an_id_there_is_a_task_whatever_the_code_says(code: int):
    answer = {"code": code, "msg": "", "data": {"taskId": ID}}
    assert ticket(json.dumps(answer)).task_id == ID
