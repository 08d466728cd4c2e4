from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadField
from rh_api.graph.fields import (
    FieldKind,
    fields,
    kind_of,
    looks_like_field,
    media_taken,
    node_info,
    seeds,
    split_name,
)
from rh_api.wire.filetypes import Kind
from rh_api.wire.orders import NodeInfo

NODE_IDS = st.lists(st.integers(0, 999), min_size=1, max_size=3).map(
    lambda path: ":".join(map(str, path))
)
FIELD_NAMES = st.text(min_size=1, max_size=20)


@given(NODE_IDS, FIELD_NAMES)
def test_a_name_is_split_at_its_first_dot(node_id: str, field: str) -> None:
    name = f"{node_id}.{field}"
    assert looks_like_field(name)
    assert split_name(name) == (node_id, field)


@pytest.mark.parametrize("name", ["", "6", "6.", ".text", "seed"])
def test_half_a_name_is_refused(name: str) -> None:
    with pytest.raises(BadField) as caught:
        split_name(name)
    assert caught.value.key == "error.field_name"
    assert not looks_like_field(name)


@pytest.mark.parametrize("name", ["refresh", "format.codec", "6:.text", ":6.text", "٣.text"])
def test_inputs_that_the_browser_adds_by_itself_are_no_fields(name: str) -> None:
    assert not looks_like_field(name)


@pytest.mark.parametrize(
    ("class_type", "name", "stored", "kind"),
    [
        ("CLIPTextEncode", "text", "a cat", FieldKind.STRING),
        ("KSampler", "seed", 7, FieldKind.INT),
        ("KSampler", "cfg", 7.5, FieldKind.FLOAT),
        ("Switch", "on", True, FieldKind.BOOLEAN),
        ("Points", "points", [[1, 2]], FieldKind.JSON),
        ("Points", "points", None, FieldKind.ANY),
        ("LoadImage", "image", "x.png", FieldKind.IMAGE),
        ("LoadImage", "image", None, FieldKind.IMAGE),
        ("LoadImage", "upload", "image", FieldKind.STRING),
        ("LoadImageMask", "image", "x.png", FieldKind.IMAGE),
        ("LoadImageMask", "channel", "alpha", FieldKind.STRING),
        ("easy loadImage", "image", "x.png", FieldKind.IMAGE),
        ("Image Load", "image", "x.png", FieldKind.IMAGE),
        ("LoadVideo", "file", "x.mp4", FieldKind.VIDEO),
        ("LoadVideo", "video", "x.mp4", FieldKind.VIDEO),
        ("VHS_LoadVideo", "video", "x.mp4", FieldKind.VIDEO),
        ("VHS_LoadVideo", "format", "Wan", FieldKind.STRING),
        ("VHS_LoadVideoFFmpegPath", "video", "x.mp4", FieldKind.STRING),
        ("LoadAudio", "audio", "x.wav", FieldKind.AUDIO),
        ("VHS_LoadAudioUpload", "audio", "x.wav", FieldKind.AUDIO),
        ("LoadAudioVideo", "file", "x.wav", FieldKind.STRING),
        ("LoadImages(zip)", "upload", "x.zip", FieldKind.ZIP),
        ("LoadImages(zip)", "sort", "name", FieldKind.STRING),
        ("LoadImageFromUrl", "image", "https://example.com/x.png", FieldKind.URL),
        ("LoadImageFromURL", "url", "", FieldKind.URL),
        ("Load Image From URL (mtb)", "url", "", FieldKind.URL),
        ("LoadImageFromHttpURL", "image_url", "", FieldKind.URL),
        ("LoadImageFromUrl", "output_mode", "x", FieldKind.STRING),
        ("LoadImageFromUrl", "keep_alpha_channel", False, FieldKind.BOOLEAN),
        ("ETN_LoadImageBase64", "image", "iVBOR", FieldKind.STRING),
        ("SaveImage", "image", "x.png", FieldKind.STRING),
        ("LoraLoader", "lora_name", "x.safetensors", FieldKind.STRING),
    ],
)
def test_a_field_says_what_it_takes(
    class_type: str, name: str, stored: object, kind: FieldKind
) -> None:
    assert kind_of(class_type, name, stored) is kind


def test_a_url_loader_takes_what_its_name_says() -> None:
    assert media_taken("LoadVideoFromURL", FieldKind.URL) == {Kind.VIDEO}
    assert media_taken("LoadFromUrl", FieldKind.URL) == {Kind.IMAGE, Kind.VIDEO, Kind.AUDIO}


GRAPH = {
    "12:3": {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["1", 0], "steps": 20}},
    "12": {"class_type": "SaveVideo", "inputs": {"format.codec": "h264"}},
    "3": {
        "class_type": "KSampler",
        "inputs": {"noise_seed": 2**64 - 1, "seed": ["9", 0], "Random Seed": -1},
    },
    "4": {"class_type": "Odd", "inputs": {"seed": "text", "fixed_seed": True, "reseed": 1.5}},
}


def test_fields_come_in_order_without_links() -> None:
    assert [(field.full_name, field.stored) for field in fields(GRAPH)] == [
        ("3.noise_seed", 2**64 - 1),
        ("3.Random Seed", -1),
        ("4.seed", "text"),
        ("4.fixed_seed", True),
        ("4.reseed", 1.5),
        ("12.format.codec", "h264"),
        ("12:3.seed", 5),
        ("12:3.steps", 20),
    ]


def test_stored_seeds_that_nobody_set_are_listed_as_they_are() -> None:
    assert seeds(GRAPH, ()) == {"3.noise_seed": 2**64 - 1, "3.Random Seed": -1, "12:3.seed": 5}
    assert seeds(GRAPH, {"12:3.seed": 1, "3.noise_seed": 2}) == {"3.Random Seed": -1}


def test_node_info_keeps_names_and_values() -> None:
    assert node_info({"57.format.codec": "h264", "12:3.image": "openapi/x.png"}) == (
        NodeInfo("12:3", "image", "openapi/x.png"),
        NodeInfo("57", "format.codec", "h264"),
    )


@given(st.dictionaries(st.builds("{}.{}".format, NODE_IDS, FIELD_NAMES), st.integers()))
def test_equal_values_give_an_equal_list_in_any_order(values: dict[str, int]) -> None:
    shuffled = list(values.items())
    random.Random(1).shuffle(shuffled)
    listed = node_info(values)
    assert node_info(dict(shuffled)) == listed
    assert {f"{info.node_id}.{info.field}": info.value for info in listed} == values
