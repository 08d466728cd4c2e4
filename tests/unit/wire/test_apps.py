"""An app's id as people paste it, and a form read whatever its fields say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import AppNotFound, BadInput, BadReply, Refused
from rh_api.wire.apps import AppField, AppFieldType, AppOption, call_demo
from rh_api.wire.apps import run_app as start
from rh_api.wire.call import Response
from rh_api.wire.orders import NodeInfo, TaskOptions
from rh_api.wire.workflows import APP, WORKFLOW, read_page

ID = "1900000000000000201"
AI = "https://www.runninghub.ai"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f" 0{ID}\n", (ID, "")),
        (f"{AI}/ai-detail/{ID}", (ID, "www.runninghub.ai")),
        (f"www.runninghub.cn/ai-detail/{ID}?inviteCode=1#x", (ID, "www.runninghub.cn")),
        (f"http://127.0.0.1:8123/ai-detail/{ID}/", (ID, "127.0.0.1:8123")),
    ],
)
def test_an_app_is_found_in(text: str, expected: tuple[str, str]) -> None:
    assert read_page(text, APP) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (" ", "error.app_blank"),
        ("0", "error.app_id"),
        ("a cat", "error.app_id"),
        (str(2**63), "error.app_id"),
        (f"ftp://www.runninghub.ai/ai-detail/{ID}", "error.app_id"),
        (f"{AI}/ai-detail/{ID}/{ID}", "error.app_id"),
        (f"{AI}/workflow/{ID}", "error.app_is_workflow"),
        (f"{AI}/post/{ID}", "error.app_is_workflow"),
    ],
)
def test_what_names_no_app_is_refused(text: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_page(text, APP)
    assert caught.value.key == key


def test_a_link_is_an_apps_or_a_workflows_never_both() -> None:
    for path, ours, other in (
        (f"{AI}/ai-detail/{ID}", APP, WORKFLOW),
        (f"{AI}/workflow/{ID}", WORKFLOW, APP),
    ):
        read_page(path, ours)
        with pytest.raises(BadInput):
            read_page(path, other)


def test_an_id_of_the_other_kind_is_told_by_a_key_of_its_own() -> None:
    assert WORKFLOW.mistaken(ID).key == "error.workflow_id_is_app"
    assert APP.mistaken(ID).key == "error.app_id_is_workflow"
    assert APP.mistaken(ID).params == {"value": ID}


def demo(**data: Any) -> Response:
    return Response(200, json.dumps({"code": 0, "data": data}).encode())


def field(**entry: Any) -> AppField:
    about = {"nodeId": "1", "nodeName": "Node", "fieldName": "x", "fieldValue": "v", **entry}
    (app_field,) = call_demo(ID).read(demo(nodeInfoList=[about])).fields
    return app_field


NAMED = '[{"name":"a","index":"0"},{"name":"b","index":1.0},{"default":"0","description":"-"}]'
A_B = (AppOption("0", "a"), AppOption("1", "b"))


@pytest.mark.parametrize(
    ("data", "options", "default"),
    [
        (NAMED, A_B, "0"),
        (json.loads(NAMED), A_B, "0"),
        ('[{"name":"a"},{"index":2}]', (AppOption("a", "a"), AppOption("2")), None),
        ('["COMBO",{"options":["a",1,true],"default":"a"}]', ("a", "1", "true"), "a"),
        ('[["a","b"],{"default":"b"}]', ("a", "b"), "b"),
        ('[["a","b"]]', ("a", "b"), None),
        ('["STRING",{"default":"z"}]', None, "z"),
        ('["STRING"]', None, None),
        ('["STRING","INT"]', ("STRING", "INT"), None),
        (["nearest-exact", "bicubic"], ("nearest-exact", "bicubic"), None),
        ('[["a.png"],{"image_upload":true}]', None, None),
        ('[["a.mp4"],{"video_upload":true}]', None, None),
        ('[["a","b"],{"image_upload":false}]', ("a", "b"), None),
        ('[{},{"tooltip":"t"}]', None, None),
        (None, None, None),
        ("", None, None),
        ("[", None, None),
        ("{}", None, None),
        ("[]", None, None),
        ("[[]]", None, None),
        ("7", None, None),
        ("[" * 100_000, None, None),
        ('["COMBO",{"options":"a"}]', None, None),
        ('["COMBO",7]', None, None),
        ("[null,null]", None, None),
    ],
)
def test_field_data_in_any_dialect(data: object, options: Any, default: object) -> None:
    parsed = field(fieldType="LIST", fieldData=data)
    if options and isinstance(options[0], str):
        options = tuple(AppOption(value) for value in options)
    assert parsed.options == options
    assert parsed.default == default


def test_a_range_is_read_of_numbers_only() -> None:
    number = field(fieldType="FLOAT", fieldData='["FLOAT",{"min":0,"max":1.5,"step":0.01}]')
    assert (number.low, number.high, number.step) == (0, 1.5, 0.01)
    broken = field(fieldType="INT", fieldData='["INT",{"min":"0","max":true,"step":null}]')
    assert (broken.low, broken.high, broken.step) == (None, None, None)


@pytest.mark.parametrize("kind", [kind for kind in AppFieldType if kind is not AppFieldType.OTHER])
def test_each_documented_type_is_known(kind: AppFieldType) -> None:
    assert field(fieldType=kind.value.lower()).type is kind


@pytest.mark.parametrize("kind", ["CKPT", "", None, 3, "?"])
def test_a_type_that_nobody_documents_is_other(kind: object) -> None:
    assert field(fieldType=kind).type is AppFieldType.OTHER


def test_ids_come_as_numbers_too_and_what_names_no_field_is_left_out() -> None:
    items = [{"nodeId": 14, "fieldName": "image"}, {"nodeId": "1"}, {"fieldName": "x"}, None, 3]
    form = call_demo(ID).read(demo(nodeInfoList=items))
    assert [field.full_name for field in form.fields] == ["14.image"]


def test_of_a_field_listed_twice_the_last_counts() -> None:
    items = [{"nodeId": "1", "fieldName": "x", "fieldValue": value} for value in "ab"]
    assert [field.stored for field in call_demo(ID).read(demo(nodeInfoList=items)).fields] == ["b"]


@pytest.mark.parametrize("value", [True, "true"])
def test_a_protected_app_says_so(value: object) -> None:
    assert call_demo(ID).read(demo(nodeInfoList=None, accessEncrypted=value)).encrypted
    assert not call_demo(ID).read(demo(nodeInfoList=[])).encrypted


def test_an_answer_that_holds_an_address_alone_is_told_as_that() -> None:
    with pytest.raises(Refused) as caught:
        call_demo(ID).read(demo(url="https://www.runninghub.cn/x"))
    assert caught.value.key == "error.app_no_form"


@pytest.mark.parametrize("data", [{}, {"nodeInfoList": "x"}, {"nodeInfoList": {"a": 1}}])
def test_what_is_no_form_is_a_bad_reply(data: dict[str, Any]) -> None:
    with pytest.raises(BadReply):
        call_demo(ID).read(demo(**data))


def test_nothing_of_the_command_line_that_repeats_the_key_is_kept() -> None:
    form = call_demo(ID).read(demo(curl='--data \'{"apiKey": "secret"}\'', nodeInfoList=[]))
    assert "secret" not in repr(form)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "index", "default", "options", "min", "image_upload"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional={"fieldValue": JSON, "fieldData": JSON, "nodeName": JSON,
                                           "fieldType": JSON, "description": JSON}))  # fmt: skip
def test_any_field_is_read(entry: dict[str, Any]) -> None:
    plain = field(**entry)
    texted = field(**{**entry, "fieldData": json.dumps(entry.get("fieldData"))})
    assert plain.full_name == texted.full_name == "1.x"
    if not isinstance(entry.get("fieldData"), str):
        assert plain == texted


def test_every_option_of_an_order_is_sent_but_the_metadata() -> None:
    options = TaskOptions("ultra", False, True, 30, "https://example.com/hook")
    body = start(ID, (NodeInfo("1", "x", 2),), options, access_password="open").request.body
    assert body == {
        "webappId": int(ID),
        "nodeInfoList": [{"nodeId": "1", "fieldName": "x", "fieldValue": 2}],
        "instanceType": "ultra",
        "usePersonalQueue": True,
        "retainSeconds": 30,
        "webhookUrl": "https://example.com/hook",
        "accessPassword": "open",
    }


def test_an_unknown_app_is_its_own_error() -> None:
    with pytest.raises(AppNotFound):
        start(ID).read(Response(200, b'{"code": 901, "msg": "WEBAPP_NOT_EXISTS"}'))
