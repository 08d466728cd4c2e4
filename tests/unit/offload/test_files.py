"""What travels beside the graph: files, LoRAs, models, and what marked savers make."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.offload.prompts import cut_at, keys_of, painting, segment_of

from rh_api.offload import (
    ClassInfo,
    InputInfo,
    LocalFile,
    LocalLora,
    Mark,
    ModelName,
    Plan,
    core_class,
    cut,
    dump,
    with_file,
    with_lora,
)
from rh_api.offload.savers import SAVERS
from rh_api.offload.special_classes import model_kind
from tests.support.graphs import node


def shown(
    source: list[Any], class_type: str = "PreviewImage", name: str = "images"
) -> dict[str, Any]:
    return node(class_type, **{name: source})


@pytest.mark.parametrize(
    ("class_type", "name", "value", "kind", "preview"),
    [
        ("LoadImage", "image", "photo.png", "IMAGE", ("PreviewImage", "images")),
        ("LoadImage", "image", "a/photo.png [output]", "IMAGE", ("PreviewImage", "images")),
        ("LoadImage", "image", "clip.png [temp]", "IMAGE", ("PreviewImage", "images")),
        ("LoadImageMask", "image", "mask.png", "IMAGE", ("MaskPreview", "mask")),
        ("LoadVideo", "file", "clip.webm", "VIDEO", ("SaveVideo", "video")),
        ("LoadAudio", "audio", "song.mp3 [output]", "AUDIO", ("PreviewAudio", "audio")),
    ],
)
def test_files_that_a_loader_in_the_segment_reads(
    class_type: str, name: str, value: str, kind: str, preview: tuple[str, str]
) -> None:
    inputs = {"channel": "red"} if class_type == "LoadImageMask" else {}
    prompt = {"1": node(class_type, **{name: value}, **inputs), "2": shown(["1", 0], *preview)}
    if class_type == "LoadVideo":
        prompt["2"]["inputs"] |= {"filename_prefix": "x", "format": "auto"}
    segment = segment_of(cut_at(prompt, "1"))
    assert segment.files == (LocalFile("1", name, value, kind),)
    graph = with_file(segment.graph, segment.files[0], "openapi/abc.bin")
    assert graph["1"]["inputs"][name] == "openapi/abc.bin"
    assert segment.graph["1"]["inputs"][name] == value


@pytest.mark.parametrize("value", ["made.png", "made.png [output]"])
def test_a_loader_of_the_output_folder_becomes_one_of_uploads(value: str) -> None:
    prompt = {"1": node("LoadImageOutput", image=value), "2": shown(["1", 0])}
    segment = segment_of(cut_at(prompt, "1"))
    assert segment.files == (LocalFile("1", "image", "made.png [output]", "IMAGE"),)
    assert segment.graph["1"]["class_type"] == "LoadImage"


def test_a_custom_loader_that_declares_uploads_is_one_too() -> None:
    prompt = {
        "1": node("Painter", mask="painter/m.png [temp]", width=8, height=8),
        "2": shown(["1", 0]),
    }
    info = core_class("Painter")
    assert info is not None
    for name, field in info.inputs.items():
        if field.required:
            prompt["1"]["inputs"].setdefault(name, 1)
    assert segment_of(cut_at(prompt, "1")).files[0].value == "painter/m.png [temp]"
    prompt["1"]["inputs"]["mask"] = ""  # nothing was painted
    assert segment_of(cut_at(prompt, "1")).files == ()


def with_loras() -> dict[str, Any]:
    prompt = painting()
    prompt["20"] = node(
        "LoraLoader",
        model=["4", 0],
        clip=["4", 1],
        lora_name="mine\\style.safetensors",
        strength_model=0.5,
        strength_clip=0.25,
    )
    prompt["21"] = node(
        "LoraLoaderModelOnly", model=["20", 0], lora_name="more.safetensors", strength_model=0.75
    )
    prompt["3"]["inputs"]["model"] = ["21", 0]
    prompt["6"]["inputs"]["clip"] = ["20", 1]
    return prompt


def test_loras_become_uploaded_ones_in_a_chain() -> None:
    segment = segment_of(cut_at(with_loras(), "3"))
    assert segment.loras == (
        LocalLora("20", "lora_name", "mine\\style.safetensors"),
        LocalLora("21", "lora_name", "more.safetensors"),
    )
    assert segment.graph["20"]["inputs"]["lora_name"] == "mine/style.safetensors"
    graph = with_lora(segment.graph, segment.loras[0], "api-lora-cn/1.safetensors")
    graph = with_lora(graph, segment.loras[1], "api-lora-cn/2.safetensors")
    assert graph["20"] == node(
        "RHLoraLoader",
        model=["4", 0],
        clip=["4", 1],
        file_name="api-lora-cn/1.safetensors",
        lora_name="api-lora-cn/1.safetensors",
        strength_model=0.5,
        strength_clip=0.25,
    )
    assert graph["21"] == node(
        "RHLoraLoader",
        model=["20", 0],
        clip=["20", 1],
        file_name="api-lora-cn/2.safetensors",
        lora_name="api-lora-cn/2.safetensors",
        strength_model=0.75,
        strength_clip=0.0,
    )
    assert graph["6"]["inputs"]["clip"] == ["20", 1]
    assert graph["3"]["inputs"]["model"] == ["21", 0]


def test_a_lora_of_a_model_alone_borrows_a_clip_where_there_is_one() -> None:
    lora = LocalLora("2", "lora_name", "a.safetensors")
    model_only = node("LoraLoaderModelOnly", model=["1", 0], lora_name="a", strength_model=1.0)
    graph = {"1": node("UNETLoader", unet_name="u"), "2": model_only}
    assert "clip" not in with_lora(graph, lora, "b")["2"]["inputs"]
    graph["3"] = node("DualCLIPLoader", clip_name1="c", clip_name2="d")
    assert with_lora(graph, lora, "b")["2"]["inputs"]["clip"] == ["3", 0]


def test_models_to_look_up_and_those_that_nobody_can() -> None:
    prompt = with_loras()
    prompt["30"] = node("VAELoader", vae_name="ae.safetensors")
    prompt["31"] = node("ControlNetLoader", control_net_name="sub\\canny.pth")
    prompt["8"]["inputs"]["vae"] = ["30", 0]
    prompt["32"] = node(
        "ControlNetApply",
        conditioning=["6", 0],
        control_net=["31", 0],
        image=["10", 0],
        strength=1.0,
    )
    prompt["3"]["inputs"]["positive"] = ["32", 0]
    plan = cut_at(prompt, "3")
    assert segment_of(plan).models == (
        ModelName("4", "ckpt_name", "paint.safetensors", "CHECKPOINT"),
        ModelName("20", "lora_name", "mine/style.safetensors", "LORA"),
        ModelName("21", "lora_name", "more.safetensors", "LORA"),
        ModelName("30", "vae_name", "ae.safetensors", "OTHER"),
        ModelName("31", "control_net_name", "sub/canny.pth", "OTHER"),
    )
    unchecked = [note for note in plan.notes if note.key == "segment.unchecked"]
    assert [note.params["names"] for note in unchecked] == ["ae.safetensors, sub/canny.pth"]


def test_loras_that_a_node_lists_in_rows_are_models_of_it() -> None:
    """As rgthree's Power Lora Loader: it goes without one that is not there."""
    many = ClassInfo({"model": InputInfo("MODEL")}, ("MODEL",), open=True)
    prompt = painting()
    rows = {
        "lora_1": {"on": True, "lora": "mine\\style.safetensors", "strength": 0.5},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
        "header": {"type": "Header", "lora": "None"},
    }
    prompt["20"] = node("Many", model=["4", 0], **rows)
    prompt["3"]["inputs"]["model"] = ["20", 0]
    plan = cut(
        prompt, [Mark("part", ("3",))], lambda name: {"Many": many}.get(name) or core_class(name)
    )
    segment = segment_of(plan)
    assert segment.models[1:] == (ModelName("20", "lora_1", "mine/style.safetensors", "LORA"),)
    assert segment.loras == ()
    sent = segment.graph["20"]["inputs"]
    assert sent["lora_1"] == {"on": True, "lora": "mine/style.safetensors", "strength": 0.5}
    assert (sent["lora_2"], sent["header"]) == (rows["lora_2"], rows["header"])


