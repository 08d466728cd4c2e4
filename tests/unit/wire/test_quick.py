"""What a page's "call API" button gives, in each form that people paste."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api.emulator import catalog
from rh_api.errors import BadInput
from rh_api.wire.apps import AppFieldType
from rh_api.wire.call_example import LONGEST, without_key
from rh_api.wire.quick import quick_entries, read_module

KEY = "0123456789abcdef0123456789abcdef"
MODULE = catalog.modules()["1900000000000000302"]
BODY = json.loads(MODULE.example(KEY))
URL = "https://www.runninghub.cn/task/openapi/quick-ai-app/run"


def curl(data: str, option: str = "--data-raw") -> str:
    return (
        f"curl --location --request POST '{URL}' \\\n--header 'Content-Type: application/json' \\\n"
        f"--header 'Authorization: Bearer {KEY}' \\\n{option} {data}"
    )


def in_double(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def in_single(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"


def changed(**values: Any) -> str:
    return json.dumps({name: v for name, v in {**BODY, **values}.items() if v is not None})


TALKING = changed(nodeInfoList=[{**BODY["nodeInfoList"][1], "fieldValue": 'it\'s "ink"\n{red}'}])


@pytest.mark.parametrize("body", [MODULE.example(KEY), TALKING], ids=["plain", "quotes in it"])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda body: body,
        lambda body: f"\n {body};",
        lambda body: curl(in_single(body)),
        lambda body: curl(in_double(body)),
        lambda body: curl(in_single(body), "-d"),
        lambda body: curl(in_single(body)).replace("--data-raw ", "--data-raw="),
        lambda body: curl(in_double(body)).replace("\n", " "),
        lambda body: curl(f"'{body}'"),  # as a page may write it that escapes nothing
    ],
)
def test_each_form_of_the_example_is_the_same_module(body: str, wrapped: Any) -> None:
    text = wrapped(body)
    module = read_module(text)
    assert (module.id, module.code) == (f"{MODULE.webapp_id}/002", "002")
    assert quick_entries(module, {}) == json.loads(body)["nodeInfoList"]
    assert module.host == ("www.runninghub.cn" if "curl" in text else "")
    assert KEY not in repr(module)
    assert KEY not in without_key(text)
    assert read_module(without_key(text)) == module


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.runninghub.cn/proxy/{KEY}/prompt",
        f"https://www.runninghub.cn/proxy-plus/{KEY}/prompt",
        f"curl -H 'api-key: {KEY}' -H 'x-api-key:{KEY}' -H \"Authorization: Bearer {KEY}\"",
        f"https://www.runninghub.cn/x?apiKey={KEY}&api_key={KEY}",
    ],
)
def test_a_key_is_taken_out_wherever_a_link_or_a_header_has_it(text: str) -> None:
    assert KEY not in without_key(text)


def test_given_values_take_the_place_of_the_examples_own_as_texts() -> None:
    module = read_module(MODULE.example())
    entries = quick_entries(module, {"12.steps": 30, "3.text": "a boat"})
    assert [entry["fieldValue"] for entry in entries] == [
        "example.png", "a boat", "ink_v1.safetensors", "30",
    ]  # fmt: skip
    assert {*map(len, entries)} == {6}


def test_a_switch_without_choices_is_a_text_and_sent_as_the_switch_it_is() -> None:
    entry = {**BODY["nodeInfoList"][3], "fieldType": "SWITCH"}
    texts = [{**entry, "fieldName": "select", "fieldValue": "2"}]
    texts += [{**entry, "fieldName": "enable", "fieldValue": "true"}]
    module = read_module(changed(nodeInfoList=texts))
    assert [item.type for item in module.form.fields] == [AppFieldType.STRING, AppFieldType.SWITCH]
    assert quick_entries(module, {}) == texts


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "quick_blank"),
        (" \n", "quick_blank"),
        ("1900000000000000302", "quick_unreadable"),
        ("https://www.runninghub.cn/quick/1900000000000000302", "quick_unreadable"),
        (MODULE.example(KEY)[:-5], "quick_unreadable"),
        (curl(f"'{MODULE.example(KEY)[:-5]}"), "quick_unreadable"),
        ('{"a": ' * 100_000, "quick_unreadable"),
        ("{" + " " * LONGEST + "}", "quick_unreadable"),
        (changed(quickCreateCode=None), "quick_is_app"),
        (changed(quickCreateCode="../002"), "quick_incomplete"),
        (changed(quickCreateCode=2), "quick_incomplete"),
        (changed(webappId="1/2"), "quick_incomplete"),
        (changed(webappId=None), "quick_incomplete"),
        (changed(nodeInfoList=None), "quick_incomplete"),
        (changed(nodeInfoList=[]), "quick_incomplete"),
        (changed(nodeInfoList=[*BODY["nodeInfoList"], {}]), "quick_incomplete"),
        (changed(nodeInfoList=BODY["nodeInfoList"] * 2), "quick_incomplete"),
    ],
)
def test_what_is_no_example_is_refused_without_quoting_it(text: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_module(text)
    assert caught.value.key == f"error.{key}"
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.params}"
