"""What goes to the cloud, what stays, and how the two are joined again."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from unit.offload.prompts import classes_of, cut_at, keys_of, painting, segment_of

from rh_api.offload import (
    CannotOffload,
    ClassInfo,
    Inlet,
    InputInfo,
    Mark,
    Ordering,
    Outlet,
    core_class,
    cut,
    dump,
    load,
    order_again,
)
from tests.support.graphs import node


def chain(*marked_between: str) -> dict[str, Any]:
    """1 -> 2 -> … pictures inverted one after the other, then saved."""
    prompt = {"1": node("LoadImage", image="photo.png")}
    for number in range(2, 8):
        prompt[str(number)] = node("ImageInvert", image=[str(number - 1), 0])
    prompt["8"] = node("SaveImage", images=["7", 0], filename_prefix="x")
    assert all(node_id in prompt for node_id in marked_between)
    return prompt


def test_a_prompt_without_marks_is_the_same_object() -> None:
    prompt = painting()
    assert cut(prompt, [], core_class).prompt is prompt
    assert cut(prompt, [Mark("a", ("77",))], core_class).prompt is prompt


def test_what_cannot_cross_goes_along_both_ways() -> None:
    plan = cut_at(painting(), "3")
    segment = segment_of(plan)
    assert {need.node_id: need.key for need in segment.pulled} == {
        "4": "segment.pulled_source",
        "6": "segment.pulled_source",
        "7": "segment.pulled_source",
        "11": "segment.pulled_source",
        "8": "segment.pulled_reader",
    }
    assert not plan.prompt.keys() & {need.node_id for need in segment.pulled}
    assert segment.inlets == (Inlet(0, "IMAGE", ("10", 0), (("11", "pixels"),)),)
    assert segment.outlets == (Outlet(1, "IMAGE", ("8", 0), "12", "runninghub_1"),)
    assert segment.graph["12"] == node("SaveImage", images=["8", 0], filename_prefix="runninghub_1")
    assert classes_of(plan.prompt) == {
        "10": "LoadImage",
        "9": "SaveImage",
        "3": "RunningHubSegment",
    }
    assert plan.prompt["9"]["inputs"]["images"] == ["3", 0]
    assert plan.prompt["3"]["inputs"] == {"segment": dump(segment), "in_0": ["10", 0]}


def test_the_prompt_that_came_is_left_alone_and_untouched_nodes_are_the_same_objects() -> None:
    prompt = painting()
    before = copy.deepcopy(prompt)
    plan = cut_at(prompt, "3")
    assert prompt == before
    assert plan.prompt["10"] is prompt["10"]


def test_only_what_is_marked_may_go_or_the_link_is_named() -> None:
    with pytest.raises(CannotOffload) as caught:
        cut_at(painting(), "3", only=True)
    assert caught.value.key == "segment.only"
    assert caught.value.local_id == "8"
    assert caught.value.params == {
        "node": "8 (VAEDecode)",
        "other": "3 (KSampler)",
        "type": "LATENT",
    }
    with pytest.raises(CannotOffload) as caught:
        cut_at(painting(), "3", "8", only=True)
    assert caught.value.key == "segment.only"
    whole = segment_of(cut_at(painting(), "3", "4", "6", "7", "8", "11", only=True))
    assert whole.pulled == ()


def test_a_producer_that_is_needed_here_too_runs_on_both_sides() -> None:
    prompt = painting()
    prompt["20"] = node("VAEEncode", pixels=["10", 0], vae=["4", 2])
    prompt["21"] = node("VAEDecode", samples=["20", 0], vae=["4", 2])
    prompt["22"] = node("PreviewImage", images=["21", 0])
    plan = cut_at(prompt, "3")
    assert {"4", "20", "21", "22"} <= plan.prompt.keys()
    assert not {"6", "7", "8", "11"} & plan.prompt.keys()
    assert "4" in {need.node_id for need in segment_of(plan).pulled}


def test_a_producer_behind_another_mark_is_cloned_and_takes_no_reader_along() -> None:
    prompt = painting()
    prompt["12"] = node("ImageInvert", image=["10", 0])
    prompt["11"]["inputs"]["pixels"] = ["12", 0]
    prompt["13"] = node("VAEDecode", samples=["11", 0], vae=["4", 2])
    prompt["14"] = node("PreviewImage", images=["13", 0])
    marks = [Mark("a", ("12",)), Mark("b", ("3", "8"))]
    plan = cut(prompt, marks, core_class)
    assert [segment.id for segment in plan.segments] == ["12", "3"]
    assert "11" in plan.segments[1].members
    assert "13" not in plan.segments[1].members
    assert plan.prompt["13"] is prompt["13"]


def test_what_is_left_and_entered_again_becomes_two_orders() -> None:
    plan = cut_at(chain(), "2", "3", "5", "6")
    first, second = plan.segments
    assert [first.id, second.id, first.level, second.level] == ["2", "5", 0, 1]
    assert plan.prompt["4"]["inputs"] == {"image": ["2", 0]}
    assert second.inlets[0].source == ("4", 0)
    assert plan.prompt["7"]["inputs"] == {"image": ["5", 0]}
    # They do not touch, so they were never one part.
    assert plan.split == 0


def reentered() -> dict[str, Any]:
    """2 -> 3 -> 4 -> 5, and 2 -> 5 as well: without 3 or 4 the rest is not convex."""
    return {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ImageInvert", image=["2", 0]),
        "4": node("ImageInvert", image=["3", 0]),
        "5": node("ImageBatch", image1=["2", 0], image2=["4", 0]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="x"),
    }


def test_a_part_that_touches_and_is_not_convex_is_split_by_level() -> None:
    plan = cut_at(reentered(), "2", "5")
    assert plan.split == 1
    first, second = plan.segments
    assert set(first.graph) == {"2", "3"}
    assert first.graph["3"]["class_type"] == "SaveImage"
    assert [(inlet.source, inlet.targets) for inlet in second.inlets] == [
        (("2", 0), (("5", "image1"),)),
        (("4", 0), (("5", "image2"),)),
    ]


def test_what_only_a_later_level_reads_is_no_order_of_its_own() -> None:
    prompt = reentered()
    prompt["7"] = node("LoadImage", image="other.png")
    prompt["5"]["inputs"]["image1"] = ["8", 0]
    prompt["8"] = node("ImageBatch", image1=["7", 0], image2=["2", 0])
    plan = cut_at(prompt, "2", "5", "7", "8")
    assert [set(classes_of(segment.graph)) & {"2", "5", "7", "8"} for segment in plan.segments] == [
        {"2"},
        {"5", "7", "8"},
    ]


def test_a_later_level_takes_a_copy_of_the_loader() -> None:
    prompt = painting()
    prompt["12"] = node("ImageInvert", image=["8", 0])
    prompt["13"] = node("VAEEncode", pixels=["12", 0], vae=["4", 2])
    prompt["14"] = node("VAEDecode", samples=["13", 0], vae=["4", 2])
    prompt["9"]["inputs"]["images"] = ["14", 0]
    plan = cut_at(prompt, "3", "4", "6", "7", "8", "11", "13", "14")
    first, second = plan.segments
    assert plan.split == 1
    assert set(second.graph) == {"4", "13", "14", "15"}
    assert "13" not in first.graph
    assert second.inlets[0].source == ("12", 0)
    assert first.id == "3"
    assert second.id == "13"


@pytest.mark.parametrize("loader", [(), ("1",)])  # here, or in the first part: all is marked
def test_two_parts_that_need_each_other_are_split(loader: tuple[str, ...]) -> None:
    prompt = {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ImageInvert", image=["2", 0]),
        "4": node("ImageInvert", image=["3", 0]),
        "5": node("ImageBatch", image1=["2", 0], image2=["4", 0]),
        "6": node("ImageBatch", image1=["3", 0], image2=["5", 0]),
        "9": node("SaveImage", images=["6", 0], filename_prefix="x"),
    }
    marks = [Mark("a", (*loader, "2", "4", "5")), Mark("b", ("3", "6"))]
    plan = cut(prompt, marks, core_class)
    levels = {segment.id: segment.level for segment in plan.segments}
    assert levels == {"1" if loader else "2": 0, "3": 1, "4": 2, "6": 3}


def test_independent_parts_of_one_mark_are_orders_of_their_own() -> None:
    prompt = chain()
    prompt["20"] = node("ImageInvert", image=["1", 0])
    prompt["21"] = node("SaveImage", images=["20", 0], filename_prefix="y")
    plan = cut_at(prompt, "2", "20")
    assert [segment.level for segment in plan.segments] == [0, 0]
    assert [segment.id for segment in plan.segments] == ["2", "20"]


def test_parts_of_one_mark_that_touch_through_what_went_along_are_one() -> None:
    prompt = painting()
    prompt["12"] = node("ImageInvert", image=["8", 0])
    prompt["9"]["inputs"]["images"] = ["12", 0]
    assert set(segment_of(cut_at(prompt, "3", "12")).members) >= {"3", "8", "12"}


def test_marks_of_other_names_or_sizes_are_other_orders() -> None:
    marks = [Mark("a", ("2",)), Mark("b", ("3",)), Mark("a", ("4",), "plus")]
    plan = cut(chain(), marks, core_class)
    assert [(segment.name, segment.instance) for segment in plan.segments] == [
        ("a", "default"),
        ("b", "default"),
        ("a", "plus"),
    ]
    assert plan.segments[1].inlets[0].source == ("2", 0)


def test_a_node_in_two_marks_belongs_to_the_first() -> None:
    plan = cut(chain(), [Mark("a", ("2",)), Mark("b", ("2", "3"))], core_class)
    assert [set(segment.members) for segment in plan.segments] == [{"2"}, {"3"}]


def test_one_source_is_one_inlet_and_one_outlet() -> None:
    prompt = {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageBatch", image1=["1", 0], image2=["1", 0]),
        "3": node("ImageInvert", image=["1", 0]),
        "4": node("ImageBatch", image1=["2", 0], image2=["3", 0]),
        "5": node("SaveImage", images=["4", 0], filename_prefix="x"),
        "6": node("PreviewImage", images=["4", 0]),
    }
    segment = segment_of(cut_at(prompt, "2", "3", "4"))
    assert [inlet.targets for inlet in segment.inlets] == [
        (("2", "image1"), ("2", "image2"), ("3", "image")),
    ]
    assert len(segment.outlets) == 1


def test_what_no_output_needs_is_no_order() -> None:
    prompt = chain()
    prompt["30"] = node("ImageInvert", image=["1", 0])
    plan = cut_at(prompt, "30")
    assert plan.prompt is prompt
    assert plan.segments == ()
    assert keys_of(plan) == {"segment.unused"}


def test_a_node_that_no_output_needs_goes_when_what_it_reads_has_gone() -> None:
    prompt = chain()
    prompt["30"] = node("ImageInvert", image=["3", 0])
    prompt["31"] = node("ImageInvert", image=["1", 0])
    plan = cut_at(prompt, "2", "3")
    assert "30" not in plan.prompt
    assert plan.prompt["31"] is prompt["31"]


def test_only_the_outputs_that_shall_run_count() -> None:
    prompt = chain()
    prompt["20"] = node("PreviewImage", images=["3", 0])
    marks = [Mark("a", ("2", "3", "20", "5"))]
    plan = cut(prompt, marks, core_class, targets=["20"])
    assert segment_of(plan).members == ("2", "3", "20")
    assert plan.prompt["20"]["class_type"] == "RunningHubSaved"


def test_a_subgraph_node_means_all_below_it() -> None:
    prompt = chain()
    prompt["40:1"] = node("ImageInvert", image=["7", 0])
    prompt["40:2:1"] = node("ImageInvert", image=["40:1", 0])
    prompt["8"]["inputs"]["images"] = ["40:2:1", 0]
    assert segment_of(cut_at(prompt, "40")).members == ("40:1", "40:2:1")


@pytest.mark.parametrize("switch", [True, ["20", 0]])
def test_a_plain_switch_counts_as_its_choice(switch: object) -> None:
    prompt = chain()
    prompt["5"] = node("ComfySwitchNode", switch=switch, on_false=["2", 0], on_true=["4", 0])
    prompt["20"] = node("PrimitiveBoolean", value=True)
    plan = cut_at(prompt, "4", "5", "6")
    segment = segment_of(plan)
    assert segment.graph["6"]["inputs"] == {"image": ["4", 0]}
    assert "5" not in segment.graph
    assert [inlet.source for inlet in segment.inlets] == [("3", 0)]


@pytest.mark.parametrize("value", [["1", 0], True])  # True is what it takes, not what it gives
def test_what_may_not_be_needed_is_not_run_for_nothing(value: object) -> None:
    prompt = chain()
    prompt["20"] = node("ComfyNotNode", value=value)
    prompt["5"] = node("ComfySwitchNode", switch=["20", 0], on_false=["2", 0], on_true=["4", 0])
    segment = segment_of(cut_at(prompt, "5", "6"))
    assert {"2", "4"} <= segment.graph.keys()
    assert segment.graph["5"]["inputs"]["on_false"] == ["2", 0]


def test_lists_do_not_cross() -> None:
    prompt = chain()
    prompt["3"] = node("RebatchImages", images=["2", 0], batch_size=1)
    prompt["6"] = node("RebatchImages", images=["5", 0], batch_size=8)
    # 3 makes a list, so 4 and 5 run once for each item; 6 makes lists of its own.
    segment = segment_of(cut_at(prompt, "4"))
    assert set(segment.members) == {"3", "4", "5", "6", "7", "8"}
    assert segment.inlets[0].source == ("2", 0)


def test_what_a_node_makes_of_a_whole_list_comes_out() -> None:
    prompt = chain()
    prompt["3"] = node("RebatchImages", images=["2", 0], batch_size=1)
    prompt["5"] = node("Joins", images=["4", 0])
    joins = ClassInfo({"images": InputInfo("IMAGE")}, ("IMAGE",), (False,), input_is_list=True)
    classes = {"Joins": joins}
    marks = [Mark("part", ("3", "4", "5"))]
    plan = cut(prompt, marks, lambda name: classes.get(name) or core_class(name))
    segment = segment_of(plan)
    assert segment.members == ("3", "4", "5")
    assert [outlet.source for outlet in segment.outlets] == [("5", 0)]


def test_one_of_our_own_nodes_before_the_segment_may_give_one_item() -> None:
    prompt = chain()
    prompt["1"] = node("RunningHubRemoteWorkflow", workflow="1")
    plan = cut_at(prompt, "3")
    assert segment_of(plan).inlets[0].listed
    assert "segment.one_item" in keys_of(plan)
    assert "segment.blocks_all" not in keys_of(plan)  # all that comes back depends on it


def test_a_saver_hands_its_source_on() -> None:
    prompt = chain()
    prompt["20"] = node("SaveImage", images=["3", 0], filename_prefix="middle")
    prompt["4"]["inputs"]["image"] = ["20", 0]
    marked = segment_of(cut_at(prompt, "3", "20", "4"))
    assert marked.graph["4"]["inputs"] == {"image": ["3", 0]}
    unmarked = cut_at(prompt, "3", "4")
    assert segment_of(unmarked).graph["4"]["inputs"] == {"image": ["3", 0]}
    assert unmarked.prompt["20"]["inputs"]["images"] == ["3", 0]


def test_the_text_of_a_segment_says_what_it_is_and_nothing_of_this_run() -> None:
    prompt = painting()
    plain = segment_of(cut_at(prompt, "3"))
    for entry in prompt.values():
        entry["_meta"] = {"title": "A title"}
    titled = cut(prompt, [Mark("another name", ("3",))], core_class)
    assert dump(segment_of(titled)) == dump(plain)
    assert segment_of(titled).titles["3"] == "A title"
    assert titled.prompt["3"]["_meta"]["runninghub"]["titles"]["3"] == "A title"
    prompt["3"]["inputs"]["seed"] = 2
    seeded = dump(segment_of(cut_at(prompt, "3")))
    assert seeded != dump(plain)
    assert dump(segment_of(cut_at(prompt, "3", size="plus"))) != seeded


def test_the_text_of_a_segment_can_be_read_again() -> None:
    segment = segment_of(cut_at(painting(), "3"))
    again = load(dump(segment))
    assert dump(again) == dump(segment)
    assert again.graph == segment.graph
    assert again.outlets == segment.outlets
    assert again.inlets[0].targets == segment.inlets[0].targets
    assert (again.id, again.name) == ("", "")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"v": 9}', '{"v": 1, "graph": 5}', '{"v": 1}']
)
def test_another_text_is_no_segment(text: str) -> None:
    with pytest.raises(Exception, match="was not written by this version"):
        load(text)


def test_a_text_with_wrong_types_is_no_segment() -> None:
    about = json.loads(dump(segment_of(cut_at(painting(), "3"))))
    for name in about:
        with pytest.raises(Exception, match="was not written by this version"):
            load(json.dumps({**about, name: 5}))


def painted_twice() -> dict[str, Any]:
    """Painted, inverted, encoded again and painted over."""
    prompt = painting()
    prompt["12"] = node("ImageInvert", image=["8", 0])
    prompt["13"] = node("VAEEncode", pixels=["12", 0], vae=["4", 2])
    prompt["14"] = node("KSampler", **{**prompt["3"]["inputs"], "latent_image": ["13", 0]})
    prompt["15"] = node("VAEDecode", samples=["14", 0], vae=["4", 2])
    prompt["9"]["inputs"]["images"] = ["15", 0]
    return prompt


def test_no_order_is_cut_in_two_for_what_has_to_go_along_anyway() -> None:
    plan = cut_at(painted_twice(), "3", "12", "14")
    segment = segment_of(plan)
    assert plan.split == 0
    assert {need.node_id for need in segment.pulled} == {"4", "6", "7", "8", "11", "13", "15"}


def test_a_part_that_is_left_for_work_here_still_is_two_orders() -> None:
    plan = cut_at(painted_twice(), "3", "14")
    assert [segment.inlets[0].source for segment in plan.segments] == [("10", 0), ("12", 0)]
    assert plan.prompt["12"]["inputs"] == {"image": ["3", 0]}


def scaled_by_size() -> dict[str, Any]:
    return {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("GetImageSize", image=["2", 0]),
        "4": node("EmptyImage", width=["3", 0], height=["3", 1], batch_size=1, color=0),
        "5": node("ImageBatch", image1=["2", 0], image2=["4", 0]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="x"),
    }


def test_no_order_is_cut_in_two_for_a_sum() -> None:
    plan = cut_at(scaled_by_size(), "2", "4", "5")
    assert [need.key for need in segment_of(plan).pulled] == ["segment.pulled_cheap"]
    assert cut_at(scaled_by_size(), "2", "4", "5", only=True).split == 1
    prompt = scaled_by_size()
    prompt["7"] = node("PreviewAny", source=["3", 0])
    plan = cut_at(prompt, "2", "4", "5")
    assert plan.split == 1
    assert plan.prompt["3"]["inputs"] == {"image": ["2", 0]}


def test_a_sum_between_the_orders_of_two_marks_is_made_here() -> None:
    prompt = scaled_by_size()
    marks = [Mark("a", ("2",)), Mark("b", ("4",))]
    plan = cut(prompt, marks, core_class)
    assert [segment.pulled for segment in plan.segments] == [(), ()]
    assert [inlet.source for inlet in plan.segments[1].inlets] == [("3", 1), ("3", 0)]
    assert plan.prompt["3"]["inputs"] == {"image": ["2", 0]}


def test_a_part_that_something_else_needs_first_is_found_however_far_away() -> None:
    prompt = painted_twice()
    prompt["20"] = node("LatentBlend", samples1=["13", 0], samples2=["13", 0], blend_factor=0.5)
    prompt["21"] = node("VAEDecode", samples=["20", 0], vae=["4", 2])
    prompt["22"] = node("PreviewImage", images=["21", 0])
    segment = segment_of(cut_at(prompt, "3", "12", "14"))
    # 13 goes for 14, so 20 and 21 have to follow 13.
    assert {"13", "20", "21"} <= {need.node_id for need in segment.pulled}
    assert [outlet.source for outlet in segment.outlets] == [("15", 0), ("21", 0)]


def test_what_goes_along_for_one_reader_serves_the_others_too() -> None:
    prompt = {
        "1": node("LoadImage", image="photo.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ComfyNotNode", value=["5", 0]),
        "4": node("ComfySwitchNode", switch=["3", 0], on_false=["1", 0], on_true=["2", 0]),
        "5": node("LoadAudio", audio="a.wav"),
        "6": node("ImageBatch", image1=["2", 0], image2=["4", 0]),
        "7": node("SaveImage", images=["6", 0], filename_prefix="x"),
    }
    # The switch may not need the picture, so its loader goes along; the inverter reads it there.
    for first, second in ("24", "42"):
        prompt["6"] = node("ImageBatch", image1=[first, 0], image2=[second, 0])
        segment = segment_of(cut_at(prompt, "2", "4", "6"))
        assert segment.graph["2"]["inputs"] == {"image": ["1", 0]}
        assert [inlet.type for inlet in segment.inlets] == ["BOOLEAN"]
        assert [file.value for file in segment.files] == ["photo.png"]
        assert [need.node_id for need in segment.pulled] == ["1"]


def test_a_link_here_that_leads_nowhere_is_left_to_comfyui() -> None:
    prompt = chain()
    prompt["20"] = node("ImageBatch", image1=["3", 0], image2=["77", 0])
    prompt["21"] = node("PreviewImage", images=["20", 0])
    plan = cut_at(prompt, "3")
    assert plan.prompt["20"]["inputs"] == {"image1": ["3", 0], "image2": ["77", 0]}


def test_new_ids_avoid_those_that_are_taken() -> None:
    prompt = chain()
    prompt["7"] = node("RebatchImages", images=["6", 0], batch_size=1)
    prompt["8:0"] = node("PreviewImage", images=["6", 0])
    prompt["9"] = node("SaveImage", images=["7", 0], filename_prefix="y")
    # A list does not come out of the one part, so what makes it runs in the other too.
    plan = cut(prompt, [Mark("a", ("7", "9")), Mark("b", ("8",))], core_class)
    assert [segment.id for segment in plan.segments] == ["7", "8:0:0"]
    assert plan.prompt["8"]["inputs"]["files"] == ["8:0:0", 0]


@pytest.mark.parametrize(
    "node_id", ["", "a", "-1", "0x1", "\u0663", "9" * 40, "1:", ":", "1 2", "🐈"]
)
def test_strange_ids_stay_as_they_are(node_id: str) -> None:
    prompt = {
        "1": node("LoadImage", image="photo.png"),
        node_id: node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=[node_id, 0], filename_prefix="x"),
    }
    plan = cut_at(prompt, node_id)
    segment = segment_of(plan)
    assert (segment.id, len(segment.graph)) == (node_id, 2)
    assert plan.prompt["3"]["inputs"]["images"] == [node_id, 0]


def test_how_an_order_is_placed_stands_beside_the_segment_s_text() -> None:
    """The text is what makes orders equal: who pays for one is not in it."""
    prompt = painting()
    plain = segment_of(cut(prompt, [Mark("part", ("3",))], core_class))
    ordering = Ordering("studio", 90, True, "77")
    plan = cut(prompt, [Mark("part", ("3",), ordering=ordering)], core_class)
    inputs = plan.prompt[segment_of(plan).id]["inputs"]
    assert {name: inputs[name] for name in ("profile", "timeout", "workflow")} == {
        "profile": "studio",
        "timeout": 90,
        "workflow": "77",
    }
    assert inputs["use_personal_queue"] is True
    assert inputs["segment"] == dump(plain)


def test_parts_of_two_accounts_that_touch_are_two_orders() -> None:
    prompt = painting()
    marks = [
        Mark("part", ("10",), ordering=Ordering("one")),
        Mark("part", ("3", "8", "9"), ordering=Ordering("two")),
    ]
    plan = cut(prompt, marks, core_class)
    assert {segment.ordering.profile for segment in plan.segments} == {"one", "two"}


@pytest.mark.parametrize("named", ["3", "9", "12"])
def test_a_node_that_runs_anew_makes_its_segment_order_anew(named: str) -> None:
    prompt = painting()
    prompt["12"] = node("PreviewImage", images=["8", 0])  # shows the files of 9
    plan = cut_at(prompt, "3", "8", "9", "12")
    segment = segment_of(plan).id
    assert "again" not in plan.prompt[segment]["inputs"]
    again = order_again(plan, {named})
    assert again.prompt[segment]["inputs"]["again"] is True
    assert order_again(plan, {"10"}) == plan
