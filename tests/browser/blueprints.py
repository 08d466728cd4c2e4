"""Builds the subgraph blueprints, by ComfyUI's own front end: what it writes, it reads.

`python -m tests.browser.blueprints` writes them all into `subgraphs/`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.browser.canvas import Canvas
from tests.browser.conftest import Chromium
from tests.browser.frontends import NEWEST
from tests.browser.hosts import ROOT, running
from tests.browser.marks import by_command
from tests.browser.test_models import model
from tests.support.cloud import environment_of, in_thread

FOLDER = ROOT / "subgraphs"
CATEGORY = "RunningHub"
CHECKPOINT = "sd_xl_base_1.0.safetensors"


def text_to_image(canvas: Canvas) -> str:
    node = model(canvas, "rhart-image/z-image/turbo", kind="RHTextToImage")
    canvas.connect(node, "images", canvas.add("PreviewImage", 900, 60), "images")
    return packed(canvas, {node: {"prompt": "prompt"}})


def image_to_video(canvas: Canvas) -> str:
    node = model(canvas, "rhart-video/wan-2.2/image-to-video", kind="RHImageToVideo")
    canvas.connect(canvas.add("LoadImage", 60, 60), "IMAGE", node, "imageUrl")
    canvas.connect(node, "video", canvas.add("PreviewAny", 900, 60), "source")
    return packed(canvas, {node: {"imageUrl": "image", "prompt": "prompt"}})


def upscale_image(canvas: Canvas) -> str:
    node = model(canvas, "image-enhance/hypir-balance", kind="RHUpscaleImage")
    canvas.connect(canvas.add("LoadImage", 60, 60), "IMAGE", node, "imageUrl")
    canvas.connect(node, "images", canvas.add("PreviewImage", 900, 60), "images")
    return packed(canvas, {node: {"imageUrl": "image"}})


def stable_diffusion(canvas: Canvas) -> str:
    """Core nodes only, which are marked as a whole."""
    loader = canvas.add("CheckpointLoaderSimple", 20, 160)
    latent = canvas.add("EmptyLatentImage", 20, 420)
    positive, negative = (canvas.add("CLIPTextEncode", 360, y) for y in (60, 320))
    sampler = canvas.add("KSampler", 700, 100)
    decoder = canvas.add("VAEDecode", 1000, 100)
    for text, field in ((positive, "positive"), (negative, "negative")):
        canvas.connect(loader, "CLIP", text, "clip")
        canvas.connect(text, "CONDITIONING", sampler, field)
    canvas.connect(loader, "MODEL", sampler, "model")
    canvas.connect(latent, "LATENT", sampler, "latent_image")
    canvas.connect(sampler, "LATENT", decoder, "samples")
    canvas.connect(loader, "VAE", decoder, "vae")
    canvas.connect(decoder, "IMAGE", canvas.add("PreviewImage", 1300, 100), "images")
    canvas.set_widget(loader, "ckpt_name", CHECKPOINT)
    # Each new seed is a new order.
    canvas.set_widget(sampler, "control_after_generate", "fixed")
    canvas.set_widget(latent, "width", 1024)
    canvas.set_widget(latent, "height", 1024)
    promoted = {
        positive: {"text": "prompt"},
        negative: {"text": "negative"},
        loader: {"ckpt_name": "ckpt_name"},
        sampler: {"seed": "seed"},
        latent: {},
        decoder: {},
    }
    outer = packed(canvas, promoted)
    by_command(canvas, outer)
    return outer


BUILDERS: dict[str, tuple[Callable[[Canvas], str], str]] = {
    "RunningHub - Text to Image": (
        text_to_image,
        "Makes a picture from a text with a standard model of RunningHub. It costs. "
        "文生图。使用 RunningHub 标准模型。会产生费用。",
    ),
    "RunningHub - Image to Video": (
        image_to_video,
        "Makes a video that begins with a picture, with a standard model of RunningHub. It costs. "
        "图生视频。使用 RunningHub 标准模型。会产生费用。",
    ),
    "RunningHub - Upscale Image": (
        upscale_image,
        "Enlarges a picture with a standard model of RunningHub. It costs. "
        "放大图片。使用 RunningHub 标准模型。会产生费用。",
    ),
    "RunningHub - Stable Diffusion": (
        stable_diffusion,
        "Nodes of ComfyUI that are marked to run on RunningHub as one order. It costs. "
        "已标记在 RunningHub 上运行的 ComfyUI 节点。会产生费用。",
    ),
}
"""By the name of its file, which is all that ComfyUI calls it in any language."""


def packed(canvas: Canvas, promoted: Mapping[str, Mapping[str, str]]) -> str:
    """These nodes in a subgraph, by the box that it shows the name of its input; its node."""
    canvas.select(*promoted)
    canvas.command("Comfy.Graph.ConvertToSubgraph")
    canvas.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    return canvas.run_js(
        """(promoted) => {
            const [outer] = app.graph.nodes.filter((node) => node.subgraph);
            for (const [id, boxes] of Object.entries(promoted)) {
                const node = outer.subgraph.nodes.find((node) => String(node.id) === id);
                for (const [box, name] of Object.entries(boxes)) {
                    const slot = node.inputs[node.findInputSlot(box)];
                    const inputs = outer.subgraph.inputs;
                    // The front end has promoted some by itself, and what was linked.
                    const shown = inputs.find(({ linkIds }) => linkIds.includes(slot.link));
                    if (shown) outer.subgraph.renameInput(shown, name);
                    else outer.subgraph.addInput(name, slot.type).connect(slot, node);
                }
            }
            return String(outer.id);
        }""",
        promoted,
    )


def published(canvas: Canvas, outer: str, name: str, description: str) -> dict[str, Any]:
    """A subgraph's node as the front end writes it when it is published."""
    written = canvas.run_js(
        """([id, name]) => {
            const outer = app.graph.nodes.find((node) => String(node.id) === id);
            outer.title = outer.subgraph.name = name;
            for (const node of [...app.graph.nodes]) if (node !== outer) app.graph.remove(node);
            const { nodes, subgraphs } = app.canvas._serializeItems([outer]);
            return JSON.stringify({ last_node_id: outer.id, nodes, subgraphs });
        }""",
        [outer, name],
    )
    parts = json.loads(written)
    (subgraph,) = parts["subgraphs"]
    return {
        "revision": 0,
        "last_node_id": parts["last_node_id"],
        "last_link_id": 0,
        "nodes": parts["nodes"],
        "links": [],
        "version": 0.4,
        "definitions": {
            "subgraphs": [{**subgraph, "category": CATEGORY, "description": description}]
        },
        "extra": {"BlueprintDescription": description},
    }


def main() -> None:
    chromium = Chromium()
    FOLDER.mkdir(exist_ok=True)
    with in_thread() as (emulator, base_url), tempfile.TemporaryDirectory() as base:
        emulator.account.kind, emulator.account.money = "SHARED", Decimal(1000)
        environment = environment_of(emulator, base_url)
        with running("stage", NEWEST, Path(base), environment) as host:
            for name, (build, description) in BUILDERS.items():
                with Canvas.opened(chromium.pages(), host, name=name) as canvas:
                    canvas.clear()
                    blueprint = published(canvas, build(canvas), name, description)
                text = json.dumps(blueprint, ensure_ascii=False, indent=1)
                (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")
    chromium.close()


if __name__ == "__main__":
    main()
