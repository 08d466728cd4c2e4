"""Runs a prompt, and its cut, on the emulator's interpreter: no server, every value in memory."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from rh_api.emulator.graphs import as_link, execution_order
from rh_api.emulator.nodes.classes import NODE_CLASSES
from rh_api.emulator.nodes.context import NodeContext
from rh_api.emulator.nodes.image import image_blend, image_invert
from rh_api.emulator.nodes.interpreter import interpret, node_functions
from rh_api.emulator.nodes.mask import mask_to_image, solid_mask
from rh_api.emulator.nodes.pictures import Batch, Picture, decoded, from_levels, inverted, to_levels
from rh_api.graph.constants import SAVED_CLASS, SEGMENT_CLASS
from rh_api.offload import (
    FILES,
    Item,
    Outlet,
    load,
    with_file,
    with_inlet,
    with_lora,
)
from tests.oracle.graphs import LOCAL_LORA, Prompt
from tests.oracle.oracle import BORDER

REMOTE_LORA = "api-lora-cn/0123.safetensors"
Values = tuple[Any, ...]


@cache
def input_folder() -> dict[str, bytes]:
    """The local pictures: RGB, RGBA, and one of a single colour."""
    noise = np.random.default_rng(7)
    pictures = {
        "photo.png": noise.integers(0, 256, (9, 13, 3), np.uint8),
        "see_through.png": noise.integers(0, 256, (12, 8, 4), np.uint8),
        "tiny.png": np.full((8, 8, 3), 128, np.uint8),
    }
    folder: dict[str, bytes] = {}
    for name, levels in pictures.items():
        data = io.BytesIO()
        Image.fromarray(levels).save(data, "PNG")
        folder[name] = data.getvalue()
    return folder


class LocalContext(NodeContext):
    """Keeps what savers and previews make, as levels and texts."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        super().__init__(read, read, None)
        self.shown: dict[str, list[Any]] = {}

    def save_picture(self, prefix: str, picture: Image.Image, *, temporary: bool) -> None:
        self.shown.setdefault(self.node_id, []).append(levels_of(picture))

    def save_file(self, prefix: str, data: bytes, extension: str) -> None:
        self.shown.setdefault(self.node_id, []).append(data.decode())

    def show_text(self, text: str) -> None:
        self.shown.setdefault(self.node_id, []).append(text)

    def show_preview(self, picture: Image.Image) -> None:
        pass


def levels_of(picture: Image.Image) -> tuple[str, tuple[int, int], bytes]:
    """A picture as something that compares."""
    return picture.mode, picture.size, picture.tobytes()


def run_node(
    context: NodeContext, node_id: str, node: dict[str, Any], inputs: dict[str, Any]
) -> Values:
    """One node's outputs; inputs that its class does not have are dropped, as in ComfyUI."""
    context.node_id = node_id
    accepted = NODE_CLASSES[node["class_type"]].inputs
    arguments = {name: value for name, value in inputs.items() if name in accepted}
    return node_functions()[node["class_type"]](context, **arguments)


def run_uncut(prompt: Prompt) -> dict[str, list[Any]]:
    """What each saver and preview of a prompt makes, borders of the oracle among its nodes.

    Raises what a node raises.
    """
    context = LocalContext(lambda name: input_folder()[name])
    values: dict[str, Values] = {}
    for node_id in execution_order(prompt, outputs_of(prompt)):
        node = prompt[node_id]
        inputs = _inputs(node, values)
        if node["class_type"] == BORDER:
            values[node_id] = (ROUNDED[inputs["way"]](inputs["kind"], inputs["value"]),)
        else:
            values[node_id] = run_node(context, node_id, node, inputs)
    return context.shown


def outputs_of(prompt: Prompt) -> list[str]:
    return [
        node_id
        for node_id, node in prompt.items()
        if node["class_type"] == SAVED_CLASS
        or ((node_class := NODE_CLASSES.get(node["class_type"])) and node_class.is_output)
    ]


