"""Agent tools: each runs one of our commands and returns its `--json` document.

So an agent gets what a script gets: the same checks, limits, journal and fates. It can read files
only below one folder, and can order only where a cost limit is in force.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Literal, cast
from uuid import uuid4

from ..client import Client, Progress
from ..errors import BadInput, Fate, RunningHubError
from ..graph.check import JsonText
from ..money.amounts import read_sums
from ..settings import Settings
from ..texts import english
from .arguments import PROGRAM, parse
from .entry import command_of
from .exit_codes import Exit, document, exit_code, order_to_settle
from .terminal import Terminal

Kind = Literal["workflow", "app", "model"]
Document = dict[str, object]
Tell = Callable[[float, str], None]
"""Called with the completed share, 0 to 1, and a sentence."""

_COMMANDS = {"workflow": "run", "app": "app", "model": "model"}
_STATUSES = {
    Exit.FAILED: "failed",
    Exit.BAD_INPUT: "refused",
    Exit.UNCERTAIN: "unknown",
    Exit.UNREACHABLE: "unreachable",
    Exit.NOT_FETCHED: "not_fetched",
    Exit.STOPPED: "stopped",
}
"""A tool's `status` other than "done", by the command's exit code."""


class _Recorder(Terminal):
    """A terminal that records the document and the notes."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(StringIO(), StringIO(), {}, as_json=True)
        self.answer: Document = {}
        self.notes: list[str] = []
        self._tell = tell

    def document(self, value: Mapping[str, object]) -> None:
        self.answer = dict(value)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show(self, news: Progress, share: float) -> None:
        self._tell(share, english(news.stage.value, news.params))


def silent(_share: float, _sentence: str) -> None:
    """Discard progress."""


