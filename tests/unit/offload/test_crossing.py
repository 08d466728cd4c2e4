"""How each type crosses, each way, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from unit.offload.prompts import classes_of, cut_at, keys_of, segment_of

from rh_api.errors import BadInput
from rh_api.graph.prompt import read_nodes
from rh_api.offload import (
    ClassInfo,
    Inlet,
    InputInfo,
    Item,
    Mark,
    core_class,
    crossing_of,
    cut,
    with_inlet,
)
from rh_api.offload.remote_graph import with_float_masks
from tests.support.graphs import node


def picture() -> dict[str, Any]:
    return node("LoadImage", image="a.png")


def empty() -> dict[str, Any]:
    return node("EmptyImage", width=8, height=8, batch_size=1, color=0)


def save(source: list[Any]) -> dict[str, Any]:
    return node("SaveImage", images=source, filename_prefix="x")


def loaded(kind: str, *items: Item) -> dict[str, Any]:
    """The graph that brings items to input `x` of node 7, and its fields."""
    graph = {"7": node("Anything", y=1)}
    inlet = Inlet(0, kind, ("1", 0), (("7", "x"),))
    wired, fields = with_inlet(graph, inlet, items)
    assert graph == {"7": node("Anything", y=1)}
    assert [fields[name] for name in fields] == list(range(len(fields)))
    for name in fields:
        node_id, _, field = name.partition(".")
        info = core_class(wired[node_id]["class_type"])
        assert info is not None
        assert info.inputs[field].upload
    return wired


def test_types_that_cross() -> None:
    crossing = ["IMAGE", "MASK", "AUDIO", "VIDEO", "STRING", "INT", "FLOAT", "BOOLEAN"]
    assert all(crossing_of(kind) for kind in crossing)
    for kind in ("MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "SIGMAS", "NOISE", "*", "X"):
        assert crossing_of(kind) is None


# inwards


def test_a_picture_goes_through_loadimage() -> None:
    assert loaded("IMAGE", Item()) == {
        "7": node("Anything", y=1, x=["8", 0]),
        "8": node("LoadImage", image=""),
    }


def test_a_picture_with_alpha_gets_it_back() -> None:
    graph = loaded("IMAGE", Item(channels=4))
    assert graph["9"] == node("JoinImageWithAlpha", image=["8", 0], alpha=["8", 1])
    assert graph["7"]["inputs"]["x"] == ["9", 0]


@pytest.mark.parametrize("count", [2, 3, 5, 8, 33])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_batch_goes_whole_and_in_its_order(count: int, channels: int) -> None:
    graph = loaded("IMAGE", *[Item(channels=channels)] * count)

    def leaves(node_id: str) -> list[str]:
        entry = graph[node_id]
        if entry["class_type"] == "ImageBatch":
            return leaves(entry["inputs"]["image1"][0]) + leaves(entry["inputs"]["image2"][0])
        return [node_id if channels == 3 else entry["inputs"]["image"][0]]

    order = leaves(graph["7"]["inputs"]["x"][0])
    assert [graph[node_id]["class_type"] for node_id in order] == ["LoadImage"] * count
    assert order == sorted(order, key=int)


def test_a_mask_goes_through_loadimagemask_and_a_batch_of_masks_through_pictures() -> None:
    assert loaded("MASK", Item())["8"] == node("LoadImageMask", image="", channel="red")
    graph = loaded("MASK", Item(), Item())
    assert graph["11"] == node("ImageToMask", image=["10", 0], channel="red")
    assert graph["10"] == node("ImageBatch", image1=["8", 0], image2=["9", 0])
    assert graph["7"]["inputs"]["x"] == ["11", 0]


def test_sound_and_video_go_as_files() -> None:
    assert loaded("AUDIO", Item(channels=6))["8"] == node("LoadAudio", audio="")
    assert loaded("VIDEO", Item())["8"] == node("LoadVideo", file="")


@pytest.mark.parametrize("value", ["a cat", 7, 2**64 - 1, 0.5, True, False, ""])
def test_plain_values_are_in_the_graph(value: object) -> None:
    graph = {"7": node("Anything"), "9": node("Anything")}
    inlet = Inlet(0, "STRING", ("1", 0), (("7", "x"), ("9", "z")))
    wired, fields = with_inlet(graph, inlet, [Item(value=value)])
    assert wired == {"7": node("Anything", x=value), "9": node("Anything", z=value)}
    assert fields == {}


@pytest.mark.parametrize(
    ("kind", "items", "key"),
    [
        ("IMAGE", [], "segment.inlet_empty"),
        ("IMAGE", [Item(channels=1)], "segment.channels"),
        ("IMAGE", [Item(channels=3), Item(channels=4)], "segment.channels"),
        ("AUDIO", [Item(), Item()], "segment.one_only"),
        ("VIDEO", [Item(), Item()], "segment.one_only"),
        ("INT", [Item(value=1), Item(value=2)], "segment.one_only"),
        ("INT", [Item(value=None)], "segment.not_plain"),
        ("FLOAT", [Item(value=float("nan"))], "segment.not_finite"),
        ("LATENT", [Item()], "segment.unreadable"),
    ],
)
def test_values_that_cannot_go_up(kind: str, items: list[Item], key: str) -> None:
    with pytest.raises(BadInput) as caught:
        with_inlet({"7": node("Anything")}, Inlet(0, kind, ("1", 0), (("7", "x"),)), items)
    assert caught.value.key == key
    assert "…" not in str(caught.value)


def test_two_inlets_one_after_the_other() -> None:
    graph: dict[str, Any] = {"7": node("Anything")}
    graph, first = with_inlet(graph, Inlet(0, "IMAGE", ("1", 0), (("7", "x"),)), [Item()])
    graph, second = with_inlet(graph, Inlet(1, "MASK", ("1", 1), (("7", "y"),)), [Item()])
    assert (first, second) == ({"8.image": 0}, {"9.image": 0})
    assert graph["7"]["inputs"] == {"x": ["8", 0], "y": ["9", 0]}


def test_sound_of_many_channels_is_refused_where_it_would_have_to_come_back() -> None:
    prompt = {
        "1": node("LoadAudio", audio="a.wav"),
        "2": node("TrimAudioDuration", audio=["1", 0], start_index=0.0, duration=1.0),
        "3": node("SaveAudio", audio=["2", 0], filename_prefix="x"),
    }
    segment = segment_of(cut_at(prompt, "2"))
    with_inlet(segment.graph, segment.inlets[0], [Item(channels=2)])
    with pytest.raises(BadInput, match="6 channels"):
        with_inlet(segment.graph, segment.inlets[0], [Item(channels=6)])


# outwards


def out(kind: str) -> tuple[dict[str, Any], str]:
    """A prompt with a marked node 2 whose value of a type is needed here."""
    prompts: dict[str, dict[str, Any]] = {
        "IMAGE": {"2": empty(), "3": save(["2", 0])},
        "MASK": {
            "2": node("SolidMask", value=0.5, width=8, height=8),
            "3": node("MaskPreview", mask=["2", 0]),
        },
        "AUDIO": {
            "2": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
            "3": node("PreviewAudio", audio=["2", 0]),
        },
        "VIDEO": {
            "2": node("LoadVideo", file="a.mp4"),
            "3": node("SaveVideo", video=["2", 0], filename_prefix="x", format="auto"),
        },
        "INT": {"2": node("GetImageSize", image=["4", 0]), "4": empty()},
        "STRING": {"2": node("PreviewAny", source=["4", 0]), "4": empty()},
    }
    prompt = prompts[kind]
    if kind in {"INT", "STRING"}:
        prompt["3"] = node("PreviewAny", source=["2", 0])
    return prompt, "2"


@pytest.mark.parametrize(
    ("kind", "saver", "note"),
    [
        ("IMAGE", "SaveImage", "segment.loss_image"),
        ("MASK", "SaveImage", "segment.loss_mask"),
        ("AUDIO", "SaveAudio", "segment.loss_audio"),
        ("VIDEO", "SaveVideo", "segment.loss_video"),
        ("INT", "PreviewAny", "segment.unproven_text"),
        ("STRING", "PreviewAny", "segment.unproven_text"),
    ],
)
def test_each_type_comes_back_through_its_saver(kind: str, saver: str, note: str) -> None:
    prompt, marked = out(kind)
    plan = cut_at(prompt, marked, *(["4"] if "4" in prompt else []))
    segment = segment_of(plan)
    outlet = segment.outlets[0]
    assert (outlet.number, outlet.type, outlet.source) == (1, kind, ("2", 0))
    entry = segment.graph[outlet.saver]
    assert entry["class_type"] == saver
    assert entry["inputs"].get("filename_prefix", "") == outlet.prefix
    assert note in keys_of(plan)
    nodes = read_nodes(segment.graph)
    for remote in nodes.values():
        info = core_class(remote.class_type)
        assert info is not None
        assert not remote.inputs.keys() - info.inputs.keys()


def test_a_mask_comes_back_rounded_half_a_level_up() -> None:
    prompt, marked = out("MASK")
    prompt["5"] = node("InvertMask", mask=["2", 0])
    prompt["6"] = node("MaskPreview", mask=["5", 0])
    segment = segment_of(cut_at(prompt, marked, "5"))

    def chain(number: int) -> list[str]:
        saver = segment.graph[segment.outlets[number].saver]
        inverse = segment.graph[saver["inputs"]["images"][0]]
        blend = segment.graph[inverse["inputs"]["image"][0]]
        assert blend["inputs"]["blend_mode"] == "difference"
        assert blend["inputs"]["blend_factor"] == 1.0
        step = segment.graph[blend["inputs"]["image2"][0]]
        solid = segment.graph[step["inputs"]["mask"][0]]
        half = pytest.approx(0.5 / 255, rel=1e-3)
        assert solid == node("SolidMask", value=half, width=64, height=64)
        first = segment.graph[blend["inputs"]["image1"][0]]
        to_image = segment.graph[first["inputs"]["image"][0]]
        return [
            *(entry["class_type"] for entry in (to_image, first, blend, inverse)),
            to_image["inputs"]["mask"][0],
            blend["inputs"]["image2"][0],
        ]

    plain, inverted = chain(0), chain(1)
    assert plain[:4] == ["MaskToImage", "ImageInvert", "ImageBlend", "ImageInvert"]
    assert [plain[4], inverted[4]] == ["2", "5"]
    assert plain[5] == inverted[5]  # the step is made once


def test_every_border_saver_has_a_prefix_of_its_own() -> None:
    prompt = {
        str(number): node("ImageScaleBy", image=["1", 0], scale_by=number)
        for number in range(2, 14)
    }
    prompt |= {f"{number}0": save([str(number), 0]) for number in range(2, 14)}
    for entry in prompt.values():
        if entry["class_type"] == "ImageScaleBy":
            entry["inputs"]["upscale_method"] = "area"
    prompt["1"] = picture()
    segment = segment_of(cut_at(prompt, *map(str, range(1, 14))))
    prefixes = [f"{outlet.prefix}_" for outlet in segment.outlets]
    assert len(set(prefixes)) == 12
    assert not any(a != b and a.startswith(b) for a in prefixes for b in prefixes)


# plain values out


def test_a_cheap_value_is_made_here_too() -> None:
    prompt = {
        "1": node("PrimitiveInt", value=64),
        "2": node("ComfyMathExpression", expression="a * 2", **{"values.a": ["1", 0]}),
        "3": node("EmptyImage", width=["2", 1], height=["1", 0], batch_size=1, color=0),
        "4": node(
            "ImageScale",
            image=["5", 0],
            width=["2", 1],
            height=8,
            upscale_method="area",
            crop="disabled",
        ),
        "5": picture(),
        "6": node("ImageBatch", image1=["3", 0], image2=["4", 0]),
        "7": save(["6", 0]),
    }
    plan = cut_at(prompt, "1", "2", "3")
    segment = segment_of(plan)
    assert set(segment.graph) == {"1", "2", "3", "4"}
    assert segment.id == "3"
    assert plan.prompt["1"] is prompt["1"]
    assert plan.prompt["2"] is prompt["2"]
    assert [note.node_id for note in plan.notes if note.key == "segment.runs_here"] == ["1", "2"]


def test_cheap_values_alone_are_no_order() -> None:
    prompt = {
        "1": node("PrimitiveInt", value=64),
        "3": node("EmptyImage", width=["1", 0], height=8, batch_size=1, color=0),
        "7": save(["3", 0]),
    }
    plan = cut_at(prompt, "1")
    assert plan.prompt is prompt
    assert keys_of(plan) == {"segment.runs_here"}


def test_a_value_that_depends_on_the_cloud_comes_back_as_text() -> None:
    prompt = {
        "1": empty(),
        "2": node("GetImageSize", image=["1", 0]),
        "3": node("EmptyImage", width=["2", 0], height=["2", 1], batch_size=1, color=0),
        "7": save(["3", 0]),
    }
    plan = cut_at(prompt, "1", "2")
    segment = segment_of(plan)
    assert [(outlet.type, outlet.source) for outlet in segment.outlets] == [
        ("INT", ("2", 0)),
        ("INT", ("2", 1)),
    ]
    assert [outlet.prefix for outlet in segment.outlets] == ["", ""]
    assert plan.prompt["3"]["inputs"]["height"] == ["1", 1]


# video


def video_of_pictures() -> dict[str, Any]:
    return {
        "1": picture(),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("CreateVideo", images=["2", 0], fps=24.0),
        "4": node("SaveVideo", video=["3", 0], filename_prefix="x", format="auto"),
    }


def test_a_video_of_pictures_is_made_on_the_other_side() -> None:
    plan = cut_at(video_of_pictures(), "2", "3")
    segment = segment_of(plan)
    assert [outlet.type for outlet in segment.outlets] == ["IMAGE"]
    assert "CreateVideo" not in classes_of(segment.graph).values()
    assert segment.members == ("2",)  # a saver of ours may have the number of a node here
    assert plan.prompt["3"] == node("CreateVideo", images=["2", 0], fps=24.0)
    assert plan.prompt["4"]["inputs"]["video"] == ["3", 0]
    assert "segment.runs_here" in keys_of(plan)


def test_a_video_of_pictures_goes_up_as_pictures() -> None:
    prompt = video_of_pictures()
    prompt["5"] = node("GetVideoComponents", video=["3", 0])
    prompt["6"] = save(["5", 0])
    segment = segment_of(cut_at(prompt, "5"))
    assert [inlet.type for inlet in segment.inlets] == ["IMAGE"]
    assert segment.graph["3"]["class_type"] == "CreateVideo"
    assert [need.node_id for need in segment.pulled] == ["3"]


def test_a_video_of_pictures_behind_an_open_switch_does_not_come_out() -> None:
    prompt = video_of_pictures()
    prompt["6"] = node("ComfyNotNode", value=["1", 0])
    prompt["7"] = node("ComfySwitchNode", switch=["6", 0], on_false=["3", 0], on_true=["3", 0])
    prompt["4"]["inputs"]["video"] = ["7", 0]
    segment = segment_of(cut_at(prompt, "2", "3", "7"))
    assert [need.node_id for need in segment.pulled] == ["4"]
    assert [outlet.type for outlet in segment.outlets] == ["FILES"]


def test_a_video_behind_an_open_switch_comes_out_where_either_is_a_file() -> None:
    prompt = video_of_pictures()
    prompt["5"] = node("LoadVideo", file="a.mp4")
    prompt["6"] = node("ComfyNotNode", value=["1", 0])
    prompt["7"] = node("ComfySwitchNode", switch=["6", 0], on_false=["5", 0], on_true=["8", 0])
    prompt["8"] = node("LoadVideo", file="b.mp4")
    prompt["4"]["inputs"]["video"] = ["7", 0]
    segment = segment_of(cut_at(prompt, "7"))
    assert ([outlet.type for outlet in segment.outlets], segment.saved) == (["VIDEO"], ())
    prompt["7"]["inputs"]["on_true"] = ["3", 0]
    segment = segment_of(cut_at(prompt, "7"))
    assert [saver.node_id for saver in segment.saved] == ["4"]


def test_a_marked_saver_of_a_video_keeps_it_in_the_cloud() -> None:
    segment = segment_of(cut_at(video_of_pictures(), "2", "3", "4"))
    assert segment.graph["4"]["class_type"] == "SaveVideo"
    assert [outlet.type for outlet in segment.outlets] == ["FILES"]


def test_a_file_video_crosses() -> None:
    prompt = {
        "1": node("LoadVideo", file="a.mp4"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": save(["2", 0]),
    }
    segment = segment_of(cut_at(prompt, "2"))
    assert [(inlet.type, inlet.source) for inlet in segment.inlets] == [("VIDEO", ("1", 0))]


def test_a_video_that_may_be_of_pictures_is_opened_here() -> None:
    prompt = {
        "1": node("LoadVideo", file="a.mp4"),
        "2": node(
            "Video Slice", video=["1", 0], start_time=0.0, duration=1.0, strict_duration=False
        ),
        "3": node("GetVideoComponents", video=["2", 0]),
        "4": node("ImageInvert", image=["3", 0]),
        "5": save(["4", 0]),
    }
    plan = cut_at(prompt, "3", "4")
    assert plan.prompt["3"] is prompt["3"]
    assert [inlet.type for inlet in segment_of(plan).inlets] == ["IMAGE"]
    assert "segment.opens_here" in keys_of(plan)
    # In the cloud it is opened there, since it cannot come out.
    there = segment_of(cut_at(prompt, "2"))
    assert {"2", "3"} <= there.graph.keys()
    assert [outlet.type for outlet in there.outlets] == ["IMAGE"]
    # Nor does it to a saver of another mark.
    prompt["6"] = node("SaveVideo", video=["2", 0], filename_prefix="x", format="auto")
    del prompt["5"]
    apart = segment_of(cut(prompt, [Mark("a", ("2",)), Mark("b", ("6",))], core_class))
    assert ([saver.node_id for saver in apart.saved], "2" in apart.graph) == (["6"], True)


def test_a_mask_that_comes_out_becomes_floats_on_its_way_and_not_in_what_is_known() -> None:
    prompt = {
        "1": picture(),
        "2": node("InvertMask", mask=["1", 1]),
        "3": node("GrowMask", mask=["2", 0], expand=1, tapered_corners=True),
        "4": node("MaskPreview", mask=["2", 0]),
        "5": node("MaskPreview", mask=["3", 0]),
        "6": node("ImageInvert", image=["1", 0]),
        "7": save(["6", 0]),
    }
    graph = segment_of(cut_at(prompt, "2", "3")).graph
    sent = with_float_masks(graph)
    added = {i: entry["inputs"] for i, entry in sent.items() if i not in graph}
    sources = {sent[i]["inputs"]["image"][0] for i, entry in graph.items() if sent[i] != entry}
    assert sources == added.keys()
    pictures = {blend["image1"][0] for blend in added.values()}
    assert [graph[node_id]["class_type"] for node_id in pictures] == ["MaskToImage"] * 2
    assert all(blend["image1"] == blend["image2"] for blend in added.values())
    plain = segment_of(cut_at(prompt, "6", "7")).graph
    assert with_float_masks(plain) == plain


def test_an_unknown_output_has_the_type_that_its_reader_takes() -> None:
    prompt = {
        "1": node("RunningHubRemoteWorkflow", workflow="1"),
        "2": node("ImageInvert", image=["1", 7]),
        "3": node("KSampler"),
        "5": save(["2", 0]),
    }
    inlet = segment_of(cut_at(prompt, "2")).inlets[0]
    assert (inlet.type, inlet.source) == ("IMAGE", ("1", 7))


def test_matched_types_are_those_of_what_comes_in() -> None:
    prompt = {
        "1": picture(),
        "2": node("ResizeImageMaskNode", input=["1", 1], resize_type="scale", scale_method="area"),
        "3": node("MaskPreview", mask=["2", 0]),
        "4": node("ResizeImageMaskNode", input=["1", 0], resize_type="scale", scale_method="area"),
        "5": node("PreviewAny", source=["4", 0]),
    }
    segments = cut_at(prompt, "2", "4").segments
    assert [segment.outlets[0].type for segment in segments] == ["MASK", "IMAGE"]


def blended(second: list[Any]) -> dict[str, Any]:
    """A picture of a cloud node in the middle of a marked part, and what else the part makes."""
    remote = node("RunningHubRemoteWorkflow", workflow="1")
    return {
        "1": remote,
        "2": node("LoadImage", image="photo.png"),
        "3": node("ImageInvert", image=["2", 0]),
        "4": node("ImageBatch", image1=["3", 0], image2=["1", 0]),
        "5": node("SaveImage", images=["4", 0], filename_prefix="a"),
        "6": node("SaveImage", images=second, filename_prefix="b"),
    }


def test_what_a_cloud_node_may_block_is_apart_from_what_does_not_need_it() -> None:
    plan = cut_at(blended(["3", 0]), "3", "4")
    assert [sorted(segment.members) for segment in plan.segments] == [["3"], ["4"]]
    (note,) = [note for note in plan.notes if note.key == "segment.kept_apart"]
    assert note.node_id == "4"
    assert "3 (ImageInvert)" in str(note.params["other"])
    # All that is made there needs what may not come: one order.
    prompt = blended(["4", 0])
    plan = cut_at(prompt, "3", "4")
    assert [sorted(segment.members) for segment in plan.segments] == [["3", "4"]]
    assert "segment.kept_apart" not in keys_of(plan)
    # Nor does it matter which of the two is read first.
    prompt["4"] = node("ImageBatch", image1=["1", 0], image2=["3", 0])
    assert len(cut_at(prompt, "3", "4").segments) == 1


def test_what_a_cloud_node_always_makes_keeps_nothing_apart() -> None:
    own = {"RunningHubPicks": ClassInfo({}, ("IMAGE", "IMAGE"), (True, False))}
    orders: list[int] = []
    for slot in (0, 1):
        prompt = blended(["3", 0])
        prompt["1"] = node("RunningHubPicks")
        prompt["4"]["inputs"]["image2"] = ["1", slot]
        marks = [Mark("part", ("3", "4"))]
        plan = cut(prompt, marks, lambda name: own.get(name) or core_class(name))
        orders.append(len(plan.segments))
    assert orders == [2, 1]


def sampled_twice() -> dict[str, Any]:
    """Two pictures of one sampler, of which the second needs a cloud node's."""
    prompt: dict[str, Any] = {
        "1": node("RunningHubRemoteWorkflow", workflow="1"),
        "2": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "3": node("CLIPTextEncode", clip=["2", 1], text="a lighthouse"),
        "4": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "5": sampler(["4", 0]),
        "6": node("VAEDecode", samples=["5", 0], vae=["2", 2]),
        "7": node("SaveImage", images=["6", 0], filename_prefix="a"),
        "8": node("VAEEncode", pixels=["1", 0], vae=["2", 2]),
        "10": node("VAEDecode", samples=["9", 0], vae=["2", 2]),
        "11": node("SaveImage", images=["10", 0], filename_prefix="b"),
    }
    return {**prompt, "9": sampler(["8", 0])}


