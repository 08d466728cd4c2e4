"""`mcp`: our commands as tools of an agent, by the Model Context Protocol."""

from __future__ import annotations

import asyncio
import os
import secrets
from argparse import Namespace
from collections.abc import Mapping

from ..errors import BadInput
from ..money.amounts import read_sums
from .agent_tools import AgentTools
from .exit_codes import Exit
from .files import out_folder
from .terminal import Terminal


async def mcp(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Serve until the other side leaves, or Ctrl-C."""
    try:
        from .mcp_server import serve_http, server_of
    except ModuleNotFoundError as error:
        raise BadInput("mcp.no_sdk") from error
    if arguments.max_cost is not None:
        read_sums(arguments.max_cost)
    folder = out_folder(arguments.out or ".")
    tools = AgentTools(environ, folder, arguments.max_cost or "")
    server = server_of(tools)
    try:
        if arguments.http is not None:
            await serve_http(server, arguments.http, secrets.token_urlsafe(32), terminal)
            return
        serving = asyncio.ensure_future(server.run_stdio_async())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            serving.cancel()
            await tools.ended()
            os._exit(Exit.STOPPED)  # a thread of the SDK's reads on until stdin ends
    finally:
        await tools.ended()
