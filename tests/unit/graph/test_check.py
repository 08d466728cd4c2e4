from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadField, Fate
from rh_api.graph.check import (
    HIGHEST,
    LOWEST,
    GivenMedia,
    JsonText,
    UnknownField,
    Unsupported,
    check,
)
from rh_api.wire.filetypes import Kind

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "steps": 20,
            "cfg": 7,
            "denoise": 1.0,
            "sampler_name": "euler",
            "scheduler": "mystery",
            "model": ["4", 0],
            "positive": ["77", 0],
        },
        "_meta": {"title": "My sampler"},
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}},
    "7": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": "bad hands"},
        "_meta": {"title": "Negative"},
    },
    "10": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "11": {"class_type": "LoadImageFromUrl", "inputs": {"image": "https://example.com/x.png"}},
    "12:3": {"class_type": "LoadVideo", "inputs": {"file": "x.mp4"}},
    "13": {"class_type": "LoadImages(zip)", "inputs": {"upload": "x.zip"}},
    "14": {
        "class_type": "Custom",
        "inputs": {
            "on": False,
            "points": [[1, 2]],
            "curve": {"a": 1},
            "later": None,
            "editor": "[]",
        },
    },
    "15": {"class_type": "Reroute", "inputs": {"value": ["6", 0]}},
}
PICTURE, VIDEO, AUDIO = GivenMedia(Kind.IMAGE), GivenMedia(Kind.VIDEO), GivenMedia(Kind.AUDIO)
NAMES = st.text(max_size=12)


def options(class_type: str, field: str) -> Sequence[object] | None:
    choices: dict[tuple[str, str], Sequence[object]] = {
        ("KSampler", "sampler_name"): ["euler", "dpmpp_2m", "ddim"],
        ("KSampler", "scheduler"): ["normal", "karras"],
    }
    return choices.get((class_type, field))


def declared(class_type: str, field: str) -> str | None:
    types = {"steps": "INT", "cfg": "FLOAT", "seed": "FLOAT"}
    return types.get(field)


