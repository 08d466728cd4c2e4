"""The ComfyUI extension: registers the nodes, the routes and the prompt handler."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path

from comfy_api.latest import ComfyExtension, io
from server import PromptServer

from ..rh_api.texts import english
from . import routes
from .runtime import comfyui, shutdown
from .runtime.prompt_handler import handle_prompt

log = logging.getLogger("runninghub")

OLDEST = (0, 16)
"""The first ComfyUI whose front end sets no entry of a menu as HTML: names of options and of marked
parts come from strangers, and a script of theirs on that page could order."""


def register() -> None:
    """Add our routes and our prompt handler to ComfyUI's server; idempotent."""
    server = PromptServer.instance
    if handle_prompt in server.on_prompt_handlers:
        return
    routes.install(server.routes, comfyui.host_names())
    server.app.on_shutdown.append(shutdown.run)
    server.add_on_prompt_handler(handle_prompt)
    server.app.on_startup.append(_move_handler_last)


async def _move_handler_last(_: object) -> None:
    """On startup, move our handler behind those of all packs: what they rewrite in a prompt must be
    rewritten in marked parts too, before these are cut out."""
    handlers = PromptServer.instance.on_prompt_handlers
    handlers.remove(handle_prompt)
    handlers.append(handle_prompt)


class RunningHubExtension(ComfyExtension):
    async def on_load(self) -> None:
        # Where it fails, ComfyUI takes no nodes either: without the handler marked parts would
        # run locally, and links into undeclared inputs would not be validated.
        register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        from .definitions.all_nodes import NODES

        return list(NODES)


class Nothing(ComfyExtension):
    """No nodes, for a ComfyUI that does not support them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return []


def extension() -> ComfyExtension:
    """Return our nodes, or none on a ComfyUI before `OLDEST`, and where another copy of the pack
    was loaded: neither would know of the other's orders under way."""
    version = comfyui.version()
    number = re.match(r"v?(\d+)\.(\d+)", version)
    if number and tuple(map(int, number.groups())) < OLDEST:
        log.error(english("node.comfyui_too_old", {"version": version}))
        return Nothing()
    folder = Path(__file__).parents[1]
    if earlier := _other_copy():
        log.error(english("node.second_copy", {"folder": str(folder), "other": str(earlier)}))
        return Nothing()
    # To any other name aiohttp's `web.static` answers 404.
    if not re.fullmatch(r"[\w!$&'()*+,;=:@~.-]+", folder.name, re.ASCII):
        log.warning(english("node.folder_name", {"folder": str(folder)}))
    return RunningHubExtension()


def _other_copy() -> Path | None:
    """The folder of another copy of the pack that ComfyUI loaded before, if any."""
    for handler in PromptServer.instance.on_prompt_handlers:
        name = str(getattr(handler, "__module__", ""))
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and name.endswith(".nodes.runtime.prompt_handler") and handler is not handle_prompt:
            return Path(file).parents[2]
    return None