@dataclass(frozen=True, slots=True)
class AgentTools:
    """The tools for one environment. `folder`: for results, and for the files that may be uploaded.
    `max_cost`: limit on the total of all orders of the tools, besides the limits of the environment
    and the journal; "" for only those."""

    environ: Mapping[str, str]
    folder: Path
    max_cost: str = ""
    _scope: str = field(default_factory=lambda: uuid4().hex, init=False)
    _calls: set[asyncio.Task[Document]] = field(
        default_factory=set["asyncio.Task[Document]"], init=False
    )

    async def models(self, words: str = "", task: str = "") -> Document:
        """Search standard models by words, best match first."""
        return await self._call(lambda: ["models", *_words(words), *_option("--task", task)])

    async def form(self, kind: Kind, program: str) -> Document:
        """Return a program's settable fields, and a model's price."""
        return await self._call(lambda: [kind, _plain(program)])

    async def quote(
        self, kind: Kind, program: str, fields: Mapping[str, object], files: Mapping[str, str]
    ) -> Document:
        """Estimate the cost of a run; nothing is ordered."""
        return await self._call(
            lambda: ["quote", _COMMANDS[kind], _plain(program), *self._sets(fields, files)]
        )

    async def run(
        self,
        kind: Kind,
        program: str,
        fields: Mapping[str, object],
        files: Mapping[str, str],
        options: Sequence[str] = (),
        tell: Tell = silent,
    ) -> Document:
        """Place one order and download its results into the folder; refused if no cost limit is in
        force. Cancelling the caller cancels the task in the cloud."""

        def arguments() -> list[str]:
            anyway = [] if kind == "workflow" else ["--run"]
            limit = _option("--max-cost", self.max_cost)
            sets = self._sets(fields, files)
            folder = ["--out", str(self.folder)]
            return [_COMMANDS[kind], _plain(program), *sets, *limit, *anyway, *options, *folder]

        return await self._call(arguments, tell, pays=True)

    async def task(
        self, task_id: str, action: Literal["", "fetch", "cancel"] = "", tell: Tell = silent
    ) -> Document:
        """Return a task's state, cancel it first, or download its results into the folder."""
        options = {"": [], "cancel": ["--cancel"], "fetch": ["--fetch", "--out", str(self.folder)]}
        return await self._call(lambda: ["task", _plain(task_id), *options[action]], tell)

    async def history(self, words: str = "", limit: int = 20) -> Document:
        """Search the journal's orders, newest first."""
        return await self._call(lambda: ["history", *_words(words), f"--limit={limit}"])

    async def account(self) -> Document:
        """Return balance, concurrency limit and load."""
        return await self._call(lambda: ["account"])

    async def demo(self, tell: Tell = silent) -> Document:
        """Run the demonstration on the built-in emulator; free."""
        return await self._call(lambda: ["demo", "--out", str(self.folder)], tell)

    async def ended(self) -> None:
        """Wait for cancelled calls, which first cancel their tasks in the cloud."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def _call(
        self, arguments: Callable[[], Sequence[str]], tell: Tell = silent, *, pays: bool = False
    ) -> Document:
        # The MCP server cancels a call repeatedly, which would cut the cancellation short.
        work = asyncio.ensure_future(self._execute(arguments, tell, pays))
        self._calls.add(work)
        work.add_done_callback(self._calls.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            raise

    async def _execute(
        self, arguments: Callable[[], Sequence[str]], tell: Tell, pays: bool
    ) -> Document:
        recorder = _Recorder(tell)
        try:
            parsed = parse([*arguments(), "--json"])
            if pays:
                await self._require_limit()
                parsed.scope = self._scope
            await command_of(parsed.command)(parsed, recorder, self.environ)
        except RunningHubError as error:
            return _failed(error, recorder.notes)
        return {"status": "done", **recorder.answer, "notes": recorder.notes}

    async def _require_limit(self) -> None:
        """Raise BadInput if neither server, environment nor journal has a cost limit."""
        settings = Settings.from_mapping(self.environ)
        settings.require_key()
        if self.max_cost:
            read_sums(self.max_cost)
            return
        if settings.limits:
            return
        async with Client(settings) as client:
            if not (await client.costs.rules()).limits:
                raise BadInput("mcp.no_limit")

    def _sets(self, fields: Mapping[str, object], files: Mapping[str, str]) -> list[str]:
        """Build `--set` options for values, and for files below the folder."""
        options: list[str] = []
        for name in (*fields, *files):
            if "=" in name:  # the rest would be parsed as the value
                raise BadInput("cli.set_form", given=name)
        for name, value in fields.items():
            options += _set(name, value)
        for name, value in files.items():
            named = [file for file in value.split("\n") if file] or [""]  # an empty name is no file
            options += [f"--set={name}=@{self._inside_folder(file)}" for file in named]
        return options

    def _inside_folder(self, name: str) -> Path:
        """Resolve a file below the folder. BadInput outside it: it must not be uploaded."""
        folder = self.folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise BadInput("mcp.outside", path=name, folder=str(folder))
        return path


def _failed(error: RunningHubError, notes: Sequence[str]) -> Document:
    """Convert an error to an answer. An order of unknown fate is never reported as failed."""
    sentences = [*notes]
    if (order := order_to_settle(error)) is not None:
        command = f"{PROGRAM} task --order {order}"
        sentences.append(english("cli.order_asked", {"command": command}))
    status = "running" if error.fate is Fate.RUNNING else _STATUSES[exit_code(error)]
    return {"status": status, **document(error), "notes": sentences}


def _plain(text: str) -> str:
    """Return `text` unless argparse would take it for an option, or it is blank: BadInput."""
    if text.startswith("-") or not text.strip():
        raise BadInput("mcp.no_name", value=text[:100])
    return text


def _words(text: str) -> list[str]:
    return [word for word in text.split() if not word.startswith("-")]


def _option(name: str, value: str) -> list[str]:
    return [f"{name}={value}"] if value else []


def _set(name: str, value: object) -> list[str]:
    """Build the options that set a field to a JSON value; BadInput for null, NaN, Infinity."""
    if value is None:
        raise BadInput("node.null", name=name[:80])
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    try:
        # An empty list would be omitted, and the stored value paid for.
        if not items or any(item is None or isinstance(item, (list, dict)) for item in items):
            # A separate word: the parser would turn `--set=…` into a plain string.
            whole = items if isinstance(value, list) else items[0]
            return ["--set", JsonText(f"{name}={_json(whole)}")]
        return [f"--set={name}={_text(item)}" for item in items]
    except ValueError:
        raise BadInput("node.bad_type", name=name[:80], value=f"{value}"[:80]) from None


def _text(value: object) -> str:
    """Encode a JSON value for `--set`; escapes a leading @, which would name a file."""
    if not isinstance(value, str):
        return _json(value)
    return f"@{value}" if value.startswith("@") else value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
