"""What a segment shows: its line of text on its own node,
bars and previews on the nodes that run."""

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
"""The socket event that names the local twin of a remote node that failed."""


class SegmentDisplay(NodeDisplay):
    """Draws news of remote nodes on the canvas nodes that they were made of.

    `members`: ids of nodes that are the same in both graphs; they are not in the prompt, and
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
                # Also of one that ran and ended between two drawings.
                registry.start_progress(node_id)
                registry.finish_progress(node_id)
        elsewhere = bool(self._at) and self._at != self._node_id
        super()._show(registry, None if elsewhere else preview)
        if elsewhere:
            registry.update_progress(self._at, self._step * BAR, BAR, preview)

    def ended(self) -> None:
        """No remote node runs any more: their frames go out."""
        registry = get_progress_state()
        if registry.prompt_id != self._prompt_id:
            return
        for node_id in {*self._left, self._at} - {"", self._node_id}:
            # The prompt's thread may add a node to the registry meanwhile.
            with contextlib.suppress(RuntimeError):
                registry.finish_progress(node_id)
        self._left, self._at = (), ""

    def failed(self, node_id: str, message: str) -> None:
        """Tell the canvas which of the cut-out nodes it was; ComfyUI's own error names ours."""
        event = {
            "prompt_id": self._prompt_id,
            "segment": self._node_id,
            "node": node_id if node_id in self.members else "",
            "message": message,
        }
        if self._client_id is not None:
            PromptServer.instance.send_sync(FAILED, event, self._client_id)
