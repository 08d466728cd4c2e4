"""A browser tab with ComfyUI's page: opening it, looking at it, and what its console said."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import requests

from tests.browser.pages import FIRST, PATIENCE, SIZE, Kept, Pages

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page

    from tests.browser.hosts import Host

STARTING = 90_000  # ms until the page must be ready: its scripts are 100 MB
SETTINGS = {
    # Or the template dialog covers the canvas.
    "Comfy.TutorialCompleted": True,
    "Comfy.InstalledVersion": "1.58.1",
    # It would ask another machine for them.
    "Comfy.Notification.ShowVersionUpdates": False,
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.Workflow.ConfirmDelete": False,
    "Comfy.VueNodes.AutoScaleLayout": False,
    # A link that is let go opens no search.
    "Comfy.LinkRelease.Action": "no action",
    # A test may leave another one behind.
    "Comfy.ColorPalette": "dark",
}
# What it warns of in its own code.
OLD_WAYS = re.compile(
    r"legacy queue/history menu|ComfyApp\.open_maskeditor|(input\.link|output\.links) is deprecated"
)
# What the front end itself says on a server without templates, news and a person's own files.
KNOWN = re.compile(
    r"Failed to load resource: .*(user\.css|userdata|templates|workflow_templates)"
    r"|Error loading core workflow templates"
    r"|ComfyApp graph accessed before initialization"
    # It looks for the models of its own first workflow.
    r"|https://huggingface\.co/"
)
# What a page says once its server is gone: by when that was, a request is refused, reset or empty.
GONE = r"ERR_CONNECTION|ERR_EMPTY|WebSocket|Failed to fetch|Failed to load|NetworkError|reconnect"

T = TypeVar("T", bound="Tab")


class Tab:
    """One browser tab; what its console said that it should not is in `troubles`."""

    def __init__(self, page: Page, host: Host, name: str, *, classic: bool) -> None:
        self.page = page
        self.host = host
        self.classic = classic
        self._said: list[str] = []
        self._forgiven: list[str] = []
        self.is_as_new = True
        self._name = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")
        page.on("console", self._heard)
        page.on("pageerror", self._broke)

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls: type[T], pages: Pages, host: Host, *, name: str, classic: bool = False
    ) -> Iterator[T]:
        """A tab with this page, new or as new. Leaving asks whether the console stayed clean."""
        host.put_picture()
        language = "zh" if classic else "en"
        own = {"Comfy.VueNodes.Enabled": not classic, "Comfy.Locale": language}
        answer = requests.post(f"{host.url}/api/settings", json={**SETTINGS, **own}, timeout=10)
        answer.raise_for_status()
        kept = pages.take(host.url, classic=classic) if host.is_plain else None
        if kept is None:
            context = pages.browser.new_context(
                viewport=SIZE,  # type: ignore[arg-type]
                locale=language,
                # The front end's own animations are a tenth of what a page costs; ours has none.
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE)
            page, first = context.new_page(), None
        else:
            context, page, first = kept.context, kept.page, kept.first
        canvas = cls(page, host, name, classic=classic)
        is_kept = False
        try:
            if kept is None:
                canvas.open()
                first = page.evaluate(FIRST) if host.is_plain else None
            yield canvas
            canvas.picture("end")
            assert canvas.troubles == [], "\n".join(canvas.troubles)
            is_kept = host.is_plain and canvas.is_as_new
        finally:
            canvas.leave()
            if is_kept:
                pages.keep(host.url, Kept(context, page, classic, first))
            else:
                context.close()

    def leave(self) -> None:
        """Hears nothing more."""
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._broke)

    def change_page(self) -> Page:
        """The page, for what stays in it: no other test gets it."""
        self.is_as_new = False
        return self.page

    def open(self) -> None:
        """Loads the page anew and waits until it is ready; what the browser kept comes back."""
        self.page.goto(self.host.url)
        try:
            self.wait_for(
                """() => window.app?.extensionManager?.workflow?.activeWorkflow
                && window.app.extensions?.some(({ name }) => name.startsWith("runninghub."))""",
                patience=STARTING,
            )
        except Exception as error:
            self.picture("not ready")
            raise AssertionError("\n".join(["the page is not ready", *self.troubles])) from error
        self.page.wait_for_load_state("networkidle")

    def settings(self, name: str) -> Locator:
        """Our page of ComfyUI's settings, found by its name."""
        self.command("Comfy.ShowSettingsDialog")
        box = (
            self.page.get_by_role("dialog")
            .get_by_placeholder("搜索" if self.classic else "Search")
            .first
        )
        box.fill(name)
        page = self.page.locator(".runninghub-setting")
        page.get_by_role("button").first.wait_for()
        return page

    def second_tab(self: T, name: str) -> T:
        """Another tab of the same browser."""
        canvas = type(self)(self.page.context.new_page(), self.host, name, classic=self.classic)
        canvas.open()
        return canvas

    # Looking

    def picture(self, state: str) -> None:
        """A screenshot of a state, where somebody wants them."""
        folder = os.environ.get("RUNNINGHUB_SCREENSHOTS")
        if folder:
            path = Path(folder) / f"{self._name}-{state}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=path)

    def wait_for(self, condition: str, argument: Any = None, patience: int = PATIENCE) -> None:
        """Until a JavaScript function holds."""
        self.page.wait_for_function(condition, arg=argument, timeout=patience)

    def until(self, happened: Callable[[], bool]) -> None:
        """Until something has happened on the other side.

        A lookup that fails is not yet: a front end that undoes or opens a graph empties it first.
        """
        end = time.monotonic() + PATIENCE / 1000
        while True:
            late = time.monotonic() > end
            try:
                if happened():
                    return
                assert not late
            except LookupError:
                if late:
                    raise
            self.page.wait_for_timeout(20)

    def run_js(self, code: str, argument: Any = None) -> Any:
        return self.page.evaluate(code, argument)

    def _heard(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        line = f"{message.text} {where}"
        ours = "runninghub" in line.lower() or "/extensions/some-name/" in where
        if message.type == "error" and not KNOWN.search(line):
            self._said.append(f"console: {line}")
        elif message.type == "warning" and (
            ours or ("deprecat" in line.lower() and not OLD_WAYS.search(line))
        ):
            self._said.append(f"warning: {line}")

    def _broke(self, error: object) -> None:
        self._said.append(f"page error: {error}")

    def forgive(self, pattern: str) -> None:
        """Errors that this test means to cause, past and to come."""
        self._forgiven.append(pattern)

    @property
    def troubles(self) -> list[str]:
        """What the console said and nobody forgave."""
        return [
            line
            for line in self._said
            if not any(re.search(pattern, line) for pattern in self._forgiven)
        ]

    # Doing

    def command(self, name: str) -> None:
        self.run_js("(name) => app.extensionManager.command.execute(name)", name)

    def press(self, keys: str) -> None:
        """A shortcut, with the canvas in focus."""
        self.run_js("() => document.activeElement?.blur?.()")
        self.page.keyboard.press(keys)

    def name_file(self, name: str) -> None:
        """Answers the question under which name to save; ComfyUI has the file when this returns."""
        box = self.page.get_by_role("dialog").get_by_role("textbox")
        box.fill(name)
        box.press("Enter")
        box.wait_for(state="detached")
        self.wait_for(
            """(name) => {
                const { path, isPersisted, isModified } =
                    app.extensionManager.workflow.activeWorkflow;
                return path === `workflows/${name}.json` && isPersisted && !isModified;
            }""",
            name,
        )

    def drop(self, name: str, kind: str, data: bytes) -> None:
        """Drops a file onto the canvas."""
        self.run_js(
            """([name, kind, data]) => {
                const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], name, {type: kind}));
                const at = {bubbles: true, cancelable: true, clientX: 700, clientY: 800};
                const event = new DragEvent("drop", {...at, dataTransfer: transfer});
                app.canvas.canvas.dispatchEvent(event);
            }""",
            [name, kind, base64.b64encode(data).decode()],
        )
