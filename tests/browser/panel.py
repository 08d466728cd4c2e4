"""The panel of the sidebar as a person finds it, by the words of the page's language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.browser.canvas import Canvas
from tests.browser.hosts import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Locator

KEYS = {
    **{name: f"panel.tab.{name}" for name in ("now", "history", "spend", "add")},
    "none": "panel.now.none",
    "enter": "panel.keyless.enter",
    "sandbox": "panel.keyless.sandbox",
    "more": "panel.add.more",
    "cancel": "tasks.cancel",
    "sure": "tasks.cancel_sure",
    "use": "panel.history.use",
    "again": "panel.history.again",
    "again_sure": "panel.history.again_sure",
    "delete": "panel.history.delete",
    "loader": "panel.history.loader",
    "into": "panel.history.into_selected",
    "csv": "panel.spend.csv_day",
    "nothing": "panel.spend.nothing",
    "search": "panel.add.search",
    "show": "panel.now.show_node",
    "paste": "panel.add.paste",
}


def words(language: str) -> dict[str, str]:
    """What a person reads, by our names."""
    texts = json.loads((ROOT / "locales" / language / "main.json").read_text("utf-8"))

    def sentence(key: str) -> str:
        branch = texts["runninghub"]["canvas"]
        for step in key.split("."):
            branch = branch[step]
        return branch

    return {name: sentence(key) for name, key in KEYS.items()}


class Panel:
    """The panel of a canvas, opened."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.words = words("zh" if canvas.classic else "en")
        self.view = canvas.page.locator(".runninghub-panel")
        if not self.view.is_visible():
            canvas.command("runninghub.panel.open")
        self.view.get_by_role("tablist").wait_for()

    def open(self, name: str) -> None:
        self.view.get_by_role("tab", name=self.words[name], exact=True).click()

    def button(self, key: str) -> Locator:
        return self.view.get_by_role("button", name=self.words[key], exact=True)

    @property
    def orders(self) -> Locator:
        return self.view.locator(".order")

    def use_inputs(self, words: str) -> None:
        """Of the one order with these words."""
        self.open("history")
        self.view.get_by_role("searchbox").fill(words)
        self.canvas.until(lambda: self.orders.count() == 1)
        self.orders.first.click()
        self.button("use").click()
