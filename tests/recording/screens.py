"""The README's still pictures, of the real front end: a list of models, the price beside Run, what
would run in the cloud, and the panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rh_api.emulator import catalog
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel

if TYPE_CHECKING:
    from playwright.sync_api import Locator

TEXTS = ("a lighthouse in the fog", "a boat at dawn, woodcut", "snow on a harbour")
TEXTS_ZH = ("雾中的灯塔和远处的海鸟", "黎明时分的小船木刻版画", "大雪覆盖的安静港口")


def chooser(canvas: Canvas) -> Locator:
    canvas.clear()
    canvas.paste(
        canvas.add("RunningHubRemoteWorkflow"),
        f"https://www.runninghub.ai/workflow/{catalog.IMAGE_TO_IMAGE}",
    )
    canvas.dialog.get_by_role("tree").first.wait_for()
    return canvas.dialog


def models(canvas: Canvas) -> Locator:
    canvas.clear()
    canvas.add("RHImageToVideo", 500, 60)
    canvas.dialog.get_by_role("listbox").get_by_role("option").first.wait_for()
    return canvas.dialog


def explained(canvas: Canvas) -> Locator:
    canvas.clear()
    load = canvas.add("LoadImage", 70, 210)
    inverted = canvas.add("ImageInvert", 380, 210)
    scaled = canvas.add("ImageScaleBy", 660, 210)
    preview = canvas.add("PreviewImage", 990, 210)
    canvas.connect(load, "IMAGE", inverted, "image")
    canvas.connect(inverted, "IMAGE", scaled, "image")
    canvas.connect(scaled, "IMAGE", preview, "images")
    canvas.select(inverted, scaled)
    canvas.command("runninghub.segments.mark")
    canvas.command("runninghub.segments.explain")
    canvas.dialog.locator("dd").first.wait_for()
    return canvas.dialog


def price(canvas: Canvas) -> Locator:
    canvas.clear()
    canvas.painting()
    canvas.run()
    canvas.painting(560)
    bar = canvas.bar
    bar.get_by_text("2 个任务" if canvas.classic else "2 orders").wait_for()
    canvas.until(lambda: bar.get_by_text("约" if canvas.classic else "about").is_visible())
    return bar.locator("xpath=..")


def panel(canvas: Canvas) -> Locator:
    canvas.clear()
    node, _ = canvas.painting()
    for text in TEXTS_ZH if canvas.classic else TEXTS:
        canvas.set_widget(node, "6.text", text)
        canvas.run()
    shown = Panel(canvas)
    shown.open("history")
    shown.orders.nth(len(TEXTS) - 1).wait_for()
    return shown.view


SCREENS = {
    "chooser": chooser,
    "models": models,
    "explained": explained,
    "price": price,
    "panel": panel,
}


def take(canvas: Canvas, name: str, out: Path) -> None:
    """Brings the page to a state, and saves what shows it; a classic canvas is in Chinese."""
    shown = SCREENS[name](canvas)
    canvas.page.wait_for_timeout(600)  # pictures in it fade in
    language = ".zh-CN" if canvas.classic else ""
    shown.screenshot(path=out / f"{name}{language}.png")
