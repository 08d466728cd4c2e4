"""A real ComfyUI on both sides: a cut graph makes what the uncut one makes, but for rounding."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
import requests

from nodes.values.codecs import mp4
from rh_api.emulator import Emulator
from rh_api.errors import BadInput
from rh_api.offload import Classes, Plan, cut, from_object_info, read_marks
from tests.comfy.client import ComfyClient, Result
from tests.comfy.conftest import parts, version
from tests.comfy.graphs import Prompt, apart, decoded, mark
from tests.comfy.server import Server, running
from tests.oracle.graphs import random_marks, random_prompt
from tests.oracle.oracle import with_borders
from tests.oracle.runs import input_folder, outputs_of, run_uncut
from tests.support.cloud import environment_of
from tests.support.graphs import node

# Two servers start before the first test.
pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]

GRAPHS = 200
NATIVE_GRAPHS = 10
MODEL_GRAPHS = 12
CREATE, PROMPT = "/task/openapi/create", "/proxy/{key}/prompt"
FILM = "film.mp4"
FRAMES = "73"
"""A film that comes back is read by the pack, to the nearest level; core's reader is another, and
two levels apart at most, before 0.21.1 three."""
MAPPED = "82"
"""What runs once an item of a list."""
RESIZES = frozenset({"ImageBatch", "ImageScale", "ImageScaleBy", "JoinImageWithAlpha"})
"""What they compute differs in the last bit when a picture lies otherwise in memory, as one does
that came from a file. A saver cuts off: of a few numbers it makes a level, and a second saver
another."""
Shown = dict[str, list[Any]]


@pytest.fixture(scope="module")
def home(
    cloud_on_comfyui: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A local ComfyUI whose cloud is another real one."""
    emulator, base_url = cloud_on_comfyui
    environment = environment_of(emulator, base_url)
    with running(tmp_path_factory.mktemp("home"), environment) as server:
        for name, data in input_folder().items():
            (server.base / "input" / name).write_bytes(data)
        steps = np.linspace(0.1, 0.9, 5, dtype=np.float32)
        frames = [np.full((18, 32, 3), step) * (1, 0.5, 0.2) for step in steps]
        mp4.write(server.base / "input" / FILM, frames, Fraction(24))
        yield server


@pytest.fixture(scope="module")
def classes(home: Server) -> Classes:
    return from_object_info(requests.get(home.url + "/object_info", timeout=60).json())


@pytest.fixture
async def here(home: Server) -> AsyncIterator[ComfyClient]:
    async with ComfyClient(home.url) as client:
        yield client


def random_cut(number: int, classes: Classes) -> tuple[Prompt, list[dict[str, Any]]]:
    """A random prompt of classes that this core has, which runs, and marks on it."""
    random = Random(number)
    while True:
        prompt = random_prompt(random, models=False, most=12)
        if not is_known(prompt, classes):
            continue
        try:
            run_uncut(prompt)
        except Exception:  # noqa: BLE001 - it would fail with or without a cut
            continue
        add_film(random, prompt)
        add_list(random, prompt)
        return prompt, random_marks(random, prompt)


def is_known(prompt: Prompt, classes: Classes) -> bool:
    """Whether this core has its classes, takes its values and has the outputs that are taken:
    savers got theirs late."""
    abouts = {node_id: classes(entry["class_type"]) for node_id, entry in prompt.items()}
    for node_id, entry in prompt.items():
        about = abouts[node_id]
        if about is None:
            return False
        for name, value in entry["inputs"].items():
            declared = about.inputs.get(name)
            if isinstance(value, list):
                source = abouts[value[0]]
                if source is None or value[1] >= len(source.outputs):
                    return False
            elif declared and declared.least is not None and value < declared.least:
                return False
    return True


def add_film(random: Random, prompt: Prompt) -> None:
    """Sometimes a film, whose frames are looked at one by one."""
    if random.random() < 0.4:
        prompt |= {
            "70": node("LoadVideo", file=FILM),
            "71": node("GetVideoComponents", video=["70", 0]),
            "72": node(
                "ImageFromBatch", image=["71", 0], batch_index=random.randint(0, 3), length=2
            ),
            FRAMES: node("SaveImage", images=["72", 0], filename_prefix="kept"),
            "74": node("PreviewAny", source=["71", 2]),
        }


