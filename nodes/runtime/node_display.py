"""Progress on a running node: progress bar, a line of text, the sampler's preview image."""

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

INTERVAL = 0.1  # seconds between redraws
PREVIEW_INTERVAL = 0.25  # each preview is decoded and encoded once more on its way to the browser
PREVIEW_SIDE = 512  # pixels; ComfyUI's own default
PREVIEW_PIXELS = 4096 * 4096  # larger images are ignored
BAR = 100.0

_BEFORE_TASK = (
    Stage.PREPARING,
    Stage.WAITING_COSTS,
    Stage.UPLOADING,
    Stage.WAITING_SLOT,
    Stage.WAITING_OWN,
    Stage.WAITING_FOREIGN,
)
"""Stages in which the order has no task and no create request is in flight."""

Display = TypeVar("Display", bound="NodeDisplay")

_drawing: set[NodeDisplay] = set()
"""Displays that are being drawn; accessed in the server's loop only."""


class NodeDisplay:
    """Display of the running node: calls store the latest news, `keep_drawing` sends it.

    A call does no I/O and does not raise, since it is made in the middle of an order.
    """

    failed_at = ""
    """The other node on which a failure is shown."""

    def __init__(
        self, node_id: str, prompt_id: str, client_id: str | None, shown_id: str = ""
    ) -> None:
        self._node_id = node_id
        self._shown_id = shown_id or node_id
        self._prompt_id = prompt_id
        self._client_id = client_id
        self.place = node_outcomes.place_of(self._shown_id, prompt_id, client_id)
        self.end: node_outcomes.End | None = None
        """How the run ended, once it did."""
        self.end_if_stopped: node_outcomes.End | None = None
        """How a Stop would end it, set while paid results are decoded."""
        self._news: Progress | None = None
        self._since = 0.0
        self._share = 0.0
        self._preview: bytes | None = None
        self._latest: bytes | None = None
        self._preview_at = float("-inf")
        self._drawn: tuple[str, object] = ("", None)

    @classmethod
    def of_running_node(cls: type[Display]) -> Display:
        """Return a display of the node whose `execute` is being called."""
        context = get_executing_context()
        client_id = PromptServer.instance.client_id
        if context is None:
            return cls("", "", client_id)
        # A turn of a loop runs under an id of its own, which the page does not have.
        shown_id = get_progress_state().dynprompt.get_display_node_id(context.node_id)
        return cls(context.node_id, context.prompt_id, client_id, shown_id)

    @property
    def node_id(self) -> str:
        return self._node_id

    @property
    def prompt_id(self) -> str:
        return self._prompt_id

    @property
    def has_ordered_nothing(self) -> bool:
        """Whether it is certain that no order was submitted; unreliable for several at once."""
        return self._news is None or self._news.stage in _BEFORE_TASK

    def __call__(self, news: Progress) -> None:
        """Store news for the next redraw."""
        if self._news is None or news.stage is not self._news.stage:
            self._since = time.monotonic()
        self._news = news
        node_outcomes.remember_place(news.params.get("task_id"), self.place)
        node_outcomes.remember_place(news.params.get("order"), self.place)
        self._share = max(self._share, news.overall)
        if news.preview:
            self._preview = self._latest = news.preview

    async def keep_drawing(self) -> None:
        """Redraw changes, elapsed seconds included, until cancelled; in the server's loop."""
        _drawing.add(self)
        try:
            while True:
                await asyncio.sleep(INTERVAL)
                self._draw(time.monotonic())
        finally:
            _drawing.discard(self)

    def draw_anew(self, client_id: str) -> None:
        """Redraw everything on another page (`client_id`), which also gets the end of the run."""
        self._client_id = client_id
        self.place = node_outcomes.move_to_page(self.place, client_id)
        self._drawn = ("", None)
        self._preview, self._preview_at = self._latest, float("-inf")

    def finish(self, sentence: str) -> None:
        """Show a final line of text, which no redraw replaces."""
        self._news = None
        self._send_text(sentence)

    def _draw(self, now: float) -> None:
        if self._news is None or self._client_id is None:
            return
        line = progress_line(self._news, now - self._since)
        image = self._due_preview(now)
        bars = self._bars()
        if line != self._drawn[0]:
            self._send_text(line)
        has_moved, self._drawn = bars != self._drawn[1], (line, bars)
        if not has_moved and image is None:
            return  # an update is sent for all nodes of the prompt: none without a change
        registry = get_progress_state()
        # The registry is of the running prompt, which after a Stop is another one.
        if registry.prompt_id != self._prompt_id:
            return
        shown = None if image is None else ("JPEG", image, PREVIEW_SIDE)
        # The prompt's thread may add a node to the registry while this iterates over it.
        with contextlib.suppress(RuntimeError):
            self._show(registry, shown)

    def _bars(self) -> object:
        """Return the state of the bars; equal values need no redraw."""
        return round(self._share * BAR)

    def _show(self, registry: ProgressRegistry, preview: Preview | None) -> None:
        registry.update_progress(self._node_id, self._share * BAR, BAR, preview)

    def _due_preview(self, now: float) -> Image.Image | None:
        if self._preview is None or now - self._preview_at < PREVIEW_INTERVAL:
            return None
        data, self._preview, self._preview_at = self._preview, None, now
        return _decode_preview(data)

    def _send_text(self, line: str) -> None:
        # Without a client id ComfyUI broadcasts to all pages, where the node id is another node's.
        if self._shown_id and self._client_id is not None:
            PromptServer.instance.send_progress_text(line, self._shown_id, self._client_id)


def resume(prompt_id: str, client_id: str) -> bool:
    """Redirect the progress of a running prompt to a page opened meanwhile; in the server's loop.

    ComfyUI sends a prompt's events only to the page that queued it. A reloaded page keeps its
    client id; another page takes over once the first one is closed. Returns False if the prompt is
    not running, the page is not connected, or the first one still is.
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


def progress_line(news: Progress, seconds: float) -> str:
    """Return news as one line of text; `seconds`: since its stage began."""
    params, running = news.params, news.stage.name == "RUNNING"
    key = news.stage.value
    if running and not params.get("node"):
        key = "node.running"
    elif news.stage.name == "QUEUED" and params.get("queued") is not None:
        key = "node.queued"
    line = language.say(key, params)
    before, usual = params.get("elapsed"), params.get("usual")
    if isinstance(before, (int, float)):
        seconds += before
    if int(seconds) < 1:
        return line
    elapsed: dict[str, object] = {"line": line, "seconds": int(seconds)}
    # A run that takes longer than usual is not "4 s of about 2 s".
    if isinstance(usual, (int, float)) and usual >= 1 and seconds <= usual:
        return language.say("node.elapsed_of", {**elapsed, "usual": round(usual)})
    return language.say("node.elapsed", elapsed)


def _decode_preview(data: bytes) -> Image.Image | None:
    """Decode a JPEG or PNG preview to RGB; None if it is neither, damaged or too large."""
    try:
        with Image.open(bytes_io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > PREVIEW_PIXELS:
                return None
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
