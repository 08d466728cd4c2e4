"""An id or a link as people paste it becomes an id, or a refusal before any request."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rh_api.errors import BadInput, BadReply
from rh_api.wire.call import Response
from rh_api.wire.workflows import WORKFLOW, read_page, workflow_json

ID = "1900000000000000101"
BIG = str(2**53 + 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID, (ID, "")),
        (f"  {ID}\n", (ID, "")),
        (f"00{ID}", (ID, "")),
        (BIG, (BIG, "")),
        (str(2**63 - 1), (str(2**63 - 1), "")),
        (f"https://www.runninghub.ai/workflow/{ID}", (ID, "www.runninghub.ai")),
        (f"https://www.runninghub.cn/post/{ID}/?a=1#x", (ID, "www.runninghub.cn")),
        (f"HTTPS://WWW.RunningHub.AI/workflow/{BIG}", (BIG, "www.runninghub.ai")),
        (f"www.runninghub.ai/workflow/{ID}", (ID, "www.runninghub.ai")),
        (f"http://127.0.0.1:8123/workflow/{ID}", (ID, "127.0.0.1:8123")),
    ],
)
def test_an_id_is_found_in(text: str, expected: tuple[str, str]):
    assert read_page(text, WORKFLOW) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "error.workflow_blank"),
        (" \n", "error.workflow_blank"),
        ("0", "error.workflow_id"),
        ("000", "error.workflow_id"),
        ("-5", "error.workflow_id"),
        ("1.5", "error.workflow_id"),
        (str(2**63), "error.workflow_id"),
        ("9" * 5000, "error.workflow_id"),
        ("²", "error.workflow_id"),
        ("١٢٣", "error.workflow_id"),
        ("a cat", "error.workflow_id"),
        (f"ftp://www.runninghub.ai/workflow/{ID}", "error.workflow_id"),
        (f"https://me:secret@www.runninghub.ai/workflow/{ID}", "error.workflow_id"),
        (f"https://www.runninghub.ai/workflow/{ID}/{ID}", "error.workflow_id"),
        ("https://www.runninghub.ai/workflow/", "error.workflow_id"),
        (f"https://www.runninghub.ai:99999/workflow/{ID}", "error.workflow_id"),
        ("https://[", "error.workflow_id"),
        ("https://[::1/1", "error.workflow_id"),
        ("https://\u2100/1", "error.workflow_id"),
        (f"https://www.runninghub.ai/ai-detail/{ID}", "error.workflow_is_app"),
    ],
)
def test_what_names_no_workflow_is_refused(text: str, key: str):
    with pytest.raises(BadInput) as caught:
        read_page(text, WORKFLOW)
    assert caught.value.key == key


IDS = st.integers(0, 2**64).map(str) | st.text("0123456789", min_size=1, max_size=25)
LINKS = st.tuples(
    st.sampled_from(["https://", "http://", "HTTPS://", "", "ftp://", "https://me@"]),
    st.sampled_from(["www.runninghub.ai", "WWW.runninghub.CN", "127.0.0.1:8123", "[::1]", "x:y"]),
    st.sampled_from(["/", "/workflow/", "/post/", "/a/b/", "/1/", "/ai-detail/"]),
    IDS,
    st.sampled_from(["", "/", "?a=1", "#1", "/?b=2", "/x", "/2"]),
).map("".join)
PASTED = st.one_of(
    IDS,
    LINKS,
    st.tuples(st.integers(0, 60), st.characters(), IDS | LINKS).map(
        lambda slip: slip[2][: slip[0]] + slip[1] + slip[2][slip[0] :]
    ),
    st.text(st.characters()),
    st.text("htps:/.[]@0123456789?#%\\ wai-de", max_size=30),
)


@settings(deadline=None)
@given(PASTED)
@example("http://[v1.x]/1")
def test_any_text_is_an_id_or_refused(text: str):
    try:
        number, _host = read_page(text, WORKFLOW)
    except BadInput:
        return
    else:
        assert number.isdigit()
        assert number.isascii()
        assert 0 < int(number) < 2**63


@pytest.mark.parametrize("wrap", [json.dumps, lambda graph: graph])
def test_a_graph_comes_as_text_or_as_an_object(wrap):
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1}}}
    body = json.dumps({"code": 0, "data": {"prompt": wrap(graph)}})
    assert workflow_json(ID).read(Response(200, body.encode())) == graph


def test_a_password_is_sent_only_where_there_is_one():
    assert workflow_json(ID).request.body == {"workflowId": ID}
    body = workflow_json(ID, "open sesame").request.body
    assert body == {"workflowId": ID, "accessPassword": "open sesame"}


@pytest.mark.parametrize("prompt", [None, "", "[]", "{", 3, [], "[" * 100_000])
def test_what_is_no_graph_is_a_bad_reply(prompt: object):
    body = json.dumps({"code": 0, "data": {"prompt": prompt}})
    with pytest.raises(BadReply):
        workflow_json(ID).read(Response(200, body.encode()))