def add_list(random: Random, prompt: Prompt) -> None:
    """Sometimes a picture of it twice, as a list that is mapped and joined again."""
    pictures = [
        node_id
        for node_id, entry in prompt.items()
        if entry["class_type"] in ("ImageInvert", "LoadImage")
    ]
    if pictures and random.random() < 0.4:
        prompt |= {
            "80": node("RepeatImageBatch", image=[random.choice(pictures), 0], amount=2),
            "81": node("RebatchImages", images=["80", 0], batch_size=1),
            MAPPED: node("ImageInvert", image=["81", 0]),
            "83": node("RebatchImages", images=[MAPPED, 0], batch_size=random.choice((2, 64))),
            "84": node("SaveImage", images=["83", 0], filename_prefix="kept"),
        }


def models_cut(number: int) -> tuple[Prompt, list[dict[str, Any]]]:
    """A sampler with a picture before it and one behind, and marks on some of it."""
    random = Random(f"models {number}")
    prompt = {
        "1": node("TestTinyModels", seed=number),
        "2": node("LoadImage", image="photo.png"),
        "3": node(
            "ImageScale",
            image=["2", 0],
            width=64,
            height=64,
            crop="disabled",
            upscale_method="bilinear",
        ),
        "4": node("VAEEncode", pixels=["3", 0], vae=["1", 3]),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=random.randint(1, 2)),
        "6": node(
            "KSampler",
            model=["1", 0],
            positive=["1", 1],
            negative=["1", 2],
            seed=number,
            steps=2,
            latent_image=[random.choice(("4", "5")), 0],
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=random.choice((1.0, 0.5)),
        ),
        "7": node("VAEDecode", samples=["6", 0], vae=["1", 3]),
        "8": node("ImageInvert", image=["7", 0]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="kept"),
    }
    while True:
        marks = random_marks(random, prompt)
        if {"6", "7"} & {node_id for part in marks for node_id in part["nodes"]}:
            return prompt, marks


async def shown(here: ComfyClient, result: Result, node_ids: list[str]) -> Shown:
    """What each saver and preview shows: pixels and texts."""
    assert result.outcome == "success", (result.refusal, result.outcome, result.events[-2:])
    shows: Shown = {}
    for node_id in node_ids:
        output = result.outputs[node_id]
        pictures = [await decoded(here, file) for file in output.get("images", ())]
        shows[node_id] = pictures or list(output["text"])
    return shows


def differing(prompt: Prompt, cut_up: Shown, whole: Shown) -> dict[str, str]:
    """By saver, what is not equal. See FRAMES and RESIZES for what counts as equal."""
    wrong: dict[str, str] = {}
    for node_id, values in cut_up.items():
        for left, right in zip(values, whole[node_id], strict=True):
            if isinstance(left, str) or isinstance(right, str):
                if left != right:
                    wrong[node_id] = f"{left!r} {right!r}"
            elif left.shape != right.shape:
                wrong[node_id] = f"{left.shape} {right.shape}"
            elif (left != right).any():
                far = np.abs(left.astype(int) - right)
                resized = bool(RESIZES & classes_above(prompt, node_id))
                few = resized and np.count_nonzero(far) <= far.size / 6
                most = 3 if node_id == FRAMES and version() < parts("0.21.1") else 2
                if (node_id == FRAMES or few) and far.max() <= most:
                    continue
                wrong[node_id] = f"{np.count_nonzero(far)} of {far.size}, up to {far.max()}"
    return wrong


def classes_above(prompt: Prompt, node_id: str) -> set[str]:
    """The classes of what a node is made from."""
    above: set[str] = set()
    for value in prompt[node_id]["inputs"].values():
        if isinstance(value, list):
            above |= {prompt[value[0]]["class_type"]} | classes_above(prompt, value[0])
    return above


def planned(prompt: Prompt, extra: dict[str, Any], classes: Classes) -> Plan:
    return cut(prompt, read_marks(extra, prompt), classes)


@pytest.mark.parametrize("number", range(GRAPHS))
async def test_a_random_cut_is_equal_to_local(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes, number: int
) -> None:
    await is_equal_to_local(here, cloud_on_comfyui[0], classes, *random_cut(number, classes))


@pytest.mark.parametrize("number", range(NATIVE_GRAPHS))
async def test_a_random_cut_by_the_native_route_is_equal_to_local(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes, number: int
) -> None:
    emulator = cloud_on_comfyui[0]
    prompt, marks = random_cut(10_000 + number, classes)
    created = emulator.counters.requests[CREATE]
    native = [{**part, "route": "native"} for part in marks]
    await is_equal_to_local(here, emulator, classes, prompt, native)
    assert emulator.counters.requests[CREATE] == created


