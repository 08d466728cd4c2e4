"""A cut graph makes what the uncut one makes, but for the border's rounding; then it is exact."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rh_api.offload import Plan
from tests.oracle.graphs import Prompt
from tests.oracle.oracle import with_borders
from tests.oracle.runs import Sent, outputs_of, run_cut, run_in_memory, run_uncut
from tests.oracle.trial import Counts, check, plan_of, try_one
from tests.support.graphs import node


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
@given(random=st.randoms(use_true_random=False))
def test_a_small_random_cut_is_equal_to_local(random: Random) -> None:
    """Hypothesis makes what fails smaller."""
    try_one(random, Counts(), most=8)


def test_random_cuts_are_equal_to_local_and_mostly_accepted() -> None:
    counts = Counts()
    for number in range(300):
        try_one(Random(number), counts)

    report = counts.report()
    assert len(counts.classes) >= 40, report
    assert counts.accepted > 0.6 * counts.tried, report
    assert counts.pulled > 0.3 * counts.tried, report
    assert counts.split > 0.15 * counts.tried, report
    assert counts.fails_uncut < 0.1 * counts.graphs, report


def expected_of(prompt: Prompt, plan: Plan) -> dict[str, list[Any]]:
    return run_uncut(with_borders(prompt, plan, outputs_of(prompt)))


def colours(first: int, second: int) -> Prompt:
    """Two pictures that a segment makes, and what a person does with them here."""
    size = {"width": 8, "height": 8, "batch_size": 1}
    return {
        "1": node("EmptyImage", color=first, **size),
        "2": node("EmptyImage", color=second, **size),
        "3": node("SaveImage", images=["1", 0], filename_prefix="one"),
        "4": node("SaveImage", images=["2", 0], filename_prefix="two"),
    }


def test_the_oracle_sees_a_value_that_went_to_the_wrong_place() -> None:
    prompt = colours(0x102030, 0xA0B0C0)
    plan = plan_of(prompt, [{"nodes": ["1"]}, {"nodes": ["2"]}])
    swapped = {**plan.prompt, "3": plan.prompt["4"], "4": plan.prompt["3"]}

    expected = expected_of(prompt, plan)

    assert run_cut(dict(plan.prompt), run_in_memory(Sent())) == expected
    assert run_cut(swapped, run_in_memory(Sent())) != expected


def test_the_oracle_sees_an_input_that_was_lost() -> None:
    prompt = {
        **colours(0x102030, 0xA0B0C0),
        "5": node(
            "ImageCompositeMasked",
            destination=["1", 0],
            source=["2", 0],
            mask=["6", 0],
            x=0,
            y=0,
            resize_source=False,
        ),
        "6": node("SolidMask", value=0.25, width=8, height=8),
        "7": node("SaveImage", images=["5", 0], filename_prefix="blended"),
    }
    plan = plan_of(prompt, [{"nodes": ["5"]}])
    shown = run_cut(dict(plan.prompt), run_in_memory(Sent()))
    assert shown == expected_of(prompt, plan)

    prompt["6"]["inputs"]["value"] = 0.75
    assert shown != expected_of(prompt, plan)


@pytest.mark.parametrize("value", [0.5, 0.1, 1 / 3, 0.7])
def test_a_mask_comes_back_as_the_nearest_level(value: float) -> None:
    prompt = {
        "1": node("SolidMask", value=value, width=4, height=4),
        "2": node("MaskToImage", mask=["1", 0]),
        "3": node("ImageBatch", image1=["2", 0], image2=["2", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="x"),
    }
    plan = plan_of(prompt, [{"nodes": ["1"]}])

    [(_, _, levels), _] = run_cut(dict(plan.prompt), run_in_memory(Sent()))["4"]

    assert set(levels) == {int(value * 255 + 0.5)}


def test_a_second_run_of_equal_segments_sends_equal_bytes() -> None:
    prompt = {
        "1": node("LoadImage", image="see_through.png"),
        "2": node("JoinImageWithAlpha", image=["1", 0], alpha=["1", 1]),
        "3": node("ImageInvert", image=["2", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="x"),
    }
    plan = plan_of(prompt, [{"nodes": ["3"]}])
    first, second = Sent(), Sent()
    run_cut(dict(plan.prompt), run_in_memory(first))
    run_cut(dict(plan.prompt), run_in_memory(second))

    assert (first.uploads, first.orders) == (second.uploads, second.orders)
    assert len(first.uploads) == 1


def test_a_graph_that_fails_uncut_counts_as_that() -> None:
    counts = Counts()
    prompt = {
        "1": node("EmptyImage", width=4, height=4, batch_size=2, color=0),
        "2": node("EmptyImage", width=4, height=4, batch_size=3, color=0),
        "3": node(
            "ImageBlend",
            image1=["1", 0],
            image2=["2", 0],
            blend_factor=0.5,
            blend_mode="normal",
        ),
        "4": node("SaveImage", images=["3", 0], filename_prefix="x"),
    }
    with pytest.raises(RuntimeError):
        run_uncut(prompt)

    check(prompt, [{"nodes": ["3"]}], counts)

    assert (counts.graphs, counts.fails_uncut, counts.accepted) == (1, 1, 0)
