"""Makes the documents' pictures in docs/, in both languages: animations (*.webp), screens (*.png).

    python -m tests.recording [NAME ...]

The canvas is ComfyUI's own front end on the stage of the browser tests, or on the ComfyUI of
COMFYUI_DIR; the cloud is the emulator. Chromium and Playwright are needed; RUNNINGHUB_CHROMIUM
names another browser.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.frontends import NEWEST
from tests.browser.hosts import EXAMPLE, ROOT, running
from tests.browser.pages import Pages
from tests.recording.film import Film
from tests.recording.screens import SCREENS, take

LINK = f"https://www.runninghub.ai/workflow/{catalog.IMAGE_TO_IMAGE}"
RUN_SECONDS = 10.0  # that the cloud takes
# "Chelsea the cat", CC0 by Stefan van der Walt: skimage/data/chelsea.png of scikit-image 0.18.3.
PHOTO = Path(__file__).with_name("cat.jpg")
LARGEST = 3_000_000  # bytes that all of them may have together
NOWHERE = (640.0, 560.0)  # on the page, without a node
SIZE, WIDTH = {"width": 1200, "height": 680}, 900

SCENE = """async ([x, y, scale]) => {
    // The minimap covers nodes, the counter of frames never stands still, and the stage's pack
    // has a folder of another name than a person's.
    const settings = {
        "Comfy.Minimap.Visible": false,
        "Comfy.Graph.CanvasInfo": false,
        "Comfy.NodeBadge.NodeSourceBadgeMode": "None",
    };
    for (const [name, value] of Object.entries(settings)) {
        await app.extensionManager.setting.set(name, value);
    }
    app.graph.clear();
    Object.assign(app.canvas.ds, { scale, offset: [x, y] });
    app.canvas.setDirty(true, true);
}"""
IN_CHINESE = """() => app.extensionManager.setting.set("Comfy.Locale", "zh")"""
ENDED = """async (id) => id in await (await fetch(`/api/history/${id}`)).json()"""


def workflow(canvas: Canvas) -> Film:
    """A link is pasted, the node gets its inputs and outputs, and a local picture goes through."""
    canvas.run_js(SCENE, [40, 30, 0.9])
    load = canvas.add("LoadImage", 70, 110)
    node = canvas.add("RunningHubRemoteWorkflow", 420, 110)
    preview = canvas.add("PreviewImage", 860, 200)
    canvas.shows_picture(load)
    film = Film(canvas.page)
    film.hold(1200)
    box = canvas.shown(node).get_by_role("textbox").first
    film.click(*middle(box.bounding_box()))
    box.fill(LINK)
    film.hold(900)
    box.blur()
    canvas.dialog.get_by_role("tree").first.wait_for()
    film.hold(2200)
    film.click(*middle(canvas.dialog.locator("button.primary").bounding_box()))
    canvas.dialog.wait_for(state="detached")
    film.hold(1200)
    film.drag(canvas.socket(load, "outputs", "IMAGE"), canvas.socket(node, "inputs", "10.image"))
    film.drag(canvas.socket(node, "outputs", "out_1"), canvas.socket(preview, "inputs", "images"))
    run(canvas, film, preview)
    return film


def segment(canvas: Canvas) -> Film:
    """Two nodes of a local graph are marked, run in the cloud, and their picture goes on here."""
    canvas.run_js(SCENE, [40, 30, 0.9])
    load = canvas.add("LoadImage", 70, 210)
    inverted = canvas.add("ImageInvert", 380, 210)
    scaled = canvas.add("ImageScaleBy", 660, 210)
    canvas.set_widget(scaled, "scale_by", 2)
    preview = canvas.add("PreviewImage", 990, 210)
    canvas.connect(load, "IMAGE", inverted, "image")
    canvas.connect(inverted, "IMAGE", scaled, "image")
    canvas.connect(scaled, "IMAGE", preview, "images")
    canvas.shows_picture(load)
    film = Film(canvas.page)
    film.hold(1200)
    film.go(*middle(canvas.shown(inverted).bounding_box()))
    canvas.select(inverted, scaled)
    cloud = canvas.page.locator(".selection-toolbox .pi-cloud")
    cloud.wait_for()
    film.hold(900)
    film.click(*middle(cloud.bounding_box()))
    canvas.until(lambda: any("RunningHub 1" in text for text in canvas.painted()))
    film.click(*NOWHERE)
    film.hold(1500)
    run(canvas, film, preview)
    return film


def run(canvas: Canvas, film: Film, preview: str) -> None:
    """Run is pressed, and filmed until its picture is there."""
    button = canvas.page.get_by_test_id("queue-button")
    with canvas.page.expect_response(lambda answer: answer.url.endswith("/api/prompt")) as answer:
        film.click(*middle(button.bounding_box()))
    film.until(lambda: canvas.run_js(ENDED, answer.value.json()["prompt_id"]))
    canvas.shows_picture(preview)
    film.hold(200)
    film.hold(3000)


def middle(box: dict[str, float] | None) -> tuple[float, float]:
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


FILMS = {"run": workflow, "segment": segment}


def make(browser: Browser, names: Sequence[str], out: Path, *, chinese: bool) -> None:
    """On a host that nobody used before. Films are of Nodes 2.0 in both languages."""
    emulator = Emulator(run_seconds=RUN_SECONDS)
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator.run_in_thread() as url,
        running(
            "comfy" if os.environ.get("COMFYUI_DIR") else "stage",
            NEWEST,
            Path(folder),
            {"RUNNINGHUB_BASE_URL": url, "RUNNINGHUB_API_KEY": emulator.default_key},
        ) as host,
    ):
        for name in names:
            classic = chinese and name not in FILMS
            with Canvas.opened(Pages(browser), host, name=name, classic=classic) as canvas:
                canvas.page.set_viewport_size(SIZE)
                with Image.open(PHOTO) as photo:
                    photo.save(host.base / "input" / EXAMPLE.name)
                if name in FILMS:
                    if chinese:
                        canvas.run_js(IN_CHINESE)
                        canvas.open()
                    language = ".zh-CN" if chinese else ""
                    FILMS[name](canvas).save(out / f"{name}{language}.webp", WIDTH)
                else:
                    take(canvas, name, out)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.recording", description=__doc__)
    every = [*FILMS, *SCREENS]
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(every)}")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the pictures")
    options = parser.parse_args()
    out: Path = options.out
    if not set(options.names) <= set(every):
        parser.error(f"There are {', '.join(every)}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for chinese in (False, True):
            make(browser, options.names or every, out, chinese=chinese)
        browser.close()
    sizes = {path.name: path.stat().st_size for path in sorted(out.glob("*.webp"))}
    print(", ".join(f"{name} {size:,} bytes" for name, size in sizes.items()))
    assert sum(sizes.values()) <= LARGEST


if __name__ == "__main__":
    main()
