"""ComfyUI's server as extensions see it: handlers, routes, and messages to the browsers."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

TEXT = 3  # kinds of binary message
PREVIEW_WITH_METADATA = 4

log = logging.getLogger("stage")


class PromptQueue:
    """`currently_running`: number, id, nodes, what came beside them and targets of what runs."""

    def __init__(self) -> None:
        self.currently_running: dict[int, list[Any]] = {}


class PromptServer:
    instance: ClassVar[PromptServer]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        PromptServer.instance = self
        self.loop = loop
        self.app = web.Application(client_max_size=100 * 1024 * 1024)
        self.routes = web.RouteTableDef()
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.last_prompt_id: str | None = None
        self.prompt_queue = PromptQueue()
        self.on_prompt_handlers: list[Callable[[dict[str, Any]], dict[str, Any]]] = []

    def add_on_prompt_handler(self, handler: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.on_prompt_handlers.append(handler)

    def trigger_on_prompt(self, data: dict[str, Any]) -> dict[str, Any]:
        for handler in self.on_prompt_handlers:
            try:
                data = handler(data)
            except Exception:
                log.exception("a handler failed; the prompt goes on as it came")
        return data

    def send_sync(self, event: str | int, data: Any, sid: str | None = None) -> None:
        message = _packed(event, data) if isinstance(event, int) else _text(event, data)
        self.loop.call_soon_threadsafe(self._post, message, sid)

    def send_progress_text(self, text: str, node_id: str, sid: str | None = None) -> None:
        name = str(node_id).encode()
        self.send_sync(TEXT, struct.pack(">I", len(name)) + name + text.encode(), sid)

    def _post(self, message: str | bytes, sid: str | None) -> None:
        for name, socket in list(self.sockets.items()):
            if sid in (None, name):
                send = socket.send_str if isinstance(message, str) else socket.send_bytes
                task = self.loop.create_task(_sent(send, message))
                _sending.add(task)
                task.add_done_callback(_sending.discard)


_sending: set[asyncio.Task[None]] = set()


async def _sent(send: Callable[[Any], Any], message: object) -> None:
    try:
        await send(message)
    except (ConnectionError, RuntimeError):
        pass  # a browser that is gone


def _text(event: str, data: Any) -> str:
    return json.dumps({"type": event, "data": data})


def _packed(event: int, data: Any) -> bytes:
    if event == PREVIEW_WITH_METADATA:
        picture, about = data
        head = json.dumps({**about, "image_type": "image/jpeg"}).encode()
        data = struct.pack(">I", len(head)) + head + picture
    return struct.pack(">I", event) + data
