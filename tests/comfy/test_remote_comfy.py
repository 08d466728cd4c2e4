"""A real ComfyUI as the cloud: the emulator hands graphs on, and computes the same without it."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import numpy as np
import pytest
from PIL import Image

from rh_api.emulator import Emulator, catalog
from tests.comfy.graphs import Prompt, mark, pixels
from tests.support.graphs import node
from tests.support.pictures import png

pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]  # a server starts before the first


class Cloud:
    """An emulator as a plain client sees it."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session
        self.bearer = {"Authorization": f"Bearer {emulator.default_key}"}

    async def upload(self, data: bytes, name: str) -> str:
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name)
        path = "/openapi/v2/media/upload/binary"
        async with self.session.post(path, data=form, headers=self.bearer) as answer:
            return (await answer.json())["data"]["fileName"]

    async def create(self, graph: Prompt) -> dict[str, Any]:
        body = {"apiKey": self.emulator.default_key, "workflowId": catalog.INVERT}
        body["workflow"] = json.dumps(graph)
        path = "/task/openapi/create"
        async with self.session.post(path, json=body, headers=self.bearer) as answer:
            return await answer.json()

    async def query(self, task_id: str) -> dict[str, Any]:
        body = {"taskId": task_id}
        async with self.session.post("/openapi/v2/query", json=body, headers=self.bearer) as answer:
            return await answer.json()

    async def run(self, graph: Prompt) -> dict[str, Any]:
        created = await self.create(graph)
        assert created["code"] == 0, created
        task_id = created["data"]["taskId"]
        async with self.session.ws_connect(created["data"]["netWssUrl"]) as socket:
            async for _ in socket:
                pass
        return await self.query(task_id)

    async def results(self, graph: Prompt) -> dict[str, list[Any]]:
        """What each node made: pictures as numbers, texts as they are."""
        reply = await self.run(graph)
        assert reply["status"] == "SUCCESS", reply
        values: dict[str, list[Any]] = {}
        for result in reply["results"]:
            of_node = values.setdefault(result["nodeId"], [])
            if result["url"] is None:
                of_node.append(result["text"])
                continue
            async with self.session.get(result["url"], raise_for_status=True) as answer:
                of_node.append(np.asarray(Image.open(io.BytesIO(await answer.read()))))
        return values


@pytest.fixture
async def real(cloud_on_comfyui: tuple[Emulator, str]):
    emulator, base_url = cloud_on_comfyui
    async with aiohttp.ClientSession(base_url) as session:
        yield Cloud(emulator, session)


@pytest.fixture
async def built_in():
    emulator = Emulator(strict=True, run_seconds=0)
    async with emulator.serve() as base_url, aiohttp.ClientSession(base_url) as session:
        yield Cloud(emulator, session)


BLENDS = ("normal", "multiply", "screen", "overlay", "soft_light", "difference")
OPERATIONS = ("multiply", "add", "subtract", "and", "or", "xor")
LOADED, OTHER, MASK = ["1", 0], ["2", 0], ["1", 1]
SMALL_MASK = ["3", 0]

IMAGES: dict[str, dict[str, Any]] = {
    "inverted": node("ImageInvert", image=LOADED),
    "empty": node("EmptyImage", width=9, height=7, batch_size=2, color=0x336699),
    "nearest": node(
        "ImageScale",
        image=LOADED,
        upscale_method="nearest-exact",
        width=31,
        height=0,
        crop="disabled",
    ),
    "centred": node(
        "ImageScale",
        image=LOADED,
        upscale_method="nearest-exact",
        width=20,
        height=20,
        crop="center",
    ),
    "lanczos": node("ImageScaleBy", image=LOADED, upscale_method="lanczos", scale_by=0.6),
    "area": node("ImageScaleBy", image=OTHER, upscale_method="area", scale_by=0.5),
    **{
        f"blend_{mode}": node(
            "ImageBlend", image1=LOADED, image2=["20", 0], blend_factor=0.3, blend_mode=mode
        )
        for mode in BLENDS
    },
    "cropped": node("ImageCrop", image=LOADED, width=50, height=9, x=20, y=8),
    "batch": node("ImageBatch", image1=LOADED, image2=["20", 0]),
    "mixed_batch": node("ImageBatch", image1=["21", 0], image2=LOADED),
    "padded": node(
        "ImagePadForOutpaint", image=LOADED, left=8, top=0, right=3, bottom=4, feathering=3
    ),
    "composite": node(
        "ImageCompositeMasked",
        destination=LOADED,
        source=["20", 0],
        mask=MASK,
        x=5,
        y=3,
        resize_source=False,
    ),
    "repeated": node("RepeatImageBatch", image=LOADED, amount=2),
    "one_of_batch": node("ImageFromBatch", image=["22", 0], batch_index=-1, length=3),
    "flipped_x": node("ImageFlip", image=LOADED, flip_method="x-axis: vertically"),
    "flipped_y": node("ImageFlip", image=LOADED, flip_method="y-axis: horizontally"),
    **{
        f"turned_{angle}": node("ImageRotate", image=LOADED, rotation=f"{angle} degrees")
        for angle in (90, 180, 270)
    },
    "joined": node("JoinImageWithAlpha", image=LOADED, alpha=MASK),
    "split": node("SplitImageWithAlpha", image=["21", 0]),
}