def refused(name: str, value: object) -> BadField:
    with pytest.raises(BadField) as caught:
        check(GRAPH, {name: value}, options)
    assert caught.value.fate is Fate.NOT_STARTED
    assert caught.value.params["field"] == name
    return caught.value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("6.text", "a dog", "a dog"),
        ("6.text", " ", " "),
        ("6.text", 7, "7"),
        ("6.text", 0.5, "0.5"),
        ("3.seed", "1231231", 1231231),
        ("3.seed", 2**64 - 1, 2**64 - 1),
        ("3.seed", str(2**64 - 1), 2**64 - 1),
        ("3.seed", 20.0, 20),
        ("3.steps", " 2e1 ", 20),
        ("3.cfg", 7.5, 7.5),
        ("3.cfg", "7.5", 7.5),
        ("3.cfg", 8.0, 8),
        ("3.denoise", 1, 1.0),
        ("3.denoise", ".5", 0.5),
        ("3.sampler_name", "ddim", "ddim"),
        ("3.scheduler", "anything", "anything"),
        ("10.image", "openapi/ab.png", "openapi/ab.png"),
        ("10.image", " openapi/ab.png\n", "openapi/ab.png"),
        ("10.image", PICTURE, PICTURE),
        ("11.image", "https://example.com/y.png", "https://example.com/y.png"),
        ("11.image", PICTURE, PICTURE),
        ("12:3.file", VIDEO, VIDEO),
        ("13.upload", PICTURE, PICTURE),
        ("13.upload", GivenMedia(Kind.FILE), GivenMedia(Kind.FILE)),
        ("14.on", True, True),
        ("14.on", "TRUE", True),
        ("14.on", "false", False),
        ("14.on", 0, False),
        ("14.on", "1", True),
        ("14.points", "[[3, 4], [5, 6]]", [[3, 4], [5, 6]]),
        ("14.curve", '{"b": 2}', {"b": 2}),
        ("14.editor", JsonText('[{"x": 1}]'), '[{"x": 1}]'),
        ("14.later", "text", "text"),
        ("14.later", 3, 3),
        ("14.later", True, True),
    ],
)
def test_a_value_is_brought_to_the_stored_type(name: str, value: object, expected: object) -> None:
    converted = check(GRAPH, {name: value}, options)[name]
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("text", "x", "error.field_name"),
        ("66.text", "x", "error.field_node"),
        ("6.txt", "x", "error.field_unknown"),
        ("3.control_after_generate", "fixed", "error.field_front_end"),
        ("3.model", "x", "error.field_link"),
        ("3.seed", "a lot", "error.field_type"),
        ("3.seed", "", "error.field_type"),
        ("3.seed", True, "error.field_type"),
        ("3.seed", "1_000", "error.field_type"),
        ("3.denoise", "nan", "error.field_type"),
        ("3.seed", 1.5, "error.field_whole"),
        ("3.steps", "20.5", "error.field_whole"),
        ("3.seed", 2**64, "error.field_range"),
        ("3.seed", -(2**63) - 1, "error.field_range"),
        ("3.seed", 1e300, "error.field_range"),
        ("3.denoise", 10**400, "error.field_range"),
        ("3.denoise", math.nan, "error.field_finite"),
        ("3.denoise", math.inf, "error.field_finite"),
        ("3.denoise", "1e999", "error.field_finite"),
        ("6.text", False, "error.field_type"),
        ("6.text", math.nan, "error.field_finite"),
        ("6.text", PICTURE, "error.field_media"),
        ("3.seed", VIDEO, "error.field_media"),
        ("10.image", AUDIO, "error.field_media_kind"),
        ("11.image", AUDIO, "error.field_media_kind"),
        ("12:3.file", PICTURE, "error.field_media_kind"),
        ("10.image", Unsupported("LATENT"), "error.field_unsupported"),
        ("6.text", Unsupported("MODEL"), "error.field_unsupported"),
        ("6.text", None, "error.field_unsupported"),
        ("6.text", ["a"], "error.field_unsupported"),
        ("6.text", JsonText('["one", "two"]'), "error.field_type"),
        ("10.image", JsonText('["x.png", "y.png"]'), "error.field_type"),
        ("10.image", "https://example.com/x.png", "error.field_url"),
        ("12:3.file", "HTTP://example.com/x.mp4", "error.field_url"),
        ("10.image", "data:image/png;base64,AA", "error.field_url"),
        ("10.image", "  ", "error.field_blank"),
        ("11.image", "", "error.field_blank"),
        ("10.image", 5, "error.field_type"),
        ("3.sampler_name", "eulr", "error.field_option"),
        ("14.on", 2, "error.field_type"),
        ("14.on", "yes", "error.field_type"),
        ("14.points", "[1, 2", "error.field_type"),
        ("14.points", '{"b": 2}', "error.field_type"),
        ("14.points", '["6", 0]', "error.field_type"),
        ("14.points", "[" * 100_000, "error.field_type"),
        ("14.points", 5, "error.field_type"),
        ("14.later", math.inf, "error.field_finite"),
        ("14.later", 2**64, "error.field_range"),
    ],
)
def test_what_cannot_work_is_refused_by_name(name: str, value: object, key: str) -> None:
    assert refused(name, value).key == key


def test_an_unknown_node_is_answered_with_the_same_field_of_the_nearest_node() -> None:
    error = refused("66.text", "x")
    assert isinstance(error, UnknownField)
    assert error.node_id == "66"
    assert str(error.params["near"]).startswith("6.text (CLIPTextEncode)")


def test_a_node_named_by_its_title_is_found() -> None:
    assert refused("negative.text", "x").params["near"] == "7.text (Negative [CLIPTextEncode])"


