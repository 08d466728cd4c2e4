"""How far each node of the running prompt is, told to the browser that queued it."""

from __future__ import annotations

import io
from typing import Any

from server import PREVIEW_WITH_METADATA, PromptServer


class DynamicPrompt:
    """No node of the stage makes others: each is shown as itself."""

    def get_display_node_id(self, node_id: str) -> str:
        return node_id


class ProgressRegistry:
    def __init__(self, prompt_id: str) -> None:
        self.prompt_id = prompt_id
        self.dynprompt = DynamicPrompt()
        self.nodes: dict[str, dict[str, Any]] = {}

    def start_progress(self, node_id: str) -> None:
        self._note(node_id, "running", 0.0, 1.0)

    def update_progress(
        self, node_id: str, value: float, max_value: float, image: Any = None
    ) -> None:
        self._note(node_id, "running", value, max_value)
        if image is not None:
            kind, picture, side = image
            data = io.BytesIO()
            picture = picture.copy()
            picture.thumbnail((side, side))
            picture.save(data, kind)
            about = {**self._about(node_id), "prompt_id": self.prompt_id}
            self._send(PREVIEW_WITH_METADATA, (data.getvalue(), about))

    def finish_progress(self, node_id: str) -> None:
        most = self.nodes.get(node_id, {}).get("max", 1.0)
        self._note(node_id, "finished", most, most)

    def _note(self, node_id: str, state: str, value: float, most: float) -> None:
        self.nodes[node_id] = {
            "value": value,
            "max": most,
            "state": state,
            "prompt_id": self.prompt_id,
            **self._about(node_id),
        }
        self._send("progress_state", {"prompt_id": self.prompt_id, "nodes": dict(self.nodes)})

    @staticmethod
    def _about(node_id: str) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }

    @staticmethod
    def _send(event: str | int, data: Any) -> None:
        server = PromptServer.instance
        server.send_sync(event, data, server.client_id)


_registry = ProgressRegistry("")


def get_progress_state() -> ProgressRegistry:
    return _registry


def reset_progress_state(prompt_id: str) -> None:
    global _registry
    _registry = ProgressRegistry(prompt_id)
