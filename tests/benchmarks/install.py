"""What a person does who has no key yet: install, restart, open a template, Run.

The archive's download and ComfyUI's own front end, which is there already, are left out; a real
ComfyUI and a real browser do the rest.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row
from tests.browser.canvas import Canvas
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.frontends import NEWEST, folder
from tests.browser.hosts import ROOT, running
from tests.browser.pages import Pages
from tests.comfy.server import comfyui_python

MINUTE = 60.0
TEMPLATE = ROOT / "example_workflows" / "RunningHub - Text to image.json"


def rows() -> list[Row]:
    from playwright.sync_api import sync_playwright

    graph = json.loads(TEMPLATE.read_text("utf-8"))
    folder(NEWEST)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        started = time.perf_counter()
        _requirements()
        installed = time.perf_counter() - started
        with running("comfy", NEWEST, Path(scratch), {}) as host:
            serves = time.perf_counter() - started
            with Canvas.opened(Pages(browser), host, name="install") as canvas:
                opened = time.perf_counter() - started
                canvas.load(graph)
                canvas.run()
                (saver,) = canvas.nodes("SaveImage") + canvas.nodes("PreviewImage")
                canvas.shows_picture(saver)
                took = time.perf_counter() - started
        browser.close()
    note = f"requirements {installed:.1f} s, ComfyUI serves at {serves:.1f}, page at {opened:.1f}"
    return [
        Row("install to first picture, no key", f"{took:.1f} s", "60 s", took / MINUTE, 1.0, note)
    ]


def _requirements() -> None:
    """As ComfyUI-Manager installs them."""
    command = [comfyui_python(), "-m", "pip", "install", "-r", str(ROOT / "requirements.txt")]
    subprocess.run(command, check=True, capture_output=True)