async def test_a_part_goes_by_the_native_route(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str]
) -> None:
    requests_ = cloud_on_comfyui[0].counters.requests
    before = requests_[PROMPT]
    prompt = {
        "1": node("EmptyImage", width=mark() + 7, height=9, batch_size=1, color=0x112233),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="seen"),
    }
    marks = [{"nodes": ["2"], "route": "native"}]
    result = await here.queue(prompt, {"runninghub": {"segments": marks}})
    assert result.outcome == "success"
    assert requests_[PROMPT] == before + 1


@pytest.mark.parametrize("number", range(MODEL_GRAPHS))
async def test_a_sampler_makes_the_same_there(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes, number: int
) -> None:
    """Its weights are random, and so is what it paints; but it paints it twice."""
    await is_equal_to_local(here, cloud_on_comfyui[0], classes, *models_cut(number))


async def is_equal_to_local(
    here: ComfyClient,
    emulator: Emulator,
    classes: Classes,
    prompt: Prompt,
    marks: list[dict[str, Any]],
) -> None:
    extra = {"runninghub": {"segments": marks}}
    savers = outputs_of(prompt)
    orders = emulator.counters.orders
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
    assert emulator.counters.orders - orders <= len(plan.segments)
    whole = await here.queue(with_borders(prompt, plan, savers))
    if whole.outcome == "error":  # this core cannot run it: 0.16.4 blends no RGBA with RGB
        assert cut_up.outcome == "error"
        return

    wrong = differing(prompt, await shown(here, cut_up, savers), await shown(here, whole, savers))
    assert not wrong, (wrong, prompt, marks)


async def test_the_random_cuts_order_something(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str], classes: Classes
) -> None:
    """Of the random cuts above most are accepted, and they go to the cloud: with films, masks and
    lists, too."""
    plans: list[Plan] = []
    for number in range(GRAPHS):
        prompt, marks = random_cut(number, classes)
        try:
            plans.append(planned(prompt, {"runninghub": {"segments": marks}}, classes))
        except BadInput:
            continue
    assert len(plans) > 0.6 * GRAPHS
    assert sum(bool(plan.segments) for plan in plans) > 0.6 * GRAPHS
    assert any(plan.split for plan in plans)
    parts = [part for plan in plans for part in plan.segments]
    assert {"IMAGE", "MASK", "VIDEO"} <= {inlet.type for part in parts for inlet in part.inlets}
    assert {"IMAGE", "MASK", "VIDEO"} <= {outlet.type for part in parts for outlet in part.outlets}
    assert any(MAPPED in part.members for part in parts)

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
    [text] = result.outputs["6"]["text"]
    assert float(text) <= 1 / 32768


async def test_what_torchaudio_resamples_there_is_what_it_resamples_here(
    here: ComfyClient, cloud_on_comfyui: tuple[Emulator, str]
) -> None:
    prompt = {
        "1": node("TestHolds", kind="sound", mark=mark()),
        "2": node("AudioAdjustVolume", audio=["1", 0], volume=-20),
        "3": node("EmptyAudio", duration=0.1, sample_rate=96000, channels=2),
        "4": node("AudioConcat", audio1=["3", 0], audio2=["2", 0], direction="after"),
        "5": node("AudioConcat", audio1=["3", 0], audio2=["2", 0], direction="after"),
        "6": apart(["4", 0], ["5", 0]),
    }
    orders = cloud_on_comfyui[0].counters.orders
    result = await here.queue(prompt, {"runninghub": {"segments": [{"nodes": ["4"]}]}})

    assert result.outcome == "success", (result.refusal, result.events[-2:])
    assert cloud_on_comfyui[0].counters.orders == orders + 1
    [text] = result.outputs["6"]["text"]
    assert float(text) <= 1 / 32768


async def test_a_mask_of_bools_comes_back(here: ComfyClient) -> None:
    prompt = {
        "1": node("LoadImageMask", image="photo.png", channel="red"),
        "2": node("TestBools", mask=["1", 0]),
        "3": node("ThresholdMask", mask=["1", 0], value=0.5),
        "4": apart(["2", 0], ["3", 0]),
    }
    result = await here.queue(prompt, {"runninghub": {"segments": [{"nodes": ["2"]}]}})

    assert result.outcome == "success", (result.refusal, result.events[-2:])
    assert result.outputs["4"]["text"] == ["0.0000"]


@pytest.mark.since("0.21.1")
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
