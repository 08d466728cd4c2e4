"""Prompts in API format, written the way a program would, and pictures to put into them."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from tests.comfy.client import ComfyClient
from tests.support.graphs import node
from tests.support.pictures import png, png_file

Prompt = dict[str, dict[str, Any]]

_marks = itertools.count(1)


def mark() -> int:
    """A number that no prompt had before: neither ComfyUI's cache nor an upload is met again."""
    return next(_marks)


def remote(workflow: str, fields: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    """A Remote Workflow with fields by their full names."""
    return node("RunningHubRemoteWorkflow", workflow=workflow, **inputs, **(fields or {}))


def save(source: list[Any]) -> dict[str, Any]:
    return node("SaveImage", images=source, filename_prefix="saved")


def whole_video(source: list[Any]) -> dict[str, Any]:
    """What changes nothing of a video."""
    whole = {"start_time": 0.0, "duration": 0.0, "strict_duration": False}
    return node("Video Slice", video=source, **whole)


def looks(node_id: str, slot: int) -> dict[str, Any]:
    return node("TestLooks", value=[node_id, slot])


def apart(first: list[Any], second: list[Any]) -> dict[str, Any]:
    """Shows how far two outputs are apart, item by item."""
    return node("TestCompares", first=first, second=second)


def pixels(size: tuple[int, int] = (37, 23), channels: int = 3) -> np.ndarray:
    """Noise that no test had before, (height, width, channels)."""
    width, height = size
    random = np.random.default_rng(mark())
    return random.integers(0, 256, (height, width, channels), np.uint8)


def inverted(picture: np.ndarray) -> np.ndarray:
    """What ImageInvert and SaveImage make of it: core computes in float32 and cuts off."""
    numbers = 1 - picture.astype(np.float32) / 255
    return (255 * numbers).astype(np.uint8)


def hollow_png() -> bytes:
    """Whole, chunk by chunk, and without a pixel in it, so that no reader can decode it."""
    head = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    return png_file(head, zlib.compress(str(mark()).encode()))


async def loaded(comfyui: ComfyClient, picture: np.ndarray) -> dict[str, Any]:
    """A LoadImage of these pixels."""
    name = await comfyui.upload(f"picture_{mark()}.png", png(picture))
    return node("LoadImage", image=name)


async def decoded(comfyui: ComfyClient, file: dict[str, str]) -> np.ndarray:
    """The pixels of a file that an output shows."""
    with Image.open(io.BytesIO(await comfyui.view(file))) as picture:
        return np.asarray(picture)


def marked(*nodes: str, **more: Any) -> dict[str, Any]:
    """What a program says beside its prompt: these nodes run in the cloud."""
    return {"runninghub": {"segments": [{"nodes": list(nodes), **more}]}}


def invert(source: list[Any]) -> dict[str, Any]:
    return node("ImageInvert", image=source)


def flip(source: list[Any], method: str = "x-axis: vertically") -> dict[str, Any]:
    return node("ImageFlip", image=source, flip_method=method)


async def turning(comfyui: ComfyClient, picture: np.ndarray) -> Prompt:
    """A picture (1) that is inverted (2) and saved (3)."""
    return {"1": await loaded(comfyui, picture), "2": invert(["1", 0]), "3": save(["2", 0])}
