"""The form of an app is checked before anything is uploaded or paid, as a workflow's fields are."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadField, Fate
from rh_api.graph.app_fields import app_fields, app_takes_url, app_values, check_app
from rh_api.graph.check import GivenMedia, Promised, UnknownField, Unsupported
from rh_api.graph.fields import FieldKind
from rh_api.wire.apps import AppForm, call_demo
from rh_api.wire.call import Response
from rh_api.wire.filetypes import Kind

PICTURE, VIDEO, AUDIO = GivenMedia(Kind.IMAGE), GivenMedia(Kind.VIDEO), GivenMedia(Kind.AUDIO)
HUGE = str(2**64 - 1)
STYLES = [
    {"name": "photo", "index": "0", "description": "照片", "descriptionEn": "Photograph"},
    {"name": "ink", "index": "1", "description": "墨", "descriptionEn": "Ink drawing"},
    {"default": "0"},
]
INPUTS = [
    {"name": "input2", "index": 2.0, "description": "model text"},
    {"name": "input1", "index": 1.0, "description": "your text"},
]


def form_of(*entries: tuple[str, str, str, object, object]) -> AppForm:
    """A form as the service prints it: full name, class, type, stored value, fieldData."""
    items = []
    for name, node_class, kind, stored, data in entries:
        node_id, field = name.split(".")
        items.append(
            {
                "nodeId": node_id,
                "nodeName": node_class,
                "fieldName": field,
                "fieldValue": stored,
                "fieldType": kind,
                "fieldData": None if data is None else json.dumps(data),
                "description": f"what {field} does",
            }
        )
    body = json.dumps({"code": 0, "data": {"nodeInfoList": items}})
    return call_demo("1").read(Response(200, body.encode()))


FORM = form_of(
    ("6.text", "CLIPTextEncode", "STRING", "a cat", ["STRING", {"multiline": True}]),
    ("3.seed", "KSampler", "INT", "42", ["INT", {"min": 0, "max": 2**64 - 1}]),
    ("3.steps", "KSampler", "INT", "20", ["INT", {"min": 1, "max": 100}]),
    ("3.denoise", "KSampler", "FLOAT", "0.6", ["FLOAT", {"min": 0, "max": 1, "step": 0.01}]),
    ("4.on", "Custom", "BOOLEAN", "true", ["BOOLEAN", {"default": True}]),
    ("20.style", "Style", "LIST", "0", STYLES),
    ("21.ratio", "Ratio", "LIST", "1:1", ["COMBO", {"options": ["1:1", "16:9"]}]),
    ("22.size", "Size", "LIST", "2k", [["1k", "2k"], {"default": "1k"}]),
    ("185.select", "ImpactSwitch", "SWITCH", "2", INPUTS),
    ("186.flag", "Toggle", "SWITCH", "false", None),
    ("187.select", "ImpactSwitch", "SWITCH", "2", None),
    ("10.image", "LoadImage", "IMAGE", "x.png", [["x.png"], {"image_upload": True}]),
    ("11.file", "LoadVideo", "VIDEO", "x.mp4", None),
    ("12.audio", "LoadAudio", "AUDIO", "x.wav", None),
    ("13.upload", "LoadImages(zip)", "STRING", "x.zip", None),
    ("14.url", "LoadImageFromUrl", "STRING", "https://example.com/x.png", None),
    ("15.lora_name", "LoraLoader", "LORA", "ink.safetensors", [{}, {"tooltip": "t"}]),
    ("16.ckpt_name", "CheckpointLoaderSimple", "CKPT", "m.safetensors", [{}]),
    ("17.picture", "Odd", "IMAGE", "x.png", None),
    ("30.number", "Odd", "INT", 8, ["INT", {}]),
    ("30.choice", "Odd", "LIST", 2, [[1, 2, 3], {}]),
    ("30.later", "Odd", "STRING", None, None),
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("6.text", FieldKind.STRING),
        ("3.seed", FieldKind.INT),
        ("3.denoise", FieldKind.FLOAT),
        ("4.on", FieldKind.BOOLEAN),
        ("20.style", FieldKind.COMBO),
        ("185.select", FieldKind.COMBO),
        ("186.flag", FieldKind.BOOLEAN),
        ("187.select", FieldKind.ANY),
        ("10.image", FieldKind.IMAGE),
        ("11.file", FieldKind.VIDEO),
        ("12.audio", FieldKind.AUDIO),
        ("13.upload", FieldKind.ZIP),
        ("14.url", FieldKind.URL),
        ("15.lora_name", FieldKind.LORA),
        ("16.ckpt_name", FieldKind.STRING),
        ("17.picture", FieldKind.IMAGE),
    ],
)
def test_a_field_is_of_the_kind_that_the_form_says(name: str, kind: FieldKind) -> None:
    kinds = {field.full_name: field.kind for field in app_fields(FORM)}
    assert kinds[name] is kind


def test_fields_stand_in_the_forms_order_with_their_stored_values_and_words() -> None:
    fields = app_fields(FORM)
    assert [field.full_name for field in fields] == [field.full_name for field in FORM.fields]
    seed = fields[1]
    assert (seed.stored, seed.node.title, seed.node.class_type) == (
        42,
        "what seed does",
        "KSampler",
    )


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("6.text", "a dog", "a dog"),
        ("6.text", 7, "7"),
        ("3.seed", 2**64 - 1, HUGE),
        ("3.seed", HUGE, HUGE),
        ("3.steps", 30, "30"),
        ("3.steps", "30", "30"),
        ("3.steps", 30.0, "30"),
        ("3.denoise", 0.5, "0.5"),
        ("3.denoise", "1", "1"),
        ("4.on", False, "false"),
        ("4.on", "FALSE", "false"),
        ("20.style", "1", "1"),
        ("20.style", 1, "1"),
        ("20.style", "ink", "1"),
        ("20.style", "墨", "1"),
        ("20.style", "Ink drawing", "1"),
        ("21.ratio", "16:9", "16:9"),
        ("22.size", "1k", "1k"),
        ("185.select", 1, "1"),
        ("185.select", "1", "1"),
        ("185.select", "input1", "1"),
        ("185.select", "your text", "1"),
        ("186.flag", True, "true"),
        ("187.select", 1, "1"),
        ("10.image", "api/ab.png", "api/ab.png"),
        ("10.image", PICTURE, PICTURE),
        ("11.file", VIDEO, VIDEO),
        ("12.audio", AUDIO, AUDIO),
        ("13.upload", PICTURE, PICTURE),
        ("14.url", "https://example.com/y.png", "https://example.com/y.png"),
        ("14.url", PICTURE, PICTURE),
        ("15.lora_name", " api-lora-cn/0.safetensors\n", "api-lora-cn/0.safetensors"),
        ("16.ckpt_name", "other.safetensors", "other.safetensors"),
        ("30.number", "9", 9),
        ("30.choice", "3", 3),
        ("30.later", "x", "x"),
        ("6.text", Promised(), Promised()),
    ],
)
def test_a_value_goes_out_in_the_json_type_that_the_form_uses(
    name: str, value: object, sent: object
) -> None:
    checked = check_app(FORM, {name: value})
    assert checked == {name: sent}
    assert type(checked[name]) is type(sent)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("text", "x", "error.field_name"),
        ("6.", "x", "error.field_name"),
        ("6.texd", "x", "error.app_field_unknown"),
        ("99.text", "x", "error.app_field_unknown"),
        ("3.steps", "many", "error.field_type"),
        ("3.steps", 2.5, "error.field_whole"),
        ("3.steps", 0, "error.field_range"),
        ("3.steps", 101, "error.field_range"),
        ("3.denoise", 1.01, "error.field_range"),
        ("3.denoise", "inf", "error.field_type"),
        ("4.on", "perhaps", "error.field_type"),
        ("20.style", "oil", "error.field_option"),
        ("20.style", "2", "error.field_option"),
        ("20.style", True, "error.field_option"),
        ("21.ratio", "4:3", "error.field_option"),
        ("22.size", "8k", "error.field_option"),
        ("185.select", 3, "error.field_option"),
        ("185.select", 1.5, "error.field_option"),
        ("186.flag", "2", "error.field_type"),
        ("10.image", AUDIO, "error.field_media_kind"),
        ("10.image", "https://example.com/x.png", "error.field_url"),
        ("10.image", " ", "error.field_blank"),
        ("6.text", PICTURE, "error.field_media"),
        ("20.style", PICTURE, "error.field_media"),
        ("15.lora_name", "", "error.field_blank"),
        ("15.lora_name", PICTURE, "error.field_media"),
        ("6.text", Unsupported("LATENT"), "error.field_unsupported"),
        ("30.choice", 4, "error.field_option"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_paid(
    name: str, value: object, key: str
) -> None:
    with pytest.raises(BadField) as caught:
        check_app(FORM, {name: value})
    assert caught.value.key == key
    assert caught.value.fate is Fate.NOT_STARTED
    assert caught.value.params["field"] == name
    assert isinstance(caught.value, UnknownField) is (key == "error.app_field_unknown")


def near(name: str, value: object) -> str:
    with pytest.raises(BadField) as caught:
        check_app(FORM, {name: value})
    return str(caught.value.params["near"])


def test_a_refusal_names_what_may_have_been_meant() -> None:
    assert near("20.style", "in") == "1 (ink), 0 (photo)"
    assert near("21.ratio", "16:8").startswith("16:9")
    assert near("6.texd", "x").startswith("6.text (what text does)")


def test_where_the_stored_value_is_a_name_names_are_sent() -> None:
    form = form_of(("20.style", "Style", "LIST", "photo", STYLES))
    for value in ("ink", "1", "Ink drawing"):
        assert check_app(form, {"20.style": value}) == {"20.style": "ink"}


def test_a_stored_choice_may_be_kept_though_it_is_not_listed() -> None:
    form = form_of(("20.style", "Style", "LIST", "old", STYLES))
    assert check_app(form, {"20.style": "old"}) == {"20.style": "old"}
    with pytest.raises(BadField):
        check_app(form, {"20.style": "oil"})


def test_a_range_that_the_stored_value_breaks_is_not_believed() -> None:
    form = form_of(("3.steps", "KSampler", "INT", "500", ["INT", {"max": 100}]))
    assert check_app(form, {"3.steps": 400}) == {"3.steps": "400"}


def test_half_a_range_binds_on_its_side() -> None:
    form = form_of(("3.steps", "KSampler", "INT", "5", ["INT", {"min": 1}]))
    assert check_app(form, {"3.steps": 10**9}) == {"3.steps": str(10**9)}
    with pytest.raises(BadField) as caught:
        check_app(form, {"3.steps": 0})
    assert caught.value.params["low"] == 1


def test_every_field_of_the_form_goes_out_and_so_stored_seeds_are_held() -> None:
    checked = check_app(FORM, {"6.text": "a dog"})
    values = app_values(FORM, checked)
    assert values["6.text"] == "a dog"
    assert values["3.seed"] == "42"
    assert values["30.number"] == 8
    stored = {field.full_name for field in FORM.fields if field.stored is not None}
    assert set(values) == stored


def test_with_reroll_only_the_seeds_that_nobody_set_are_left_out() -> None:
    values = app_values(FORM, {}, reroll_seeds=True)
    assert set(app_values(FORM, {})) - set(values) == {"3.seed"}
    checked = check_app(FORM, {"3.seed": 7})
    assert app_values(FORM, checked, reroll_seeds=True)["3.seed"] == "7"


def test_a_field_that_loads_from_the_web_is_known() -> None:
    assert app_takes_url(FORM, "14.url")
    assert not app_takes_url(FORM, "10.image")
    assert not app_takes_url(FORM, "99.url")


VALUES: Any = (
    st.text(max_size=10) | st.integers() | st.floats() | st.booleans() | st.sampled_from([PICTURE])
)


@given(st.sampled_from([field.full_name for field in FORM.fields]), VALUES)
def test_any_value_passes_or_is_refused_and_passing_is_final(name: str, value: object) -> None:
    checked: dict[str, object] = {}
    with contextlib.suppress(BadField):
        checked = check_app(FORM, {name: value})
    assert check_app(FORM, checked) == checked
    stored = {field.full_name: field.stored for field in FORM.fields}[name]
    for sent in checked.values():
        assert sent is value or stored is None or type(sent) is type(stored)


def test_a_row_that_names_no_node_is_called_by_its_id() -> None:
    (row,) = form_of(("6.text", "", "LIST", "0", STYLES)).fields
    form = replace(FORM, fields=(replace(row, description="", description_en=""),))
    with pytest.raises(BadField, match='of node 6: "x" is not one of'):
        check_app(form, {"6.text": "x"})
