"""Every blueprint is found in ComfyUI's library of nodes, put on the canvas, and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from tests.browser.blueprints import BUILDERS, FOLDER
from tests.browser.canvas import Canvas
from tests.browser.test_subgraphs import subgraphs

CLOUD = "second_model.safetensors"


def test_each_that_can_be_built_is_there() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(BUILDERS)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_it_holds_one_subgraph_and_no_account(path: Path) -> None:
    blueprint = json.loads(path.read_text("utf-8"))
    (node,) = blueprint["nodes"]
    (subgraph,) = blueprint["definitions"]["subgraphs"]
    assert node["type"] == subgraph["id"]
    assert subgraph["category"] == "RunningHub"
    assert "sandbox" not in path.read_text("utf-8")
    assert subgraph["description"] == blueprint["extra"]["BlueprintDescription"]


def put(canvas: Canvas, name: str) -> str:
    """Puts a blueprint on the canvas, as ComfyUI's search does; its node."""
    canvas.clear()
    canvas.command("Workspace.SearchBox.Toggle")
    canvas.page.get_by_role("combobox").last.fill(name)
    canvas.search_results.filter(has_text=name).first.click()
    # The node is at the pointer until the next click.
    canvas.page.mouse.click(500, 300)
    canvas.until(lambda: len(subgraphs(canvas)) == 1)
    return subgraphs(canvas)[0]


def shown(canvas: Canvas, node: str, output: str, kind: str = "PreviewImage") -> str:
    """The node that shows its output."""
    preview = canvas.add(kind, 1000, 150)
    canvas.connect(node, output, preview, "source" if kind == "PreviewAny" else "images")
    return preview


def picture(canvas: Canvas, node: str) -> None:
    loader = canvas.add("LoadImage", 40, 150)
    canvas.set_widget(loader, "image", "example.png")
    canvas.connect(loader, "IMAGE", node, "imageUrl")


def test_text_to_image(either: Canvas, emulator: Emulator, models_account: None) -> None:
    node = put(either, "RunningHub - Text to Image")
    either.set_widget(node, "prompt", "a lighthouse at dusk")
    preview = shown(either, node, "images")
    either.run()
    either.shows_picture(preview)
    assert emulator.counters.orders == 1


def test_image_to_video(either: Canvas, emulator: Emulator, models_account: None) -> None:
    node = put(either, "RunningHub - Image to Video")
    picture(either, node)
    either.set_widget(node, "prompt", "the light turns")
    shown(either, node, "video", "PreviewAny")
    either.run()
    assert emulator.counters.orders == 1


def test_upscale_image(either: Canvas, emulator: Emulator, models_account: None) -> None:
    node = put(either, "RunningHub - Upscale Image")
    picture(either, node)
    preview = shown(either, node, "images")
    either.run()
    either.shows_picture(preview)
    assert emulator.counters.orders == 1


def test_the_marked_part(either: Canvas, emulator: Emulator) -> None:
    """Nothing of it runs on this machine, which has none of its models."""
    node = put(either, "RunningHub - Stable Diffusion")
    assert either.node(node)["properties"]["runninghub"] == {"segment": "1"}
    either.until(lambda: any("RunningHub 1" in line for line in either.painted()))
    either.picture("put")
    either.set_widget(node, "ckpt_name", CLOUD)
    preview = shown(either, node, "IMAGE")
    either.run()
    either.shows_picture(preview)
    assert emulator.counters.orders == 1


def test_the_library_of_nodes_lists_them(canvas: Canvas) -> None:
    canvas.clear()
    library = "Workspace.ToggleSidebarTab.node-library"
    canvas.command(library)
    canvas.page.get_by_placeholder("Search Nodes").fill("RunningHub -")
    canvas.page.get_by_text("Subgraph Blueprints").wait_for()
    for count, name in enumerate(sorted(BUILDERS), 1):
        canvas.page.get_by_role("treeitem").filter(has_text=name).last.click()
        canvas.page.mouse.click(300 + 220 * count, 300)
        canvas.until(lambda count=count: len(subgraphs(canvas)) == count)
    canvas.picture("from the library")
    canvas.command(library)
