"""One order from its first row in the book to its results: place, follow, cancel, deliver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from ..errors import (
    Fate,
    NoOutput,
    QueueFull,
    RateLimited,
    Refused,
    RunningHubError,
    StoreUnavailable,
    TaskCancelled,
    TaskNotFound,
    TimeLimit,
    Uncertain,
)
from ..store import Identity, OrderExists, OrderRow, ResultRow, State, Store
from ..wire import tasks
from ..wire.accounts import queue_status
from ..wire.tasks import NodeInfo, Phase, RemoteResult, Report, Ticket, Usage
from .following import Following
from .orders import Order, Outcome, Result
from .ports import Book, Progress, Stage, Stopped, Watch, unheard
from .slots import FIRST_WAIT, Slots, next_wait
from .transfers import Caller, Transfers

log = logging.getLogger("runninghub")

T = TypeVar("T")
Prepare = Callable[[], Awaitable[tuple[NodeInfo, ...]]]

LIMIT_LASTS = 60.0  # seconds; the account's limit is read at most once a minute
CANCEL_BOUND = 30.0  # seconds that a cancel, its tries and its confirmation may take together
CANCEL_TRIES = 3
CANCEL_CONFIRM = (0.0, 0.5, 1.0, 2.0)  # pauses before the polls that confirm it

_NOTHING_RUNS = (Fate.NOT_STARTED, Fate.OVER)


@dataclass(slots=True)
class Engine:
    """Orders of one account on one site."""

    caller: Caller
    transfers: Transfers
    book: Book
    results: Path
    origin: str
    account: str
    access_password: str = field(default="", repr=False)
    stopped: Callable[[Stopped], None] = unheard
    slots: Slots = field(default_factory=Slots)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _limit_read: float | None = None
    _tasks_seen: int | None = None
    _background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def run(
        self, order: Order, prepare: Prepare, watch: Watch, *, again: bool = False
    ) -> Outcome:
        """Place the order, or take up the one that is already there, and bring its results.

        `prepare` uploads what the order needs and gives its fields; it is not called when
        nothing has to be ordered.
        `again`: order anew unless it is known to run; it may cost twice, and the caller said so.
        """
        identity = Identity(
            self.origin,
            self.account,
            order.workflow_id,
            order.graph_hash,
            order.inputs_hash,
            order.item,
        )
        known = await self.book.do(lambda s: s.find(identity.digest))
        if known is not None and not known.state.is_over:
            # Stop was pressed a moment ago: what is being cancelled must not be taken up.
            await self.settle()
            known = await self.book.do(lambda s: s.find(identity.digest))
        if known is not None and again and known.state not in (State.PLACED, State.RUNNING):
            await self._settle_old(known)
        elif known is not None:
            taken_up = await self._take_up(known, order, watch)
            if taken_up is not None:
                return taken_up
        order = replace(order, node_info=await prepare())
        row, ticket = await self._place(order, identity, watch)
        return await self._see_through(row, ticket, order, watch)

    # An order that the book knows

    async def _take_up(self, known: OrderRow, order: Order, watch: Watch) -> Outcome | None:
        """What an earlier order of the same inputs still owes; None when it owes nothing."""
        if known.state in (State.INTENDED, State.UNCERTAIN):
            raise self._asked_before(known)
        if known.state in (State.PLACED, State.RUNNING) and known.task_id:
            self.slots.seize()
            ticket = Ticket(known.task_id, Phase.OTHER)
            return await self._see_through(known.id, ticket, order, watch)
        if known.state is State.DONE and known.task_id:
            rows = await self.book.do(lambda s: s.results(known.id))
            if any(row.url and not row.path for row in rows):
                listed = sorted(rows, key=lambda row: row.index)
                remote = tuple(RemoteResult(r.url, r.node_id, text=r.text) for r in listed)
                usage = Usage(known.coins, known.money, known.third_party_money, known.seconds)
                report = Report(Phase.SUCCESS, remote, usage)
                ticket = Ticket(known.task_id, Phase.SUCCESS)
                return await self._deliver(known.id, ticket, report, 0.0, watch)
        return None

    def _asked_before(self, row: OrderRow) -> Uncertain:
        when = datetime.fromtimestamp(row.created, tz=timezone.utc).astimezone()
        return Uncertain(
            "error.uncertain_before", when=when.strftime("%Y-%m-%d %H:%M"), origin=self.origin
        )

    async def _settle_old(self, known: OrderRow) -> None:
        if known.state in (State.INTENDED, State.UNCERTAIN):
            await self._note(lambda s: s.failed(known.id, key="error.uncertain", code=None))

    # Placing

    async def _place(self, order: Order, identity: Identity, watch: Watch) -> tuple[int, Ticket]:
        """A row and a ticket, with a slot held; on any error nothing is held."""
        await self._take_slot(watch)
        wait = FIRST_WAIT
        try:
            while True:
                end = self.slots.next_end
                try:
                    return await self._order_once(order, identity, watch)
                except (QueueFull, RateLimited) as error:
                    asked = error.retry_after or 0.0 if isinstance(error, RateLimited) else 0.0
                # The place is kept: given back, it would only let the next one be refused.
                watch(Progress(Stage.WAITING_FOREIGN, params=self._load()))
                await self.slots.wait_for_end(end, max(wait, asked), self.caller.clock)
                wait = next_wait(wait)
        except BaseException:
            self.slots.leave()
            raise

    async def _take_slot(self, watch: Watch) -> None:
        async with self._reading:  # whoever comes meanwhile must not start without a limit
            now = self.caller.clock.now()
            if self._limit_read is None or now - self._limit_read > LIMIT_LASTS:
                await self._read_limit()
                self._limit_read = now
        if self.slots.would_wait():
            watch(Progress(Stage.WAITING_SLOT, params=self._load()))
        await self.slots.take()

    async def _read_limit(self) -> None:
        try:
            load = await self.caller.transport.send(queue_status())
        except RunningHubError as error:
            log.info("the account's limit could not be read: %s", error)
            self._tasks_seen = None
            return
        self._tasks_seen = load.running + load.queued
        self.slots.set_limit(load.limit)

    def _load(self) -> dict[str, object]:
        limit = self.slots.limit
        return {"used": self.slots.used, "limit": "?" if limit is None else limit}

    async def _order_once(
        self, order: Order, identity: Identity, watch: Watch
    ) -> tuple[int, Ticket]:
        what: dict[str, object] = {"inputs": dict(order.inputs)}
        instance = order.options.instance
        intending = asyncio.ensure_future(
            self.book.do(lambda s: s.intend(identity, instance=instance, what=what))
        )
        try:
            row = await asyncio.shield(intending)
        except asyncio.CancelledError:
            self._later(self._withdraw(intending))
            raise
        except OrderExists as exists:
            # Another process was faster: it owns the order.
            raise self._asked_before(exists.row) from exists
        watch(Progress(Stage.ORDERING))
        tries: list[asyncio.Future[Ticket]] = []

        async def attempt() -> Ticket:
            # Once begun it goes on through a stop: its reply names the task to cancel.
            tries.append(asyncio.ensure_future(self._create(row, order)))
            return await asyncio.shield(tries[-1])

        try:
            ticket = await self.caller.retrying(attempt, repeatable=False)
        except asyncio.CancelledError:
            self._later(self._abandon(row, tries[-1]))
            raise
        except RunningHubError as error:
            await self._came_to_nothing(row, error)
            if error.fate in _NOTHING_RUNS:
                raise
            raise await self._uncertain(error) from error
        return row, ticket

    async def _withdraw(self, intending: asyncio.Future[int]) -> None:
        """Stop came while the row was being written: nothing has left this machine."""
        try:
            row = await intending
        except (RunningHubError, OrderExists):
            return
        await self._note(lambda s: s.dropped(row))

    async def _came_to_nothing(self, row: int, error: RunningHubError) -> None:
        """No ticket: the row goes when nothing was started, else it stays as a question."""
        key = error.key
        if error.fate in _NOTHING_RUNS:
            await self._note(lambda s: s.dropped(row))
        else:
            await self._note(lambda s: s.uncertain(row, key=key))

    async def _create(self, row: int, order: Order) -> Ticket:
        """A ticket whose id is in the book: a stop right behind the reply must not lose it."""
        call = tasks.create(
            order.workflow_id,
            order.node_info,
            order.options,
            graph=order.graph,
            access_password=self.access_password,
        )
        ticket = await self.caller.transport.send(call, fresh=True)
        await self._note(lambda s: s.placed(row, ticket.task_id))
        return ticket

    async def _uncertain(self, error: RunningHubError) -> Uncertain:
        """What is known of an order whose fate is not: the account's load before and now."""
        before = self._tasks_seen
        await self._read_limit()
        now = self._tasks_seen
        return Uncertain(
            code=error.code,
            reason=str(error),
            before="?" if before is None else before,
            now="?" if now is None else now,
            origin=self.origin,
        )

    async def _abandon(self, row: int, creating: asyncio.Future[Ticket]) -> None:
        """Stop came between a create and its reply: cancel as soon as the id is known."""
        try:
            ticket = await creating
        except RunningHubError as error:
            await self._came_to_nothing(row, error)
            log.info("a stopped order got no task: %s", error)
            if error.fate not in _NOTHING_RUNS:
                self.stopped(Stopped("", confirmed=False))
            return
        await self._cancel_order(row, ticket.task_id)

    # From the ticket to the results

    async def _see_through(self, row: int, ticket: Ticket, order: Order, watch: Watch) -> Outcome:
        """Follow a placed order and deliver; gives its slot back as soon as the task is over."""
        watch(Progress(Stage.ORDERING, 1.0, {"task_id": ticket.task_id}))
        try:
            report, seconds = await self._follow(row, ticket, order, watch)
        except (asyncio.CancelledError, TimeLimit):
            self._later(self._cancel_order(row, ticket.task_id))
            raise
        except TaskCancelled:
            await self._note(lambda s: s.cancelled(row))
            raise
        except RunningHubError as error:
            error.task_id = ticket.task_id
            key, code = error.key, error.code
            if error.fate is Fate.OVER:
                await self._note(lambda s: s.failed(row, key=key, code=code))
            raise
        finally:
            self.slots.leave()
        return await self._deliver(row, ticket, report, seconds, watch)

    async def _follow(
        self, row: int, ticket: Ticket, order: Order, watch: Watch
    ) -> tuple[Report, float]:
        rejected = tasks.rejected_nodes(ticket)
        if rejected is not None and not ticket.tips.outputs:
            self._later(self._cancel_order(row, ticket.task_id))
            raise rejected
        await self._note(lambda s: s.running(row))
        instance = order.options.instance
        history = await self._note(lambda s: s.run_times(order.workflow_id, instance))
        following = Following(
            transport=self.caller.transport,
            clock=self.caller.clock,
            ticket=ticket,
            watch=watch,
            history=history or (),
            titles=order.titles,
            time_limit=order.time_limit,
        )
        report = await following.until_over()
        seconds = following.seconds
        if seconds > 0 and ticket.phase is not Phase.OTHER:  # else its start was not seen
            await self._note(lambda s: s.remember_run(order.workflow_id, instance, seconds))
        return report, seconds

    async def _deliver(
        self, row: int, ticket: Ticket, report: Report, seconds: float, watch: Watch
    ) -> Outcome:
        listed = report.results or ()
        usage = report.usage
        pending = [ResultRow(r.node_id, i, "", r.url, text=r.text) for i, r in enumerate(listed)]
        await self._note(
            lambda s: s.done(
                row,
                coins=usage.coins,
                money=usage.money,
                third_party_money=usage.third_party_money,
                seconds=usage.seconds,
                results=pending,
            )
        )
        if not listed:
            raise NoOutput(task_id=ticket.task_id)
        folder = self.results / str(row)
        fetched = await self.transfers.fetch(listed, folder, ticket.task_id, watch)
        await self._note(lambda s: s.save_results(row, _rows(fetched, self.results.parent)))
        return Outcome(ticket.task_id, fetched, usage, ticket.tips, seconds)

    # Cancelling

    async def cancel(self, task_id: str) -> bool:
        """Ask that a task stops and see that it did; False when that could not be seen."""
        try:
            return await asyncio.wait_for(self._cancel(task_id), CANCEL_BOUND)
        except asyncio.TimeoutError:
            return False

    async def _cancel_order(self, row: int, task_id: str) -> None:
        await self._note(lambda s: s.want_cancel(row))
        confirmed = await self.cancel(task_id)
        if confirmed:
            await self._note(lambda s: s.cancelled(row))
        else:
            log.warning("task %s could not be cancelled for certain: it may cost", task_id)
        self.stopped(Stopped(task_id, confirmed))

    async def _cancel(self, task_id: str) -> bool:
        transport, clock = self.caller.transport, self.caller.clock
        for _ in range(CANCEL_TRIES):
            try:
                await transport.send(tasks.cancel(task_id))
            except TaskNotFound:
                return True
            except RunningHubError as error:
                log.info("cancelling task %s: %s", task_id, error)
            for pause in CANCEL_CONFIRM:
                await clock.sleep(pause)
                try:
                    if await self._is_over(task_id):
                        return True
                except TaskNotFound:
                    return True
                except RunningHubError:
                    continue
        return False

    async def _is_over(self, task_id: str) -> bool:
        try:
            report = await self.caller.transport.send(tasks.query(task_id))
        except TaskNotFound:
            raise
        except Refused:
            # As in following: the recommended route may be missing, then the old one tells.
            report = await self.caller.transport.send(tasks.outputs(task_id))
        return report.phase.is_over

    # Work that outlives its caller

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settle(self) -> None:
        """Wait until cancels under way have come to their end."""
        while self._background:
            await asyncio.wait(tuple(self._background))

    async def _note(self, work: Callable[[Store], T]) -> T | None:
        """A row about something that has happened: a full disk must not lose a running task."""
        try:
            return await self.book.do(work)
        except StoreUnavailable as error:
            log.warning("%s", error)
            return None


def _rows(results: Sequence[Result], folder: Path) -> list[ResultRow]:
    return [
        ResultRow(
            node_id=result.node_id,
            index=index,
            kind=result.type.kind.value if result.type else "",
            url=result.url,
            path=result.path.relative_to(folder).as_posix() if result.path else None,
            size=result.size,
            text=result.text,
        )
        for index, result in enumerate(results)
    ]
