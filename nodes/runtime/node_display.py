"""What a node shows while its order is under way: bar, a line of text,
and the sampler's preview."""

from __future__ import annotations

import asyncio
import contextlib
import io as bytes_io
import time
from typing import TYPE_CHECKING, TypeVar

from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context
from PIL import Image
from server import PromptServer

from ...rh_api.client import Progress, Stage
from .. import language
from . import node_outcomes

if TYPE_CHECKING:
    from comfy_execution.progress import ProgressRegistry

    Preview = tuple[str, Image.Image, int]

INTERVAL = 0.1  # seconds between two drawings
PREVIEW_INTERVAL = 0.25  # each preview is decoded and encoded once more on its way to the browser
PREVIEW_SIDE = 512  # ComfyUI's own default
PREVIEW_PIXELS = 4096 * 4096  # a larger one is no preview
BAR = 100.0

_BEFORE = (Stage.PREPARING, Stage.UPLOADING, Stage.WAITING_SLOT, Stage.WAITING_FOREIGN)
"""Stages while which nothing of an order is in the cloud, nor on its way."""

Display = TypeVar("Display", bound="NodeDisplay")

_drawing: set[NodeDisplay] = set()
"""What is drawn now; touched in the server's loop only."""


class NodeDisplay:
    """The running node on the canvas: call it with news, and `keep_drawing` shows the latest.

    Whoever tells the news is in the middle of an order, so taking note of them cannot fail.
    """

    def __init__(self, node_id: str, prompt_id: str, client_id: str | None) -> None:
        self._node_id = node_id
        self._prompt_id = prompt_id
        self._client_id = client_id
        self.place = node_outcomes.place_of(node_id, prompt_id, client_id)
        self.end: node_outcomes.End | None = None
        """How the run ended, once it did; while results are read, how it ends by a Stop."""
        self._news: Progress | None = None
        self._since = 0.0
        self._share = 0.0
        self._preview: bytes | None = None
        self._latest: bytes | None = None
        self._preview_at = float("-inf")
        self._drawn: tuple[str, object] = ("", None)

    @classmethod
    def of_running_node(cls: type[Display]) -> Display:
        """The node whose `execute` is on the stack."""
        context = get_executing_context()
        client_id = PromptServer.instance.client_id
        if context is None:
            return cls("", "", client_id)
        return cls(context.node_id, context.prompt_id, client_id)

    @property
    def node_id(self) -> str:
        return self._node_id

    @property
    def prompt_id(self) -> str:
        return self._prompt_id

    @property
    def has_ordered_nothing(self) -> bool:
        """Whether that is sure; of several orders together it is not."""
        return self._news is None or self._news.stage in _BEFORE

    def __call__(self, news: Progress) -> None:
        """Take note; the next drawing shows it."""
        if self._news is None or news.stage is not self._news.stage:
            self._since = time.monotonic()
        self._news = news
        node_outcomes.placed(news.params.get("task_id"), self.place)
        self._share = max(self._share, news.overall)
        if news.preview:
            self._preview = self._latest = news.preview

    async def keep_drawing(self) -> None:
        """Draw what is new until cancelled, the passing seconds too; in the server's loop."""
        _drawing.add(self)
        try:
            while True:
                await asyncio.sleep(INTERVAL)
                self._draw(time.monotonic())
        finally:
            _drawing.discard(self)

    def draw_anew(self, client_id: str) -> None:
        """The next drawing shows all of it, and its end will, on that page."""
        self._client_id = client_id
        self.place = node_outcomes.move_to_page(self.place, client_id)
        self._drawn = ("", None)
        self._preview, self._preview_at = self._latest, float("-inf")

    def finish(self, sentence: str) -> None:
        """Leave a last line of text."""
        self._news = None
        self._say(sentence)

    def _draw(self, now: float) -> None:
        if self._news is None or self._client_id is None:
            return
        line = line_of(self._news, now - self._since)
        image = self._due_preview(now)
        bars = self._bars()
        if line != self._drawn[0]:
            self._say(line)
        has_moved, self._drawn = bars != self._drawn[1], (line, bars)
        if not has_moved and image is None:
            return  # what is sent next tells of all nodes of the prompt, and each of them sends it
        registry = get_progress_state()
        # It belongs to the prompt that runs, which after a stop is another one.
        if registry.prompt_id != self._prompt_id:
            return
        shown = None if image is None else ("JPEG", image, PREVIEW_SIDE)
        # The prompt's thread may add a node to the registry while it is read here.
        with contextlib.suppress(RuntimeError):
            self._show(registry, shown)

    def _bars(self) -> object:
        """What the bars show: equal as long as nothing has to be drawn."""
        return round(self._share * BAR)

    def _show(self, registry: ProgressRegistry, preview: Preview | None) -> None:
        registry.update_progress(self._node_id, self._share * BAR, BAR, preview)

    def _due_preview(self, now: float) -> Image.Image | None:
        if self._preview is None or now - self._preview_at < PREVIEW_INTERVAL:
            return None
        data, self._preview, self._preview_at = self._preview, None, now
        return _picture(data)

    def _say(self, line: str) -> None:
        # Without a page ComfyUI would send it to every page, whose node of that id is another one.
        if self._node_id and self._client_id is not None:
            PromptServer.instance.send_progress_text(line, self._node_id, self._client_id)


def resume(prompt_id: str, client_id: str) -> bool:
    """Show a run under way on a page that was opened meanwhile; in the server's loop.

    ComfyUI tells the news of a prompt to the page that queued it alone. A reloaded page has its id
    again; another page takes its place once it is closed. False where nothing runs that could be
    shown there.
    """
    server = PromptServer.instance
    if not prompt_id or client_id not in server.sockets:
        return False
    if server.last_node_id is None or get_progress_state().prompt_id != prompt_id:
        return False
    if server.client_id != client_id:
        if server.client_id in server.sockets:
            return False
        server.client_id = client_id
    at = {"prompt_id": prompt_id, "timestamp": int(time.time() * 1000)}
    server.send_sync("execution_start", at, client_id)
    node = server.last_node_id
    executing = {"prompt_id": prompt_id, "node": node, "display_node": node}
    server.send_sync("executing", executing, client_id)
    for display in _drawing:
        if display.prompt_id == prompt_id:
            display.draw_anew(client_id)
    return True


def line_of(news: Progress, seconds: float) -> str:
    """News as one line of text; `seconds` since its stage began."""
    params, running = news.params, news.stage.name == "RUNNING"
    key = news.stage.value
    if running and not params.get("node"):
        key = "node.running"
    elif news.stage.name == "QUEUED" and params.get("queued") is not None:
        key = "node.queued"
    line = language.say(key, params)
    ran, usual = params.get("ran"), params.get("usual")
    if isinstance(ran, (int, float)):
        seconds += ran
    if int(seconds) < 1:
        return line
    elapsed: dict[str, object] = {"line": line, "seconds": int(seconds)}
    # A run that takes longer than usual is not "4 s of about 2 s".
    if isinstance(usual, (int, float)) and usual >= 1 and seconds <= usual:
        return language.say("node.elapsed_of", {**elapsed, "usual": round(usual)})
    return language.say("node.elapsed", elapsed)


def _picture(data: bytes) -> Image.Image | None:
    """A preview as a picture; None for what is none."""
    try:
        with Image.open(bytes_io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > PREVIEW_PIXELS:
                return None
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
