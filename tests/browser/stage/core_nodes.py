"""The few core nodes that the stage has: as a real ComfyUI describes them,
some of them computed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import torch
from PIL import Image, PngImagePlugin

DESCRIBED: dict[str, Any] = json.loads(
    Path(__file__).with_name("object_info.json").read_text("utf-8")
)

Outputs = tuple[Any, ...]


class CoreNode:
    """A V1 node class; `describe` makes one of what object_info says."""

    INFO: dict[str, Any]
    RETURN_TYPES: tuple[str, ...]
    OUTPUT_NODE: bool
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return cls.INFO["input"]

    def run(self, **inputs: Any) -> Any:
        raise NotImplementedError(f"the stage does not compute {type(self).__name__}")


class Loader(CoreNode):
    """A node with a list of files of this machine."""

    @classmethod
    def IS_CHANGED(cls, **inputs: Any) -> str:
        """The content of every file that is named, as loaders do it."""
        names = [value for key, value in inputs.items() if key in ("image", "file", "audio")]
        paths = [Path(folder_paths.get_annotated_filepath(n)) for n in names if isinstance(n, str)]
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]
        return " ".join(hashes)


def classes() -> dict[str, type[CoreNode]]:
    return {name: describe(info) for name, info in DESCRIBED.items()}


def describe(info: dict[str, Any]) -> type[CoreNode]:
    members: dict[str, Any] = {
        "INFO": info,
        "RETURN_TYPES": tuple(info["output"]),
        "RETURN_NAMES": tuple(info["output_name"]),
        "OUTPUT_IS_LIST": tuple(info["output_is_list"]),
        "INPUT_IS_LIST": info["is_input_list"],
        "OUTPUT_NODE": info["output_node"],
        "CATEGORY": info["category"],
        "RELATIVE_PYTHON_MODULE": info["python_module"],
    }
    computed = COMPUTED.get(info["name"])
    if computed is not None:
        members["run"] = lambda self, **inputs: _in_memory(info["name"], computed, inputs)
    kind = Loader if info["name"].startswith("Load") else CoreNode
    return type(info["name"], (kind,), members)


def _in_memory(name: str, computed: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    """Computes a node, unless a test lets the memory run out at its class."""
    small = Path(os.environ["STAGE_BASE"]) / "out_of_memory"
    for line in small.read_text().splitlines() if small.is_file() else ():
        kind, _, message = line.partition(": ")
        if kind == name:
            raise RuntimeError(message) if message else torch.OutOfMemoryError("Allocation")
    return computed(**inputs)


def load_image(image: str, **_: Any) -> Outputs:
    with Image.open(folder_paths.get_annotated_filepath(image)) as opened:
        pixels = np.asarray(opened.convert("RGBA"), np.float32) / 255
    return tensor(pixels[None, ..., :3]), tensor(1 - pixels[None, ..., 3])


def save_image(
    images: Any, filename_prefix: str = "ComfyUI", prompt: Any = None, extra_pnginfo: Any = None
) -> dict[str, Any]:
    return _written(images, filename_prefix, "output", prompt, extra_pnginfo)


def preview_image(images: Any, prompt: Any = None, extra_pnginfo: Any = None) -> dict[str, Any]:
    return _written(images, "ComfyUI_temp", "temp", prompt, extra_pnginfo)


def _written(images: Any, prefix: str, kind: str, prompt: Any, extra: Any) -> dict[str, Any]:
    root = folder_paths.get_directory_by_type(kind) or ""
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root)
    about = PngImagePlugin.PngInfo()
    if prompt is not None:
        about.add_text("prompt", json.dumps(prompt))
    for key, value in (extra or {}).items():
        about.add_text(key, json.dumps(value))
    shown: list[dict[str, str]] = []
    for number, picture in enumerate(images):
        file = f"{name}_{counter + number:05}_.png"
        levels = np.clip(np.asarray(picture) * 255, 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(Path(folder) / file, pnginfo=about)
        shown.append({"filename": file, "subfolder": subfolder, "type": kind})
    return {"ui": {"images": shown}, "result": (images,)}


def invert(image: Any) -> Outputs:
    return (tensor(1 - image),)


def empty_image(width: int, height: int, batch_size: int = 1, color: int = 0) -> Outputs:
    levels = [color >> 16 & 255, color >> 8 & 255, color & 255]
    pixel = np.asarray(levels, np.float32) / 255
    return (tensor(np.broadcast_to(pixel, (batch_size, height, width, 3)).copy()),)


def solid_mask(value: float, width: int, height: int) -> Outputs:
    return (tensor(np.full((1, height, width), value, np.float32)),)


def batch_images(**pictures: Any) -> Outputs:
    """Of one size: the stage does not scale."""
    return (tensor(np.concatenate([np.asarray(picture) for picture in pictures.values()])),)


def preview_any(source: Any) -> dict[str, Any]:
    text = source if isinstance(source, str) else str(source)
    return {"ui": {"text": (text,)}, "result": (text,)}


def same(value: Any) -> Outputs:
    return (value,)


def tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


COMPUTED: dict[str, Callable[..., Any]] = {
    "LoadImage": load_image,
    "SaveImage": save_image,
    "PreviewImage": preview_image,
    "ImageInvert": invert,
    "EmptyImage": empty_image,
    "SolidMask": solid_mask,
    "BatchImagesNode": batch_images,
    "PreviewAny": preview_any,
    "PrimitiveInt": same,
    "PrimitiveFloat": same,
    "PrimitiveString": same,
    "PrimitiveStringMultiline": same,
}
