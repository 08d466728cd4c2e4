"""A world of virtual time for the engine: a loop that jumps,
and a service that follows a script."""

from __future__ import annotations

import asyncio
import itertools
import json
import selectors
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rh_api.errors import Fate, RunningHubError
from rh_api.journal import SqliteJournal, Store
from rh_api.journal.database import JournalFile
from rh_api.journal.store import BUSY_SECONDS
from rh_api.run.ports import Fetched, Meter
from rh_api.run.progress import Progress
from rh_api.wire.call import Call, Response
from rh_api.wire.filetypes import PNG
from rh_api.wire.tasks import Phase, Report

T = TypeVar("T")

TASK = "1900000000000000001"
SOCKET = "wss://service.example/ws?auth=credential"
END_OF_TIME = 20_000.0  # a test that is still waiting then waits forever


class _Jumping(selectors.DefaultSelector):
    """Where a loop would sleep, its time jumps to the next timer; threads take no time at all."""

    now = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self.threads:
            return super().select(10.0)  # a thread is at work, and will wake the loop
        self.now += timeout
        if self.now > END_OF_TIME:
            raise TimeoutError("still waiting at the end of time")
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, *work: Any) -> asyncio.Future[Any]:
        self._jumping.threads += 1
        future = super().run_in_executor(*work)
        future.add_done_callback(self._landed)
        return future

    def _landed(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in no time; fails when anything was left running or went unheard."""
    loop = _Loop()
    unheard: list[Mapping[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unheard.append(context))
    try:
        result = loop.run_until_complete(main)
        for _ in range(5):  # whatever was cancelled without being awaited may end
            loop.run_until_complete(asyncio.sleep(0))
        running = asyncio.all_tasks(loop)
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert not running
    assert not unheard
    return result


@dataclass(frozen=True)
class Sent:
    """One request: when it came, what it asked, and whether on a fresh connection."""

    at: float
    path: str
    body: Mapping[str, Any]
    fresh: bool


Answer = object  # a JSON object, a Response, an error to raise, or a function of the request
PATHS = {
    "create": "/task/openapi/create",
    "cancel": "/task/openapi/cancel",
    "outputs": "/task/openapi/outputs",
    "query": "/openapi/v2/query",
    "queue": "/openapi/v2/queue/status",
    "account": "/uc/openapi/accountStatus",
}
NAMES = {path: name for name, path in PATHS.items()}


@dataclass
class Service:
    """A transport whose answers are written down; the last of each list is repeated."""

    create: list[Answer] = field(default_factory=list)
    cancel: list[Answer] = field(default_factory=lambda: [{"code": 0, "data": None}])
    query: list[Answer] = field(default_factory=list)
    outputs: list[Answer] = field(default_factory=list)
    """Empty: as `query` answered of the task: away, 805 for a failure or a cancel, else 804."""
    queue: list[Answer] = field(default_factory=lambda: [load(3)])
    account: list[Answer] = field(default_factory=list)
    sockets: list[Answer] = field(default_factory=list)
    """Each a list of (seconds to wait, frame or error), or an error on connecting."""
    latency: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)

    away: dict[str, Exception] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    uploads: Callable[[], Awaitable[Response]] | None = None

    async def upload(self, *_: object) -> Response:
        assert self.uploads
        return await self.uploads()

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        request = call.request
        name = NAMES[request.path]
        self.sent.append(Sent(now(), name, dict(request.body or {}), fresh))
        answers: list[Answer] = getattr(self, name)
        task_id = str((request.body or {}).get("taskId"))
        if name == "outputs" and not answers:
            answers = [self.away.get(task_id) or code(805 if task_id in self.ended else 804)]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        await asyncio.sleep(self.latency)
        if callable(answer):
            answer = answer(request)
            if asyncio.iscoroutine(answer):
                answer = await answer
        if name == "query":
            self.away.pop(task_id, None)
        if isinstance(answer, Exception):
            if name == "query":
                self.away[task_id] = answer
            raise answer
        if not isinstance(answer, Response):
            answer = Response(200, json.dumps(answer).encode())
        told = call.read(answer)
        if name == "query" and isinstance(told, Report):
            self.ended.discard(task_id)
            if told.phase in (Phase.FAILED, Phase.CANCELLED):
                self.ended.add(task_id)
        return told

    @asynccontextmanager
    async def socket(self, url: str) -> AsyncIterator[AsyncIterator[str | bytes]]:
        assert url == SOCKET
        self.connected.append(now())
        script = self.sockets.pop(0) if len(self.sockets) > 1 else self.sockets[0]
        if isinstance(script, Exception):
            raise script
        assert isinstance(script, list)
        yield _frames(script)

    def times(self, name: str) -> list[float]:
        return [sent.at for sent in self.sent if sent.path == name]


async def _frames(script: list[tuple[float, object]]) -> AsyncIterator[str | bytes]:
    for pause, frame in script:
        await asyncio.sleep(pause)
        if isinstance(frame, Exception):
            raise frame
        assert isinstance(frame, (str, bytes))
        yield frame


def now() -> float:
    return asyncio.get_running_loop().time()


# Answers


def load(limit: int | None, running: int = 0, queued: int = 0) -> dict[str, Any]:
    data = {"concurrentLimit": limit, "runningCount": running, "queuedCount": queued}
    return {"code": 0, "data": data}


def taken(task_id: str = TASK, status: str = "RUNNING", socket: str | None = None) -> Answer:
    data = {"taskId": task_id, "taskStatus": status, "netWssUrl": socket, "promptTips": ""}
    return {"code": 0, "data": data}


def each_taken() -> Callable[[object], Answer]:
    """Takes every order, each as a task of its own; the first is TASK."""
    ids = itertools.count(int(TASK))
    return lambda _: taken(str(next(ids)))


def code(number: int, text: str = "") -> dict[str, Any]:
    return {"code": number, "msg": text, "data": None}


def state(status: str, results: object = None, **more: object) -> dict[str, Any]:
    return {"taskId": TASK, "status": status, "errorCode": "", "results": results, **more}


PICTURE = {"url": "https://files.example/a_00001_.png", "nodeId": "9", "outputType": "png"}
QUEUED = state("QUEUED")
RUNNING = state("RUNNING")
SUCCESS = state("SUCCESS", [PICTURE])


def until(seconds: float, after: Answer, before: Answer = RUNNING) -> Callable[[object], Answer]:
    """`before` until that time, then `after`."""
    return lambda _: before if now() < seconds else after


def frame(kind: str, **data: object) -> str:
    return json.dumps({"type": kind, "data": {"prompt_id": "p", **data}})


# The other ports


class SameThread(Executor):
    """Work on no thread of its own."""

    def submit(self, fn: Callable[..., T], /, *values: Any, **more: Any) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*values, **more))
        return future


class Disk(JournalFile):
    """A journal's file; `broken` is what each use of it raises, if given."""

    broken: Exception | None = None

    @contextmanager
    def reading(self, fate: Fate = Fate.UNKNOWN) -> Generator[sqlite3.Connection]:
        if self.broken is not None:
            raise self.broken
        with super().reading(fate) as db:
            yield db


class UnthreadedJournal:
    """The real journal of an account, without a thread: virtual time knows nothing of threads."""

    def __init__(
        self,
        folder: Path,
        origin: str = "https://x",
        account: str = "account",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._ahead = 0.0
        self._disk = Disk(folder, BUSY_SECONDS)
        self.store = Store(self._disk, clock or (lambda: time.time() + self._ahead))
        self.journal = SqliteJournal(self.store, origin, account, SameThread())

    def later(self, seconds: float) -> None:
        """Set the wall clock of the rows forward."""
        self._ahead += seconds

    def fail(self, error: Exception | None) -> None:
        """From now on the disk gives that error; None: it is well again."""
        self._disk.broken = error


@dataclass
class Files:
    """Bulk transfers that write nothing much: a file for each address."""

    failing: RunningHubError | None = None
    refuse: Callable[[str], RunningHubError | None] = lambda _: None
    fetched: list[str] = field(default_factory=list)

    async def put(self, *_: object) -> None:
        raise NotImplementedError

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        failing = self.failing or self.refuse(url)
        if failing is not None:
            raise failing
        into.parent.mkdir(parents=True, exist_ok=True)
        path = into.with_suffix(".png")
        path.write_bytes(url.encode())
        self.fetched.append(url)
        return Fetched(path, len(url), PNG)

    async def forget(self, into: Path) -> None:
        del into


@dataclass
class Watcher:
    """Somebody who watches, and remembers."""

    seen: list[tuple[float, Progress]] = field(default_factory=list)

    def __call__(self, news: Progress) -> None:
        self.seen.append((now(), news))

    @property
    def stages(self) -> list[str]:
        """Each stage once where it begins."""
        names = [news.stage.name for _, news in self.seen]
        return [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