def sampler(latent: list[Any]) -> dict[str, Any]:
    return node(
        "KSampler",
        model=["2", 0],
        positive=["3", 0],
        negative=["3", 0],
        latent_image=latent,
        seed=1,
        steps=1,
        cfg=1.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
    )


def test_models_and_prompts_are_made_in_both_orders_that_are_apart() -> None:
    prompt = sampled_twice()
    plan = cut_at(prompt, "2", "3", "4", "5", "6", "8", "9", "10")
    assert [len(segment.graph) for segment in plan.segments] == [6, 6]
    assert [{"5", "9"} & set(segment.members) for segment in plan.segments] == [{"5"}, {"9"}]


def test_nothing_is_sampled_twice_to_keep_it_apart() -> None:
    prompt = sampled_twice()
    prompt["8"] = node(
        "LatentComposite", samples_to=["5", 0], samples_from=["12", 0], x=0, y=0, feather=0
    )
    prompt["12"] = node("VAEEncode", pixels=["1", 0], vae=["2", 2])
    plan = cut_at(prompt, "2", "3", "4", "5", "6", "8", "9", "10", "12")
    (segment,) = plan.segments
    assert {"5", "6", "9", "10"} <= set(segment.members)
    (note,) = [note for note in plan.notes if note.key == "segment.blocks_all"]
    labels = {"node": "1 (RunningHubRemoteWorkflow)", "reader": "12 (VAEEncode)"}
    assert note.params == {**labels, "other": "6 (VAEDecode)"}
    assert "segment.kept_apart" not in keys_of(plan)


