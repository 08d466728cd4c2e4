"""What an agent may do: each tool is a command of ours,
and answers with the document of its `--json`.

So an agent gets what a script gets: the same checks, limits, journal and fates. It names files
below one folder alone, and orders nothing where no limit of cost holds.
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
from ..errors import BadInput, Fate, RunningHubError, Uncertain
from ..graph.check import JsonText
from ..money.amounts import read_sums
from ..settings import Settings
from ..texts import english
from .arguments import PROGRAM, parse
from .entry import command_of
from .exit_codes import Exit, document, exit_code
from .terminal import Terminal

Kind = Literal["workflow", "app", "model"]
Document = dict[str, object]
Tell = Callable[[float, str], None]
"""Takes the share that is done, 0 to 1, and a sentence."""

_RUNS = {"workflow": "run", "app": "app", "model": "model"}
_STATUSES = {
    Exit.FAILED: "failed",
    Exit.BAD_INPUT: "refused",
    Exit.UNCERTAIN: "unknown",
    Exit.UNREACHABLE: "unreachable",
    Exit.NOT_FETCHED: "not_fetched",
    Exit.STOPPED: "stopped",
}
"""What a tool answers instead of "done", by the exit code that the command would have had."""


class _Recorder(Terminal):
    """A terminal that nobody looks at: keeps the document and the notes."""

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
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class AgentTools:
    """The tools over one environment. `folder`: where results go, and where files may come from.
    `max_cost`: what all that the tools order may cost together, beside the limits of the
    environment and of the journal; "" for theirs alone."""

    environ: Mapping[str, str]
    folder: Path
    max_cost: str = ""
    _scope: str = field(default_factory=lambda: uuid4().hex, init=False)
    _under_way: set[asyncio.Task[Document]] = field(
        default_factory=set["asyncio.Task[Document]"], init=False
    )

    async def models(self, words: str = "", task: str = "") -> Document:
        """Standard models by words, best first."""
        return await self._do(lambda: ["models", *_words(words), *_option("--task", task)])

    async def form(self, kind: Kind, program: str) -> Document:
        """The settable fields of a program, and a model's price."""
        return await self._do(lambda: [kind, _plain(program)])

    async def quote(
        self, kind: Kind, program: str, fields: Mapping[str, object], files: Mapping[str, str]
    ) -> Document:
        """What a run would cost; nothing is ordered."""
        return await self._do(
            lambda: ["quote", _RUNS[kind], _plain(program), *self._sets(fields, files)]
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
        """One order, from its check to its results in the folder; refused where nothing limits its
        cost. Cancelling the caller stops the task in the cloud."""

        def arguments() -> list[str]:
            anyway = [] if kind == "workflow" else ["--run"]
            limit = _option("--max-cost", self.max_cost)
            sets = self._sets(fields, files)
            folder = ["--out", str(self.folder)]
            return [_RUNS[kind], _plain(program), *sets, *limit, *anyway, *options, *folder]

        return await self._do(arguments, tell, pays=True)

    async def task(
        self, task_id: str, action: Literal["", "fetch", "cancel"] = "", tell: Tell = silent
    ) -> Document:
        """How a task is doing, once it was cancelled, or with its results in the folder."""
        options = {"": [], "cancel": ["--cancel"], "fetch": ["--fetch", "--out", str(self.folder)]}
        return await self._do(lambda: ["task", _plain(task_id), *options[action]], tell)

    async def history(self, words: str = "", limit: int = 20) -> Document:
        """Orders of the journal, newest first."""
        return await self._do(lambda: ["history", *_words(words), f"--limit={limit}"])

    async def account(self) -> Document:
        """Balance, limit and load."""
        return await self._do(lambda: ["account"])

    async def demo(self, tell: Tell = silent) -> Document:
        """The demonstration on the built-in emulator, which costs nothing."""
        return await self._do(lambda: ["demo", "--out", str(self.folder)], tell)

    async def ended(self) -> None:
        """Wait for what was cancelled: a task in the cloud is stopped first."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _do(
        self, arguments: Callable[[], Sequence[str]], tell: Tell = silent, *, pays: bool = False
    ) -> Document:
        # The protocol's server cancels a call over and over, which would cut a stop short.
        work = asyncio.ensure_future(self._done(arguments, tell, pays))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            raise

    async def _done(
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
        """BadInput where neither the server, the environment nor the journal limits a cost."""
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
        """The options that set fields to values, and to files below the folder."""
        options: list[str] = []
        for name in (*fields, *files):
            if "=" in name:  # what follows it would be read as the value
                raise BadInput("cli.set_form", given=name)
        for name, value in fields.items():
            options += _set(name, value)
        for name, value in files.items():
            named = [file for file in value.split("\n") if file] or [""]  # which is no file
            options += [f"--set={name}=@{self._below(file)}" for file in named]
        return options

    def _below(self, name: str) -> Path:
        """A file below the folder. BadInput for any other: an agent uploads no stranger's files."""
        folder = self.folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise BadInput("mcp.outside", path=name, folder=str(folder))
        return path


def _failed(error: RunningHubError, notes: Sequence[str]) -> Document:
    """An error as an answer. An order whose fate is unknown is never called failed."""
    sentences = [*notes]
    if isinstance(error, Uncertain) and error.order is not None:
        command = f"{PROGRAM} task --order {error.order}"
        sentences.append(english("cli.order_asked", {"command": command}))
    status = "running" if error.fate is Fate.RUNNING else _STATUSES[exit_code(error)]
    return {"status": status, **document(error), "notes": sentences}


def _plain(text: str) -> str:
    """A text that no parser takes for an option."""
    if text.startswith("-") or not text.strip():
        raise BadInput("mcp.no_name", value=text[:100])
    return text


def _words(text: str) -> list[str]:
    return [word for word in text.split() if not word.startswith("-")]


def _option(name: str, value: str) -> list[str]:
    return [f"{name}={value}"] if value else []


def _set(name: str, value: object) -> list[str]:
    """The options that set a field to a JSON value. BadInput for null, NaN and Infinity."""
    if value is None:
        raise BadInput("node.null", name=name[:80])
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    try:
        # None at all would be left out, and what is stored be paid.
        if not items or any(item is None or isinstance(item, (list, dict)) for item in items):
            # A word of its own: as `--set=…` the parser would make a plain text of it.
            whole = items if isinstance(value, list) else items[0]
            return ["--set", JsonText(f"{name}={_json(whole)}")]
        return [f"--set={name}={_text(item)}" for item in items]
    except ValueError:
        raise BadInput("node.bad_type", name=name[:80], value=f"{value}"[:80]) from None


def _text(value: object) -> str:
    """A JSON value as `--set` takes it; a text that begins with an @ names no file."""
    if not isinstance(value, str):
        return _json(value)
    return f"@{value}" if value.startswith("@") else value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
