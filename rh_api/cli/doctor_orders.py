"""`doctor --paid`: a workflow is ordered twice, and all that tells of its tasks is compared."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from ..client import Job, Outcome, Progress
from ..doctor.exchanges import Exchange, Recorder
from ..doctor.findings import ORDERED, Finding, Verdict
from ..doctor.socket_messages import SocketMessages
from ..errors import Fate, RunningHubError, TaskNotFound, Uncertain
from ..money.amounts import Sums, costs_of, currency_of
from ..money.limits import Limits
from ..settings import Settings
from ..texts import english
from ..wire import tasks, webhooks
from ..wire.call import Call
from ..wire.tasks import Phase, RemoteResult, Report, Usage
from .exit_codes import Interrupted
from .order_output import cost
from .run import Service, connected
from .terminal import Terminal

PAUSE_SECONDS = 2.0  # between polls of the first task, by each of the two
COST_SECONDS = 30.0  # after the first poll that tells the end: a cost that comes later is not seen


@dataclass(slots=True)
class Seen:
    """What one poll told of a task. `ended`, `priced`: seconds from the first poll until it told
    the end, and a cost; None if it never did."""

    report: Report | None = None
    ended: float | None = None
    priced: float | None = None

    def take(self, report: Report | None, at: float) -> None:
        if report is None or not report.phase.is_over:
            return
        self.report = report
        self.ended = at if self.ended is None else self.ended
        usage = report.usage
        if self.priced is None and costs_of(
            usage.coins, usage.money, usage.third_party_money, currency=""
        ):
            self.priced = at


@dataclass(slots=True)
class Placed:
    """An order that was sent. `task`: its task's id, once it is known."""

    service: Service
    task: asyncio.Future[str]
    running: asyncio.Future[Outcome]

    async def task_id(self) -> str:
        """Raises what ended the order before it had a task."""
        await asyncio.wait((self.task, self.running), return_when=asyncio.FIRST_COMPLETED)
        return self.task.result() if self.task.done() else (await self.running).task_id