@pytest.mark.parametrize("shown", [False, True])
def test_a_node_that_changes_by_itself_is_told_of(shown: bool) -> None:
    drawn = ClassInfo({}, ("STRING",), (True,), changes=True)  # a list, which cannot cross
    loads = ClassInfo({"image": InputInfo("COMBO", upload="IMAGE")}, ("IMAGE",), changes=True)
    own = {"Draws": drawn, "Loads": loads}
    prompt = {
        "1": node("Draws"),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="", delimiter=""),
        "3": node("PreviewAny", source=["2", 0]),
        "4": node("Loads", image="photo.png"),
        "5": save(["4", 0]),
    }
    if shown:
        prompt["6"] = node("PreviewAny", source=["1", 0])
    marks = [Mark("part", ("2", "3", "4", "5"))]
    plan = cut(prompt, marks, lambda name: own.get(name) or core_class(name))
    changes = [(note.node_id, note.key) for note in plan.notes if "segment.changes" in note.key]
    assert changes == [("1", "segment.changes_twice" if shown else "segment.changes")]


def test_a_part_within_a_loop_is_told_to_be_an_order_a_turn() -> None:
    raw = InputInfo("*", raw=True)
    own = {
        "Starts": ClassInfo({"value": InputInfo("IMAGE")}, ("FLOW_CONTROL", "IMAGE")),
        "Ends": ClassInfo({"flow": raw, "value": raw}, ("IMAGE",)),
    }
    prompt = {
        "1": empty(),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("Starts", value=["2", 0]),
        "4": node("ImageInvert", image=["3", 1]),
        "5": node("ImageBlend", image1=["4", 0], image2=["1", 0]),
        "6": node("Ends", flow=["3", 0], value=["5", 0]),
        "7": node("ImageInvert", image=["6", 0]),
        "8": save(["7", 0]),
    }
    marks = [Mark(node_id, (node_id,)) for node_id in ("2", "4", "7")]
    plan = cut(prompt, marks, lambda name: own.get(name) or core_class(name))
    turns = [(note.node_id, note.params) for note in plan.notes if note.key == "segment.each_turn"]
    assert turns == [("4", {"node": "6 (Ends)"})]
