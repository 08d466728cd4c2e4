"""A second pack for the tests' ComfyUI: neighbours that block, fail, hold odd values, or look."""

# ruff: noqa: N802  these names are ComfyUI's

from __future__ import annotations

import asyncio
import time

import torch


class AnyType(str):
    """Equal to every type, as packs write it."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False


ANY = AnyType("*")


class Blocks:
    """A local node that keeps the prompt's loop busy, as a sampler does."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("INT",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0}), "mark": ("INT", {})}}

    def execute(self, seconds, mark):
        time.sleep(seconds)
        return (mark,)


class Fails:
    """A neighbour that fails after a while."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ()
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0}), "mark": ("INT", {})}}

    async def execute(self, seconds, mark):
        await asyncio.sleep(seconds)
        raise ValueError("the neighbour failed")


class Holds:
    """Values that no other node of the tests makes."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = (ANY,)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"kind": ("STRING", {}), "mark": ("INT", {"max": 2**63})}}

    def execute(self, kind, mark):
        level = (mark % 251) / 255
        picture = torch.full((1, 6, 7, 3), level)
        values = {
            "nothing": None,
            "latent": {"samples": torch.zeros(1, 4, 8, 8)},
            "batch": torch.cat([picture, 1 - picture, picture]),
            "bfloat16": picture.to(torch.bfloat16),
            "empty": torch.zeros(1, 0, 0, 3),
            "wild": torch.tensor([[[[float("nan"), 1.02, -3.0], [0.5, level, 1.0]]]]),
            "rgba": torch.cat([picture, torch.full((1, 6, 7, 1), 0.25)], dim=3),
            "mask": torch.linspace(0, 1, 256).reshape(1, 16, 16),
            "big": 2**64 - 1,
        }
        return (values[kind],)


class Holds3(Holds):
    """The same as a list of three."""

    OUTPUT_IS_LIST = (True,)

    def execute(self, kind, mark):
        return ([super().execute(kind, mark)[0]] * 3,)


class Looks:
    """Shows what came through a link, item by item."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ()
    INPUT_IS_LIST = True
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY, {})}}

    def execute(self, value):
        return {"ui": {"text": [_told(each) for each in value]}}


def _told(value):
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {value.dtype} {value.min():.4f}..{value.max():.4f}"
    if isinstance(value, dict):
        return f"{sorted(value)} {tuple(value['waveform'].shape)}"
    if hasattr(value, "get_dimensions"):
        return type(value).__name__
    return repr(value)


NODE_CLASS_MAPPINGS = {
    "TestBlocks": Blocks,
    "TestFails": Fails,
    "TestHolds": Holds,
    "TestHolds3": Holds3,
    "TestLooks": Looks,
}