@pytest.mark.parametrize("text", [r"(\w+)\.bin", r"see C:\models\a.ckpt", "a.safetensors"])
def test_a_text_is_no_model_whatever_it_ends_in(text: str) -> None:
    prompt = {
        "1": node("RegexReplace", string="a", regex_pattern=text, replace=text),
        "2": node("PreviewAny", source=["1", 0]),
    }
    segment = segment_of(cut_at(prompt, "1", "2"))
    assert segment.models == ()
    inputs = segment.graph["1"]["inputs"]
    assert (inputs["regex_pattern"], inputs["replace"]) == (text, text)


@pytest.mark.parametrize(
    ("class_type", "name", "kind"),
    [
        ("UNETLoader", "unet_name", "UNET"),
        ("UnetLoaderGGUF", "unet_name", "GGUF"),
        ("ImageOnlyCheckpointLoader", "ckpt_name", "CHECKPOINT"),
        ("UpscaleModelLoader", "model_name", "OTHER"),
    ],
)
def test_kinds_of_models(class_type: str, name: str, kind: str) -> None:
    assert model_kind(class_type, name, "a.gguf") == kind
    assert model_kind("CLIPTextEncode", "text", "a cat") == ""
    assert model_kind(class_type, name, 5) == ""


# savers


SOURCES: dict[str, dict[str, Any]] = {
    "images": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
    "mask": node("SolidMask", value=0.5, width=8, height=8),
    "audio": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
    "video": node("LoadVideo", file="a.mp4"),
    "text": node("PrimitiveString", value="x"),
    "source": node("PrimitiveInt", value=5),
    "svg": node("Draw"),
    "mesh": node("Model"),
}


