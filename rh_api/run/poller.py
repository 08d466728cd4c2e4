"""Follows one task until it is over: polls decide, the WebSocket only says when to poll."""

from __future__ import annotations

import asyncio
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    quote_remote,
)
from ..wire.accounts import queue_status
from ..wire.orders import Ticket
from ..wire.socket import SocketNews, SocketReader
from ..wire.tasks import Phase, Report
from .paid_time import PaidTime
from .poll_schedule import PollSchedule
from .ports import Clock, Transport
from .progress import Progress, Stage, Watch
from .report_query import (
    UNKNOWN_SECONDS,
    Awaited,
    asks,
    completed,
    look,
)

log = logging.getLogger("runninghub")

NO_NEWS_AFTER = 15.0  # seconds of polls without information before NO_NEWS is reported
NO_ANSWER = 600.0  # seconds without a readable answer after which following fails
UNANSWERED_TRIES = 3  # unanswered polls in a row after which the time limit holds all the same
OVERSLEPT = 60.0  # seconds past a poll's due time: the machine was suspended
RATE_PAUSE = 5.0  # seconds to pause when rate limited without a Retry-After
MAX_RATE_PAUSE = 30.0  # cap of a Retry-After, seconds
SOCKET_TRIES = 3
SOCKET_PAUSE = 2.0
QUEUE_PATIENCE = 5.0  # seconds in the queue before the account's load is queried
QUEUE_PAUSE = 15.0


