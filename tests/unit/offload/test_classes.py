"""What is known of classes, from a ComfyUI and from the built-in table."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.offload import ClassInfo, InputInfo, class_info, core_class
from rh_api.offload.class_traits import traits_of
from rh_api.offload.core_classes import core_lines
from rh_api.offload.graph_index import index_graph
from rh_api.offload.savers import SAVERS
from rh_api.offload.special_classes import CHEAP, CLIP_LOADERS, MODEL_KINDS
from tests.core_classes.__main__ import SHIPPED, line_of, table_of
from tests.support.graphs import node

SWITCH: dict[str, Any] = {
    "input": {
        "required": {
            "switch": ["BOOLEAN", {}],
            "on_false": ["COMFY_MATCHTYPE_V3", {"lazy": True}],
            "on_true": ["COMFY_MATCHTYPE_V3", {"lazy": True}],
        }
    },
    "output": ["COMFY_MATCHTYPE_V3"],
    "output_is_list": [False],
    "is_input_list": False,
    "output_node": False,
    "python_module": "comfy_extras.nodes_logic",
}


def test_what_comfyui_says_of_a_class_and_the_table_agree() -> None:
    assert class_info(SWITCH) == core_class("ComfySwitchNode")


def test_the_table_says_what_uploads_grows_and_lists() -> None:
    loader = core_class("LoadImage")
    assert loader == ClassInfo(
        {"image": InputInfo("COMBO", required=True, upload="IMAGE")},
        ("IMAGE", "MASK"),
        (False, False),
    )
    saver = core_class("SaveVideo")
    assert saver is not None
    assert saver.is_output
    assert not saver.inputs["codec"].required
    assert saver.inputs["format"].grows
    create_list = core_class("CreateList")
    assert create_list is not None
    assert (create_list.output_is_list, create_list.input_is_list) == ((True,), True)
    any_of = core_class("PreviewAny")
    assert any_of is not None
    assert any_of.inputs["source"].type == "*"
    assert core_class("Nobody") is None
    assert core_class("") is None


def test_every_line_of_the_table_can_be_read() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    assert len(lines) == len(core_lines()) > 600
    assert all(core_class(name) for name in core_lines())


def test_the_table_is_what_its_script_writes_of_what_it_says() -> None:
    written = {name: line_of(name, info) for name in core_lines() if (info := core_class(name))}
    assert written == core_lines()


def test_only_core_is_in_the_table() -> None:
    paid = {**SWITCH, "python_module": "comfy_api_nodes.nodes_vendor"}
    pack = {**SWITCH, "python_module": "custom_nodes.pack"}
    table = table_of({"Switch": SWITCH, "Paid": paid, "Pack": pack})
    assert table == (
        "Switch|switch:BOOLEAN;on_false:COMFY_MATCHTYPE_V3~;on_true:COMFY_MATCHTYPE_V3~"
        "|COMFY_MATCHTYPE_V3\n"
    )


@pytest.mark.parametrize(
    "name",
    sorted(
        {*SAVERS, *CHEAP, *CLIP_LOADERS} | {name for name, _ in MODEL_KINDS if "GGUF" not in name}
    ),
)
def test_core_knows_the_classes_that_have_a_row(name: str) -> None:
    info = core_class(name)
    assert info is not None
    for loader, field in MODEL_KINDS:
        assert loader != name or field in info.inputs
    if name in SAVERS:
        assert SAVERS[name].input in info.inputs
        assert not SAVERS[name].passes or len(info.outputs) == 1
    if name in CHEAP:
        assert set(info.outputs) <= {"INT", "FLOAT", "STRING", "BOOLEAN"}
        assert not info.is_output
    if name in CLIP_LOADERS:
        assert info.outputs[CLIP_LOADERS[name]] == "CLIP"


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"input": None, "output": None, "output_is_list": None},
        {"input": {"required": ["image"], "optional": 5}, "output": "IMAGE"},
        {"input": {"required": {"a": None, "b": [], "c": [5, 5], "d": "IMAGE"}}},
    ],
)
def test_a_class_that_says_nonsense_is_read_as_saying_little(about: dict[str, Any]) -> None:
    info = class_info(about)
    assert info.open
    assert info.outputs == ()


class AnyType(str):
    """Equal to every type, and so without a hash, as many packs write it."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def test_a_type_that_is_equal_to_every_other_is_read_as_any() -> None:
    anything = AnyType("*")
    about = {"input": {"required": {"a": (anything, {"max": 3})}}, "output": (anything,)}
    info = class_info(about)
    assert {info.inputs["a"].type, *info.outputs} == {"*"}
    assert info.inputs["a"].type != "IMAGE"
    assert info.inputs["a"].most is None