MASKS: dict[str, dict[str, Any]] = {
    "loaded": node("LoadImageMask", image="", channel="alpha"),
    "green": node("LoadImageMask", image="", channel="green"),
    "channel": node("ImageToMask", image=LOADED, channel="blue"),
    "alpha": node("ImageToMask", image=["21", 0], channel="alpha"),
    "negative": node("InvertMask", mask=MASK),
    "solid": node("SolidMask", value=0.3, width=9, height=5),
    "cut": node("CropMask", mask=MASK, x=3, y=4, width=10, height=50),
    "threshold": node("ThresholdMask", mask=MASK, value=0.4),
    "grown": node("GrowMask", mask=MASK, expand=2, tapered_corners=True),
    "shrunk": node("GrowMask", mask=MASK, expand=-1, tapered_corners=False),
    **{
        f"mask_{operation}": node(
            "MaskComposite",
            destination=MASK,
            source=SMALL_MASK,
            x=4,
            y=6,
            operation=operation,
        )
        for operation in OPERATIONS
    },
    "split_mask": node("SplitImageWithAlpha", image=["21", 0]),
    "padding": node(
        "ImagePadForOutpaint", image=LOADED, left=8, top=0, right=0, bottom=4, feathering=2
    ),
}
SLOTS = {"split_mask": 1, "padding": 1}

TEXTS: dict[str, dict[str, Any]] = {
    "joined": node("StringConcatenate", string_a="a b", string_b=["30", 0], delimiter=" - "),
    "replaced": node("StringReplace", string=["30", 0], find="a", replace="xy"),
    **{
        f"case_{number}": node("CaseConverter", string=["30", 0], mode=mode)
        for number, mode in enumerate(("UPPERCASE", "lowercase", "Capitalize", "Title Case"))
    },
    "length": node("StringLength", string=["30", 0]),
    "whole": node("PrimitiveInt", value=9007199254740993),
    "flag": node("PrimitiveBoolean", value=True),
    "half": node("PrimitiveFloat", value=0.1),
    "math": node(
        "ComfyMathExpression",
        expression="min(a, b) * 2 + (b - a) / 4 if a != 3 else -a",
        **{"values.a": ["31", 0], "values.b": 11},
    ),
    "chosen": node("ComfySwitchNode", switch=["32", 0], on_false="no", on_true=["30", 0]),
    "not": node("ComfyNotNode", value=["31", 0]),
    "width": node("GetImageSize", image=["22", 0]),
}


def laboratory(name: str, other: str) -> Prompt:
    """Every node of the tables above, each with a saver of its own."""
    graph = {
        "1": node("LoadImage", image=name),
        "2": node("LoadImage", image=other),
        "3": node("CropMask", mask=["1", 1], x=0, y=0, width=16, height=9),
        "20": node("ImageFlip", image=LOADED, flip_method="x-axis: vertically"),
        "21": node("JoinImageWithAlpha", image=["20", 0], alpha=MASK),
        "22": node("ImageBatch", image1=LOADED, image2=["20", 0]),
        "30": node("PrimitiveString", value="A text of banana bread"),
        "31": node("PrimitiveInt", value=7),
        "32": node("PrimitiveBoolean", value=True),
    }
    for key, entry in IMAGES.items():
        graph[f"image:{key}"] = entry
        graph[f"save:{key}"] = node(
            "SaveImage", images=[f"image:{key}", 0], filename_prefix=f"i_{key}"
        )
    for key, entry in MASKS.items():
        inputs = {**entry["inputs"]}
        if "image" in inputs and not inputs["image"]:
            inputs["image"] = name
        graph[f"mask:{key}"] = {**entry, "inputs": inputs}
        graph[f"picture:{key}"] = node("MaskToImage", mask=[f"mask:{key}", SLOTS.get(key, 0)])
        graph[f"save:m_{key}"] = node(
            "SaveImage", images=[f"picture:{key}", 0], filename_prefix=f"m_{key}"
        )
    for key, entry in TEXTS.items():
        graph[f"text:{key}"] = entry
        graph[f"show:{key}"] = node("PreviewAny", source=[f"text:{key}", 0])
    return graph


