"""Prompts that tests cut, and short ways to say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rh_api.offload import Mark, Plan, Segment, core_class, cut
from tests.support.graphs import node

CHECKPOINT = "CheckpointLoaderSimple"
SAMPLING = {
    "seed": 1,
    "steps": 20,
    "cfg": 8.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
}


def painting() -> dict[str, Any]:
    """A picture redrawn: LoadImage -> VAEEncode -> KSampler -> VAEDecode -> SaveImage."""
    return {
        "4": node(CHECKPOINT, ckpt_name="paint.safetensors"),
        "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "10": node("LoadImage", image="photo.png"),
        "11": node("VAEEncode", pixels=["10", 0], vae=["4", 2]),
        "3": node(
            "KSampler",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["11", 0],
            **SAMPLING,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="cat"),
    }


def cut_at(
    prompt: Mapping[str, Any], *nodes: str, only: bool = False, size: str = "default"
) -> Plan:
    """The plan for one mark on these nodes."""
    return cut(prompt, [Mark("part", nodes, size, only)], core_class)


def segment_of(plan: Plan) -> Segment:
    """The only segment of a plan."""
    assert len(plan.segments) == 1
    return plan.segments[0]


def classes_of(graph: Mapping[str, Any]) -> dict[str, str]:
    return {node_id: entry["class_type"] for node_id, entry in graph.items()}


def keys_of(plan: Plan) -> set[str]:
    return {note.key for note in plan.notes}
