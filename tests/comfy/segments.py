"""What went out for the segments of a prompt, and what was saved of them here."""

from __future__ import annotations

import json

import numpy as np

from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient, Result
from tests.comfy.graphs import Prompt, decoded

CREATE = "/task/openapi/create"


def graphs(emulator: Emulator) -> list[Prompt]:
    """The graphs that went out."""
    return [json.loads(e.json["workflow"]) for e in emulator.journal if e.path == CREATE]


def classes(graph: Prompt) -> list[str]:
    return sorted(entry["class_type"] for entry in graph.values())


async def saved(comfyui: ComfyClient, result: Result, node_id: str) -> list[np.ndarray]:
    assert result.outcome == "success", (result.refusal, result.events[-3:])
    return [await decoded(comfyui, file) for file in result.outputs[node_id]["images"]]
