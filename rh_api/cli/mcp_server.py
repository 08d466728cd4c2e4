"""The Model Context Protocol server: tool declarations, and HTTP on loopback behind a token.

Needs the official SDK (the extra `mcp`). What the tools do and return is in `agent_tools`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools import Tool

from ..errors import BadInput
from ..texts import english
from .agent_tools import AgentTools, Document, Kind, Tell
from .exit_codes import Exit
from .terminal import Terminal

_HOST = "127.0.0.1"
_GRACE = 1
"""Timeout in seconds for open requests after Ctrl-C."""
_INSTRUCTIONS = """\
Runs RunningHub workflows, AI apps and standard models. Runs cost money: ask for the form and the quote
first. An answer's `status` says how it ended. `done`; `refused`, `failed`: the message says what to change.
`running`: the task goes on and costs money, follow it by its id. `unknown`: it may have started, and NOTHING
may be ordered again for it: tell the person, who looks at the site's call records. `not_fetched`: it is paid
for, fetch its results by its id. `unreachable`: the service could not be reached, try again later.
`paid` false: the result of an earlier identical order was returned, whose `cost` was paid then."""


def server_of(tools: AgentTools) -> MCPServer[Any]:
    """Build the server with all tools."""
    declared = [*_questions(tools), *_work(tools)]
    return MCPServer("runninghub", instructions=_INSTRUCTIONS, tools=[*map(_strict, declared)])


def _strict(function: Callable[..., Any]) -> Tool:
    """Declare a tool that refuses unknown arguments: the SDK drops them, and the run that lacks
    them would be paid. No refusal quotes a value, which may be a key."""
    tool = Tool.from_function(function)
    loose = tool.fn_metadata.arg_model
    config = {"extra": "forbid", "hide_input_in_errors": True}
    arguments = type(loose.__name__, (loose,), {"model_config": config, "__module__": __name__})
    tool.fn_metadata.arg_model = arguments
    tool.parameters = arguments.model_json_schema(by_alias=True)
    return tool


def _questions(tools: AgentTools) -> list[Callable[..., Any]]:
    """The read-only tools."""

    async def search_models(words: str = "", task: str = "") -> dict[str, Any]:
        """Find standard models by words in English or Chinese; `task` such as text-to-video."""
        return await tools.models(words, task)

    async def show_form(kind: Kind, program: str) -> dict[str, Any]:
        """The settable fields, with types and choices, of a workflow or app (id or link) or a
        standard model (endpoint, name or link), and a model's price."""
        return await tools.form(kind, program)

    async def quote(
        kind: Kind,
        program: str,
        fields: dict[str, Any] | None = None,
        files: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """What a run would cost. Nothing is ordered. Arguments as for `run`."""
        return await tools.quote(kind, program, fields or {}, files or {})

    async def history(words: str = "", limit: int = 20) -> dict[str, Any]:
        """What was ordered on this machine, newest first, with costs."""
        return await tools.history(words, limit)

    async def balance() -> dict[str, Any]:
        """The account's balance, how many tasks may run at once, and how many run."""
        return await tools.account()

    return [search_models, show_form, quote, history, balance]


def _work(tools: AgentTools) -> list[Callable[..., Any]]:
    """The tools that order, cancel and download."""

    async def run(
        kind: Kind,
        program: str,
        ctx: Context,
        fields: dict[str, Any] | None = None,
        files: dict[str, str] | None = None,
        instance: str = "",
        timeout: int = 0,
        extra: str = "",
        send_anyway: bool = False,
    ) -> dict[str, Any]:
        """Order once, wait, and put the results into the folder. Costs money.

        fields: name to value, `<nodeId>.<field>` of a workflow or app, a parameter of a model; a
        list where the model takes one. Leave out what should stay as it is: null is refused. files:
        name to a file below the folder; several for a list, a line each. instance: default, plus or
        ultra. timeout: seconds of running, 0 for none. extra: JSON of keys that a model's schema
        does not know. send_anyway: also values that only the catalogue contradicts. An
        identical order returns its earlier results without paying.
        """
        chosen = {"--instance": instance, "--timeout": str(timeout or ""), "--extra": extra}
        options = [f"{name}={value}" for name, value in chosen.items() if value]
        options += ["--send-anyway"] if send_anyway else []
        return await _with_progress(
            ctx, lambda tell: tools.run(kind, program, fields or {}, files or {}, options, tell)
        )

    async def task_status(task_id: str) -> dict[str, Any]:
        """How a task is doing, what it cost, and what it made."""
        return await tools.task(task_id)

    async def fetch_results(task_id: str, ctx: Context) -> dict[str, Any]:
        """Put the results of a task that is over into the folder. Nothing is paid."""
        return await _with_progress(ctx, lambda tell: tools.task(task_id, "fetch", tell))

    async def cancel_task(task_id: str) -> dict[str, Any]:
        """Stop a task; the answer says whether the service confirmed it."""
        return await tools.task(task_id, "cancel")

    async def demo(ctx: Context) -> dict[str, Any]:
        """The demonstration on a built-in emulator: needs no key and costs nothing."""
        return await _with_progress(ctx, tools.demo)

    return [run, task_status, fetch_results, cancel_task, demo]


async def _with_progress(ctx: Context, work: Callable[[Tell], Awaitable[Document]]) -> Document:
    """Run `work` and report its progress; intermediate reports are dropped for a slow client."""
    news: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
    highest = 0.0

    def tell(share: float, sentence: str) -> None:
        nonlocal highest
        highest = max(highest, share)
        while not news.empty():
            news.get_nowait()
        news.put_nowait((highest, sentence))

    async def report() -> None:
        while True:
            share, sentence = await news.get()
            await ctx.report_progress(share, 1.0, sentence)

    reporting = asyncio.ensure_future(report())
    try:
        return await work(tell)
    finally:
        reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporting


def behind_token(app: Any, token: str) -> Any:
    """Wrap an ASGI app: 401 for requests without ``Authorization: Bearer TOKEN``."""
    expected = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            header = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(header, expected):
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await app(scope, receive, send)

    return guarded


async def serve_stdio(server: MCPServer[Any], ended: Callable[[], Awaitable[None]]) -> None:
    """Serve on stdin and stdout until the client disconnects. A cancel ends the process after
    `ended`, since a thread of the SDK blocks on stdin until that is closed."""
    serving = asyncio.ensure_future(server.run_stdio_async())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        serving.cancel()
        await ended()
        os._exit(Exit.STOPPED)


async def serve_http(server: MCPServer[Any], port: int, token: str, terminal: Terminal) -> None:
    """Serve on loopback for clients that have the token, which is printed only here."""
    try:
        listener = socket.create_server((_HOST, port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput("cli.port_taken", host=_HOST, port=port, reason=reason) from error
    with listener:
        address = f"http://{_HOST}:{listener.getsockname()[1]}/mcp"
        terminal.note(english("mcp.serving", {"address": address, "token": token}))
        app = behind_token(server.streamable_http_app(host=_HOST), token)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE)
        web = _Server(config)
        serving = asyncio.ensure_future(web.serve([listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:  # Ctrl-C, its regular end
            web.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Disabled: Ctrl-C is handled in `signals` for all commands."""
        yield