@dataclass(slots=True)
class TwoOrders:
    """Two orders of a workflow, within `sums`; what was learnt, and what was exchanged."""

    settings: Settings
    workflow: str
    sums: Sums
    terminal: Terminal
    recorder: Recorder
    findings: list[Finding] = field(default_factory=list[Finding])

    async def place(self) -> None:
        """Place both, the second when the first is over. Raises Interrupted for Ctrl-C, which
        cancels what it ordered."""
        try:
            spent = await self._follow_one()
            left = {unit: max(0, most - spent.get(unit, 0)) for unit, most in self.sums.items()}
            await self._cancel_one(left)
        except (Interrupted, Uncertain):
            raise
        except RunningHubError as error:
            told = {finding.id for finding in self.findings}
            first, *others = (row for row in ORDERED if row not in told)
            self.findings.append(Finding(first, Verdict.NOT_TOLD, error))
            self.findings += [
                Finding(row, Verdict.NOT_TOLD, "doctor.seen_same_reason") for row in others
            ]

    async def _follow_one(self) -> Sums:
        """Follow an order by both polls; return its cost. Raises what ended it."""
        async with self._placed(self.sums) as order:
            task_id = await order.task_id()
            newer, older, heard = await self._both_polls(order, task_id)
            outcome = await order.running
        tips = outcome.tips.outputs
        self._add("prompt-tips", bool(tips), "doctor.seen_announced", count=len(tips))
        listed = [_listed(newer), _listed(older)]
        is_named = all(result.node_id for results in listed for result in results)
        if all(listed):
            self._add("result-node", is_named, "doctor.seen_listed", count=len(listed[0]))
        names = [sorted(result.node_id or "" for result in results) for results in listed]
        self._add(
            "lists",
            names[0] == names[1],
            "doctor.seen_lists",
            newer=_joined(names[0]),
            older=_joined(names[1]),
        )
        usage = newer.report.usage if newer.report else Usage()
        ends = {
            "newer": _seconds(newer.ended),
            "older": _seconds(older.ended),
            "socket": _seconds(heard.ended),
            "priced": _seconds(newer.priced),
            "cost": self._cost_text(usage),
        }
        is_told = None not in (newer.ended, older.ended, newer.priced)
        self._add("ends", is_told, "doctor.seen_ends", **ends)
        self.findings.append(heard.finding())
        self.terminal.note(english("cli.doctor_second", {"cost": ends["cost"]}))
        return self._cost(usage)

    async def _cancel_one(self, sums: Sums) -> None:
        """Cancel an order as soon as it has a task. Raises what ended it otherwise."""
        async with self._placed(sums) as order:
            task_id = await order.task_id()
            start = time.monotonic()
            is_stopped = await order.service.client.task(task_id).cancel()
            seconds = round(time.monotonic() - start, 1)
            with contextlib.suppress(RunningHubError):
                await order.running
        report = await self._asked(tasks.query(task_id))
        phase = report.phase if report is not None else Phase.OTHER
        paid = self._cost_text(report.usage if report else Usage())
        if phase in (Phase.CANCELLED, Phase.FAILED):
            is_assumed = phase is Phase.CANCELLED
            self._add(
                "cancelled-status", is_assumed, "doctor.seen_status", status=phase.name.lower()
            )
            self._add("stop", is_stopped, "doctor.seen_stop", seconds=seconds, cost=paid)
        else:
            self.findings += [
                Finding(row, Verdict.NOT_TOLD, "doctor.seen_too_late")
                for row in ("cancelled-status", "stop")
            ]

    @contextlib.asynccontextmanager
    async def _placed(self, sums: Sums) -> AsyncGenerator[Placed]:
        """Place an order that may cost `sums`; whoever leaves early cancels its task."""
        settings = replace(self.settings, command=Limits(prompt=sums, option="--paid"))
        async with connected(settings, self.terminal) as service:
            task: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            def watch(news: Progress) -> None:
                service.watch(news)
                task_id = str(news.params.get("task_id", ""))
                if task_id and not task.done():
                    task.set_result(task_id)

            job = Job(self.workflow, again=True)
            running = asyncio.ensure_future(service.client.run(job, watch))
            try:
                yield Placed(service, task, running)
            finally:
                running.cancel()
                await asyncio.wait((running,))

    async def _both_polls(self, order: Placed, task_id: str) -> tuple[Seen, Seen, SocketMessages]:
        """Ask both polls at once until all is told, and listen to the socket meanwhile."""
        newer, older, start = Seen(), Seen(), time.monotonic()
        heard = SocketMessages(self.recorder.transport, start)
        calls = (tasks.query(task_id), tasks.outputs(task_id))
        over: float | None = None
        try:
            while True:
                reports = await asyncio.gather(*map(self._asked, calls))
                now = time.monotonic() - start
                for seen, report in zip((newer, older), reports, strict=True):
                    seen.take(report, now)
                heard.follow(reports[1])
                if over is None and (
                    newer.ended is not None or older.ended is not None or order.running.done()
                ):
                    over = now
                is_told = None not in (newer.ended, older.ended, newer.priced)
                if is_told or (over is not None and now - over > COST_SECONDS):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await heard.close()
        with contextlib.suppress(RunningHubError):
            await self.recorder.ask("ends", webhooks.webhook_detail(task_id))
        self.recorder.exchanges[:] = _changes(self.recorder.exchanges)
        return newer, older, heard

    async def _asked(self, call: Call[Report]) -> Report | None:
        """Return a poll's report; None where it has none."""
        try:
            return call.read(await self.recorder.ask("ends", call))
        except RunningHubError as error:
            if error.fate is Fate.OVER and not isinstance(error, TaskNotFound):
                return Report(Phase.FAILED, error=error)
            return None

    def _cost_text(self, usage: Usage) -> str:
        return cost(usage, currency_of(self.settings.origin))

    def _cost(self, usage: Usage) -> Sums:
        """Return an order's cost; all that there is, if it is not told."""
        currency = currency_of(self.settings.origin)
        told = costs_of(usage.coins, usage.money, usage.third_party_money, currency=currency)
        return self.sums if told is None else told

    def _add(self, row: str, is_assumed: bool, seen: str, **params: object) -> None:
        verdict = Verdict.AS_ASSUMED if is_assumed else Verdict.OTHER
        self.findings.append(Finding(row, verdict, seen, params))


def _listed(seen: Seen) -> Sequence[RemoteResult]:
    return (seen.report.results if seen.report else None) or ()


def _joined(nodes: Sequence[str]) -> str:
    return ", ".join(nodes) or "-"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _changes(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the exchanges whose answer differs from the one before it on their path."""
    kept: list[Exchange] = []
    last: dict[str, bytes] = {}
    for exchange in exchanges:
        body = exchange.response.body if exchange.response else b""
        if last.get(exchange.path) != body:
            kept.append(exchange)
        last[exchange.path] = body
    return kept
