"""Runs a graph: each node once, after its inputs; what a node raises is the task's failure."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .graphs import Graph, as_link, execution_order, inputs_of
from .node_classes import NODE_CLASSES

if TYPE_CHECKING:
    from PIL import Image

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Product:
    """One file or text that a node made. ``prefix`` is the wanted file name; a text has no data.

    ``name`` is the file name that the service gives it.
    """

    node_id: str
    prefix: str
    extension: str
    data: bytes | None
    text: str | None = None
    temporary: bool = False
    name: str = ""


@dataclass
class Outcome:
    """What a run made, in order. ``executed`` are the nodes that were started."""

    executed: list[str] = field(default_factory=list[str])
    products: list[Product] = field(default_factory=list[Product])
    previews: dict[str, bytes] = field(default_factory=dict[str, bytes])
    failure: dict[str, str] | None = None


@dataclass
class Bench:
    """What a node's code may use: the remote's files and a place for its products."""

    read_input: ReadFile
    read_url: ReadFile
    metadata: str | None
    outcome: Outcome = field(default_factory=Outcome)
    node_id: str = ""

    def save_picture(self, prefix: str, picture: Image.Image, *, temporary: bool) -> None:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        if self.metadata is not None:
            info.add_text("prompt", self.metadata)
        data = io.BytesIO()
        picture.save(data, "PNG", pnginfo=info, compress_level=1 if temporary else 4)
        product = Product(self.node_id, prefix, "png", data.getvalue(), temporary=temporary)
        self.outcome.products.append(product)

    def save_file(self, prefix: str, data: bytes, extension: str) -> None:
        self.outcome.products.append(Product(self.node_id, prefix, extension, data))

    def show_text(self, text: str) -> None:
        self.outcome.products.append(Product(self.node_id, "", "txt", None, text))

    def show_preview(self, picture: Image.Image) -> None:
        small = picture.copy()
        small.thumbnail((256, 256))
        data = io.BytesIO()
        small.convert("RGB").save(data, "JPEG", quality=70)
        self.outcome.previews[self.node_id] = data.getvalue()


class Stopped(Exception):
    """The task was cancelled while it ran."""


def interpret(
    graph: Graph,
    outputs: list[str],
    bench: Bench,
    *,
    stop: threading.Event,
    fail: dict[str, Any] | None = None,
) -> Outcome:
    """Run the nodes that ``outputs`` need; blocking. A node's exception ends the run and is told.

    ``fail`` names a node (``node_id``) that raises, with ``exception_type`` and
    ``exception_message``; without a node it is the first one.
    """
    functions = node_functions()
    order = execution_order(graph, outputs)
    failing = (fail or {}).get("node_id", order[0] if order else "")
    if fail and failing not in order:
        failing = order[-1]
    values: dict[str, tuple[Any, ...]] = {}
    for node_id in order:
        if stop.is_set():
            raise Stopped
        node = graph[node_id]
        bench.node_id = node_id
        bench.outcome.executed.append(node_id)
        if fail and node_id == failing:
            bench.outcome.failure = _failure(node_id, node, fail)
            return bench.outcome
        try:
            known = NODE_CLASSES[node["class_type"]].inputs
            arguments = {
                name: _value(values, given)
                for name, given in inputs_of(node).items()
                if name in known
            }
            values[node_id] = functions[node["class_type"]](bench, **arguments)
        except Exception as problem:  # noqa: BLE001 - whatever a node raises is its failure
            told = {"exception_type": type(problem).__name__, "exception_message": str(problem)}
            bench.outcome.failure = _failure(node_id, node, told)
            return bench.outcome
    return bench.outcome


def _value(values: dict[str, tuple[Any, ...]], given: Any) -> Any:
    link = as_link(given)
    return values[link[0]][link[1]] if link else given


def _failure(node_id: str, node: dict[str, Any], told: dict[str, Any]) -> dict[str, str]:
    """``failedReason`` as the service sends it: every field a string."""
    kind = str(told.get("exception_type", "RuntimeError"))
    message = str(told.get("exception_message", "example failure"))
    plain = {name: value for name, value in inputs_of(node).items() if not as_link(value)}
    trace = [
        '  File "/workspace/ComfyUI/execution.py", line 1, in execute\n',
        f"{kind}: {message}\n",
    ]
    return {
        "current_outputs": str(told.get("current_outputs", "{}")),
        "exception_type": kind,
        "node_name": str(node["class_type"]),
        "current_inputs": str(told.get("current_inputs", json.dumps(plain, ensure_ascii=False))),
        "traceback": json.dumps(trace, separators=(",", ":")),
        "node_id": node_id,
        "exception_message": message,
    }


def node_functions() -> dict[str, Callable[..., tuple[Any, ...]]]:
    """The code of all node classes; imports Pillow."""
    from . import (
        nodes_files,
        nodes_image,
        nodes_latent,
        nodes_mask,
        nodes_sampling,
        nodes_text,
    )

    rooms = (nodes_files, nodes_image, nodes_latent, nodes_mask, nodes_sampling, nodes_text)
    return {name: code for room in rooms for name, code in room.FUNCTIONS.items()}
