"""The Model Context Protocol server: tool declarations, and HTTP on loopback behind a token.

Needs the official SDK (the extra `mcp`). What the tools do and return is in `agent_tools`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import mcp_types as types
import uvicorn
from jsonschema import Draft202012Validator
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from ..errors import BadInput
from ..graph.node_options import BY_NAME
from ..texts import english
from ..wire.filetypes import by_suffix
from . import agent_schemas as schemas
from .agent_pictures import inline_pictures
from .agent_schemas import TEXT, TRUTH, closed, said
from .agent_tools import WAIT, AgentTools, Document, Tell
from .exit_codes import Exit, document
from .terminal import Terminal
from .version import own_version

_HOST = "127.0.0.1"
_GRACE = 1
"""Timeout in seconds for open requests after Ctrl-C."""
_LONGEST_WAIT = 3600
_INSTRUCTIONS = """\
Runs RunningHub workflows, AI apps and standard models. Runs cost money: ask for the form and the quote
first. `order` is an order's id in every tool. An answer's `status`: `done`; `uploading`, `queued`,
`running`: it goes on and costs money, use `wait_for`; `refused`, `failed`: the message says what to
change; `unknown`: it may have started, and NOTHING may be ordered again for it: tell the person, who looks
at the site's call records, and give the answer to `settle`; `not_fetched`: it is paid for, `wait_for` gets
its results; `not_started`: nothing was sent or paid; `unreachable`: try again later. `paid` false: the
result of an earlier identical order was returned, whose `cost` was paid then."""

Arguments = Mapping[str, Any]
_Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool: what it takes and gives, and how it is done."""

    name: str
    title: str
    description: str
    arguments: schemas.Schema
    answer: schemas.Schema
    act: Callable[[Arguments, Tell], Awaitable[Document]]
    reads: bool = False
    destroys: bool = False
    repeatable: bool = True
    open_world: bool = True

    @property
    def declared(self) -> types.Tool:
        hints = types.ToolAnnotations(
            title=self.title,
            read_only_hint=self.reads,
            destructive_hint=self.destroys,
            idempotent_hint=self.repeatable,
            open_world_hint=self.open_world,
        )
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.arguments,
            output_schema=self.answer,
            annotations=hints,
        )

    def refusal(self, arguments: Arguments) -> str:
        """Return what is wrong with the arguments, "" if nothing. Quotes no value: it may be a key.

        Unknown arguments are refused too: the run that lacks them would be paid.
        """
        checked: Any = Draft202012Validator(self.arguments)
        wrong = next(checked.iter_errors(arguments), None)
        if wrong is None:
            return ""
        taken = self.arguments["properties"]
        where = "/".join(map(str, wrong.absolute_path))
        unknown = ", ".join(name for name in arguments if name not in taken)
        missing = ", ".join(
            name for name in self.arguments.get("required", ()) if name not in arguments
        )
        if unknown or missing:
            return "; ".join(
                f"{word} {names}" for word, names in (("no", unknown), ("needs", missing)) if names
            )
        expected = {wrong.validator: wrong.validator_value}
        return f"{where}: {json.dumps(expected)}"


def _of_node(name: str) -> schemas.Schema:
    """Declare an option that a node has as an input; an empty choice is its default."""
    option = BY_NAME[name]
    kinds: dict[str, schemas.Schema] = {
        "BOOLEAN": TRUTH,
        "COMBO": {"type": "string", "enum": ["", *option.choices]},
        "INT": {"type": "integer", "minimum": option.low, "maximum": option.high},
        "STRING": TEXT,
    }
    return said(kinds[option.type], option.tooltip)


_KIND = said({"type": "string", "enum": ["workflow", "app", "model"]}, "What `program` names.")
_PROGRAM = said(TEXT, "A workflow's or app's id or link; a model's endpoint, name or link.")
_ORDER = said(
    {"type": "integer", "minimum": 1}, "The order's number, as `run` or `history` gives it."
)
_INPUTS = {
    "kind": _KIND,
    "program": _PROGRAM,
    "fields": said(
        {"type": "object"},
        "Name to value: `<nodeId>.<field>` of a workflow or app, a parameter of a model; a list where"
        " the model takes one. Leave out what should stay as it is: null is refused.",
    ),
    "files": said(
        {"type": "object", "additionalProperties": TEXT},
        "Name to a file below the folder, or to a result of an earlier order: `result:42/0` is the"
        " first of order 42. Several for a list: a line each.",
    ),
    **{name: _of_node(name) for name in ("instance", "timeout", "extra", "send_anyway")},
}


def _seconds(default: int, what: str) -> schemas.Schema:
    bounds = {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT, "default": default}
    return said(bounds, what)


