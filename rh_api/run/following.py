"""Watching one task until it is over: polls decide, the socket only says when to ask."""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import (
    Fate,
    KeyRefused,
    RateLimited,
    Refused,
    RunningHubError,
    TaskNotFound,
    TaskUnfinished,
    TimeLimit,
    Unreachable,
)
from ..wire import tasks
from ..wire.accounts import queue_status
from ..wire.orders import Ticket
from ..wire.socket import SocketNews, SocketReader
from ..wire.tasks import Phase, Report
from .follow import FollowPlan
from .ports import Clock, Progress, Stage, Transport, Watch

log = logging.getLogger("runninghub")

NO_ANSWER = 600.0  # seconds without one readable answer until we stop watching
MISSES = 3  # times that a fresh task may be unknown to the endpoint that is asked
REFUSALS = 3
SILENT = 3  # polls in a row without an answer that may hold up the time limit
OVERSLEPT = 60.0  # seconds past a poll's time: the machine itself has slept
RATE_PAUSE = 5.0  # when the service asks for a slower pace and names none
SOCKET_TRIES = 3
SOCKET_PAUSE = 2.0
QUEUE_PATIENCE = 5.0  # seconds in the queue until somebody wonders why
QUEUE_PAUSE = 15.0
LATE_RESULTS = (0.0, 0.5, 1.0, 2.0)  # results may be listed a little after SUCCESS


