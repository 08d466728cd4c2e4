"""One order from a person's wish to its results: take up or place, follow, deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import (
    Detached,
    Fate,
    NoOutput,
    ResultUnavailable,
    RunningHubError,
    TaskCancelled,
    TaskUnfinished,
    TimeLimit,
)
from ..store import Identity, OrderExists, OrderRow, State, Store
from ..store.tidy import RESULTS
from ..wire import tasks
from ..wire.tasks import NodeInfo, Phase, RemoteResult, Report, Ticket
from .cancelling import Cancelling
from .desk import Desk
from .earlier import Earlier
from .following import Following
from .kept import look_up, note_done, rows_of
from .look import look
from .orders import Order, Outcome, Result
from .placing import Placing
from .ports import Progress, Stage, Watch
from .transfers import Transfers

Prepare = Callable[[], Awaitable[tuple[NodeInfo, ...]]]

_EXPIRED = (403, 404)  # how the object store refuses an address that is too old


@dataclass(slots=True)
class Engine:
    """Orders of one account on one site. `folder`: the store's, for results."""

    desk: Desk
    transfers: Transfers
    placing: Placing
    cancelling: Cancelling
    earlier: Earlier
    folder: Path
    under_way: dict[int, str] = field(default_factory=dict[int, str])
    """Rows of orders that are being followed here, and their tasks."""
    _leaving: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    @classmethod
    def of(cls, desk: Desk, transfers: Transfers, folder: Path) -> Engine:
        cancelling = Cancelling(desk)
        return cls(desk, transfers, Placing(desk, cancelling), cancelling, Earlier(desk), folder)

    async def run(
        self,
        order: Order,
        prepare: Prepare,
        watch: Watch,
        *,
        again: bool = False,
        serve: bool = True,
    ) -> Outcome:
        """Take up the order that is already there, or place it, and bring its results.

        `prepare` uploads what the order needs and gives its fields; it is not called when
        nothing has to be ordered.
        `again`: order anew unless it is known to run; it may cost twice, and the caller said so.
        `serve`: results of an earlier equal order will do.
        """
        desk = self.desk
        identity = Identity(
            desk.origin,
            desk.account,
            order.program,
            order.graph_hash,
            order.inputs_hash,
            order.item,
        )
        prepared = False
        while True:
            known = await self.earlier.find(identity)
            if known is None:
                if not again:
                    await self.earlier.ask_about_lost_book()
            elif again and known.state not in (State.PLACED, State.RUNNING):
                await self.earlier.send_again(known)
            else:
                taken_up = await self._take_up(known, order, watch, serve=serve)
                if taken_up is not None:
                    return taken_up
            if not prepared:
                order = replace(order, node_info=await prepare())
                prepared = True
            try:
                row, ticket = await self.placing.place(order, identity, watch)
            except OrderExists:
                again = False  # another process was faster: what it orders will do
            else:
                return await self._see_through(row, ticket, order, watch)

    async def report(self, task_id: str) -> Report:
        """How a task is doing now; the book learns that one of its orders has failed."""
        caller = self.desk.caller
        report = await caller.retrying(lambda: look(caller.transport, task_id))
        if report.phase in (Phase.FAILED, Phase.CANCELLED):
            await self.desk.note(lambda s: self._note_failure(s, task_id, report))
        return report

    def _note_failure(self, store: Store, task_id: str, report: Report) -> None:
        row = store.of_task(self.desk.origin, self.desk.account, task_id)
        if row is None or row.state.is_over:
            return
        if report.phase is Phase.CANCELLED or report.error is None:
            store.cancelled(row.id)
        else:
            store.failed(row.id, key=report.error.key, code=report.error.code)

    async def fetch(self, task_id: str, watch: Watch) -> Outcome:
        """The results of a finished task, wherever it was ordered; those that are here at once.

        Raises TaskUnfinished while it is not over, its own error when it failed.
        """
        desk = self.desk
        known = await desk.book.do(lambda s: s.of_task(desk.origin, desk.account, task_id))
        if known is not None and known.state is State.DONE:
            kept = await desk.book.do(lambda s: look_up(s, known))
            if isinstance(kept, Outcome):
                return kept
        report = await self.report(task_id)
        if report.error is not None:
            report.error.task_id = task_id
            raise report.error
        if report.phase is not Phase.SUCCESS:
            raise TaskUnfinished(task_id=task_id, remote=report.phase.name.lower())
        row = known.id if known is not None else None
        return await self._deliver(row, Ticket(task_id, report.phase), report, 0.0, watch)

    def detach(self, task_id: str) -> bool:
        """Whoever waits for the task gets Detached, and it goes on; False when nobody waits."""
        leaving = self._leaving.get(task_id)
        if leaving is None:
            return False
        leaving.set()
        return True

    # An order that the book knows

    async def _take_up(
        self, known: OrderRow, order: Order, watch: Watch, *, serve: bool
    ) -> Outcome | None:
        """What an earlier order of the same inputs gives; None when it gives nothing more."""
        if known.state in (State.INTENDED, State.UNCERTAIN):
            raise self.earlier.question(known)
        if known.state in (State.PLACED, State.RUNNING) and known.task_id:
            return await self._rejoin(known, known.task_id, order, watch)
        if known.state is not State.DONE or not known.task_id:
            return None
        left = await self.desk.book.do(lambda s: look_up(s, known))
        if isinstance(left, Report):  # never delivered: it is owed, whoever asks
            ticket = Ticket(known.task_id, Phase.SUCCESS)
            return await self._deliver(known.id, ticket, left, 0.0, watch)
        return left if serve else None

    async def _rejoin(
        self, known: OrderRow, task_id: str, order: Order, watch: Watch
    ) -> Outcome | None:
        """Follow a task of before; None when it turns out that Stop had reached it."""
        self.placing.slots.seize()
        ticket = Ticket(task_id, Phase.QUEUED if known.started is None else Phase.OTHER)
        if known.cancel:
            await self.desk.note(lambda s: s.keep(known.id))
        try:
            return await self._see_through(known.id, ticket, order, watch, known)
        except TaskCancelled:
            if known.cancel:
                return None
            raise

    # From the ticket to the results

    async def _see_through(
        self,
        row: int,
        ticket: Ticket,
        order: Order,
        watch: Watch,
        rejoined: OrderRow | None = None,
    ) -> Outcome:
        """Follow a placed order and deliver; gives its slot back as soon as the task is over."""
        watch(Progress(Stage.ORDERING, 1.0, {"task_id": ticket.task_id}))
        note = self.desk.note
        self.under_way[row] = ticket.task_id
        try:
            report, seconds = await self._follow(row, ticket, order, watch, rejoined)
        except (asyncio.CancelledError, TimeLimit):
            self.desk.later(self.cancelling.order(row, ticket.task_id))
            raise
        except TaskCancelled:
            await note(lambda s: s.cancelled(row))
            raise
        except RunningHubError as error:
            error.task_id = ticket.task_id
            key, code = error.key, error.code
            if error.fate is Fate.OVER:
                await note(lambda s: s.failed(row, key=key, code=code))
            raise
        finally:
            self.under_way.pop(row, None)
            self.placing.slots.leave()
        return await self._deliver(row, ticket, report, seconds, watch)

    async def _follow(
        self,
        row: int,
        ticket: Ticket,
        order: Order,
        watch: Watch,
        rejoined: OrderRow | None,
    ) -> tuple[Report, float]:
        desk = self.desk
        rejected = tasks.rejected_nodes(ticket)
        if rejected is not None and not ticket.tips.outputs:
            desk.later(self.cancelling.order(row, ticket.task_id))
            raise rejected
        noted = False

        async def running() -> None:
            await desk.note(lambda s: s.running(row))

        def show(news: Progress) -> None:
            nonlocal noted
            if news.stage is Stage.RUNNING and not noted:
                noted = True
                desk.later(running())
            watch(news)

        ran = 0.0
        if rejoined is not None and rejoined.started is not None:
            since = rejoined.started
            ran = max(0.0, await desk.book.do(lambda s: s.now()) - since)
        instance = order.options.instance
        history = await desk.note(lambda s: s.run_times(order.program, instance))
        following = Following(
            transport=desk.caller.transport,
            clock=desk.caller.clock,
            ticket=ticket,
            watch=show,
            history=history or (),
            titles=order.titles,
            nodes=order.nodes,
            time_limit=order.time_limit,
            ran=ran,
        )
        report = await self._until_over(following, ticket.task_id)
        seconds = following.seconds
        if seconds > 0 and rejoined is None:  # else its start was not seen
            await desk.note(lambda s: s.remember_run(order.program, instance, seconds))
        return report, seconds

    async def _until_over(self, following: Following, task_id: str) -> Report:
        leaving = self._leaving[task_id] = asyncio.Event()
        watching = asyncio.ensure_future(following.until_over())
        left = asyncio.ensure_future(leaving.wait())
        try:
            await asyncio.wait((watching, left), return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                raise Detached
            return watching.result()
        finally:
            watching.cancel()
            left.cancel()
            self._leaving.pop(task_id, None)

    async def _deliver(
        self, row: int | None, ticket: Ticket, report: Report, seconds: float, watch: Watch
    ) -> Outcome:
        """Bring the results here. `row`: of the book; None for a task that was ordered elsewhere."""
        listed = report.results or ()
        if row is not None:
            await self.desk.note(lambda s: note_done(s, row, report))
        if not listed:
            raise NoOutput(task_id=ticket.task_id)
        folder = f"task-{ticket.task_id}" if row is None else str(row)
        fetched = await self._fetch(listed, self.folder / RESULTS / folder, ticket.task_id, watch)
        if row is not None:
            await self.desk.note(lambda s: s.save_results(row, rows_of(fetched, self.folder)))
        return Outcome(ticket.task_id, fetched, report.usage, ticket.tips, seconds)

    async def _fetch(
        self, listed: Sequence[RemoteResult], folder: Path, task_id: str, watch: Watch
    ) -> tuple[Result, ...]:
        """All results; an address that has expired is asked for anew, once."""
        try:
            return await self.transfers.fetch(listed, folder, task_id, watch)
        except ResultUnavailable as error:
            fresh = await self._fresh(task_id) if error.status in _EXPIRED else None
            if not fresh or [one.url for one in fresh] == [one.url for one in listed]:
                raise
        return await self.transfers.fetch(fresh, folder, task_id, watch)

    async def _fresh(self, task_id: str) -> Sequence[RemoteResult] | None:
        try:
            return (await self.report(task_id)).results
        except RunningHubError:
            return None