def _tools(tools: AgentTools) -> list[_Tool]:
    """Declare all tools."""
    return [*_questions(tools), *_work(tools)]


def _questions(tools: AgentTools) -> list[_Tool]:
    """Declare the read-only tools."""
    return [
        _Tool(
            "search_models",
            "Search models",
            "Find standard models by words in English or Chinese.",
            closed(
                words=said(TEXT, "Words of name, endpoint or maker."),
                task=said(TEXT, "Only for this task, such as text-to-video."),
            ),
            schemas.MODELS,
            lambda given, _: tools.models(**given),
            reads=True,
            open_world=False,
        ),
        _Tool(
            "show_form",
            "Show a form",
            "The settable fields, with types and choices, of a workflow, app or model, and a model's"
            " price.",
            closed("kind program", kind=_KIND, program=_PROGRAM),
            schemas.FORM,
            lambda given, _: tools.form(**given),
            reads=True,
        ),
        _Tool(
            "quote",
            "Quote a run",
            "What a run would cost. Nothing is ordered.",
            closed(
                "kind program",
                **{name: _INPUTS[name] for name in ("kind", "program", "fields", "files")},
            ),
            schemas.QUOTE,
            lambda given, _: tools.quote(**given),
            reads=True,
        ),
        _Tool(
            "history",
            "Look back",
            "What was ordered on this machine, newest first, with costs. Asks nobody.",
            closed(
                words=said(
                    TEXT, "Words of inputs or names, a state, a day as 2026-11-25, #12, >5."
                ),
                limit=said(
                    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20},
                    "At most so many.",
                ),
            ),
            schemas.PAST,
            lambda given, _: tools.history(**given),
            reads=True,
            open_world=False,
        ),
        _Tool(
            "balance",
            "Show the balance",
            "The account's balance, how many tasks may run at once, and how many run.",
            closed(),
            schemas.BALANCE,
            lambda given, _: tools.account(**given),
            reads=True,
        ),
        _Tool(
            "view",
            "View a file",
            "Look at a picture, a video's first frame or a text of the folder.",
            closed("path", path=said(TEXT, "A file below the folder; links must lead there too.")),
            schemas.VIEW,
            lambda given, _: tools.view(given["path"]),
            reads=True,
            open_world=False,
        ),
        _Tool(
            "look",
            "Look at an unknown order",
            "What can be observed of an order whose status is `unknown`: the account's tasks then and"
            " now. It proves nothing: only a person can know, from the site's call records.",
            closed("order", order=_ORDER),
            schemas.LOOK,
            lambda given, _: tools.look(**given),
            reads=True,
        ),
    ]


def _work(tools: AgentTools) -> list[_Tool]:
    """Declare the tools that order, cancel, settle and download."""
    return [
        _Tool(
            "run",
            "Order a run (costs money)",
            "Order once, and put the results into the folder. COSTS MONEY. What is not over after"
            " `wait` seconds is returned with its state and goes on: follow it by `wait_for`. A request"
            " that is cancelled while it waits cancels the task; later only `cancel` does. An identical"
            " order returns its earlier results without paying.",
            closed(
                "kind program",
                **_INPUTS,
                wait=_seconds(WAIT, "Return after so many seconds at the latest; 0: at once."),
            ),
            schemas.ORDER,
            lambda given, tell: tools.run(**given, tell=tell),
            destroys=True,  # of what it spends
        ),
        _Tool(
            "run_many",
            "Order several runs (costs money)",
            "Order several runs at once, each with the arguments of `run`; the cost limit holds for all"
            " together. COSTS MONEY. Nothing is ordered if one of them is not understood. Each run of"
            " the answer has its own status and order; `status` is what most needs attention.",
            closed(
                "runs",
                runs=said(
                    {
                        "type": "array",
                        "items": closed("kind program", **_INPUTS),
                        "minItems": 1,
                    },
                    "The runs.",
                ),
                wait=_seconds(WAIT, "Return after so many seconds at the latest; 0: at once."),
            ),
            schemas.RUNS,
            lambda given, tell: tools.run_many(**given, tell=tell),
            destroys=True,  # of what they spend
        ),
        _Tool(
            "wait_for",
            "Wait for an order",
            "An order's state, and its results once it is over. Nothing is ordered or paid. A request"
            " that is cancelled stops only the waiting.",
            closed(
                "order",
                order=_ORDER,
                seconds=_seconds(WAIT, "Return after so many seconds at the latest; 0: at once."),
            ),
            schemas.ORDER,
            lambda given, tell: tools.wait_for(**given, tell=tell),
        ),
        _Tool(
            "cancel",
            "Cancel an order",
            "Stop an order's task. The answer is its state after that: `stopped`, `not_started`, `done`"
            " where it came too late, or `running` where the service did not confirm it.",
            closed("order", order=_ORDER),
            schemas.ORDER,
            lambda given, _: tools.cancel(**given),
            destroys=True,
        ),
        _Tool(
            "settle",
            "Settle an unknown order",
            "Record what became of an order whose status is `unknown`. ONLY A PERSON CAN KNOW: use it"
            " for what the person has told you from the site's call records, never for a guess. A wrong"
            " answer can pay twice.",
            closed(
                "order",
                order=_ORDER,
                is_task=said(TEXT, "The id of the task that it became."),
                not_started=said(
                    TRUTH, "It never started. Final: the same inputs are ordered anew."
                ),
            ),
            schemas.ORDER,
            lambda given, _: tools.settle(**given),
            destroys=True,
        ),
        _Tool(
            "demo",
            "Run the demonstration",
            "The demonstration on a built-in emulator: needs no key and costs nothing.",
            closed(),
            schemas.ORDER,
            lambda _, tell: tools.demo(tell),
            repeatable=False,
            open_world=False,
        ),
    ]