def classes(name: str) -> ClassInfo | None:
    own = {"Draw": ClassInfo(outputs=("SVG",)), "Model": ClassInfo(outputs=("MESH",))}
    return own.get(name) or core_class(name)


def saving(class_type: str, source: list[Any]) -> dict[str, Any]:
    """A saver with all that its class requires."""
    info = core_class(class_type)
    assert info is not None
    inputs: dict[str, Any] = {name: 1 for name, field in info.inputs.items() if field.required}
    inputs[SAVERS[class_type].input] = source
    if "filename_prefix" in inputs:
        inputs["filename_prefix"] = "mine"
    return node(class_type, **inputs)


@pytest.mark.parametrize("class_type", sorted(SAVERS))
def test_a_marked_saver_runs_in_the_cloud_and_its_files_are_saved_here(class_type: str) -> None:
    saver, remote = SAVERS[class_type], core_class(SAVERS[class_type].remote)
    assert remote is not None
    prompt = {"1": SOURCES[saver.input], "9": saving(class_type, ["1", 0])}
    plan = cut(prompt, [Mark("a", ("1", "9"))], classes)
    segment = segment_of(plan)
    entry = segment.graph["9"]
    assert entry["class_type"] == saver.remote
    names = entry["inputs"].keys()
    assert names <= remote.inputs.keys()
    assert {name for name, field in remote.inputs.items() if field.required} <= names
    saved = segment.saved[0]
    assert (saved.node_id, saved.class_type, saved.saver) == ("9", class_type, "9")
    outlet = segment.outlets[saved.outlet - 1]
    assert outlet.type == "FILES"
    assert plan.prompt["9"]["class_type"] == "RunningHubSaved"
    assert plan.prompt["9"]["inputs"]["files"] == [segment.id, outlet.number - 1]
    about = json.loads(plan.prompt["9"]["inputs"]["saver"])
    assert about == {"class_type": class_type, "inputs": dict(saved.inputs)}
    assert entry["inputs"].get("filename_prefix", "") == outlet.prefix
    if "filename_prefix" in prompt["9"]["inputs"]:
        assert saved.inputs["filename_prefix"] == "mine"