def _inputs(node: dict[str, Any], values: dict[str, Values]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, value in node["inputs"].items():
        link = as_link(value)
        inputs[name] = values[link[0]][link[1]] if link else value
    return inputs


@dataclass
class Sent:
    """What the orders of a run took up: bytes by their remote names."""

    uploads: dict[str, bytes] = field(default_factory=dict)
    orders: list[Prompt] = field(default_factory=list)

    def put(self, data: bytes) -> str:
        name = f"api/{hashlib.sha256(data).hexdigest()}.png"
        self.uploads[name] = data
        return name


Order = Callable[[dict[str, Any]], Values]
"""Runs a segment: from what its node here is given to its outputs."""


def run_cut(prompt: Prompt, order: Order) -> dict[str, list[Any]]:
    """What each saver and preview of a rewritten prompt makes, orders and all."""
    context = LocalContext(lambda name: input_folder()[name])
    values: dict[str, Values] = {}
    for node_id in execution_order(prompt, outputs_of(prompt)):
        node = prompt[node_id]
        inputs = _inputs(node, values)
        if node["class_type"] == SEGMENT_CLASS:
            values[node_id] = order(inputs)
        elif node["class_type"] == SAVED_CLASS:
            assert json.loads(node["inputs"]["saver"])["class_type"]
            context.shown[node_id] = inputs["files"]
            values[node_id] = ()
        else:
            values[node_id] = run_node(context, node_id, node, inputs)
    return context.shown


def run_in_memory(sent: Sent) -> Order:
    return lambda inputs: _run_segment(inputs, sent)


def _run_segment(inputs: dict[str, Any], sent: Sent) -> Values:
    """Values go up as the contract says, results come back as they are read here."""
    segment = load(inputs["segment"])
    graph: Any = dict(segment.graph)
    for file in segment.files:
        graph = with_file(graph, file, sent.put(input_folder()[file.value]))
    for lora in segment.loras:
        if lora.value == LOCAL_LORA:
            graph = with_lora(graph, lora, REMOTE_LORA)
    for inlet in segment.inlets:
        items, data = encoded(inlet.type, inputs[f"in_{inlet.number}"])
        graph, fields = with_inlet(graph, inlet, items)
        for place, item in fields.items():
            node_id, _, name = place.rpartition(".")
            graph[node_id]["inputs"][name] = sent.put(data[item])
    graph = json.loads(json.dumps(graph))
    sent.orders.append(graph)
    results = run_remote(graph, sent.uploads)
    return tuple(decoded_outlet(outlet, results[outlet.saver]) for outlet in segment.outlets)


def run_remote(graph: Prompt, uploads: dict[str, bytes]) -> dict[str, list[Any]]:
    """What each saver of an order makes: bytes of a file, or a text."""
    context = NodeContext(lambda name: uploads[name], lambda name: uploads[name], None)
    graph = json.loads(json.dumps(graph).replace(REMOTE_LORA, LOCAL_LORA))
    outcome = interpret(graph, outputs_of(graph), context, stop=threading.Event())
    if outcome.failure:
        raise AssertionError(f"the order failed: {outcome.failure}")
    results: dict[str, list[Any]] = {}
    for product in outcome.products:
        value = product.data if product.data is not None else product.text
        results.setdefault(product.node_id, []).append(value)
    return results


def encoded(kind: str, value: Any) -> tuple[list[Item], list[bytes]]:
    """A value as the items of an inlet, and the file of each."""
    if kind == "IMAGE":
        files = [_png(to_levels(picture, add=0.5)) for picture in value]
        return [Item(channels=picture.channels) for picture in value], files
    if kind == "MASK":
        return [Item(channels=1) for _ in value], [_png(_mask_picture(mask)) for mask in value]
    return [Item(value=value)], []


def _mask_picture(mask: Picture) -> Image.Image:
    """The mask in the colours and 1 - mask in alpha, so that each way of loading reads it."""
    levels = to_levels(mask, add=0.5)
    return Image.merge("RGBA", [levels, levels, levels, levels.point(lambda x: 255 - x)])


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


def decoded_outlet(outlet: Outlet, results: list[Any]) -> Any:
    match outlet.type:
        case "IMAGE":
            return [from_levels(decoded(data)) for data in results]
        case "MASK":
            return [Picture(from_levels(decoded(data)).planes[:1]) for data in results]
        case kind if kind == FILES:
            return [_file(result) for result in results]
        case kind:
            [text] = results
            readers: dict[str, Callable[[str], Any]] = {
                "INT": int,
                "FLOAT": float,
                "BOOLEAN": lambda word: word == "True",
            }
            return readers.get(kind, str)(text)


def _file(result: Any) -> Any:
    """A file of a remote saver as the local saver would have made it."""
    if isinstance(result, str):
        return result
    return levels_of(decoded(result)) if result.startswith(b"\x89PNG") else result.decode()


# The roundings of the border, by which the oracle says what a cut may change.


def rounded_in(kind: str, value: Any) -> Any:
    """A value after it went up: whole levels, the nearest ones.

    The alpha of a picture is put back by JoinImageWithAlpha, which takes 1 - alpha as LoadImage
    gives it: twice inverted, it is off by a last bit.
    """
    if kind in ("IMAGE", "MASK"):
        levels = [from_levels(to_levels(image, add=0.5)) for image in value]
        return [
            Picture((*image.planes[:3], *(inverted(inverted(alpha)) for alpha in image.planes[3:])))
            for image in levels
        ]
    return value


def rounded_out(kind: str, value: Any) -> Any:
    """A value after it came back: a picture as SaveImage cuts it, a mask to the nearest levels."""
    if kind == "IMAGE":
        return [from_levels(to_levels(picture)) for picture in value]
    if kind == "MASK":
        return [Picture(from_levels(to_levels(mask)).planes[:1]) for mask in _lifted(value)]
    return value


def _lifted(mask: Batch) -> Batch:
    """Half a level more, by the nodes that do it in the cloud: float32 decides at a tie."""
    none: Any = None
    [half] = mask_to_image(none, *solid_mask(none, HALF_LEVEL, 64, 64))
    [picture] = mask_to_image(none, mask)
    [inverse] = image_invert(none, picture)
    [less] = image_blend(none, inverse, half, 1.0, "difference")
    return image_invert(none, less)[0]


HALF_LEVEL = 0.5001 / 255

ROUNDED = {"in": rounded_in, "out": rounded_out}
