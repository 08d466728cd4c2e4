"""What a person may choose of a program, and which choice is made for them."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.emulator import catalog
from rh_api.graph.suggest import (
    About,
    Offered,
    app_offer,
    output_type,
    outputs,
    plain,
    workflow_offer,
)
from rh_api.wire.apps import AppField, AppFieldType, AppForm, AppOption
from tests.support.graphs import node


def offered(graph: dict[str, Any], about: About | None = None) -> dict[str, Offered]:
    offers = workflow_offer(graph, lambda *_: about)
    return {offer.field.full_name: offer for offer in offers}


def suggested(graph: dict[str, Any]) -> set[str]:
    return {name for name, offer in offered(graph).items() if offer.suggested}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (catalog.INVERT, {"10.image"}),
        (
            catalog.INPAINT,
            {"2.text", "3.text", "4.image", "5.image", "8.seed", "8.steps"},
        ),
        (catalog.TEXT_OUT, {"21.value"}),
        (catalog.URL_PICTURE, {"1.url"}),
        (catalog.SUBGRAPH, {"5.image", "12:4.width", "12:4.height"}),
        (
            catalog.IMAGE_TO_IMAGE,
            {"3.text", "4.text", "10.image", "12.seed", "12.steps"},
        ),
    ],
)
def test_the_first_choice_is_what_most_people_change(number: str, expected: set[str]) -> None:
    assert suggested(catalog.workflows()[number].graph) == expected


@pytest.mark.parametrize(
    ("class_type", "title", "inputs", "chosen"),
    [
        ("CLIPTextEncodeFlux", "", {"clip_l": "a", "t5xxl": "b", "guidance": 3.5}, "clip_l t5xxl"),
        ("Text Multiline", "", {"text": "hello"}, "text"),
        ("ShowText|pysssss", "", {"text": "hello"}, ""),
        ("SaveText", "Input", {"text": "hello", "filename_prefix": "x"}, ""),
        ("VHS_LoadVideo", "", {"video": "a.mp4", "frame_load_cap": 0}, "video"),
        ("LoadAudio", "", {"audio": "a.wav", "upload": "image"}, "audio"),
        ("LoadImages(zip)", "", {"upload": "a.zip"}, "upload"),
        ("RandomNoise", "", {"noise_seed": 7}, "noise_seed"),
        ("SomeSlider", "输入 强度", {"strength": 7}, "strength"),
        ("SomeSlider", "User input: how strong", {"strength": 7}, "strength"),
        ("SomeSlider", "Strength", {"strength": 7}, ""),
        ("ImageScale", "", {"width": 100, "height": 100}, ""),
        ("EmptySD3LatentImage", "", {"width": 1, "height": 2, "batch_size": 1}, "width height"),
    ],
)
def test_what_a_field_is_for_is_told_by_class_name_and_title(
    class_type: str, title: str, inputs: dict[str, Any], chosen: str
) -> None:
    names = suggested({"1": node(class_type, title, **inputs)})
    assert names == {f"1.{name}" for name in chosen.split()}


def test_of_too_many_the_most_important_are_chosen() -> None:
    graph = {str(n): node("CLIPTextEncode", text="x") for n in range(30)}
    graph["99"] = node("LoadImage", image="a.png")
    chosen = suggested(graph)
    assert len(chosen) == 16
    assert "99.image" in chosen


def test_the_browsers_own_buttons_are_not_offered() -> None:
    graph = {
        "1": node("LoadImage", image="a.png", upload="image"),
        "2": node("VHS_LoadVideo", **{"video": "a.mp4", "choose video to upload": "image"}),
    }
    assert set(offered(graph)) == {"1.image", "2.video"}


def test_labels_are_titles_and_never_alike() -> None:
    graph = {
        "1": node("CLIPTextEncode", "Prompt", text="a"),
        "2": node("CLIPTextEncode", "Prompt", text="b"),
        "3": node("KSampler", "Sampler", seed=1, steps=2),
        "4": node("Odd", "Prompt (1)", text="c", other=1),
        "5": node("Odd", "\u202eevil\n<b>x</b>" + "y" * 10_000, a=1),
    }
    labels = {name: offer.label for name, offer in offered(graph).items()}
    assert labels["1.text"] == "Prompt (1)"
    assert labels["2.text"] == "Prompt (2)"
    assert labels["3.seed"] == "seed · Sampler"
    assert len(set(labels.values())) == len(labels)
    assert len(labels["5.a"]) == 60
    assert "\u202e" not in labels["5.a"]
    assert "\n" not in labels["5.a"]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\U0001f469\u200d\U0001f467 input", "\U0001f469\u200d\U0001f467 input"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,
        ("\u202ecod.exe\n\t is  all", "cod.exe is all"),
    ],
)
def test_a_label_is_one_line_of_whole_letters(title: str, shown: str) -> None:
    graph = {"6": node("CLIPTextEncode", title, text="a cat")}
    assert offered(graph)["6.text"].label == shown


def test_a_local_range_binds_only_where_the_stored_value_keeps_to_it() -> None:
    graph = {"1": node("Some", steps=20)}
    assert offered(graph, About("INT", low=1, high=100))["1.steps"].high == 100
    assert offered(graph, About("INT", low=1, high=10))["1.steps"].high is None


def test_a_range_is_never_wider_than_what_is_taken() -> None:
    offer = offered({"1": node("Some", seed=2)}, About("INT", low=-(10**30), high=10**30))["1.seed"]
    assert (offer.low, offer.high) == (-(2**63), 2**64 - 1)


def test_local_choices_bind_only_where_they_hold_the_stored_value() -> None:
    graph = {"1": node("Some", mode="fast")}
    listed = offered(graph, About(choices=["fast", "slow"]))["1.mode"]
    assert (listed.kind.value, listed.options) == ("COMBO", ("fast", "slow"))
    unlisted = offered(graph, About(choices=["quick"]))["1.mode"]
    assert (unlisted.kind.value, unlisted.options) == ("STRING", None)


@pytest.mark.parametrize(
    ("name", "declared", "kind"),
    [
        ("cfg", None, "FLOAT"),
        ("frames", None, "INT"),
        ("strength_model", None, "FLOAT"),
        ("amount", "FLOAT", "FLOAT"),
        ("cfg", "INT", "INT"),
    ],
)
def test_a_whole_number_may_stand_for_a_fraction(name: str, declared: str, kind: str) -> None:
    about = About(declared) if declared else None
    assert offered({"1": node("Some", **{name: 7})}, about)[f"1.{name}"].kind.value == kind


@pytest.mark.parametrize(
    ("class_type", "kind"),
    [
        ("SaveImage", "IMAGE"),
        ("SaveAnimatedWEBP", "IMAGE"),
        ("MaskPreview+", "IMAGE"),
        ("VHS_VideoCombine", "VIDEO"),
        ("SaveVideo", "VIDEO"),
        ("SaveAudioMP3", "AUDIO"),
        ("PreviewAny", "STRING"),
        ("SaveText", "STRING"),
        ("Save3D", "*"),
    ],
)
def test_an_output_is_typed_by_the_class_of_its_saver(class_type: str, kind: str) -> None:
    assert output_type(class_type) == kind


def test_savers_are_suggested_before_what_only_shows() -> None:
    graph = {
        "1": node("LoadImage", image="a.png"),
        "12": node("SaveImage", "Out", images=["1", 0]),
        "3": node("PreviewImage", images=["1", 0]),
        "4": node("KSampler", seed=1),
    }
    offers = outputs(graph, {"KSampler": False, "LoadImage": False}.get)
    assert [(offer.node.id, offer.suggested) for offer in offers] == [("3", False), ("12", True)]
    del graph["12"]
    assert [offer.node.id for offer in outputs(graph) if offer.suggested] == ["3"]


def test_choices_of_an_app_are_picked_by_their_words() -> None:
    def field(name: str, stored: str, *options: AppOption) -> AppField:
        return AppField("1", "Switch", name, stored, AppFieldType.LIST, options)

    form = AppForm(
        "7",
        "App",
        "",
        (),
        False,
        (
            field("by_word", "2", AppOption("1", "near"), AppOption("2", "far")),
            field("alike", "2", AppOption("1", "same"), AppOption("2", "same")),
        ),
    )
    by_word, alike = app_offer(form)
    assert (by_word.field.stored, by_word.options) == ("far", ("near", "far"))
    assert (alike.field.stored, alike.options) == ("2", ("1", "2"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, str(2**53)),
        (-(2**60), str(-(2**60))),
        (True, True),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (["a", 1, 2], '["a", 1, 2]'),
        (None, None),
    ],
)
def test_what_a_browser_cannot_hold_travels_as_text(value: object, shown: object) -> None:
    assert plain(value) == shown