def test_equal_savers_and_what_is_read_here_share_one_saver_in_the_cloud() -> None:
    prompt = {
        "1": SOURCES["images"],
        "2": saving("SaveImage", ["1", 0]),
        "3": shown(["1", 0]),
        "4": saving("SaveAnimatedPNG", ["1", 0]),
        "5": node("ImageInvert", image=["1", 0]),
        "6": shown(["5", 0]),
    }
    segment = segment_of(cut_at(prompt, "1", "2", "3", "4"))
    assert set(segment.graph) == {"1", "2", "4"}
    assert [(outlet.type, outlet.saver) for outlet in segment.outlets] == [
        ("IMAGE", "2"),
        ("FILES", "2"),
        ("FILES", "4"),
    ]
    assert [(file.node_id, file.outlet) for file in segment.saved] == [("2", 2), ("3", 2), ("4", 3)]
    assert segment.outlets[0].prefix != segment.outlets[2].prefix


def kept_here(plan: Plan) -> list[str]:
    return [note.node_id for note in plan.notes if note.key == "segment.saves_here"]


@pytest.mark.parametrize("class_type", sorted(SAVERS))
def test_a_saver_of_what_is_here_is_no_order(class_type: str) -> None:
    prompt = {"1": SOURCES[SAVERS[class_type].input], "9": saving(class_type, ["1", 0])}
    plan = cut(prompt, [Mark("a", ("9",))], classes)
    assert plan.prompt is prompt
    assert kept_here(plan) == ["9"]


def test_a_saver_takes_nothing_along_that_runs_here() -> None:
    plan = cut_at(painting(), "9", only=True)
    assert (plan.segments, kept_here(plan)) == ((), ["9"])
    prompt = {
        "1": SOURCES["images"],
        "2": node("RebatchImages", images=["1", 0], batch_size=1),  # a list, which cannot go up
        "3": node("CreateVideo", images=["1", 0], fps=8.0),
        "4": shown(["2", 0]),
        "5": saving("SaveVideo", ["3", 0]),
        "6": node("SaveText", text="words", filename_prefix="x", format="txt"),
    }
    plan = cut_at(prompt, "4", "5", "6")
    assert (plan.segments, kept_here(plan)) == ((), ["4", "5", "6"])


def test_a_saver_of_what_is_here_is_no_order_for_the_number_that_it_takes() -> None:
    prompt = {
        "1": SOURCES["images"],
        "2": node("PrimitiveFloat", value=8.0),
        "3": saving("SaveAnimatedPNG", ["1", 0]),
    }
    prompt["3"]["inputs"]["fps"] = ["2", 0]
    plan = cut_at(prompt, "2", "3")
    assert (plan.segments, kept_here(plan)) == ((), ["3"])
    assert plan.prompt is prompt
    # What the cloud makes is saved there, with the number.
    segment = segment_of(cut_at(prompt, "1", "2", "3"))
    assert {"1", "2", "3"} <= segment.graph.keys()


