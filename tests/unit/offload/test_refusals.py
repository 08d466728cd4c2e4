"""What cannot be offloaded is refused by name, before anything is uploaded or paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from unit.offload.prompts import cut_at, painting

from rh_api.errors import BadInput
from rh_api.offload import (
    ORDERS,
    CannotOffload,
    ClassInfo,
    InputInfo,
    Mark,
    Ordering,
    core_class,
    cut,
    dump,
    from_object_info,
)
from tests.support.graphs import node

HOME = {
    "LoadWebcam": ClassInfo({"image": InputInfo("WEBCAM", required=True)}, ("IMAGE",)),
    "PaidPicture": ClassInfo({}, ("IMAGE",), is_api=True),
    "PrintPicture": ClassInfo({"image": InputInfo("IMAGE")}, (), is_output=True),
    "ImagesFromFolderPath": ClassInfo({}, ("IMAGE",)),
    "Load Images From Directory": ClassInfo({}, ("IMAGE",)),
    "ReadPicture": ClassInfo({"file_path": InputInfo("STRING")}, ("IMAGE",)),
    "MakeThing": ClassInfo({"image": InputInfo("IMAGE")}, ("THING",)),
    "PrintThing": ClassInfo({"thing": InputInfo("THING")}, (), is_output=True),
    "KeepThing": ClassInfo(
        {"thing": InputInfo("THING"), "save_path": InputInfo("STRING")}, ("THING",)
    ),
    "PaidThing": ClassInfo({}, ("THING",), is_api=True),
    "ThingOfWebcam": ClassInfo({"image": InputInfo("WEBCAM")}, ("THING",)),
    "UseThing": ClassInfo({"thing": InputInfo("THING")}, ("IMAGE",)),
}


def class_here(name: str) -> ClassInfo | None:
    return HOME.get(name) or core_class(name)


def saved(first: Mapping[str, Any]) -> dict[str, Any]:
    return {"1": first, "2": node("SaveImage", images=["1", 0], filename_prefix="x")}


def refusal(prompt: Mapping[str, Any], *marked: str) -> CannotOffload:
    with pytest.raises(CannotOffload) as caught:
        cut(prompt, [Mark("a", marked)], class_here)
    error = caught.value
    assert "…" not in str(error)  # every parameter of the sentence is there
    if "node" in error.params:
        assert error.local_id in str(error.params["node"])
    return error


@pytest.mark.parametrize(
    ("class_type", "inputs", "key"),
    [
        ("RunningHubRemoteWorkflow", {"workflow": "1"}, "segment.own_node"),
        ("RunningHubAIApp", {"app": "1"}, "segment.own_node"),
        ("RHUploadImage", {}, "segment.own_node"),
        ("Missing", {}, "segment.unknown_class"),
        ("", {}, "segment.unknown_class"),
        ("PaidPicture", {}, "segment.api_node"),
        ("LoadWebcam", {"image": ""}, "segment.needs_window"),
        ("WebcamCapture", {"width": 1}, "segment.needs_window"),
        ("Load3D", {}, "segment.needs_window"),
        ("RecordAudio", {"audio": "a.wav"}, "segment.needs_window"),
        ("LoadLatent", {"latent": "a.latent"}, "segment.local_disk"),
        ("LoadImageDataSetFromFolder", {"folder": "x"}, "segment.local_disk"),
        ("LoadTrainingDataset", {"folder_name": "x"}, "segment.local_disk"),
        ("Load Images From Directory", {}, "segment.local_disk"),
        ("ReadPicture", {"file_path": "/home/me/a.png"}, "segment.local_disk"),
    ],
)
def test_marked_nodes_that_cannot_go(class_type: str, inputs: dict[str, Any], key: str) -> None:
    error = refusal(saved(node(class_type, **inputs)), "1")
    assert (error.key, error.local_id) == (key, "1")


@pytest.mark.parametrize(
    "class_type",
    ["PrintPicture", "ImageCompare", "SaveLatent", "CheckpointSave", "SaveImageDataSetToFolder"],
)
def test_marked_output_nodes_whose_work_cannot_be_brought_back(class_type: str) -> None:
    prompt = {"1": node("LoadImage", image="a.png"), "2": node(class_type, image=["1", 0])}
    error = refusal(prompt, "2")
    assert error.key in {"segment.side_effect", "segment.local_disk"}
    assert error.local_id == "2"


def test_a_path_that_is_not_set_hinders_nobody() -> None:
    assert cut(saved(node("ReadPicture", file_path="")), [Mark("a", ("1",))], class_here).segments


@pytest.mark.parametrize(
    ("class_type", "inputs", "key"),
    [
        ("PaidThing", {}, "segment.api_node_follows"),
        ("ThingOfWebcam", {"image": ""}, "segment.needs_window_follows"),
        ("KeepThing", {"save_path": "/tmp"}, "segment.local_disk_follows"),
        ("Missing", {}, "segment.unknown_class_follows"),
        ("RunningHubTask", {"task_id": "1"}, "segment.own_node_follows"),
    ],
)
def test_producers_that_would_have_to_go_along_and_cannot(
    class_type: str, inputs: dict[str, Any], key: str
) -> None:
    prompt = saved(node("UseThing", thing=["3", 0]))
    prompt["3"] = node(class_type, **inputs)
    error = refusal(prompt, "1")
    assert (error.key, error.local_id) == (key, "3")
    assert error.params["other"] == "1 (UseThing)"


def test_a_consumer_that_would_have_to_go_along_and_cannot() -> None:
    prompt = {
        "1": node("LoadImage", image="a.png"),
        "2": node("MakeThing", image=["1", 0]),
        "3": node("PrintThing", thing=["2", 0]),
    }
    error = refusal(prompt, "2")
    assert (error.key, error.local_id) == ("segment.side_effect_follows", "3")
    assert error.params["type"] == "THING"


def test_a_saver_of_what_cannot_cross_goes_along() -> None:
    prompt = painting()
    prompt["20"] = node("PreviewAny", source=["3", 0])
    plan = cut_at(prompt, "3")
    assert plan.prompt["20"]["class_type"] == "RunningHubSaved"
    prompt["20"] = node("SaveLatent", samples=["3", 0], filename_prefix="x")
    assert refusal(prompt, "3").key == "segment.local_disk_follows"


def test_a_circle_of_links_is_refused() -> None:
    prompt = saved(node("ImageInvert", image=["3", 0]))
    prompt["3"] = node("ImageInvert", image=["1", 0])
    error = refusal(prompt, "1")
    assert error.key == "segment.cycle"
    assert error.local_id in {"1", "3"}


def test_a_prompt_without_outputs() -> None:
    error = refusal({"1": node("LoadImage", image="a.png")}, "1")
    assert (error.key, error.local_id) == ("segment.no_output", "1")


def test_links_that_lead_nowhere() -> None:
    error = refusal(saved(node("ImageInvert", image=["77", 0])), "1")
    assert (error.key, error.local_id) == ("segment.no_source", "1")
    for slot in (1, -1, 0.5, 10**30, float("inf"), True):
        prompt = saved(node("ImageInvert", image=["3", slot]))
        prompt["3"] = node("EmptyImage", width=8, height=8, batch_size=1, color=0)
        error = refusal(prompt, "1")
        assert (error.key, error.local_id) == ("segment.no_output_slot", "1")
    prompt = saved(node("ImageInvert", image=["3", 0]))
    prompt["3"] = node("LoadImage", image="a.png")
    prompt["2"]["inputs"]["images"] = ["1", 5]
    assert refusal(prompt, "1").local_id == "2"
    # A saver hands its source on by its first output alone.
    prompt["4"] = node("SaveImage", images=["3", 0], filename_prefix="x")
    prompt["1"]["inputs"]["image"] = ["4", 1]
    assert refusal(prompt, "1").key == "segment.no_output_slot"


def test_a_muted_source_leaves_an_input_empty() -> None:
    error = refusal(saved(node("ImageBlend", blend_factor=0.5, blend_mode="normal")), "1")
    assert (error.key, error.local_id) == ("segment.input_missing", "1")
    assert error.params["input"] == "image1"


def test_a_loader_on_a_machine_without_models_names_none() -> None:
    prompt = saved(node("VAEDecode", samples=["4", 0], vae=["3", 2]))
    prompt["3"] = node("CheckpointLoaderSimple")
    prompt["4"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    error = refusal(prompt, "1", "3", "4")
    assert (error.key, error.local_id) == ("segment.no_model", "3")


@pytest.mark.parametrize("value", ["", "  ", None, 5])
def test_a_loader_without_a_file(value: object) -> None:
    error = refusal(saved(node("LoadImage", image=value)), "1")
    assert (error.key, error.local_id) == ("segment.file_unnamed", "1")


def test_a_file_that_a_link_names() -> None:
    prompt = saved(node("LoadImage", image=["3", 0]))
    prompt["3"] = node("PrimitiveString", value="a.png")
    assert refusal(prompt, "1").key == "segment.file_linked"
    assert refusal(prompt, "1", "3").key == "segment.file_linked"


def test_a_prefix_that_cannot_come_out() -> None:
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "3": node("RebatchImages", images=["1", 0], batch_size=1),
        "4": node("ComfyNotNode", value=["3", 0]),
        "5": node("PreviewAny", source=["4", 0]),
        "2": node("SaveImage", images=["1", 0], filename_prefix=["5", 0]),
    }
    error = refusal(prompt, "1", "2", "3", "4", "5")
    assert (error.key, error.local_id) == ("segment.prefix_linked", "2")


def test_too_many_values_come_back() -> None:
    prompt: dict[str, Any] = {"1": node("LoadImage", image="a.png")}
    for number in range(2, 35):
        prompt[str(number)] = node(
            "ImageScaleBy", image=["1", 0], upscale_method="area", scale_by=number
        )
        prompt[f"1{number:03}"] = node("PreviewImage", images=[str(number), 0])
    marked = [node_id for node_id in prompt if len(node_id) < 4]
    error = refusal(prompt, *marked)
    assert (error.key, error.params["count"]) == ("segment.outlets_many", 33)
    del prompt["1034"]
    assert cut(prompt, [Mark("a", tuple(marked))], class_here).segments


def test_too_many_values_go_up() -> None:
    def prompt_of(count: int) -> tuple[dict[str, Any], list[str]]:
        prompt = {"1": node("LoadImage", image="a.png")}
        last, marked = "1", []
        for number in range(count - 1):
            prompt[f"2{number:03}"] = node("LoadImage", image=f"{number}.png")
            prompt[f"3{number:03}"] = node(
                "ImageBatch", image1=[last, 0], image2=[f"2{number:03}", 0]
            )
            last = f"3{number:03}"
            marked.append(last)
        prompt["9999"] = node("SaveImage", images=[last, 0], filename_prefix="x")
        return prompt, marked

    prompt, marked = prompt_of(65)
    error = refusal(prompt, *marked)
    assert (error.key, error.params["count"]) == ("segment.inlets_many", 65)
    prompt, marked = prompt_of(64)
    assert cut(prompt, [Mark("a", tuple(marked))], class_here).segments


def test_too_many_orders() -> None:
    def prompt_of(count: int) -> dict[str, Any]:
        prompt: dict[str, Any] = {"1": node("LoadImage", image="a.png")}
        for number in range(count):
            prompt[f"2{number:03}"] = node("ImageInvert", image=["1", 0])
            prompt[f"3{number:03}"] = node("PreviewImage", images=[f"2{number:03}", 0])
        return prompt

    for count in (ORDERS + 1, 10_000):
        prompt = prompt_of(count)
        error = refusal(prompt, *(node_id for node_id in prompt if node_id.startswith("2")))
        assert error.key == "segment.orders_many"
    prompt = prompt_of(ORDERS)
    marked = [node_id for node_id in prompt if node_id.startswith("2")]
    assert len(cut_at(prompt, *marked).segments) == ORDERS


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_no_json(value: float) -> None:
    prompt = saved(node("SolidMask", value=value, width=8, height=8))
    prompt["2"] = node("MaskPreview", mask=["1", 0])
    with pytest.raises(BadInput, match="cannot be sent"):
        cut(prompt, [Mark("a", ("1",))], class_here)


def test_nonsense_in_a_prompt_is_no_crash() -> None:
    prompt: dict[str, Any] = {
        "1": 5,
        "2": {"class_type": 7, "inputs": []},
        "3": {},
        **saved(node("ImageInvert", image=["4", 0])),
        "4": node("LoadImage", image="a.png"),
    }
    plan = cut(prompt, [Mark("a", ("1",))], class_here)
    assert plan.segments
    assert refusal({**prompt, "1": prompt["1"], "9": {"inputs": {}}}, "9").key


def test_the_classes_of_another_machine() -> None:
    classes = from_object_info(
        {
            "LoadImage": {
                "input": {"required": {"image": [["a.png"], {"image_upload": True}]}},
                "output": ["IMAGE", "MASK"],
                "output_node": False,
                "python_module": "nodes",
            },
            "Glow": {
                "input": {"required": {"image": ["IMAGE"], "amount": ["FLOAT", {"min": 0}]}},
                "output": ["IMAGE"],
                "python_module": "custom_nodes.glow",
            },
            "SaveImage": {
                "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}},
                "output": [],
                "output_node": True,
                "python_module": "nodes",
            },
        }
    )
    prompt = saved(node("Glow", image=["3", 0], amount=1.5, hidden_extra="kept"))
    prompt["3"] = node("LoadImage", image="a.png")
    segment = cut(prompt, [Mark("a", ("1", "3"))], classes).segments[0]
    assert segment.graph["1"]["inputs"]["hidden_extra"] == "kept"
    assert segment.files[0].value == "a.png"
    assert "Glow" in dump(segment)


RANGES = {
    "Steps": {
        "input": {
            "required": {
                "steps": ["INT", {"min": 1, "max": 10000}],
                "seed": ["INT", {"min": 0, "max": 2**64 - 1}],
                "cfg": ["FLOAT", {"min": 0.0, "max": 100.0}],
                "free": ["INT", {}],
                "on": ["BOOLEAN", {}],
            }
        },
        "output": ["IMAGE"],
        "python_module": "custom_nodes.pack",
    }
}


def stepping(**changed: Any) -> dict[str, Any]:
    values = {"steps": 1, "seed": 2**64 - 1, "cfg": 100, "free": -5, "on": True, **changed}
    return {"1": node("Steps", **values), "2": node("SaveImage", images=["1", 0])}


def with_ranges(name: str) -> ClassInfo | None:
    return from_object_info(RANGES)(name) or core_class(name)


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("steps", 0, "segment.too_small"),
        ("steps", 10001, "segment.too_large"),
        ("seed", -1, "segment.too_small"),
        ("seed", 2**64, "segment.too_large"),
        ("cfg", -0.1, "segment.too_small"),
        ("cfg", 100.5, "segment.too_large"),
    ],
)
def test_a_number_outside_the_range_of_its_class(field: str, value: float, key: str) -> None:
    with pytest.raises(CannotOffload) as caught:
        cut(stepping(**{field: value}), [Mark("part", ("1",))], with_ranges)
    assert (caught.value.key, caught.value.local_id) == (key, "1")
    assert f'"{field}"' in str(caught.value)
    assert str(value) in str(caught.value)


def test_numbers_at_the_ends_of_their_ranges_go() -> None:
    assert cut(stepping(), [Mark("part", ("1",))], with_ranges).segments


@pytest.mark.parametrize(
    ("mark", "batch", "key", "at"),
    [
        (Mark("a", ("11", "3"), "ultra", ordering=Ordering(route="native")), 1, "ultra", "3"),
        (Mark("a", ("11", "3"), ordering=Ordering("", 0, True, route="native")), 1, "option", "3"),
        (Mark("a", ("11", "3"), ordering=Ordering(route="native")), 2, "batch", "11"),
    ],
)
def test_what_the_native_route_is_not_for(mark: Mark, batch: int, key: str, at: str) -> None:
    empty = node("EmptyLatentImage", width=64, height=64, batch_size=batch)
    with pytest.raises(CannotOffload) as caught:
        cut({**painting(), "11": empty}, [mark], core_class)
    assert (caught.value.key, caught.value.local_id) == (f"error.native_{key}", at)
