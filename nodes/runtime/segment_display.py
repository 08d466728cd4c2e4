"""Progress of a segment: text on its own node, bars and previews on the nodes it replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from comfy_execution.progress import get_progress_state
from server import PromptServer

from .node_display import BAR, NodeDisplay

if TYPE_CHECKING:
    from comfy_execution.progress import ProgressRegistry

    from ...rh_api.client import Progress
    from .node_display import Preview

FAILED = "runninghub.failed"
"""WebSocket event: the canvas node whose remote counterpart failed."""


class SegmentDisplay(NodeDisplay):
    """Draws progress of remote nodes on their canvas nodes.

    `members`: ids of nodes that are the same in both graphs. They are not in the prompt, but
    ComfyUI draws progress on any id that it is given.
    """

    members: Collection[str] = ()
    _at: str = ""
    _step: float = 0.0
    _left: tuple[str, ...] = ()

    def __call__(self, news: Progress) -> None:
        super().__call__(news)
        if news.node_id in self.members:
            if news.node_id != self._at:
                self._left = (*self._left, self._at) if self._at else self._left
                self._at, self._step = news.node_id, 0.0
            step = news.params.get("step")
            if isinstance(step, (int, float)):
                self._step = float(step)

    def _bars(self) -> object:
        return self._share, self._at, self._step

    def _show(self, registry: ProgressRegistry, preview: Preview | None) -> None:
        left, self._left = self._left, ()
        for node_id in left:
            if node_id != self._node_id:
                # Started first: a node may have run and ended between two redraws.
                registry.start_progress(node_id)
                registry.finish_progress(node_id)
        elsewhere = bool(self._at) and self._at != self._node_id
        super()._show(registry, None if elsewhere else preview)
        if elsewhere:
            registry.update_progress(self._at, self._step * BAR, BAR, preview)

    def ended(self) -> None:
        """Mark the nodes that were drawn as finished: no remote node runs any more."""
        registry = get_progress_state()
        if registry.prompt_id != self._prompt_id:
            return
        for node_id in {*self._left, self._at} - {"", self._node_id}:
            # The prompt's thread may add a node to the registry while this iterates over it.
            with contextlib.suppress(RuntimeError):
                registry.finish_progress(node_id)
        self._left, self._at = (), ""

    def failed(self, node_id: str, message: str) -> None:
        """Send the page the cut-out node that failed; ComfyUI's own error names the segment."""
        self.failed_at = node_id if node_id in self.members else ""
        event = {
            "prompt_id": self._prompt_id,
            "segment": self._shown_id,
            "node": self.failed_at,
            "message": message,
        }
        if self._client_id is not None:
            PromptServer.instance.send_sync(FAILED, event, self._client_id)