def test_an_unknown_node_and_field_are_answered_with_whatever_is_nearest() -> None:
    assert str(refused("4.ckpt", "x").params["near"]) == "ckpt_name"
    assert "4.ckpt_name (CheckpointLoaderSimple)" in str(refused("44.ckpt", "x").params["near"])


def test_a_workflow_without_fields_has_nothing_near() -> None:
    with pytest.raises(UnknownField) as caught:
        check({}, {"6.text": "x"})
    assert "Nearest" not in str(caught.value)


def test_an_unknown_field_is_answered_with_the_nearest_fields_of_its_node() -> None:
    error = refused("3.Sede", 1)
    assert isinstance(error, UnknownField)
    assert error.node_id == "3"
    assert error.params["node"] == "My sampler [KSampler]"
    assert str(error.params["near"]).startswith("seed, ")
    assert "model" not in str(error.params["near"])


def test_a_link_is_answered_with_the_node_it_comes_from() -> None:
    assert refused("3.model", "x").params["source"] == "4 (CheckpointLoaderSimple)"
    assert refused("3.positive", "x").params["source"] == "77"


def test_a_url_passes_where_the_workflow_itself_holds_one() -> None:
    url = "https://example.com/x.png"
    graph = {"1": {"class_type": "ImageLoader", "inputs": {"image": url}}}
    assert check(graph, {"1.image": url + "?2"}) == {"1.image": url + "?2"}


def test_a_choice_is_answered_with_the_nearest_one() -> None:
    error = refused("3.sampler_name", "EULAR")
    assert error.params["value"] == "EULAR"
    assert str(error.params["near"]).startswith("euler")


def test_a_long_wrong_value_is_shown_in_short() -> None:
    assert len(str(refused("3.seed", "x" * 100_000).params["value"])) <= 80
    assert len(str(refused("3.sampler_name", "x" * 100_000).params["value"])) <= 80


def test_the_local_class_decides_whether_a_stored_whole_number_takes_fractions() -> None:
    assert check(GRAPH, {"3.cfg": 7.5, "3.seed": 1.5}, options, declared) == {
        "3.cfg": 7.5,
        "3.seed": 1.5,
    }
    with pytest.raises(BadField) as caught:
        check(GRAPH, {"3.steps": 20.5}, options, declared)
    assert caught.value.key == "error.field_whole"


def test_true_is_not_the_choice_1() -> None:
    graph = {"1": {"class_type": "A", "inputs": {"x": 1, "on": True}}}
    choices = {"x": [True, 2], "on": [1, 2]}
    given_values = {"1.x": 5, "1.on": False}
    assert check(graph, given_values, lambda _, field: choices[field]) == given_values


@given(st.integers(LOWEST, HIGHEST))
def test_whole_numbers_pass_exactly_as_number_and_as_text(value: int) -> None:
    assert check(GRAPH, {"3.seed": value, "14.later": value}) == {
        "3.seed": value,
        "14.later": value,
    }
    assert check(GRAPH, {"3.seed": str(value)}) == {"3.seed": value}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_pass_exactly_as_number_and_as_text(value: float) -> None:
    assert check(GRAPH, {"3.denoise": value})["3.denoise"] == value
    assert check(GRAPH, {"3.denoise": repr(value)})["3.denoise"] == value


SCALARS = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())
)


@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3))),
    st.dictionaries(NAMES, SCALARS),
)
def test_any_value_at_any_graph_is_either_taken_or_refused_as_a_field(
    inputs: dict[str, dict[str, object]], values: dict[str, object]
) -> None:
    graph = {
        node_id: {"class_type": "LoadImage", "inputs": fields} for node_id, fields in inputs.items()
    }
    names = [f"{node_id}.{field}" for node_id, fields in inputs.items() for field in fields]
    for name, value in zip([*names, *values], [*values.values()] * 3, strict=False):
        with contextlib.suppress(BadField):
            assert list(check(graph, {name: value})) == [name]