def test_a_preview_of_what_comes_in_is_no_second_order() -> None:
    prompt = {
        "1": node("LoadImage", image="a.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": shown(["1", 0]),
        "4": saving("SaveImage", ["2", 0]),
        "5": saving("MaskPreview", ["1", 1]),
    }
    plan = cut_at(prompt, "2", "3", "4", "5")
    assert dump(segment_of(plan)) == dump(segment_of(cut_at(prompt, "2", "4")))
    assert plan.prompt["3"] is prompt["3"]
    assert kept_here(plan) == ["3", "5"]
    # Where its source goes, so does the saver.
    assert {"1", "3", "5"} <= segment_of(cut_at(prompt, "1", "2", "3", "4", "5")).graph.keys()


def test_a_saver_of_another_part_s_picture_saves_here_what_comes_out() -> None:
    marks = [Mark("a", ("3", "8")), Mark("b", ("9",))]
    plan = cut(painting(), marks, core_class)
    assert dump(segment_of(plan)) == dump(segment_of(cut(painting(), marks[:1], core_class)))
    assert plan.prompt["9"]["inputs"]["images"] == [segment_of(plan).id, 0]
    assert kept_here(plan) == ["9"]


@pytest.mark.parametrize("marks", [("1",), ("1", "3")])
def test_an_order_that_only_loads_a_file_is_named(marks: tuple[str, ...]) -> None:
    prompt = {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": saving("SaveImage", ["1", 0]),
        "4": saving("SaveImage", ["2", 0]),
    }
    assert "segment.only_loads" in keys_of(cut_at(prompt, *marks))
    assert "segment.only_loads" not in keys_of(cut_at(prompt, *marks, "2"))


def test_a_linked_prefix_is_made_here() -> None:
    prompt = {
        "1": SOURCES["images"],
        "2": saving("SaveImage", ["1", 0]),
        "3": node("PrimitiveString", value="today"),
    }
    prompt["2"]["inputs"]["filename_prefix"] = ["3", 0]
    for marked in (("1", "2"), ("1", "2", "3")):
        plan = cut_at(prompt, *marked)
        assert plan.prompt["2"]["inputs"]["filename_prefix"] == ["3", 0]
        assert plan.prompt["3"] is prompt["3"]
        assert segment_of(plan).graph["2"]["inputs"]["filename_prefix"] == "runninghub_1"


def test_unmarked_savers_stay_here() -> None:
    plan = cut_at(painting(), "3", "8")
    assert plan.prompt["9"]["class_type"] == "SaveImage"
    assert segment_of(plan).saved == ()


def test_keys_that_the_class_does_not_declare_are_left_behind() -> None:
    prompt = {
        "1": node("LoadVideo", file="a.mp4", **{"video-preview": ""}),
        "2": saving("SaveVideo", ["1", 0]),
    }
    prompt["2"]["inputs"] |= {"format.codec": "auto", "video-preview": "", "stray": ["1", 0]}
    graph = segment_of(cut_at(prompt, "1", "2")).graph
    assert graph["1"]["inputs"] == {"file": "a.mp4"}
    assert graph["2"]["inputs"].keys() == {"video", "filename_prefix", "format", "format.codec"}
    assert "segment.loss_video" not in keys_of(cut_at(prompt, "1", "2"))


@pytest.mark.parametrize(
    "edit",
    [
        {"trim": {"start_time": 1.5, "duration": 0}},
        {"crop": {"x": 0, "y": 0, "width": 64, "height": 48}},
        ["3", 0],
    ],
)
def test_a_video_that_is_edited_as_it_is_loaded_is_loaded_here(edit: Any) -> None:
    prompt = {
        "1": node("LoadVideo", file="a.mp4", edit=edit),
        "2": node(
            "Video Slice", video=["1", 0], start_time=0.0, duration=1.0, strict_duration=False
        ),
        "3": node("PrimitiveString", value="a"),
        "4": saving("SaveVideo", ["2", 0]),
    }
    plan = cut_at(prompt, "1", "2", "4")
    assert "segment.edits_here" in keys_of(plan)
    assert plan.prompt["1"] == prompt["1"]
    assert "1" not in segment_of(plan).members
    assert [inlet.source for inlet in segment_of(plan).inlets] == [("1", 0)]


def test_an_edit_of_nothing_is_none() -> None:
    zeros = {"trim": {"start_time": 0.0, "duration": 0}, "crop": {"x": 0, "width": 0}}
    for edit in (zeros, {}, None, ""):
        prompt = {
            "1": node("LoadVideo", file="a.mp4", edit=edit),
            "2": saving("SaveVideo", ["1", 0]),
        }
        assert "segment.edits_here" not in keys_of(cut_at(prompt, "1", "2"))
