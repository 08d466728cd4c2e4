"""The pictures of the documentation, as the canvas really is;
RUNNINGHUB_DOCS=1 writes them anew."""

from __future__ import annotations

import os

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.hosts import ROOT

DOCS = ROOT / "docs" if os.environ.get("RUNNINGHUB_DOCS") else None
MOST = 200_000  # bytes of one picture


@pytest.fixture
def tidy(canvas: Canvas) -> Canvas:
    """A canvas without what only takes room in a picture."""
    canvas.page.set_viewport_size({"width": 1240, "height": 640})
    for name, value in (
        ("Comfy.Minimap.Visible", False),
        ("Comfy.Graph.CanvasInfo", False),
        ("Comfy.NodeBadge.NodeSourceBadgeMode", "None"),
    ):
        canvas.run_js(
            "([name, value]) => app.extensionManager.setting.set(name, value)", [name, value]
        )
    canvas.clear()
    return canvas


def shot(canvas: Canvas, name: str) -> None:
    """A picture of the dialog or of the page below the menus,
    small enough to be shipped with the code."""
    canvas.picture(name)
    if canvas.dialog.is_visible():
        data = canvas.dialog.screenshot()
    else:
        clip = {"x": 60.0, "y": 90.0, "width": 900.0, "height": 515.0}
        data = canvas.page.screenshot(clip=clip)  # type: ignore[arg-type]
    assert len(data) < MOST
    if DOCS:
        (DOCS / f"{name}.png").write_bytes(data)


def tidied(canvas: Canvas) -> None:
    """All nodes in view, none of them selected, and nothing said any more."""
    canvas.run_js(
        """() => {
            app.canvas.deselectAll();
            Object.assign(app.canvas.ds, {scale: 0.75, offset: [60, 70]});
            app.canvas.setDirty(true, true);
        }"""
    )
    canvas.page.get_by_text("Job completed").wait_for(state="detached")


def test_a_picture_goes_through_a_cloud_workflow_and_back(tidy: Canvas, emulator: Emulator) -> None:
    loader = tidy.add("LoadImage", 60, 130)
    node = tidy.add("RunningHubRemoteWorkflow", 400, 130)
    tidy.paste(node, f"https://www.runninghub.ai/workflow/{catalog.IMAGE_TO_IMAGE}")
    shot(tidy, "chooser")
    tidy.primary()
    saver = tidy.add("SaveImage", 860, 130)
    tidy.connect(loader, "IMAGE", node, "10.image")
    tidy.connect(node, "out_1", saver, "images")
    tidy.set_widget(node, "3.text", "ink drawing of a window at noon")
    tidy.shows_picture(loader)
    tidy.run()
    tidy.shows_picture(saver)
    tidy.shows_picture(node)
    # The last preview gives way to the picture.
    tidy.wait_for(
        "(id) => document.querySelectorAll(`[data-node-id='${id}'] img`).length === 1", node
    )
    tidied(tidy)
    shot(tidy, "canvas")


def test_a_marked_part_of_the_graph(tidy: Canvas, emulator: Emulator) -> None:
    loader = tidy.add("LoadImage", 60, 130)
    inverted = tidy.add("ImageInvert", 400, 130)
    scaled = tidy.add("ImageScaleBy", 640, 130)
    saver = tidy.add("SaveImage", 980, 130)
    for source, target, field in (
        (loader, inverted, "image"),
        (inverted, scaled, "image"),
        (scaled, saver, "images"),
    ):
        tidy.connect(source, "IMAGE", target, field)
    tidy.select(inverted, scaled)
    tidy.command("runninghub.segments.mark")
    tidy.shows_picture(loader)
    tidy.run()
    tidy.shows_picture(saver)
    tidied(tidy)
    shot(tidy, "segment")
