import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

class PromptServer:
    instance: ClassVar[PromptServer]
    app: web.Application
    routes: web.RouteTableDef
    loop: asyncio.AbstractEventLoop
    sockets: dict[str, web.WebSocketResponse]
    client_id: str | None
    last_node_id: str | None
    on_prompt_handlers: list[Callable[[dict[str, Any]], dict[str, Any]]]
    def add_on_prompt_handler(
        self, handler: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None: ...
    def send_sync(self, event: str, data: object, sid: str | None = None) -> None: ...
    def send_progress_text(self, text: str, node_id: str, sid: str | None = None) -> None: ...
