"""Agent tools: orders by their numbers in the journal, over one client that lives as long as the
server.

An agent can read files only below one folder, and can order only where a cost limit is in force.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

from ..client import Client, Job, Outcome, PastOrder, Progress, Result, Source, Stage, State
from ..client import open_history as opened_history
from ..errors import BadInput, Fate, RunningHubError
from ..graph.check import JsonText
from ..graph.outputs import group, select
from ..groups.history import failure_text
from ..models.live_catalogue import ModelCatalogue
from ..money.amounts import read_sums
from ..money.limits import Limits
from ..settings import Settings
from ..texts import english
from ..wire.filetypes import sniff
from ..wire.orders import TaskOptions
from .account import load_document
from .app import form_document as app_document
from .exit_codes import Exit, document, exit_code, order_to_settle
from .files import TEXT_SHOWN, existing, read_source
from .history import order_document as past_document
from .models import form_document as model_document
from .models import matches_document, offered_model
from .order_output import order_document, saved_results
from .quote import quotes_document
from .workflow import form_document as workflow_document

Kind = Literal["workflow", "app", "model"]
Document = dict[str, object]
Given = Mapping[str, object]
Names = Mapping[str, str]
NOTHING: Mapping[str, Any] = {}
Tell = Callable[[float, str], None]
"""Called with the completed share, 0 to 1, and a sentence."""

WAIT = 20
"""Seconds that `run` waits unless told otherwise."""
_STATUSES = {
    Exit.FAILED: "failed",
    Exit.BAD_INPUT: "refused",
    Exit.UNCERTAIN: "unknown",
    Exit.UNREACHABLE: "unreachable",
    Exit.NOT_FETCHED: "not_fetched",
    Exit.STOPPED: "stopped",
}
"""A tool's `status` after an error, by the exit code that a command would have."""
_OF_STAGE = {
    Stage.PREPARING: "uploading",
    Stage.UPLOADING: "uploading",
    Stage.WAITING_COSTS: "queued",
    Stage.WAITING_SLOT: "queued",
    Stage.WAITING_OWN: "queued",
    Stage.WAITING_FOREIGN: "queued",
    Stage.ORDERING: "queued",
    Stage.QUEUED: "queued",
    Stage.RUNNING: "running",
    Stage.DOWNLOADING: "running",
}
_OF_STATE = {
    State.INTENDED: "unknown",
    State.PLACED: "queued",
    State.RUNNING: "running",
    State.UNCERTAIN: "unknown",
    State.DONE: "done",
    State.FAILED: "failed",
    State.CANCELLED: "stopped",
}
_UNDER_WAY = ("uploading", "queued", "running")
_FINAL = ("done", "refused", "failed", "unreachable")
"""Answers that stay true; all others are read from the journal again."""
_RESULT = "result:"


def silent(_share: float, _sentence: str) -> None:
    """Discard progress."""


@dataclass(eq=False, slots=True)
class _Run:
    """An order that is placed or followed in this process, whether a call waits for it or not."""

    order: int
    status: str = "uploading"
    task_id: str = ""
    share: float = 0.0
    sentence: str = ""
    tells: list[Tell] = field(default_factory=list[Tell])
    work: asyncio.Future[Document] = field(init=False)

    def watch(self, news: Progress) -> None:
        self.order = cast(int, news.params.get("order") or self.order)
        self.task_id = str(news.params.get("task_id") or self.task_id)
        self.status = _OF_STAGE.get(news.stage, self.status)
        self.share = max(self.share, news.overall)
        self.sentence = english(news.stage.value, news.params)
        for tell in self.tells:
            tell(self.share, self.sentence)

    @property
    def document(self) -> Document:
        """How it is doing, while it is not over."""
        shown: Document = {"status": self.status, "order": self.order, "share": self.share}
        named = {"task_id": self.task_id, "message": self.sentence}
        return shown | {name: text for name, text in named.items() if text}