@pytest.mark.parametrize(
    ("class_type", "name", "about", "kind"),
    [
        ("LoadImage", "image", InputInfo("COMBO"), "IMAGE"),
        ("LoadVideo", "file", InputInfo("COMBO"), "VIDEO"),
        ("VHS_LoadVideo", "video", InputInfo("COMBO"), "VIDEO"),
        ("VHS_LoadAudioUpload", "audio", InputInfo("COMBO"), "AUDIO"),
        ("LoadImages(zip)", "upload", InputInfo("STRING"), "FILE"),
        ("Painter", "mask", InputInfo("STRING", upload="IMAGE"), "IMAGE"),
        ("LoadImage", "image", InputInfo("IMAGE"), ""),
        ("LoadImageFromUrl", "url", InputInfo("STRING"), ""),
        ("UpscaleModelLoader", "model_name", InputInfo("COMBO"), ""),
    ],
)
def test_inputs_that_name_a_file(class_type: str, name: str, about: InputInfo, kind: str) -> None:
    assert traits_of(class_type, ClassInfo({name: about})).files.get(name, "") == kind


def test_choices_and_lists_of_other_packs() -> None:
    info = class_info(
        {
            "input": {
                "required": {"mode": (["a", "b"],), "video": (["x.mp4"], {"video_upload": True})},
                "optional": {"any": ("*", {"lazy": True})},
            },
            "output": (["a", "b"], "IMAGE"),
            "output_is_list": (True, None),
            "api_node": True,
        }
    )
    assert info.inputs["mode"] == InputInfo("COMBO", required=True)
    assert info.inputs["video"].upload == "VIDEO"
    assert info.inputs["any"] == InputInfo("*", lazy=True)
    assert info.outputs == ("COMBO", "IMAGE")
    assert info.output_is_list == (True, False)
    assert info.is_api


TOKEN = "AUTH_TOKEN_COMFY_ORG"


@pytest.mark.parametrize(
    ("hidden", "is_api"),
    [
        ({"auth_token": TOKEN}, True),
        ({"api_key_comfy_org": ("API_KEY_COMFY_ORG",)}, True),
        ({"auth_token_comfy_org": [TOKEN]}, True),
        ({"prompt": "PROMPT", "unique_id": ("UNIQUE_ID",)}, False),
        ({"odd": None, "more": ({"a": []},), "none": ()}, False),
        (None, False),
    ],
)
def test_who_is_given_an_account_calls_its_service(hidden: Any, *, is_api: bool) -> None:
    assert class_info({"input": {"required": {}, "hidden": hidden}}).is_api is is_api


CHOICE = {
    "input": {
        "required": {
            "mode": (
                "COMFY_DYNAMICCOMBO_V3",
                {
                    "options": [
                        {"key": "gain", "inputs": {"required": {"by": ("FLOAT", {"max": 4})}}},
                        {
                            "key": "file",
                            "inputs": {
                                "required": {
                                    "image": (["a.png"], {"image_upload": True}),
                                    "deeper": (
                                        "COMFY_DYNAMICCOMBO_V3",
                                        {
                                            "options": [
                                                {
                                                    "key": "folder",
                                                    "inputs": {
                                                        "optional": {"folder_path": ("STRING", {})}
                                                    },
                                                }
                                            ]
                                        },
                                    ),
                                }
                            },
                        },
                        {"key": "link", "inputs": {"required": {"image": ("IMAGE", {})}}},
                        None,
                    ]
                },
            )
        }
    },
    "python_module": "comfy_extras.nodes_choice",
}