@pytest.mark.since("0.33.0")
async def test_the_emulator_computes_what_comfyui_computes(real: Cloud, built_in: Cloud) -> None:
    """Levels are those of core; a last bit of float32 may move one over a border of two levels."""
    pictures = png(pixels((29, 17), 4)), png(pixels((16, 12)))
    results = []
    for cloud in (real, built_in):
        names = [await cloud.upload(data, "picture.png") for data in pictures]
        results.append(await cloud.results(laboratory(*names)))

    theirs, ours = results
    assert set(ours) == set(theirs)
    assert len(ours) == len(IMAGES) + len(MASKS) + len(TEXTS)
    wrong = {}
    for node_id, values in theirs.items():
        same = ours[node_id]
        assert len(same) == len(values), node_id
        for first, second in zip(values, same, strict=True):
            if isinstance(first, str):
                if first != second:
                    wrong[node_id] = (first, second)
            elif first.shape != second.shape:
                wrong[node_id] = (first.shape, second.shape)
            else:
                apart = np.abs(first.astype(int) - second)
                # The mean of four levels is often a whole one, and then the last bit decides.
                some = apart.size // (4 if node_id == "save:area" else 100)
                if apart.max() > 1 or np.count_nonzero(apart) > 3 + some:
                    wrong[node_id] = (int(apart.max()), np.count_nonzero(apart), apart.size)
    assert not wrong


async def test_half_a_level_before_saving_makes_every_level_right(
    real: Cloud, built_in: Cloud
) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    data = png(np.dstack([ramp, ramp, ramp, 255 - ramp]))
    for cloud in (real, built_in):
        name = await cloud.upload(data, "ramp.png")
        graph = {
            "1": node("LoadImage", image=name),
            "2": node("MaskToImage", mask=["1", 1]),
            "3": node("ImageInvert", image=["2", 0]),
            "4": node("SolidMask", value=0.5 / 255, width=64, height=64),
            "5": node("MaskToImage", mask=["4", 0]),
            "6": node(
                "ImageBlend",
                image1=["3", 0],
                image2=["5", 0],
                blend_factor=1.0,
                blend_mode="difference",
            ),
            "7": node("ImageInvert", image=["6", 0]),
            "8": node("SaveImage", images=["7", 0], filename_prefix="lifted"),
            "9": node("SaveImage", images=["2", 0], filename_prefix="plain"),
        }
        results = await cloud.results(graph)

        assert np.array_equal(results["8"][0][..., 0], ramp)
        assert np.count_nonzero(results["9"][0][..., 0] != ramp) == 159


async def test_a_wrong_graph_is_refused_with_the_errors_of_comfyui(real: Cloud) -> None:
    refused = await real.create(
        {
            "1": node("ImageInvert", image=["2", 5]),
            "2": node("EmptyImage", width=-1, height=2, batch_size=1, color=0),
            "3": node("SaveImage", images=["1", 0], filename_prefix="x"),
        }
    )

    assert refused["code"] == 433
    refusal = json.loads(refused["msg"].removeprefix("VALIDATE_PROMPT_FAILED: "))
    assert set(refusal["node_errors"]) >= {"1"}


async def test_a_class_that_is_not_there_is_refused_by_name(real: Cloud) -> None:
    refused = await real.create(
        {"1": node("NoSuchNode"), "2": node("SaveImage", images=["1", 0], filename_prefix="x")}
    )

    assert refused["code"] == 433
    assert "NoSuchNode" in refused["msg"]


async def test_a_failing_node_is_the_task_s_failure(real: Cloud) -> None:
    reply = await real.run(
        {
            "1": node("TestFails", seconds=0.0, mark=mark()),
        }
    )

    assert reply["status"] == "FAILED"
    assert reply["failedReason"]["node_id"] == "1"
    assert reply["failedReason"]["node_name"] == "TestFails"
    assert "the neighbour failed" in reply["failedReason"]["exception_message"]


async def test_cancel_stops_the_prompt_that_runs(real: Cloud) -> None:
    slow = {
        "1": node("TestBlocks", seconds=1.0, mark=mark()),
        "2": node("PreviewAny", source=["1", 0]),
    }
    created = await real.create(slow)
    task_id = created["data"]["taskId"]
    async with real.session.ws_connect(created["data"]["netWssUrl"]) as socket:
        async for message in socket:
            event = json.loads(message.data)
            if event["type"] == "executing" and event["data"]["node"] == "1":
                break

    body = {"apiKey": real.emulator.default_key, "taskId": task_id}
    path = "/task/openapi/cancel"
    async with real.session.post(path, json=body, headers=real.bearer) as answer:
        assert (await answer.json())["code"] == 0
    assert (await real.query(task_id))["status"] == "CANCEL"

    url = real.emulator.comfyui.url
    async with aiohttp.ClientSession(url) as session:
        while True:
            async with session.get("/queue") as answer:
                if not (await answer.json())["queue_running"]:
                    break
            await asyncio.sleep(0.05)
        async with session.get("/history") as answer:
            ended = (await answer.json()).values()
    [entry] = [entry for entry in ended if entry["prompt"][2] == slow]
    assert [kind for kind, _ in entry["status"]["messages"]][-1] == "execution_interrupted"


async def test_sound_goes_through_as_comfyui_saves_it(real: Cloud) -> None:
    graph = {
        "1": node("EmptyAudio", duration=0.5, sample_rate=8000, channels=2),
        "2": node("SaveAudio", audio=["1", 0], filename_prefix="audio/quiet"),
    }

    reply = await real.run(graph)

    [result] = reply["results"]
    assert result["outputType"] == "flac"
    async with real.session.get(result["url"]) as answer:
        assert (await answer.read())[:4] == b"fLaC"
