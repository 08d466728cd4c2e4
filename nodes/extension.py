"""What ComfyUI gets from us: the nodes, and the passes that every prompt goes through."""

from __future__ import annotations

import inspect
import logging

from comfy_api.latest import ComfyExtension, io
from server import PromptServer

from ..rh_api.texts import english
from . import routes
from .runtime import comfyui, shutdown
from .runtime.prompt_handler import handle_prompt

log = logging.getLogger("runninghub")


def register() -> None:
    """Add our routes and our prompt handler to ComfyUI's server; twice is once."""
    server = PromptServer.instance
    if handle_prompt in server.on_prompt_handlers:
        return
    routes.install(server.routes, comfyui.host_names())
    server.app.on_shutdown.append(shutdown.run)
    server.add_on_prompt_handler(handle_prompt)


class RunningHubExtension(ComfyExtension):
    async def on_load(self) -> None:
        register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        # ComfyUI calls on_load since 0.14. Whatever fails here keeps the nodes away as well:
        # without the handler marked parts would run locally, and links into free inputs unchecked.
        register()
        from .definitions.all_nodes import NODES

        return list(NODES)


class Nothing(ComfyExtension):
    """For a ComfyUI that our nodes cannot live in."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return []


def extension() -> ComfyExtension:
    """Our nodes, or none where ComfyUI does not know free inputs (before 0.11)."""
    if "accept_all_inputs" not in inspect.signature(io.Schema).parameters:
        log.warning(english("node.comfyui_too_old", {}))
        return Nothing()
    return RunningHubExtension()
