"""Writes object_info.json anew from a real ComfyUI: `python -m tests.browser.stage.record URL`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests

FILE = Path(__file__).with_name("object_info.json")
# Enough for the scenarios, and those of the emulator's workflows that a canvas may show.
CLASSES = (
    "BatchImagesNode",
    "CheckpointLoaderSimple",
    "CLIPTextEncode",
    "EmptyImage",
    "EmptyLatentImage",
    "ImageInvert",
    "ImageScaleBy",
    "KSampler",
    "LoadImage",
    "LoadImageMask",
    "LoraLoader",
    "MaskToImage",
    "PreviewAny",
    "PreviewImage",
    "PrimitiveFloat",
    "PrimitiveInt",
    "PrimitiveString",
    "PrimitiveStringMultiline",
    "SaveImage",
    "SolidMask",
    "VAEDecode",
)
# They list what lies in the folders of the machine that is asked.
FILES = {
    "image": ["example.png"],
    "ckpt_name": ["example_model.safetensors"],
    "lora_name": ["ink_v1.safetensors"],
}


def recorded(info: dict[str, Any]) -> dict[str, Any]:
    """The stage's classes of a real object_info, without what differs from machine to machine."""
    return {name: _without_files(info[name]) for name in CLASSES}


def _without_files(node: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(node))
    for group in copy["input"].values():
        for name, spec in group.items():
            if name in FILES and isinstance(spec[0], list):
                spec[0] = FILES[name]
            elif name in FILES and len(spec) > 1 and "options" in spec[1]:
                spec[1]["options"] = FILES[name]
    return copy


def main(url: str) -> None:
    answer = requests.get(f"{url}/object_info", timeout=60)
    answer.raise_for_status()
    text = json.dumps(recorded(answer.json()), indent=1, ensure_ascii=False, sort_keys=True)
    FILE.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
