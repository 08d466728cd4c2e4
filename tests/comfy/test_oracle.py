"""A real ComfyUI on both sides: a cut graph makes what the uncut one makes, but for rounding."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
import requests

from rh_api.emulator import Emulator
from rh_api.errors import BadInput
from rh_api.graph.segments import Classes, Plan, cut, from_object_info, read_marks
from tests.comfy.client import ComfyClient, Result
from tests.comfy.graphs import Prompt, apart, mark, node, seen
from tests.comfy.server import Server, running
from tests.oracle.graphs import random_marks, random_prompt
from tests.oracle.oracle import with_borders
from tests.oracle.runs import input_folder, outputs_of, run_uncut

# Two servers start before the first test.
pytestmark = [pytest.mark.comfy, pytest.mark.timeout(180)]

GRAPHS = 24
Shown = dict[str, list[Any]]


@pytest.fixture(scope="module")
def home(
    cloud_on_comfyui: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A local ComfyUI whose cloud is another real one."""
    emulator, base_url = cloud_on_comfyui
    known = {"RUNNINGHUB_BASE_URL": base_url, "RUNNINGHUB_API_KEY": emulator.default_key}
    with running(tmp_path_factory.mktemp("home"), known) as server:
        for name, data in input_folder().items():
            (server.base / "input" / name).write_bytes(data)
        yield server


@pytest.fixture(scope="module")
def classes(home: Server) -> Classes:
    return from_object_info(requests.get(home.url + "/object_info", timeout=60).json())


@pytest.fixture
async def here(home: Server) -> AsyncIterator[ComfyClient]:
    async with ComfyClient(home.url) as client:
        yield client


def random_cut(number: int) -> tuple[Prompt, list[dict[str, Any]]]:
    """A random prompt that runs, and marks on it."""
    random = Random(number)
    while True:
        prompt = random_prompt(random, models=False, most=12)
        try:
            run_uncut(prompt)
        except Exception:  # noqa: BLE001 - it would fail with or without a cut
            continue
        return prompt, random_marks(random, prompt)


async def shown(here: ComfyClient, result: Result, wanted: list[str]) -> Shown:
    """What each saver and preview shows: pixels and texts."""
    assert result.outcome == "success", (result.refusal, result.outcome, result.events[-2:])
    found: Shown = {}
    for node_id in wanted:
        output = result.outputs[node_id]
        pictures = [await seen(here, file) for file in output.get("images", ())]
        found[node_id] = pictures or list(output["text"])
    return found


def differing(one: Shown, other: Shown) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for node_id, made in one.items():
        for left, right in zip(made, other[node_id], strict=True):
            if isinstance(left, str) or isinstance(right, str):
                if left != right:
                    wrong[node_id] = f"{left!r} {right!r}"
            elif left.shape != right.shape:
                wrong[node_id] = f"{left.shape} {right.shape}"
            elif (left != right).any():
                far = np.abs(left.astype(int) - right)
                wrong[node_id] = f"{np.count_nonzero(far)} of {far.size}, up to {far.max()}"
    return wrong


def planned(prompt: Prompt, extra: dict[str, Any], classes: Classes) -> Plan:
    return cut(prompt, read_marks(extra, prompt), classes)


@pytest.mark.parametrize("number", range(GRAPHS))
async def test_a_random_cut_is_equal_to_local(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes, number: int
) -> None:
    prompt, marks = random_cut(number)
    extra = {"runninghub": {"segments": marks}}
    wanted = outputs_of(prompt)
    orders = cloud_on_comfyui[0].counters.orders
    cut_up = await here.queue(prompt, extra)
    try:
        plan = planned(prompt, extra, classes)
    except BadInput as refused:
        problem = str(refused)
    else:
        problem = ""
    assert (cut_up.outcome == "refused") == bool(problem)
    assert problem in cut_up.refusal
    if problem:
        return
    # Equal segments of one prompt are one order; so are those of an earlier test.
    assert cloud_on_comfyui[0].counters.orders - orders <= len(plan.segments)
    whole = await here.queue(with_borders(prompt, plan, wanted))

    wrong = differing(await shown(here, cut_up, wanted), await shown(here, whole, wanted))
    assert not wrong, (wrong, prompt, marks)


async def test_those_cuts_ordered_something(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes
) -> None:
    """Of the random cuts above most are accepted, and they go to the cloud."""
    plans: list[Plan] = []
    for number in range(GRAPHS):
        prompt, marks = random_cut(number)
        try:
            plans.append(planned(prompt, {"runninghub": {"segments": marks}}, classes))
        except BadInput:
            continue
    assert len(plans) > 0.6 * GRAPHS
    assert sum(bool(plan.segments) for plan in plans) > 0.6 * GRAPHS
    assert any(plan.split for plan in plans)

    # The real thing once more, to see the order itself.
    emulator = cloud_on_comfyui[0]
    orders = emulator.counters.orders
    prompt = {
        "1": node("EmptyImage", width=mark() + 7, height=9, batch_size=1, color=0x112233),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="seen"),
    }
    result = await here.queue(prompt, {"runninghub": {"segments": [{"nodes": ["2"]}]}})
    assert result.outcome == "success"
    assert emulator.counters.orders == orders + 1


async def test_sound_comes_through_both_ways(
    here: ComfyClient, home: Server, cloud_on_comfyui: tuple[Emulator, str]
) -> None:
    """Up as floats, exactly; back as 16 bits, within a step of them."""
    sound = node("TestHolds", kind="sound", mark=mark())
    prompt = {
        "1": sound,
        "2": node("AudioAdjustVolume", audio=["1", 0], volume=-20),
        "3": node("AudioConcat", audio1=["2", 0], audio2=["2", 0], direction="after"),
        "4": node("AudioConcat", audio1=["5", 0], audio2=["5", 0], direction="after"),
        "5": node("AudioAdjustVolume", audio=["1", 0], volume=-20),
        "6": apart(["3", 0], ["4", 0]),
    }
    result = await here.queue(prompt, {"runninghub": {"segments": [{"nodes": ["3"]}]}})

    assert result.outcome == "success", (result.refusal, result.events[-2:])
    [told] = result.outputs["6"]["text"]
    assert float(told) <= 1 / 32768


async def test_text_and_numbers_come_through_exactly(here: ComfyClient) -> None:
    prompt = {
        "1": node("PrimitiveString", value="naïve 图"),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="!", delimiter=" "),
        "3": node("LoadImage", image="photo.png"),
        "4": node("GetImageSize", image=["3", 0]),
        "5": node("ComfyMathExpression", expression="a / 3", **{"values.a": ["4", 0]}),
        "6": node("PreviewAny", source=["2", 0]),
        "7": node("PreviewAny", source=["5", 0]),
        "8": node("PreviewAny", source=["5", 2]),
    }
    result = await here.queue(
        prompt, {"runninghub": {"segments": [{"nodes": ["2", "3", "4", "5"]}]}}
    )

    assert result.outcome == "success", (result.refusal, result.events[-2:])
    shown = {node_id: result.outputs[node_id]["text"] for node_id in ("6", "7", "8")}
    assert shown == {"6": ["naïve 图 !"], "7": [str(13 / 3)], "8": ["True"]}