@dataclass(slots=True)
class Following:
    """One task. `history`: seconds of earlier runs; `nodes`: of the graph, 0 if not known; `time_limit`: of running time, 0 for none; `ran`: of it that passed before this start."""

    transport: Transport
    clock: Clock
    ticket: Ticket
    watch: Watch
    history: Sequence[float] = ()
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    nodes: int = 0
    time_limit: float = 0.0
    ran: float = 0.0
    seconds: float = 0.0
    started_at: float | None = None
    """When it was first seen running, by the service's clock if that tells."""
    _plan: FollowPlan = field(init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _socket: asyncio.Task[None] | None = None
    _old_route: bool = False
    _misses: int = 0
    _refusals: int = 0
    _unanswered: int = 0
    _answered: float = 0.0
    _not_before: float = 0.0
    _still_running: float = 0.0
    _asked_for_socket: bool = False
    _queue: dict[str, object] = field(default_factory=dict[str, object])
    _queue_at: float | None = None

    def __post_init__(self) -> None:
        self._plan = FollowPlan(self.history)

    async def until_over(self) -> Report:
        """The last report: SUCCESS with results. Every other end is raised as its error."""
        self._answered = self.clock.now()
        self._saw(self.ticket.phase, self.ticket.socket_url, self.ticket.at)
        try:
            while True:
                await self._wait()
                report = await self._poll()
                if report is not None and report.phase.is_over:
                    return await self._ended(report)
                self._unanswered = 0 if report is not None else self._unanswered + 1
                self._check_limits()
        finally:
            if self._socket is not None:
                self._socket.cancel()

    async def _wait(self) -> None:
        """Until the next poll is due, the time limit is over, or the socket has news."""
        while True:
            now = self.clock.now()
            due = max(self._plan.next_at(now), self._not_before)
            if self.time_limit and self._plan.started is not None:
                due = min(due, max(now, self._plan.started + self.time_limit))
            if due <= now:
                return
            self._wake.clear()
            pause = asyncio.ensure_future(self.clock.sleep(due - now))
            woken = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait((pause, woken), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                woken.cancel()
            overslept = self.clock.now() - due
            if overslept > OVERSLEPT:
                self._answered += overslept  # nobody asked meanwhile

    async def _poll(self) -> Report | None:
        """One report; None when the answer says nothing, which is no failure of the task."""
        task_id = self.ticket.task_id
        try:
            call = tasks.outputs(task_id) if self._old_route else tasks.query(task_id)
            report = await self.transport.send(call)
        except TaskNotFound:
            if self._is_gone():
                raise
            return None
        except RateLimited as error:
            self._not_before = self.clock.now() + (error.retry_after or RATE_PAUSE)
            return None
        except Refused as error:
            self._refused(error)
            return None
        except TaskUnfinished:
            self._answered = self.clock.now()
            return None
        except RunningHubError as error:
            if error.fate is Fate.OVER:
                raise
            log.debug("a poll of task %s failed: %s", task_id, error)
            return None
        finally:
            self._plan.asked(self.clock.now())
        if report.phase is Phase.OTHER and not self._old_route:
            # A state that nobody knows may be an end: the old poll has a code for each.
            report = await self._ask_old_route() or report
        self._misses = self._refusals = 0
        self._answered = self.clock.now()
        if not report.phase.is_over:
            self._still_running = self._answered
            await self._look_at_queue(report.phase)
            self._saw(report.phase, report.socket_url, report.at)
            await self._find_socket()
        return report

    def _is_gone(self) -> bool:
        """Whether a task that was not found is to be given up."""
        self._misses += 1
        if self._misses < MISSES:
            return False
        if self._old_route:
            return True
        # What one endpoint has lost, the other may know; given up, it would be paid again.
        self._old_route, self._misses = True, 0
        return False

    def _refused(self, error: Refused) -> None:
        """The recommended route may be missing or want another key: the old one decides."""
        if not self._old_route:
            self._old_route = True
            return
        self._refusals += 1
        if self._refusals >= REFUSALS or not isinstance(error, KeyRefused):
            error.fate = Fate.RUNNING
            raise error

    def _saw(self, phase: Phase, socket_url: str | None, at: float | None) -> None:
        now = self.clock.now()
        if phase.is_waiting:
            self.watch(Progress(Stage.QUEUED, params=self._queue))
        elif self._plan.started is None and not phase.is_over:
            self._still_running = now
            self.started_at = at
            self._plan.running(now - self.ran)
            self.watch(Progress(Stage.RUNNING, params=self._timing()))
        if socket_url and self._socket is None:
            self._socket = asyncio.ensure_future(self._listen(socket_url))

    def _timing(self) -> dict[str, object]:
        """`ran`: seconds of running before this start was watched; `usual`: in all, if known."""
        known = {"usual": statistics.median(self.history)} if self.history else {}
        return {"ran": self.ran, **known}

    async def _look_at_queue(self, phase: Phase) -> None:
        """What waits and runs on the account, once in a while: a person wants to know why."""
        now = self.clock.now()
        if self._queue_at is None:
            self._queue_at = now + QUEUE_PATIENCE
        if not phase.is_waiting or now < self._queue_at:
            return
        self._queue_at = now + QUEUE_PAUSE
        try:
            load = await self.transport.send(queue_status())
        except RunningHubError:
            return
        self._queue = {"running": load.running, "queued": load.queued}

    async def _find_socket(self) -> None:
        """A task that waited in the queue got no socket address: only the old poll names one."""
        if self._plan.started is None or self._socket or self._asked_for_socket:
            return
        self._asked_for_socket = True
        report = await self._ask_old_route()
        if report is not None and report.socket_url:
            self._saw(Phase.RUNNING, report.socket_url, report.at)

    async def _ask_old_route(self) -> Report | None:
        try:
            return await self.transport.send(tasks.outputs(self.ticket.task_id))
        except RunningHubError:
            return None

    def _check_limits(self) -> None:
        now = self.clock.now()
        task_id = self.ticket.task_id
        if now - self._answered > NO_ANSWER:
            raise Unreachable("error.lost_sight", fate=Fate.RUNNING, task_id=task_id)
        started = self._plan.started
        if self.time_limit == 0 or started is None or now - started < self.time_limit:
            return
        # After a sleep of the machine the first poll may fail, and the task be over long since.
        if not 0 < self._unanswered < SILENT:
            raise TimeLimit(task_id=task_id, seconds=int(self.time_limit))

    async def _ended(self, report: Report) -> Report:
        now = self.clock.now()
        if self._plan.started is not None:
            # It ended between the last poll that saw it running and this one.
            self.seconds = max(0.0, (self._still_running + now) / 2 - self._plan.started)
        if report.phase is not Phase.SUCCESS:
            error = report.error or RunningHubError(fate=Fate.OVER)
            error.task_id = self.ticket.task_id
            if error.node_id:
                error.params["title"] = self.titles.get(error.node_id, "")
            raise error
        return report if report.results is not None else await self._late(report)

    async def _late(self, report: Report) -> Report:
        for pause in LATE_RESULTS:
            await self.clock.sleep(pause)
            later = await self._ask_old_route()
            if later is not None and later.results is not None:
                return later
        return report

    async def _listen(self, url: str) -> None:
        reader = SocketReader(total=self.nodes)
        for _ in range(SOCKET_TRIES):
            try:
                async with self.transport.socket(url) as frames:
                    async for frame in frames:
                        self._heard(_read(reader, frame))
            except RunningHubError as error:
                log.debug("no progress socket for task %s: %s", self.ticket.task_id, error.key)
            self._plan.deaf()
            self._wake.set()
            await self.clock.sleep(SOCKET_PAUSE)

    def _heard(self, news: SocketNews | None) -> None:
        if news is None:
            return  # of another prompt, or nothing that anybody can read
        now = self.clock.now()
        self._plan.heard(now)
        if news.may_be_over:
            self._still_running = now
            self._plan.hint(now)
        self._wake.set()
        title = self.titles.get(news.node_id, news.node_id)
        self.watch(
            Progress(
                Stage.RUNNING,
                news.fraction,
                {"node": title, "step": news.node_fraction, **self._timing()},
                news.node_id,
                news.preview,
            )
        )


def _read(reader: SocketReader, frame: str | bytes) -> SocketNews | None:
    return reader.text(frame) if isinstance(frame, str) else reader.binary(frame)
