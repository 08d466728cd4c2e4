"""The progress WebSocket: folds frames of a remote ComfyUI into progress.

Everything here is a hint. No frame ends an order; it can only trigger a poll.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .envelope import as_list, read_id, read_json, read_object, read_text

MAX_TEXT = 64 * 1024  # characters; larger frames carry outputs, which polls bring anyway
_MAX_STEPS = 2**53  # of a node
_PREVIEW_HEADER = 8  # two big-endian uint32: event type (1 = preview), format (1 JPEG, 2 PNG)


@dataclass(frozen=True, slots=True)
class SocketNews:
    """Progress after one frame. `fraction`: 0 to 0.99, monotonic; None if the total is unknown."""

    fraction: float | None = None
    node_id: str = ""
    node_fraction: float | None = None
    preview: bytes | None = None
    may_be_over: bool = False


@dataclass(slots=True)
class SocketReader:
    """Accumulates the frames of one task. `total`: nodes of the graph, 0 if unknown (AI apps)."""

    total: int
    _done: set[str] = field(default_factory=set[str])
    _current: str = ""
    _part: float = 0.0
    _best: float = 0.0
    _prompt: str = ""

    def read(self, frame: str | bytes) -> SocketNews | None:
        """Process a text or binary frame; None if it says nothing about this task."""
        return self.text(frame) if isinstance(frame, str) else self.binary(frame)

    def text(self, frame: str) -> SocketNews | None:
        """Process a JSON text frame; None if it says nothing about this task."""
        if len(frame) > MAX_TEXT:
            return None
        message = read_object(read_json(frame))
        data = read_object(message.get("data"))
        prompt = read_text(data.get("prompt_id"))
        # The prompt id differs from the task id: take the first one seen as ours.
        if prompt and self._prompt and prompt != self._prompt:
            return None
        self._prompt = self._prompt or prompt
        return self._fold(read_text(message.get("type")), data)

    def binary(self, frame: bytes) -> SocketNews | None:
        """Process a binary frame; None unless it is a preview image (JPEG or PNG)."""
        kind, picture = frame[:4], frame[_PREVIEW_HEADER:]
        if kind != b"\0\0\0\1" or not picture.startswith((b"\xff\xd8\xff", b"\x89PNG")):
            return None
        return self._news(preview=picture)

    def _fold(self, kind: str, data: object) -> SocketNews | None:
        about = read_object(data)
        node = read_id(about.get("node")) or read_id(about.get("node_id"))
        if kind == "execution_cached":
            self._done.update(read_id(item) for item in as_list(about.get("nodes")))
        elif kind == "executing":
            self._enter(node)
            if not node:
                return self._news(may_be_over=True)
        elif kind == "executed" and node:
            self._done.add(node)
        elif kind == "progress":
            self._current = node or self._current
            self._part = _fraction(about.get("value"), about.get("max"))
        elif kind == "progress_state":
            self._fold_state(read_object(about.get("nodes")))
        elif kind in ("execution_success", "execution_error", "execution_interrupted"):
            # A success with a node id concerns that node only: others still run.
            return self._news(may_be_over=kind != "execution_success" or not node)
        else:
            return None
        return self._news()

    def _fold_state(self, nodes: object) -> None:
        for node_id, entry in read_object(nodes).items():
            state = read_object(entry)
            if read_text(state.get("state")) == "finished":
                self._done.add(node_id)
            elif read_text(state.get("state")) == "running":
                self._current = node_id
                self._part = _fraction(state.get("value"), state.get("max"))

    def _enter(self, node: str) -> None:
        """Switch to a running node: the previous one is done; the same one restarts at 0."""
        if self._current and self._current != node:
            self._done.add(self._current)
        self._current, self._part = node, 0.0

    def _news(self, preview: bytes | None = None, *, may_be_over: bool = False) -> SocketNews:
        part = self._part if self._current not in self._done else 0.0
        if self.total > 0:
            share = min(99, math.floor(100 * (len(self._done) + part) / self.total)) / 100
            self._best = max(self._best, share)
        return SocketNews(
            fraction=self._best if self.total > 0 else None,
            node_id=self._current,
            node_fraction=part or None,
            preview=preview,
            may_be_over=may_be_over,
        )


def _fraction(value: object, maximum: object) -> float:
    if not isinstance(value, (int, float)) or not isinstance(maximum, (int, float)):
        return 0.0
    # Compared before dividing: untrusted values may be NaN, or overflow.
    if not (value > 0 and 0 < maximum < _MAX_STEPS):
        return 0.0
    return 1.0 if value >= maximum else value / maximum