def test_what_a_choice_brings_is_known() -> None:
    info = class_info(CHOICE)
    assert info.inputs["mode"].required
    assert info.inputs["mode.by"] == InputInfo("FLOAT")
    assert info.inputs["mode.image"] == InputInfo("*", upload="IMAGE")
    traits = traits_of("Chooses", info)
    assert traits.files == {"mode.image": "IMAGE"}
    assert traits.paths == ("mode.deeper.folder_path",)
    assert traits.required == ()
    assert line_of("Chooses", info) == "Chooses|mode:COMFY_DYNAMICCOMBO_V3"


LANES = {
    "input": {
        "required": {"one": ("COMFY_MATCHTYPE_V3", {"template": {"template_id": "a"}})},
        "optional": {"two": ("COMFY_MATCHTYPE_V3", {"template": {"template_id": "b"}})},
    },
    "output": ["COMFY_MATCHTYPE_V3", "COMFY_MATCHTYPE_V3"],
    "output_matchtypes": ["a", "b"],
    "python_module": "custom_nodes.pack",
}


@pytest.mark.parametrize(
    ("two", "slot", "type_name"),
    [(["1", 1], 0, "IMAGE"), (["1", 1], 1, "MASK"), (None, 0, "IMAGE"), (None, 1, "*")],
)
def test_each_matched_output_goes_by_its_own_template(
    two: list[Any] | None, slot: int, type_name: str
) -> None:
    lanes, linked = class_info(LANES), {"two": two} if two else {}
    index = index_graph(
        {
            "1": node("LoadImage", image="a.png"),
            "2": node("Lanes", one=["1", 0], **linked),
            "3": node("PreviewAny", source=["2", slot]),
        },
        lambda name: lanes if name == "Lanes" else core_class(name),
    )
    assert index.matched["2"][slot] == type_name
    assert line_of("Lanes", lanes).count("COMFY_MATCHTYPE_V3") == 4


def growing(**template: Any) -> ClassInfo:
    inner = {"input": {"required": {"value": ("IMAGE", {"lazy": True})}}, **template}
    return class_info({"input": {"required": {"v": ("COMFY_AUTOGROW_V3", {"template": inner})}}})


def test_what_a_template_grows_is_of_its_type() -> None:
    info = growing(prefix="in", min=1, max=2)
    assert [name for name, about in info.inputs.items() if about.type == "IMAGE"] == [
        "v.in0",
        "v.in1",
    ]


@pytest.mark.parametrize(
    ("info", "lazy", "eager"),
    [
        (growing(prefix="in", min=1, max=3), ("v.in0", "v.in2"), ("v", "v.on", "in0")),
        (growing(names=["a", "b"], min=1), ("v.a", "v.b"), ("v.c",)),
        (growing(prefix="in", max="many"), (), ("v.in0",)),
        (
            ClassInfo({"input1": InputInfo("*", lazy=True), "select": InputInfo("INT")}),
            ("input1", "input2", "input17"),
            ("select", "select2", "input", "other1", "1"),
        ),
        (
            ClassInfo({"a1": InputInfo("*", lazy=True), "a2": InputInfo("*")}),
            ("a1", "a3"),
            ("a2",),
        ),
        (ClassInfo({"on": InputInfo("*", lazy=True)}), ("on",), ("on2",)),
    ],
)
def test_inputs_that_a_node_grows_are_as_lazy_as_declared(
    info: ClassInfo, lazy: tuple[str, ...], eager: tuple[str, ...]
) -> None:
    assert [name for name in (*lazy, *eager) if info.is_lazy(name)] == list(lazy)