@dataclass(frozen=True, slots=True)
class _PastResult:
    """A result of an earlier order, named as an input."""

    order: int
    index: int


class AgentTools:
    """The tools for one environment.

    `folder`: for results, and for the files that may be uploaded. `max_cost`: limit on the total of
    all orders of the tools, besides the limits of the environment and the journal; "" for none.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path, max_cost: str = "") -> None:
        self._environ, self.folder, self._max_cost = environ, folder, max_cost
        self._scope = uuid4().hex
        self._client: Client | None = None
        self._runs: dict[int, _Run] = {}
        self._calls: set[asyncio.Task[Document]] = set()

    # Questions

    async def models(self, words: str = "", task: str = "") -> Document:
        """Search standard models by words, best match first."""

        async def answer() -> Document:
            catalogue = ModelCatalogue(self._settings())
            return _done(matches_document(catalogue, catalogue.search(words, task)))

        return await self._call(answer())

    async def form(self, kind: Kind, program: str) -> Document:
        """Return a program's settable fields, and a model's price."""

        async def answer() -> Document:
            name = _named(program)
            if kind == "model":
                catalogue = ModelCatalogue(self._settings())
                return _done(model_document(catalogue, offered_model(catalogue, name)))
            programs = self._service().programs
            if kind == "app":
                return _done(app_document(await programs.app(name)))
            return _done(workflow_document(await programs.workflow(name)))

        return await self._call(answer())

    async def quote(
        self, kind: Kind, program: str, fields: Given = NOTHING, files: Names = NOTHING
    ) -> Document:
        """Estimate the cost of a run; nothing is ordered."""

        async def answer() -> Document:
            client, name = self._service(), _named(program)
            job = await self._with_results(client, self._job(kind, name, fields, files))
            return _done(quotes_document([(name, await client.costs.quote(job))]))

        return await self._call(answer())

    async def history(self, words: str = "", limit: int = 20) -> Document:
        """Search the journal's orders, newest first."""

        async def answer() -> Document:
            async with opened_history(self._settings()) as past:
                page = await past.history(words, limit=limit)
            return _done({"orders": [*map(past_document, page.orders)], "before": page.before})

        return await self._call(answer())

    async def account(self) -> Document:
        """Return balance, concurrency limit and load."""

        async def answer() -> Document:
            loaded, failures = await load_document(self._service())
            return _done(loaded, [str(failure) for failure in failures])

        return await self._call(answer())

    async def view(self, name: str) -> Document:
        """Describe a file of the folder, with its text if it is one."""

        async def answer() -> Document:
            path = existing(str(self._inside_folder(name)))
            head = await asyncio.to_thread(_head, path)
            proven = sniff(head)
            kind = proven.kind.value if proven else "text" if _is_text(head) else "file"
            text = head.decode("utf-8", "replace") if kind == "text" else None
            size = path.stat().st_size
            return _done({"path": str(path), "kind": kind, "size": size, "text": text})

        return await self._call(answer())

    # Orders

    async def run(
        self,
        kind: Kind,
        program: str,
        fields: Given = NOTHING,
        files: Names = NOTHING,
        tell: Tell = silent,
        *,
        wait: float = WAIT,
        **options: Any,
    ) -> Document:
        """Place one order and save its results into the folder; refused if no cost limit is in
        force. `options`: as of the tool. Returns after `wait` seconds at the latest: the order then
        goes on. Cancelling the caller before that cancels the task in the cloud."""

        async def answer() -> Document:
            client = self._service()
            await self._require_limit(client)
            job = self._job_of(kind, program, fields, files, **options)
            number = await client.order_number()
            run = self._begin(number, lambda run: self._ordered(client, job, run))
            return await self._waited(run, wait, tell, stops=True)

        return await self._call(answer())

    async def run_many(
        self, runs: Sequence[Mapping[str, Any]], tell: Tell = silent, *, wait: float = WAIT
    ) -> Document:
        """Place several orders at once, each with the arguments of `run`; nothing is ordered if one
        of them is not understood. The limits in force hold for all together."""

        async def answer() -> Document:
            client = self._service()
            await self._require_limit(client)
            jobs = [self._job_of(**given) for given in runs]
            begun: list[_Run] = []
            for job in jobs:
                number = await client.order_number()
                begun.append(
                    self._begin(number, lambda run, job=job: self._ordered(client, job, run))
                )
            shares = [0.0] * len(begun)

            def telling(place: int) -> Tell:
                def told(share: float, sentence: str) -> None:
                    shares[place] = share
                    tell(sum(shares) / len(shares), f"{place + 1}/{len(shares)}: {sentence}")

                return told

            waiting = [
                self._waited(run, wait, telling(place), stops=True)
                for place, run in enumerate(begun)
            ]
            return _together(await asyncio.gather(*waiting))

        return await self._call(answer())

    async def wait_for(self, order: int, seconds: float = WAIT, tell: Tell = silent) -> Document:
        """Return an order's state and results, after `seconds` at the latest. Cancelling the caller
        stops only the waiting."""

        async def answer() -> Document:
            run = self._run_of(order) or await self._resumed(order)
            return run if isinstance(run, dict) else await self._waited(run, seconds, tell)

        return await self._call(answer())

    async def cancel(self, order: int) -> Document:
        """Cancel an order's task, or what was not sent yet; the answer is its state after that."""

        async def answer() -> Document:
            client, run = self._service(), self._run_of(order)
            if run is not None and not run.work.done():
                await self._stop(run)
                return await self._recorded(run.order)
            row = await client.past_order(order)
            is_open = row is not None and row.task_id and not row.state.is_over
            if row is not None and is_open and not await client.task(row.task_id).cancel():
                raise RunningHubError(
                    "cli.cancel_unsure", fate=Fate.RUNNING, task_id=row.task_id, order=order
                )
            return await self._recorded(order)

        return await self._call(answer())

    async def look(self, order: int) -> Document:
        """Return what can be observed of an order of unknown fate; changes nothing."""

        async def answer() -> Document:
            seen = await self._service().inspect_uncertain(order)
            counts = {"before": seen.before, "now": seen.now, "ours": seen.ours}
            note = english("mcp.ask_person", {"order": order})
            return {"status": "unknown", "order": order, **counts, "notes": [note]}

        return await self._call(answer())

    async def settle(self, order: int, is_task: str = "", *, not_started: bool = False) -> Document:
        """Record a person's answer about an order of unknown fate."""

        async def answer() -> Document:
            if not_started == bool(is_task.strip()):
                raise BadInput("mcp.one_answer")
            settle = self._service().settle_uncertain
            is_cancelled = await settle(order, task_id=is_task.strip(), not_started=not_started)
            key = "cli.order_is_cancelled" if is_cancelled else "cli.order_is"
            key = "cli.order_not_started" if not_started else key
            told = english(key, {"order": order, "task_id": is_task.strip()})
            return {**await self._recorded(order), "notes": [told]}

        return await self._call(answer())

    async def demo(self, tell: Tell = silent) -> Document:
        """Run the demonstration on the built-in emulator; free."""

        async def answer() -> Document:
            from .demo import PREFIX, draw_picture, emulated, need_pillow  # the emulator is slow

            need_pillow()
            async with emulated(draw_picture()) as (settings, job), Client(settings) as client:
                run = _Run(0)
                run.tells.append(tell)
                outcome = await client.run(job, run.watch)
                return await self._delivered(settings, outcome, PREFIX)

        return await self._call(answer())

    async def ended(self) -> None:
        """Wait for cancelled calls, which first cancel their tasks in the cloud; leave all others
        to go on there: the next start finds them in the journal."""
        while self._calls:
            await asyncio.wait(self._calls)
        client, self._client = self._client, None
        if client is not None:
            await client.leave()
        for run in self._runs.values():
            run.work.cancel()
            await asyncio.wait((run.work,))
        self._runs.clear()

    # A call

    async def _call(self, answer: Coroutine[None, None, Document]) -> Document:
        # The MCP server cancels a call repeatedly, which would cut the cancellation short.
        work = asyncio.ensure_future(_or_its_error(answer))
        self._calls.add(work)
        work.add_done_callback(self._calls.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            raise

    def _settings(self) -> Settings:
        settings = Settings.from_mapping(self._environ)
        if not self._max_cost:
            return settings
        return replace(settings, command=Limits(prompt=read_sums(self._max_cost)))

    def _service(self) -> Client:
        """Return the client, which is opened by the first call that needs a key."""
        if self._client is None:
            self._client = Client(self._settings())
        return self._client

    async def _require_limit(self, client: Client) -> None:
        """Raise BadInput if neither server, environment nor journal has a cost limit."""
        if self._max_cost or client.settings.limits:
            return
        if not (await client.costs.rules()).limits:
            raise BadInput("mcp.no_limit")

    # A run

    def _begin(self, order: int, work: Callable[[_Run], Coroutine[None, None, Document]]) -> _Run:
        run = self._runs[order] = _Run(order)
        run.work = asyncio.ensure_future(_or_its_error(work(run)))
        return run

    def _run_of(self, order: int) -> _Run | None:
        """Return the run with that number, or whose equal order has it."""
        of_equal = (run for run in self._runs.values() if run.order == order)
        return self._runs.get(order) or next(of_equal, None)

    async def _waited(
        self, run: _Run, seconds: float, tell: Tell, *, stops: bool = False
    ) -> Document:
        """Wait for a run, and return its state or its end. `stops`: a cancel stops it too."""
        run.tells.append(tell)
        try:
            await asyncio.wait((run.work,), timeout=seconds)
        except asyncio.CancelledError:
            if stops and not run.work.done():
                await self._stop(run)
            raise
        finally:
            run.tells.remove(tell)
        if not run.work.done():
            return run.document
        if run.work.cancelled():
            return await self._recorded(run.order)
        shown = run.work.result()
        if shown["status"] not in _FINAL:
            self._forget(run)
        return {"order": run.order, **shown}

    async def _stop(self, run: _Run) -> None:
        run.work.cancel()
        await asyncio.wait((run.work,))
        self._forget(run)
        await self._service().wait_for_cancels(run.order)

    def _forget(self, run: _Run) -> None:
        for number in [number for number, other in self._runs.items() if other is run]:
            del self._runs[number]

    async def _ordered(self, client: Client, job: Job, run: _Run) -> Document:
        job = replace(await self._with_results(client, job), number=run.order, scope=self._scope)
        program = await client.program(job)
        outcome = await client.run(job, run.watch)
        order = await client.order_of(outcome.task_id) or run.order
        prefix = program.id.replace("/", "-" if job.model else "_")
        return await self._delivered(client.settings, outcome, prefix, order)

    async def _resumed(self, order: int) -> _Run | Document:
        """Follow an order that the journal knows, or describe one that has nothing to follow."""
        client = self._service()
        row = await client.past_order(order)
        if row is None or not row.task_id or row.state in (State.FAILED, State.CANCELLED):
            return await self._recorded(order)
        task_id = row.task_id

        async def follow(run: _Run) -> Document:
            run.task_id, run.status = task_id, _OF_STATE[row.state]
            if row.state is State.DONE:
                run.status = "running"  # until its results are here
            outcome = await client.task(task_id).wait(run.watch)
            return await self._delivered(client.settings, outcome, task_id, order)

        return self._begin(order, follow)

    async def _recorded(self, order: int) -> Document:
        """Describe an order by its row alone."""
        row = await self._service().past_order(order)
        if row is None:
            return {
                "status": "not_started",
                "order": order,
                "notes": [english("mcp.not_started", {"order": order})],
            }
        status = _OF_STATE[row.state]
        shown: Document = {"status": status, "order": order}
        if row.task_id:
            shown["task_id"] = row.task_id
        if status in ("unknown", "failed"):
            shown |= {"error": _error_of(row, status)}
        notes = {"unknown": "mcp.ask_person", "done": "mcp.is_done"}
        if row.cancelling and row.task_id:
            notes[status] = "mcp.cancelling"
        if status in notes:
            shown["notes"] = [english(notes[status], {"order": order})]
        return shown

    async def _delivered(
        self, settings: Settings, outcome: Outcome, prefix: str, order: int = 0
    ) -> Document:
        """Save an order's results, and describe them."""
        selected = select((), outcome.tips.outputs, None, outcome.results)
        saved = await saved_results(outcome, selected, self.folder, prefix, settings=settings)
        shown = order_document(outcome, saved)
        results = cast("list[Document]", shown["results"])
        for index, result in enumerate(results if order else ()):
            result["input"] = f"{_RESULT}{order}/{index}"
        notes = cast("list[str]", shown.pop("notices"))
        about: Document = {"task_id": outcome.task_id}
        if order:
            about["order"] = order
        return _done(about | shown, notes)

    # What a run is given

    def _job_of(
        self, kind: Kind, program: str, fields: Given = NOTHING, files: Names = NOTHING, **more: Any
    ) -> Job:
        return self._job(kind, _named(program), fields, files, **more)

    def _job(
        self,
        kind: Kind,
        program: str,
        fields: Given,
        files: Names,
        *,
        instance: str = "",
        timeout: int = 0,
        extra: str = "",
        send_anyway: bool = False,
    ) -> Job:
        is_model = kind == "model"
        foreign = (
            {"instance": instance} if is_model else {"extra": extra, "send_anyway": send_anyway}
        )
        for name, value in foreign.items():
            if value:
                raise BadInput("mcp.no_option", name=name, kind=kind)
        values = {name: _value(name, value, is_model) for name, value in fields.items()}
        for name, text in files.items():
            named = [file for file in text.split("\n") if file] or [""]  # an empty name is no file
            sources = [self._file(file) for file in named]
            if not is_model and (len(sources) > 1 or name in values):
                raise BadInput("cli.set_twice", field=name)
            before = values.get(name, [])
            items = cast("list[object]", before) if isinstance(before, list) else [before]
            together = [*items, *sources]
            values[name] = together if len(together) > 1 else together[0]
        return Job(
            program if kind == "workflow" else "",
            values,
            TaskOptions(instance=instance or "default"),
            app=program if kind == "app" else "",
            model=program if is_model else "",
            time_limit=timeout,
            extra=extra or None,
            send_anyway=send_anyway,
        )

    def _file(self, name: str) -> Source | _PastResult:
        if name.startswith(_RESULT):
            order, _, index = name.removeprefix(_RESULT).partition("/")
            if not all(part.isascii() and part.isdecimal() for part in (order, index)):
                raise BadInput("mcp.no_result", name=name[:80])
            return _PastResult(int(order[:12]), int(index[:6]))
        return read_source(str(self._inside_folder(name)))

    async def _with_results(self, client: Client, job: Job) -> Job:
        """Return the job with its results of earlier orders as files."""

        async def resolved(value: object) -> object:
            if isinstance(value, _PastResult):
                return await self._past_result(client, value)
            if isinstance(value, list):
                return [await resolved(item) for item in cast("list[object]", value)]
            return value

        return replace(
            job, fields={name: await resolved(value) for name, value in job.fields.items()}
        )

    async def _past_result(self, client: Client, wanted: _PastResult) -> Source:
        order, run = wanted.order, self._run_of(wanted.order)
        if run is not None and run.work.done() and not run.work.cancelled():
            order = cast(int, run.work.result().get("order", order))  # of an equal earlier order
        row = await client.past_order(order)
        results: list[Result] = []
        if row is not None and row.state is State.DONE:
            outcome = await client.task(row.task_id).fetch()
            selected = select((), outcome.tips.outputs, None, outcome.results)
            grouped = group(outcome.results, selected, lambda result: result.name)
            results = [result for of_node in grouped.values() for result in of_node]
        path = results[wanted.index].path if wanted.index < len(results) else None
        if path is None:
            raise BadInput("mcp.no_result", name=f"{_RESULT}{wanted.order}/{wanted.index}")
        return Source.of_file(path)

    def linked(self, uri: str) -> Path:
        """Return the file of the folder that a link of an answer names; BadInput for another."""
        return self._inside_folder(url2pathname(urlsplit(uri).path))

    def _inside_folder(self, name: str) -> Path:
        """Resolve a file below the folder, links too. BadInput outside it: nobody may see it."""
        folder = self.folder.resolve()
        try:
            path = (folder / name).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise BadInput("mcp.outside", path=name[:200], folder=str(folder)) from error
        if not path.is_relative_to(folder):
            raise BadInput("mcp.outside", path=name, folder=str(folder))
        return path


async def _or_its_error(answer: Awaitable[Document]) -> Document:
    """Return the answer, or the error as one. An order of unknown fate is never called failed."""
    try:
        return await answer
    except RunningHubError as error:
        status = "running" if error.fate is Fate.RUNNING else _STATUSES[exit_code(error)]
        shown: Document = {"status": status, **document(error)}
        if error.task_id:
            shown["task_id"] = error.task_id
        if (order := order_to_settle(error)) is not None:
            shown |= {"order": order, "notes": [english("mcp.ask_person", {"order": order})]}
        return shown


def _done(shown: Document, notes: list[str] | None = None) -> Document:
    return {"status": "done", **shown} | ({"notes": notes} if notes else {})


def _together(runs: Sequence[Document]) -> Document:
    """Describe several runs: by what needs a person first, then by what still goes on."""
    order = ("unknown", *_UNDER_WAY, "not_fetched", "failed", "refused", "unreachable")
    worst = min(
        runs, key=lambda run: order.index(s) if (s := run["status"]) in order else len(order)
    )
    shown: Document = {"status": worst["status"], "runs": [*runs]}
    return shown | ({"error": worst["error"]} if "error" in worst else {})


def _error_of(row: PastOrder, status: str) -> Document:
    """Describe the failure of an order that the journal knows."""
    key = row.error_key or ("error.order_unknown" if status == "unknown" else "error.order_failed")
    message = failure_text(row, english) or english(key, {"remote": ""})
    return {
        "key": key,
        "message": message,
        "code": row.code,
        "task_id": row.task_id or None,
        "fate": (Fate.UNKNOWN if status == "unknown" else Fate.OVER).name.lower(),
        "order": row.order if status == "unknown" else None,
    }


def _named(text: str) -> str:
    """Return a program's name; BadInput for one that is blank or looks like an option."""
    if text.startswith("-") or not text.strip():
        raise BadInput("mcp.no_name", value=text[:100])
    return text


def _value(name: str, value: object, is_model: bool) -> object:
    """Return a field's value as a command gives it; BadInput for null, NaN, Infinity.

    What is neither text nor a list of texts goes as JSON, which only what takes JSON accepts.
    """
    if value is None:
        raise BadInput("node.null", name=name[:80])
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    try:
        # An empty list would be omitted, and the stored value paid for.
        if not items or any(item is None or isinstance(item, (list, dict)) for item in items):
            return JsonText(_json(cast(object, value)))
        texts = [item if isinstance(item, str) else _json(item) for item in items]
    except ValueError:
        raise BadInput("node.bad_type", name=name[:80], value=f"{value}"[:80]) from None
    if len(texts) > 1 and not is_model:
        raise BadInput("cli.set_twice", field=name)
    return texts if len(texts) > 1 else texts[0]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(TEXT_SHOWN)


def _is_text(head: bytes) -> bool:
    try:
        head[:-3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
