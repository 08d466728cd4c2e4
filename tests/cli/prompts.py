"""Prompts of `offload`, and the files that they are read from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.graphs import node

Prompt = dict[str, dict[str, Any]]


def graph(name: str = "photo.png") -> Prompt:
    return {
        "1": node("LoadImage", image=name),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("ImageScaleBy", image=["2", 0], upscale_method="nearest-exact", scale_by=2.0),
        "4": node("SaveImage", images=["3", 0], filename_prefix="out"),
    }


def written(folder: Path, prompt: Any) -> Path:
    path = folder / "prompt.json"
    path.write_text(json.dumps(prompt))
    return path
