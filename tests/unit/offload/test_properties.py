"""What holds for every cut, on random prompts and random marks."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.offload.sketches import Meaning, Sketch, lists

from rh_api.graph.constants import INLETS, OUTLETS, SAVED_CLASS, SEGMENT_CLASS
from rh_api.graph.prompt import links, read_nodes
from rh_api.offload import CannotOffload, Mark, Plan, core_class, cut, dump, load
from rh_api.offload.savers import PREFIX_INPUT, SAVERS
from rh_api.offload.special_classes import CHEAP, MADE_VIDEO

SEEDS = st.integers(0, 2**32)


def marked(sketch: Sketch, seed: int) -> list[Mark]:
    chance = random.Random(seed)
    ids = list(sketch.prompt)
    share = chance.choice([0.1, 0.3, 0.6, 1.0])
    first = Mark("a", tuple(i for i in ids if chance.random() < share))
    second = Mark("b", tuple(i for i in ids if chance.random() < 0.2), "plus")
    return [first, second] if chance.random() < 0.4 else [first]


def planned(seed: int, size: int) -> tuple[Sketch, list[Mark], Plan] | None:
    sketch = Sketch(seed, size)
    marks = marked(sketch, seed)
    try:
        return sketch, marks, cut(sketch.prompt, marks, core_class)
    except CannotOffload as error:
        refused = error.local_id
    assert refused in sketch.prompt
    return None


@given(SEEDS, st.integers(2, 30))
@settings(max_examples=300, deadline=None)
def test_what_is_saved_and_shown_is_what_it_was_before(seed: int, size: int) -> None:
    case = planned(seed, size)
    if case is None:
        return
    sketch, _, plan = case
    before, after = Meaning(sketch.prompt), Meaning(plan.prompt)
    saved = {entry.node_id: entry for segment in plan.segments for entry in segment.saved}
    for node_id, entry in sketch.prompt.items():
        info = core_class(entry["class_type"])
        assert info is not None
        if not info.is_output:
            continue
        expected = before.inputs(node_id)
        if node_id not in saved:
            assert after.inputs(node_id) == expected
            continue
        expected.pop(PREFIX_INPUT, None)
        saver = SAVERS[entry["class_type"]]
        class_type, inputs = after.inputs(node_id)["files"]
        assert class_type == saver.remote
        if entry["class_type"] == "MaskPreview":
            expected = {"images": ("MaskToImage", 0, (("mask", expected["mask"]),))}
        assert inputs == expected


@given(SEEDS, st.integers(2, 30))
@settings(max_examples=200, deadline=None)
def test_every_link_is_good_on_both_sides(seed: int, size: int) -> None:
    case = planned(seed, size)
    if case is None:
        return
    sketch, marks, plan = case
    whole(plan.prompt)
    by_id = {segment.id: segment for segment in plan.segments}
    assert len(by_id) == len(plan.segments)
    many = lists(sketch.prompt)
    for segment in plan.segments:
        brought = {target for inlet in segment.inlets for target in inlet.targets}
        whole(segment.graph, brought)
        assert 0 < len(segment.outlets) <= OUTLETS
        assert segment.graph.keys() > {entry.saver for entry in segment.saved}
        assert len(segment.inlets) <= INLETS
        assert load(dump(segment)).graph == segment.graph
        for inlet in segment.inlets:
            if inlet.source[0] not in by_id:
                assert inlet.source not in many
            else:
                assert by_id[inlet.source[0]].level < segment.level
        assert not many & {outlet.source for outlet in segment.outlets if outlet.type != "FILES"}
    here = {
        node.id
        for node in read_nodes(plan.prompt).values()
        if node.class_type not in {SEGMENT_CLASS, SAVED_CLASS}
    }
    stay = ("segment.unused", "segment.saves_here")
    noted = {note.node_id for note in plan.notes if note.key in stay}
    for mark in marks:
        for node_id in set(mark.nodes) & here - noted if plan.segments else ():
            assert sketch.prompt[node_id]["class_type"] in CHEAP | {MADE_VIDEO}


def whole(graph: Mapping[str, Any], brought: set[tuple[str, str]] = frozenset()) -> None:  # type: ignore[assignment]
    nodes = read_nodes(graph)
    assert nodes.keys() == graph.keys()
    for link in links(graph):
        source = nodes[link.source]
        info = core_class(source.class_type)
        outputs = OUTLETS if source.class_type == SEGMENT_CLASS else len(info.outputs)
        assert link.slot in range(outputs)
    for node in nodes.values():
        info = core_class(node.class_type)
        if info is None:
            assert node.class_type in {SEGMENT_CLASS, SAVED_CLASS}
            continue
        given_names = node.inputs.keys() | {name for to, name in brought if to == node.id}
        assert not {name for name, about in info.inputs.items() if about.required} - given_names
    assert all(to in nodes for to, _ in brought)


@given(SEEDS, st.integers(2, 30))
@settings(max_examples=100, deadline=None)
def test_equal_prompts_give_equal_bytes_and_a_second_pass_changes_nothing(
    seed: int, size: int
) -> None:
    case = planned(seed, size)
    if case is None:
        return
    sketch, marks, plan = case
    again = cut(sketch.shuffled(), marks, core_class)
    assert again.prompt == plan.prompt
    assert again == plan
    assert [dump(part) for part in again.segments] == [dump(part) for part in plan.segments]
    twice = cut(plan.prompt, marks, core_class)
    assert twice.prompt == plan.prompt
    assert not twice.segments


@given(SEEDS, st.integers(2, 20))
@settings(max_examples=50, deadline=None)
def test_what_else_is_on_the_canvas_does_not_change_a_segment(seed: int, size: int) -> None:
    case = planned(seed, size)
    if case is None:
        return
    sketch, marks, plan = case
    more = {
        "5000": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8}},
        "5001": {"class_type": "SaveImage", "inputs": {"images": ["5000", 0]}},
        **sketch.prompt,
    }
    crowded = cut(more, marks, core_class)
    assert [dump(part) for part in crowded.segments] == [dump(part) for part in plan.segments]


def test_random_cuts_are_of_all_kinds() -> None:
    plans = [case[2] for seed in range(200) if (case := planned(seed, 30)) is not None]
    assert len(plans) > 120
    assert sum(any(segment.pulled for segment in plan.segments) for plan in plans) > 60
    assert sum(len(plan.segments) > 1 for plan in plans) > 30
    assert sum(plan.split > 0 for plan in plans) > 10
