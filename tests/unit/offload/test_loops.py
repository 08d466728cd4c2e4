"""Core's loop: its turns are made here, and no order holds what is in it and what is outside."""

from __future__ import annotations

from typing import Any

import pytest
from unit.offload.prompts import keys_of

from rh_api.offload import CannotOffload, ClassInfo, InputInfo, Mark, Plan, core_class, cut
from rh_api.offload.notes import EACH_TURN
from tests.support.graphs import node

LOOP = {
    "StartLoop": ClassInfo(
        inputs={"mode": InputInfo("COMBO"), "initial_iteration_value": InputInfo("*")},
        outputs=("INT", "BOOLEAN", "BOOLEAN", "*", "*"),
    ),
    "EndLoop": ClassInfo(
        inputs={"output_value": InputInfo("*"), "parent": InputInfo("*")},
        outputs=("*",),
        output_is_list=(True,),
    ),
}


def classes(name: str) -> ClassInfo | None:
    return LOOP.get(name) or core_class(name)


def looped() -> dict[str, Any]:
    """A picture that is inverted before a loop, blurred in each turn, and saved after it."""
    blur = {"blur_radius": 1, "sigma": 1.0}
    return {
        "1": node("LoadImage", image="a.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("StartLoop", mode="simple", initial_iteration_value=["2", 0]),
        "4": node("ImageBlur", image=["3", 4], **blur),
        "5": node("ImageScaleBy", image=["4", 0], upscale_method="area", scale_by=0.5),
        "6": node(
            "ImageBlend", image1=["5", 0], image2=["2", 0], blend_factor=0.5, blend_mode="normal"
        ),
        "7": node("EndLoop", output_value=["6", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="a"),
    }


def cut_at(prompt: dict[str, Any], *nodes: str) -> Plan:
    return cut(prompt, [Mark("part", nodes)], classes)


def test_a_loop_is_made_here_and_its_body_is_an_order_of_its_own() -> None:
    plan = cut_at(looped(), "1", "2", "3", "4", "5", "6", "7")
    parts = sorted(sorted(segment.members) for segment in plan.segments)
    assert parts == [["1", "2"], ["4", "5", "6"]]
    assert {plan.prompt[loop]["class_type"] for loop in ("3", "7")} == {"StartLoop", "EndLoop"}
    assert "segment.loop_border" in keys_of(plan)


def test_only_what_is_in_a_loop_is_ordered_in_each_turn() -> None:
    plan = cut_at(looped(), "2", "4", "5")
    turns = [note for note in plan.notes if note.key == EACH_TURN]
    assert [(note.node_id, note.params["node"]) for note in turns] == [("4", "3 (StartLoop)")]


def test_what_would_join_a_body_with_the_outside_stays_here() -> None:
    prompt = looped()
    prompt["10"] = node("CheckpointLoaderSimple", ckpt_name="a.safetensors")
    prompt["4"] = node("VAEEncode", pixels=["3", 4], vae=["10", 2])
    prompt["5"] = node("VAEDecode", samples=["4", 0], vae=["10", 2])
    plan = cut_at(prompt, "2", "4", "5", "10")
    assert "segment.loop_joined" in keys_of(plan)
    assert [sorted(segment.members) for segment in plan.segments] == [["2"]]
    assert {name: plan.prompt[name] for name in ("4", "5", "10")} == {
        name: prompt[name] for name in ("4", "5", "10")
    }


def test_what_cannot_come_back_into_a_loop_is_refused() -> None:
    prompt = looped()
    prompt["7"]["inputs"]["output_value"] = ["9", 0]
    prompt["9"] = node("EmptyLatentImage", width=64, height=64, batch_size=["3", 0])
    with pytest.raises(CannotOffload) as refused:
        cut_at(prompt, "9")
    assert (refused.value.key, refused.value.local_id) == ("segment.loop_border_follows", "7")


def test_a_loop_in_a_loop_has_an_order_of_its_own() -> None:
    prompt = looped()
    prompt["11"] = node("StartLoop", mode="simple", initial_iteration_value=["4", 0])
    prompt["12"] = node("ImageInvert", image=["11", 4])
    prompt["13"] = node("EndLoop", output_value=["12", 0])
    prompt["5"]["inputs"]["image"] = ["4", 0]
    prompt["6"]["inputs"]["image2"] = ["13", 0]
    plan = cut_at(prompt, "4", "5", "12")
    parts = sorted(sorted(segment.members) for segment in plan.segments)
    assert parts == [["12"], ["4", "5"]]