@dataclass(slots=True)
class Poller:
    """Follows one task. `history`: seconds of earlier runs; `nodes`: size of the graph, 0: unknown.

    `time_limit`: seconds of running time, 0 for none; `ran_before`: those before this poller.
    `awaited`: nodes whose results the list must have. `paid`: running time that the hold pays for.
    `asked_at`: when the create call was sent, by the clock.
    """

    transport: Transport
    clock: Clock
    ticket: Ticket
    watch: Watch
    history: Sequence[float] = ()
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    nodes: int = 0
    time_limit: float = 0.0
    ran_before: float = 0.0
    awaited: Awaited | None = None
    paid: PaidTime = field(default_factory=PaidTime)
    asked_at: float | None = None
    seconds: float = 0.0
    started_at: float | None = None
    """When it was first seen running, in unix seconds by the service's clock; None if unknown."""
    _schedule: PollSchedule = field(init=False)
    _pause: asyncio.Future[None] | None = None
    _socket: asyncio.Task[None] | None = None
    _refused_since: float | None = None
    _state: str = ""
    _unanswered: int = 0
    _last_answer_at: float = 0.0
    _not_before: float = 0.0
    _last_running_at: float = 0.0
    _asked_for_socket: bool = False
    _queue: dict[str, object] = field(default_factory=dict[str, object])
    _queue_at: float | None = None
    _mute_since: float = 0.0
    _silence_stage: Stage = Stage.NO_NEWS
    _reported: Stage | None = None
    _last_queued_at: float = 0.0

    def __post_init__(self) -> None:
        self._schedule = PollSchedule(self.history)

    async def until_over(self) -> Report:
        """Return the final report, with results or the task's error; raise what ends following."""
        self._last_answer_at = now = self.clock.now()
        self._last_queued_at = now if self.asked_at is None else self.asked_at
        self._update_phase(self.ticket.phase, self.ticket.at)
        self._open_socket(self.ticket.socket_url)
        try:
            while True:
                await self._wait()
                report = await self._poll()
                if report is not None and report.phase.is_over:
                    return await self._complete(report)
                self._unanswered = 0 if report is not None else self._unanswered + 1
                self._report_silence(report)
                self._check_limits()
                await self._check_paid()
        finally:
            if self._socket is not None:
                self._socket.cancel()
            self._socket = self._pause = None  # break the reference cycle

    async def _wait(self) -> None:
        """Wait until the next poll is due, or a time limit is reached."""
        while True:
            now = self.clock.now()
            due = max(self._schedule.next_at(now), self._not_before)
            if self.time_limit and self._schedule.started is not None:
                due = min(due, max(now, self._schedule.started + self.time_limit))
            if self.paid.seconds and self._schedule.started is not None:
                due = min(due, max(now, self._paid_since + self.paid.next_check))
            if due <= now:
                return
            self._pause = asyncio.ensure_future(self.clock.sleep(due - now))
            try:
                await asyncio.wait((self._pause,))
            finally:
                self._pause.cancel()
            overslept = self.clock.now() - due
            if overslept > OVERSLEPT:
                self._last_answer_at += overslept  # suspended time does not count as unanswered
                self._refused_since = None

    def _wake(self) -> None:
        """Wake `_wait`, so that it recomputes when the next poll is due."""
        if self._pause is not None:
            self._pause.cancel()

    async def _poll(self) -> Report | None:
        """Poll once; return None if the answer says nothing about the task's state."""
        try:
            report = await look(self.transport.send, self.ticket.task_id)
        except RateLimited as error:
            pause = error.retry_after or RATE_PAUSE
            self._not_before = self.clock.now() + min(pause, MAX_RATE_PAUSE)
            return None
        except TaskUnfinished:
            self._last_answer_at = self.clock.now()
            return None
        except Refused as error:
            self._note_refusal(error)
            return None
        except RunningHubError as error:
            if error.fate is Fate.OVER:
                raise
            log.debug("a poll of task %s failed: %s", self.ticket.task_id, error)
            self._refused_since = None
            return None
        finally:
            self._schedule.asked(self.clock.now())
        self._refused_since = None
        await self._note_answer(report)
        return report

    async def _note_answer(self, report: Report) -> None:
        """Update the state from an answer; an unknown phase does not reset NO_ANSWER's timer."""
        self._state = report.state
        if report.phase is not Phase.OTHER:
            self._last_answer_at = self.clock.now()
        if not report.phase.is_over:
            self._last_running_at = self.clock.now()
            await self._query_load(report.phase)
            self._update_phase(report.phase, report.at)
            self._open_socket(report.socket_url)
            await self._query_socket()

    def _note_refusal(self, error: Refused) -> None:
        """Raise a refusal, or "not found", that has lasted for UNKNOWN_SECONDS."""
        now = self.clock.now()
        since = self._refused_since = now if self._refused_since is None else self._refused_since
        is_of_key = isinstance(error, KeyRefused)
        self._silence_stage = Stage.KEY_REFUSED if is_of_key else Stage.NO_NEWS
        if now - since < UNKNOWN_SECONDS:
            return
        if isinstance(error, TaskNotFound):
            raise error
        key = "error.key_refused_running" if is_of_key else None
        raise error.with_context(key, fate=Fate.RUNNING, task_id=self.ticket.task_id)

    def _update_phase(self, phase: Phase, at: float | None) -> None:
        now = self.clock.now()
        if phase.is_waiting:
            self._last_queued_at = now
            self.watch(Progress(Stage.QUEUED, params=self._queue))
        elif self._schedule.started is None and not phase.is_over:
            self._last_running_at = now
            self.started_at = at
            self._schedule.running(now - self.ran_before)
            self.watch(Progress(Stage.RUNNING, params=self._timing()))

    def _open_socket(self, url: str | None) -> None:
        if url and self._socket is None:
            self._socket = asyncio.ensure_future(self._listen(url))

    def _report_silence(self, report: Report | None) -> None:
        """Report once that polls have brought nothing for NO_NEWS_AFTER seconds, or that the key is
        refused, and once that the service answers again."""
        now = self.clock.now()
        if self._unanswered == 1:
            self._mute_since = now
        elapsed, stage = now - self._mute_since, self._silence_stage
        if report is None and elapsed >= NO_NEWS_AFTER and self._reported != stage:
            self._reported = stage
            self.watch(Progress(stage, params={"elapsed": elapsed}))
        elif report is not None and self._reported is not None:
            self._reported, self._silence_stage = None, Stage.NO_NEWS
            stage = Stage.QUEUED if report.phase.is_waiting else Stage.RUNNING
            self.watch(Progress(stage, params=self._timing()))

    def _timing(self) -> dict[str, object]:
        """Return `elapsed`, running seconds before this poller, and `usual`, the median in all."""
        usual = {"usual": statistics.median(self.history)} if self.history else {}
        return {"elapsed": self.ran_before, **usual}

    async def _query_load(self, phase: Phase) -> None:
        """Query the account's load every QUEUE_PAUSE seconds, to show why the task is queued."""
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

    async def _query_socket(self) -> None:
        """Ask V1 once for the WebSocket URL, which a queued task's ticket lacks."""
        if self._schedule.started is None or self._socket or self._asked_for_socket:
            return
        self._asked_for_socket = True
        report = await asks(self.transport.send, self.ticket.task_id)[0]()
        self._open_socket(report and report.socket_url)

    def _check_limits(self) -> None:
        now, task_id = self.clock.now(), self.ticket.task_id
        if now - self._last_answer_at > NO_ANSWER:
            state = quote_remote(self._state)
            key = "error.lost_sight_state" if state else "error.lost_sight"
            raise Unreachable(key, fate=Fate.RUNNING, task_id=task_id, state=state)
        started = self._schedule.started
        if self.time_limit == 0 or started is None or now - started < self.time_limit:
            return
        # After a suspend the first polls may fail although the task ended long ago.
        if not 0 < self._unanswered < UNANSWERED_TRIES:
            raise TimeLimit(task_id=task_id, seconds=int(self.time_limit))

    @property
    def _paid_since(self) -> float:
        """The earliest possible start: when it was last seen queued, minus earlier running."""
        return self._last_queued_at - self.ran_before

    async def _check_paid(self) -> None:
        """Towards the end of the paid time extend the hold, or warn; at its end raise TimeLimit."""
        # While polls go unanswered the task may run already, since it was last seen queued.
        if not self.paid.seconds or (self._schedule.started is None and not self._unanswered):
            return
        billable = self.clock.now() - self._paid_since
        if await self.paid.runs_out(billable):
            params = {"seconds": int(self.paid.seconds), "elapsed": int(billable)}
            self.watch(Progress(Stage.COST_WARNING, params=params))
        if self.clock.now() - self._paid_since >= self.paid.seconds:
            key = "error.cost_time_unseen" if self._schedule.started is None else "error.cost_time"
            raise TimeLimit(key, task_id=self.ticket.task_id, seconds=int(self.paid.seconds))

    async def _complete(self, report: Report) -> Report:
        now = self.clock.now()
        if self._schedule.started is not None:
            # It ended between the last sign of running and this poll: take the middle.
            self.seconds = max(0.0, (self._last_running_at + now) / 2 - self._schedule.started)
        if report.phase is not Phase.SUCCESS:
            error = report.error or RunningHubError(fate=Fate.OVER)
            title = {"title": self.titles.get(error.node_id, "")} if error.node_id else {}
            error = error.with_context(task_id=self.ticket.task_id, params=title)
            return replace(report, error=error)
        ways = asks(self.transport.send, self.ticket.task_id)
        return await completed(report, self.awaited, ways, self.clock)

    async def _listen(self, url: str) -> None:
        reader = SocketReader(total=self.nodes)
        for _ in range(SOCKET_TRIES):
            try:
                async with self.transport.socket(url) as frames:
                    async for frame in frames:
                        self._heard(reader.read(frame))
            except RunningHubError as error:
                log.debug("no progress socket for task %s: %s", self.ticket.task_id, error.key)
            self._schedule.deaf()
            self._wake()
            await self.clock.sleep(SOCKET_PAUSE)

    def _heard(self, news: SocketNews | None) -> None:
        if news is None:
            return  # of another prompt, or unreadable
        now = self.clock.now()
        self._schedule.heard(now)
        if news.may_be_over:
            self._last_running_at = now
            self._schedule.hint(now)
            self._wake()  # all other frames only postpone the next poll
        title = self.titles.get(news.node_id, news.node_id)
        params = {"node": title, "step": news.node_fraction, **self._timing()}
        self.watch(Progress(Stage.RUNNING, news.fraction, params, news.node_id, news.preview))
