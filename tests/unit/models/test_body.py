"""A body has the keys of the schema and of `extra`,
refuses what cannot work and doubts the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.models.sampling import shipped, value_of

from rh_api.errors import BadField
from rh_api.graph.check import GivenMedia, JsonText, Promised, Unsupported
from rh_api.graph.fields import FieldKind
from rh_api.models.body import Composed, compose
from rh_api.models.catalogue import unknown_model
from rh_api.models.names import input_name, parameter_name
from rh_api.models.schema import Model, Op, Parameter, Rule
from rh_api.models.values import MediaFile
from rh_api.texts import Words
from rh_api.wire.filetypes import Kind

URL = "https://rh-images.example.com/input/openapi/a.png"
PICTURE = MediaFile(Kind.IMAGE, size=1_000_000, suffix="png")


def part(name: str, kind: FieldKind, **about: Any) -> Parameter:
    return Parameter(name, kind, **about)


def model(*parameters: Parameter, rules: tuple[Rule, ...] = ()) -> Model:
    return Model("a/b", "A", parameters=parameters, rules=rules)


PAINTER = model(
    part("prompt", FieldKind.STRING, required=True, max_length=20),
    part("model", FieldKind.COMBO, required=True, default="one", options=("one", "two")),
    part("resolution", FieldKind.COMBO, options=("720p", "1080p", "4K")),
    part("duration", FieldKind.COMBO, options=("5", "10")),
    part("steps", FieldKind.INT, low=1, high=50),
    part("strength", FieldKind.FLOAT, low=0, high=1),
    part("hd", FieldKind.BOOLEAN),
    part("imageUrl", FieldKind.IMAGE, max_mb=10, formats=("jpg", "png")),
    part("imageUrls", FieldKind.IMAGE, is_array=True, max_items=3),
    part("audioUrl", FieldKind.AUDIO, formats=("mp3", "mid")),
    part("url", FieldKind.URL),
    part("langs", FieldKind.COMBO, is_array=True, options=("en", "zh", "a,b")),
    part("elementList", FieldKind.JSON, is_array=True),
    part("style", FieldKind.JSON),
    part("lora", FieldKind.LORA),
)


def composed(extra: object = None, /, **values: object) -> Composed:
    values = {name.replace("__", "."): value for name, value in values.items()}
    return compose(PAINTER, {"prompt": "a cat", **values}, extra)


def sent(extra: object = None, /, **values: object) -> dict[str, object]:
    result = composed(extra, **values)
    assert (result.refusals, result.doubts) == ((), ())
    assert {"prompt": "a cat", "model": "one"}.items() <= result.body.items()
    return {k: v for k, v in result.body.items() if k not in ("prompt", "model")}


def keys(errors: tuple[BadField, ...]) -> list[str]:
    return [error.key for error in errors]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("resolution", "720p", "720p"),
        ("resolution", "4k", "4K"),
        ("duration", 5, "5"),
        ("duration", 10.0, "10"),
        ("steps", "20", 20),
        ("steps", 20.0, 20),
        ("strength", "0.5", 0.5),
        ("strength", 1, 1),
        ("hd", "true", True),
        ("hd", 0, False),
        ("lora", "ink.safetensors", "ink.safetensors"),
        ("imageUrl", URL, URL),
        ("imageUrl", "data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("imageUrl", [URL], URL),
        ("imageUrls", URL, [URL]),
        ("imageUrls", json.dumps([URL, URL]), [URL, URL]),
        ("langs", "en, zh", ["en", "zh"]),
        ("langs", "a,b", ["a,b"]),
        ("elementList", '[{"element_id": 1}]', [{"element_id": 1}]),
        ("elementList", {"element_id": 1}, [{"element_id": 1}]),
        ("style", '{"font": "x"}', {"font": "x"}),
    ],
)
def test_a_value_travels_as_the_schema_says(name: str, value: object, expected: object) -> None:
    body = sent(**{name: value})
    assert body == {name: expected}
    assert type(body[name]) is type(expected)


@pytest.mark.parametrize("value", [None, "", "  ", [], [""], "[]"])
def test_what_says_nothing_is_left_out(value: object) -> None:
    assert sent(imageUrls=value) == {}


def test_what_is_required_and_has_a_usual_value_need_not_be_given() -> None:
    assert composed().body == {"prompt": "a cat", "model": "one"}
    assert composed(p__model="two").body["model"] == "two"


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("steps", "many", "error.model_field_type"),
        ("steps", 1.5, "error.model_field_type"),
        ("steps", True, "error.model_field_type"),
        ("strength", float("nan"), "error.model_field_type"),
        ("steps", 10**30, "error.model_field_type"),
        ("hd", "perhaps", "error.model_field_type"),
        ("lora", True, "error.model_field_type"),
        ("lora", {"a": 1}, "error.model_field_type"),
        ("lora", ["a", "b"], "error.model_field_list"),
        ("imageUrl", [URL, URL], "error.model_field_list"),
        ("imageUrl", GivenMedia(Kind.VIDEO), "error.model_field_type"),
        ("steps", PICTURE, "error.model_field_type"),
        ("audioUrl", PICTURE, "error.model_field_type"),
        ("url", GivenMedia(Kind.FILE), "error.model_field_type"),
        ("imageUrl", Unsupported("LATENT"), "error.model_field_type"),
        ("lora", JsonText('["a", "b"]'), "error.model_field_type"),
        ("elementList", "not json", "error.model_field_type"),
        ("elementList", "[NaN]", "error.model_field_type"),
        ("style", "5", "error.model_field_type"),
        ("steps.1", 3, "error.model_field_unknown"),
        ("seed", 3, "error.model_field_unknown"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: object, key: str) -> None:
    result = compose(PAINTER, {"prompt": "a cat", name: value})
    assert keys(result.refusals) == [key]
    with pytest.raises(BadField) as caught:
        result.checked(send_anyway=True)
    assert name.split(".")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "key", "travels"),
    [
        ("prompt", "a" * 21, "error.model_field_length", "a" * 21),
        ("resolution", "8k", "error.model_field_option", "8k"),
        ("steps", 51, "error.model_field_range", 51),
        ("strength", -0.5, "error.model_field_range", -0.5),
        ("imageUrls", [URL] * 4, "error.model_field_count", [URL] * 4),
        ("imageUrl", "a.png", "error.model_field_address", "a.png"),
        (
            "imageUrl",
            big := MediaFile(Kind.IMAGE, 11 * 2**20, "png"),
            "error.model_field_size",
            big,
        ),
        ("imageUrl", webp := MediaFile(Kind.IMAGE, 9, ".webp"), "error.model_field_format", webp),
    ],
)
def test_what_only_the_catalogue_speaks_against_can_be_sent_anyway(
    name: str, value: object, key: str, travels: object
) -> None:
    result = compose(PAINTER, {"prompt": "a cat", name: value})
    assert (result.refusals, keys(result.doubts)) == ((), [key])
    with pytest.raises(BadField, match="send anyway") as caught:
        result.checked()
    assert caught.value.hint == "send_anyway"
    assert result.checked(send_anyway=True)[name] == travels


@pytest.mark.parametrize(
    "file",
    [PICTURE, MediaFile(Kind.IMAGE, 10 * 2**20, "jpeg"), GivenMedia(Kind.IMAGE)],
)
def test_a_file_that_fits_stays_as_it_is(file: GivenMedia) -> None:
    assert sent(imageUrl=file) == {"imageUrl": file}


def test_a_midi_file_goes_where_the_formats_say_so() -> None:
    midi = MediaFile(Kind.FILE, 100, "mid")
    assert sent(audioUrl=midi) == {"audioUrl": midi}


def test_a_list_comes_before_its_numbered_items_and_those_in_order() -> None:
    result = compose(
        PAINTER,
        {"prompt": "x", "imageUrls.10": URL + "4", "imageUrls.2": URL + "3", "imageUrls": [URL]},
    )
    assert result.body["imageUrls"] == [URL, URL + "3", URL + "4"]


def test_what_is_missing_is_refused_and_only_doubted_where_no_source_is_sure() -> None:
    sure, unsure = (
        part("a", FieldKind.STRING, required=True),
        part("b", FieldKind.STRING, required=True, is_sure=False),
    )
    result = compose(model(sure, unsure), {})
    assert [error.params["field"] for error in result.refusals] == ["a"]
    assert [error.params["field"] for error in result.doubts] == ["b"]


def test_a_parameter_is_called_as_on_its_node_in_the_language_that_is_spoken() -> None:
    wanted = [part(name, FieldKind.INT, required=True) for name in ("aspectRatio", "seed")]
    wrong, missing = compose(model(*wanted), {"aspectRatio": "x"}).refusals
    assert str(wrong).startswith('"Aspect ratio (aspectRatio)" takes INT')
    assert str(missing).startswith('"seed" of a/b')
    field = wrong.params["field"]
    assert isinstance(field, Words)
    assert field.tell(lambda _key, _params: "中文") == "宽高比 (aspectRatio)"


def test_a_wrong_value_is_not_also_missing() -> None:
    result = compose(model(part("n", FieldKind.INT, required=True)), {"n": "x"})
    assert keys(result.refusals) == ["error.model_field_type"]


# Rules between parameters

TEXT = [part(name, FieldKind.STRING) for name in ("a", "b", "c")]
MODE = part("mode", FieldKind.COMBO, default="auto", options=("auto", "custom"))


@pytest.mark.parametrize(
    ("rule", "values", "key"),
    [
        (Rule(Op.ONE, ("a", "b")), {}, "error.model_field_one_of"),
        (Rule(Op.ONE, ("a", "b")), {"a": "1", "b": "2"}, "error.model_fields_exclude"),
        (Rule(Op.ONE, ("a", "b")), {"b": "2"}, None),
        (Rule(Op.AT_MOST_ONE, ("a", "b", "c")), {"a": "1", "c": "2"}, "error.model_fields_exclude"),
        (Rule(Op.AT_MOST_ONE, ("a", "b")), {}, None),
        (Rule(Op.AT_LEAST_ONE, ("a", "b")), {"c": "1"}, "error.model_field_one_of"),
        (Rule(Op.AT_LEAST_ONE, ("a", "b")), {"a": "1", "b": "2"}, None),
        (Rule(Op.TOGETHER, ("a", "b")), {"a": "1"}, "error.model_fields_together"),
        (Rule(Op.TOGETHER, ("a", "b")), {}, None),
        (Rule(Op.NEEDS, ("a",), "b"), {"b": "1"}, "error.model_field_missing"),
        (Rule(Op.NEEDS, ("a",), "b"), {}, None),
        (Rule(Op.NEEDS, ("a",), "mode", ("auto",)), {}, "error.model_field_missing"),
        (Rule(Op.NEEDS, ("a",), "mode", ("custom",)), {}, None),
    ],
)
def test_values_that_exclude_or_need_each_other(
    rule: Rule, values: dict[str, object], key: str | None
) -> None:
    result = compose(model(*TEXT, MODE, rules=(rule,)), values)
    assert keys(result.refusals) == ([key] if key else [])


IDLE = model(
    *TEXT,
    MODE,
    part("width", FieldKind.INT, default=1024),
    part("langs", FieldKind.COMBO, is_array=True, default="en", options=("en", "zh")),
    rules=(
        Rule(Op.ONLY, ("a", "width", "langs"), "mode", ("custom", "own")),
        Rule(Op.ONLY, ("b",), "c"),
    ),
)


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        ({"a": "1"}, "mode = custom / own"),
        ({"width": 512}, "mode = custom / own"),
        ({"langs": "zh"}, "mode = custom / own"),
        ({"width": Promised()}, "mode = custom / own"),
        ({"b": "1"}, "c"),
    ],
)
def test_a_value_that_counts_only_beside_another_is_not_dropped(
    values: dict[str, object], condition: str
) -> None:
    result = compose(IDLE, values)
    assert (result.refusals, keys(result.doubts)) == ((), ["error.model_field_idle"])
    with pytest.raises(BadField, match=f"counts only with {condition}") as caught:
        result.checked()
    assert next(iter(values)) in str(caught.value)
    assert caught.value.hint == "send_anyway"
    assert result.checked(send_anyway=True).keys() == values.keys()


@pytest.mark.parametrize("width", [1024, 1024.0, "1024"])
def test_a_default_that_does_not_count_is_no_set_value(width: object) -> None:
    values = {"a": "", "width": width, "langs": "en", "b": None, "mode": "auto"}
    assert compose(IDLE, values).checked() == {"mode": "auto"}


def test_a_value_whose_condition_holds_or_may_hold_is_sent() -> None:
    for mode in ("custom", Promised()):
        values = {"a": "1", "width": 512, "mode": mode}
        assert compose(IDLE, values).checked() == values


def test_items_that_are_too_many_together_are_doubted() -> None:
    wan = shipped().models["alibaba/wan-2.6/reference-to-video"]
    result = compose(
        wan, {"prompt": "x", "videoUrls": [URL] * 2, "imageUrls": [URL] * 4, "size": "1280*720"}
    )
    assert "error.model_field_count" in keys(result.doubts)


def test_of_a_model_that_nobody_knows_its_name_is_asked_about() -> None:
    (refusal,) = compose(unknown_model("no/such"), {"prompt": "x"}).refusals
    assert "no parameters of no/such" in str(refusal)
    assert "Is the endpoint right?" in str(refusal)


# Extra


def test_extra_adds_keys_that_no_schema_knows() -> None:
    assert sent('{"newKey": [1, null, {"a": true}]}') == {"newKey": [1, None, {"a": True}]}
    assert sent({"newKey": 1}) == {"newKey": 1}
    assert sent(" ") == {}


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ("{", "error.model_extra"),
        ("[1]", "error.model_extra"),
        ('{"a": NaN}', "error.model_extra"),
        ({"a": float("inf")}, "error.model_extra"),
        ("[" * 5000, "error.model_extra"),
        ('{"a": ' + "[" * 30 + "]" * 30 + "}", "error.model_extra"),
        ('{"a": "' + "x" * 300_000 + '"}', "error.model_extra"),
        ({"53##image": 1}, "error.model_extra_key"),
        ({"apiKey": "x"}, "error.model_extra_key"),
        ({"webhookUrl": "https://example.com"}, "error.model_extra_key"),
        ({"__proto__": 1}, "error.model_extra_key"),
        ({"": 1}, "error.model_extra_key"),
        ({"prompt": "other"}, "error.model_extra_twice"),
    ],
)
def test_what_extra_cannot_be(extra: object, key: str) -> None:
    assert keys(composed(extra).refusals) == [key]


# Names


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True))
def test_a_parameter_is_found_by_the_name_of_its_input(name: str) -> None:
    assert parameter_name(input_name(name)) == (name, None)
    assert parameter_name(f"{input_name(name)}.7") == (name, 7)


FITTING = {param.name: value_of(param) for param in PAINTER.parameters}
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.text(max_size=5) | st.none() | st.integers(), max_size=4)
    | st.dictionaries(st.text(max_size=3), st.floats(), max_size=2)
)
EXTRA_KEYS = st.dictionaries(st.text(max_size=9), st.integers(), max_size=3)


@given(
    st.builds(  # mostly fitting values: a single refused one leaves no body to look at
        lambda names, odd: {name: FITTING[name] for name in ("prompt", *names)} | odd,
        st.sets(st.sampled_from(list(FITTING))),
        st.dictionaries(
            st.sampled_from([*FITTING, "imageUrls.2", "no.such"]), ANYTHING, max_size=2
        ),
    ),
    st.none() | EXTRA_KEYS | EXTRA_KEYS.map(json.dumps) | st.text(max_size=30),
)
def test_whatever_is_given_a_body_is_plain_json_of_known_keys(
    values: dict[str, object], extra: object
) -> None:
    result = compose(PAINTER, values, extra)
    if not result.refusals:
        names = {param.name for param in PAINTER.parameters}
        added = set(json.loads(extra)) if isinstance(extra, str) and extra.strip() else extra or ()
        assert set(result.body) <= names | set(added)
        assert json.loads(json.dumps(result.body, allow_nan=False)) == result.body
    for error in (*result.refusals, *result.doubts):
        assert "{" not in error.key
        assert str(error)
