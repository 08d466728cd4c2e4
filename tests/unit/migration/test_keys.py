"""Which texts are keys, how sure that is, and what is left when they are gone."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.migration.keys import Surety, clean, find_keys, find_keys_in_text

KEY = "0123456789abcdef0123456789ABCDEF"
OTHER = "f" * 31 + "0"


def node(kind: str, values: list[Any], **more: Any) -> dict[str, Any]:
    return {"nodes": [{"id": 7, "type": kind, "widgets_values": values, **more}]}


CASES = {
    "a pack's own field": (
        node("RH_SettingsNode", ["https://www.runninghub.cn", KEY, "19"]),
        Surety.CERTAIN,
    ),
    "in API format": (
        {"3": {"class_type": "RH_Config", "inputs": {"api_key": KEY}}},
        Surety.CERTAIN,
    ),
    "beside an address": (
        node("OtherCloud", ["https://www.runninghub.ai", KEY]),
        Surety.LIKELY,
    ),
    "beside a name": ({"3": {"class_type": "Any", "inputs": {"token": KEY}}}, Surety.LIKELY),
    "in a note": (node("Note", [f"my key: {KEY}, keep it"]), Surety.LIKELY),
    "in Chinese": (node("MarkdownNote", [f"密钥 {KEY}"]), Surety.LIKELY),
    "a proxy's address": (
        node("Any", [f"https://www.runninghub.ai/proxy/{KEY}/view?x=1"]),
        Surety.CERTAIN,
    ),
    "the address of a proxy of more memory": (
        node("Any", [f"https://www.runninghub.ai/proxy-plus/{KEY}/view?x=1"]),
        Surety.CERTAIN,
    ),
    "alone in a text": (node("PrimitiveString", [KEY]), Surety.MAYBE),
    "in a graph's metadata": (
        {"prompt": '{"1": {"class_type": "A", "inputs": {"apiKey": "' + KEY + '"}}}'},
        Surety.LIKELY,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_key_is_found_and_taken_out(name: str) -> None:
    document, surety = CASES[name]
    (key,) = find_keys(document)
    assert (key.key, key.surety) == (KEY, surety)
    assert key.places
    assert KEY not in key.veiled + "".join(key.places)
    cleaned = clean(document, [KEY])
    assert find_keys(cleaned) == ()
    assert KEY not in str(cleaned)


def test_a_whole_value_becomes_empty() -> None:
    old = node("RH_SettingsNode", ["https://www.runninghub.cn", KEY, "19"])
    new: Any = clean(old, [KEY])
    assert new["nodes"][0]["widgets_values"] == ["https://www.runninghub.cn", "", "19"]


@pytest.mark.parametrize(
    "document",
    [
        node("RH_SettingsNode", ["https://www.runninghub.cn", "YOUR_API_KEY_HERE_PLEASE", "19"]),
        node("LoadImage", [f"{KEY}.png"]),
        node("KSampler", [KEY + KEY]),
        # What the service calls an upload.
        node("RunningHubRemoteWorkflow", ["https://www.runninghub.ai/x", f"api/{KEY}.png"]),
        {"id": "01234567-89ab-cdef-0123-456789abcdef", "hash": KEY + "00"},
        node("Any", ["text"], properties={"ver": KEY}),
    ],
)
def test_what_only_looks_like_a_key_stays(document: object) -> None:
    assert find_keys(document) == ()


def test_each_key_is_told_once_with_its_places() -> None:
    document = {"a": node("Note", [f"key {KEY}"]), "b": node("Note", [f"key {KEY} {OTHER}"])}
    document["b"]["nodes"][0]["id"] = 8
    first, second = find_keys(document)
    assert {first.key, second.key} == {KEY, OTHER}
    assert max(len(first.places), len(second.places)) == 2


def test_a_text_that_is_no_json() -> None:
    (key,) = find_keys_in_text(f"RunningHub {KEY}", "comment")
    assert key.places == ("comment",)
    assert find_keys_in_text("md5 " + KEY, "comment") == ()