def server_of(tools: AgentTools) -> Server[Any]:
    """Build the server with all tools."""
    declared = {tool.name: tool for tool in _tools(tools)}

    async def list_tools(_: _Context, __: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.declared for tool in declared.values()])

    async def call_tool(
        context: _Context, request: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = declared.get(request.name)
        if tool is None:
            return _result(_refused(BadInput("mcp.no_tool", name=request.name[:80])))
        arguments = _objects(request.arguments or {}, tool.arguments)
        if reason := tool.refusal(arguments):
            return _result(_refused(BadInput("mcp.arguments", name=tool.name, reason=reason)))
        answer = await _with_progress(context, lambda tell: tool.act(arguments, tell))
        return await asyncio.to_thread(_result, answer)

    async def read(
        _: _Context, request: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Read a file that an answer links to."""
        path = tools.linked(request.uri)
        data = await asyncio.to_thread(path.read_bytes)
        blob = base64.b64encode(data).decode()
        content = types.BlobResourceContents(uri=request.uri, mime_type=_mime(path), blob=blob)
        return types.ReadResourceResult(contents=[content])

    return Server(
        "runninghub",
        version=own_version(),
        title="RunningHub",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_read_resource=read,
    )


def _objects(arguments: Arguments, schema: schemas.Schema) -> Arguments:
    """Read objects and lists that some clients send as JSON text."""
    read = dict(arguments)
    for name, value in arguments.items():
        kind = schema["properties"].get(name, {}).get("type")
        if isinstance(value, str) and kind in ("object", "array"):
            with contextlib.suppress(ValueError):
                read[name] = json.loads(value)
    return read


def _refused(error: BadInput) -> Document:
    return {"status": "refused", **document(error)}


def _result(answer: Document) -> types.CallToolResult:
    """Return an answer as text and structured content, with links to its files and pictures."""
    content: list[types.ContentBlock] = [
        types.TextContent(text=json.dumps(answer, ensure_ascii=False))
    ]
    files = list(_files(answer))
    for path, _ in files:
        content.append(
            types.ResourceLink(
                uri=path.as_uri(), name=path.name, mime_type=_mime(path), size=path.stat().st_size
            )
        )
    for data, mime in inline_pictures(files):
        content.append(types.ImageContent(data=base64.b64encode(data).decode(), mime_type=mime))
    return types.CallToolResult(
        content=content, structured_content=answer, is_error="error" in answer
    )


def _files(answer: Document) -> Iterable[tuple[Path, str]]:
    """Yield path and kind of an answer's files."""
    runs = cast("list[Document]", answer.get("runs", [answer]))
    results = [result for run in runs for result in cast("list[Document]", run.get("results", []))]
    for result in [*results, *([answer] if "path" in answer else [])]:
        path = Path(str(result["path"]))
        if path.is_file():
            yield path, str(result["kind"])


def _mime(path: Path) -> str | None:
    claimed = by_suffix(path.suffix)
    return claimed.mime if claimed else None


async def _with_progress(
    context: _Context, work: Callable[[Tell], Awaitable[Document]]
) -> Document:
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
            await context.session.report_progress(share, 1.0, sentence)

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


async def serve_stdio(server: Server[Any], ended: Callable[[], Awaitable[None]]) -> None:
    """Serve on stdin and stdout until the client disconnects. A cancel ends the process after
    `ended`, since a thread of the SDK blocks on stdin until that is closed."""

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    serving = asyncio.ensure_future(serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        serving.cancel()
        await ended()
        os._exit(Exit.STOPPED)


async def serve_http(server: Server[Any], port: int, token: str, terminal: Terminal) -> None:
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
