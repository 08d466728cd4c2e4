"""`mcp`: our commands as agent tools, by the Model Context Protocol."""

from __future__ import annotations

import secrets
from argparse import Namespace
from collections.abc import Mapping

from ..errors import BadInput
from ..money.amounts import read_sums
from .agent_tools import AgentTools
from .files import out_folder
from .terminal import Terminal


async def mcp(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Serve until the client disconnects, or Ctrl-C."""
    try:
        from .mcp_server import serve_http, serve_stdio, server_of
    except ModuleNotFoundError as error:
        raise BadInput("mcp.no_sdk") from error
    if arguments.max_cost is not None:
        read_sums(arguments.max_cost)
    folder = out_folder(arguments.out or ".").resolve()  # whatever the agent's working directory
    tools = AgentTools(environ, folder, arguments.max_cost or "")
    server = server_of(tools)
    try:
        if arguments.http is None:
            await serve_stdio(server, tools.ended)
        else:
            await serve_http(server, arguments.http, secrets.token_urlsafe(32), terminal)
    finally:
        await tools.ended()
