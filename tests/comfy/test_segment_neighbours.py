"""Segments beside cloud workflows, prompts without marks and handlers of other packs."""

from __future__ import annotations

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import flip, inverted, loaded, marked, pixels, remote, save, turning
from tests.comfy.segments import graphs, saved
from tests.support.service import asked

pytestmark = pytest.mark.comfy


async def test_a_cloud_workflows_picture_goes_on_into_a_segment(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": flip(["2", 0]),
        "4": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("3"))

    (image,) = await saved(comfyui, result, "4")
    assert (image == inverted(picture)[::-1]).all()
    assert emulator.counters.orders == 2


async def test_a_prompt_without_marks_is_left_alone(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    result = await comfyui.queue(prompt)

    assert result.outcome == "success"
    assert result.history["prompt"][2] == prompt
    assert not asked(emulator)


async def test_what_another_pack_changes_before_or_after_us_counts(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": flip(["1", 0]),
        "3": flip(["2", 0]),
        "4": save(["3", 0]),
    }
    sideways = {"flip_method": "y-axis: horizontally"}
    both = {"before": {"2": sideways}, "after": {"3": sideways, "4": {"filename_prefix": "other"}}}
    result = await comfyui.queue(prompt, {**marked("2"), "tests": both})

    (image,) = await saved(comfyui, result, "4")
    assert (image == picture).all()
    assert result.outputs["4"]["images"][0]["filename"].startswith("other_")
    (graph,) = graphs(emulator)
    assert graph["2"]["inputs"]["flip_method"] == sideways["flip_method"]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_handler_of_another_pack_that_fails_changes_nothing(
    comfyui: ComfyClient, emulator: Emulator, moment: str
) -> None:
    picture = pixels()
    failing = {"tests": {moment: {"99": None}}}
    prompt = await turning(comfyui, picture)
    (image,) = await saved(comfyui, await comfyui.queue(prompt, {**marked("2"), **failing}), "3")

    assert (image == inverted(picture)).all()
    assert emulator.counters.orders == 1
