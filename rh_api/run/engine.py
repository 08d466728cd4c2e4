"""One order from a person's wish to its results: take up or place, follow, deliver."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import (
    Detached,
    Fate,
    ResultUnavailable,
    RunningHubError,
    TaskCancelled,
    TaskUnfinished,
    TimeLimit,
)
from ..store import Identity, OrderExists, OrderRow, State, Store
from ..wire.orders import TaskOptions, Ticket, rejected_nodes
from ..wire.tasks import Phase, Report
from .cancelling import Cancelling
from .delivering import EXPIRED, Delivering
from .desk import Desk
from .earlier import Earlier
from .following import Following
from .kept import is_old, look_up
from .look import look
from .orders import Cargo, Order, Outcome
from .placing import Placing
from .ports import Progress, Stage, Watch
from .transfers import Transfers

Prepare = Callable[[], Awaitable[Cargo]]


@dataclass(slots=True)
class Engine:
    """Orders of one account on one site."""

    desk: Desk
    delivering: Delivering
    placing: Placing
    cancelling: Cancelling
    earlier: Earlier
    _followers: dict[str, list[asyncio.Event]] = field(
        default_factory=dict[str, list[asyncio.Event]]
    )
    """By task: whoever follows it here, and waits no longer once the event is set."""

    @classmethod
    def of(cls, desk: Desk, transfers: Transfers, folder: Path) -> Engine:
        """`folder`: the store's, for results."""
        cancelling = Cancelling(desk)
        return cls(
            desk,
            Delivering(desk, transfers, folder),
            Placing(desk, cancelling),
            cancelling,
            Earlier(desk),
        )

    async def settle(self) -> None:
        """Wait until everything that was stopped has come to its end."""
        await self.delivering.settle()
        await self.desk.settle()

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

        `prepare` uploads what the order needs and gives what goes out; it is not called when
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
                order = order.carrying(await prepare())
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

    async def fetch(self, task_id: str, watch: Watch, *, wait: bool = False) -> Outcome:
        """The results of a task, wherever it was ordered; those that are here at once.

        `wait`: follow it until it is over; cancelling this ends the watching, and the task goes
        on. Else raises TaskUnfinished while it is not over. Its own error when it failed.
        """
        desk = self.desk
        known = await desk.book.do(lambda s: s.of_task(desk.origin, desk.account, task_id))
        if known is not None and known.state is State.DONE:
            kept = await desk.book.do(lambda s: look_up(s, known))
            if isinstance(kept, Outcome):
                return kept
        try:
            report = await self.report(task_id)
        except RunningHubError as error:
            error.task_id = task_id
            raise
        if report.error is not None:
            report.error.task_id = task_id
            raise report.error
        row, seconds = known.id if known is not None else None, 0.0
        ticket = Ticket(task_id, report.phase, report.socket_url)
        if wait and not report.phase.is_over:
            report, seconds = await self._follow(row, ticket, _order_of(known), watch, known)
        if report.phase is not Phase.SUCCESS:
            raise TaskUnfinished(task_id=task_id, remote=report.phase.name.lower())
        return await self.delivering.deliver(row, ticket, report, seconds, watch)

    def detach(self, task_id: str) -> bool:
        """Whoever waits for the task gets Detached, and it goes on; False when nobody waits."""
        followers = self._followers.get(task_id, ())
        for leaving in followers:
            leaving.set()
        return bool(followers)

    def is_followed(self, task_id: str | None) -> bool:
        """Whether somebody here waits for the task."""
        return task_id in self._followers

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
            return await self._owed(known, known.task_id, left, watch)
        return left if serve else None

    async def _owed(
        self, known: OrderRow, task_id: str, left: Report, watch: Watch
    ) -> Outcome | None:
        """Results that are not here; None when the service has dropped them, as it does in time."""
        ticket = Ticket(task_id, Phase.SUCCESS)
        try:
            return await self.delivering.deliver(known.id, ticket, left, 0.0, watch)
        except ResultUnavailable as error:
            if error.status not in EXPIRED:
                raise
            if not await self.desk.book.do(lambda s: is_old(s, known)):
                raise
            return None

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
        try:
            rejected = rejected_nodes(ticket)
            # Of a graph of ours each output was asked for: one that will not run is a failure.
            if rejected is not None and (order.graph is not None or not ticket.tips.outputs):
                self.desk.later(self.cancelling.order(row, ticket.task_id))
                raise rejected
            report, seconds = await self._follow(row, ticket, order, watch, rejoined)
        except (asyncio.CancelledError, TimeLimit):
            self.desk.later(self.cancelling.order(row, ticket.task_id))
            raise
        finally:
            self.placing.slots.leave()
        return await self.delivering.deliver(row, ticket, report, seconds, watch)

    async def _follow(
        self,
        row: int | None,
        ticket: Ticket,
        order: Order,
        watch: Watch,
        rejoined: OrderRow | None,
    ) -> tuple[Report, float]:
        """The last report, with running seconds. `row`: of the book, which learns of the end."""
        note = self.desk.note
        try:
            return await self._watched(row, ticket, order, watch, rejoined)
        except TaskCancelled:
            if row is not None:
                await note(lambda s: s.cancelled(row))
            raise
        except RunningHubError as error:
            error.task_id = ticket.task_id
            key, code = error.key, error.code
            if row is not None and error.fate is Fate.OVER:
                await note(lambda s: s.failed(row, key=key, code=code))
            raise

    async def _watched(
        self,
        row: int | None,
        ticket: Ticket,
        order: Order,
        watch: Watch,
        rejoined: OrderRow | None,
    ) -> tuple[Report, float]:
        desk = self.desk
        noted = row is None

        async def running(row: int) -> None:
            await desk.note(lambda s: s.running(row, following.started_at))

        def show(news: Progress) -> None:
            nonlocal noted
            if row is not None and news.stage is Stage.RUNNING and not noted:
                noted = True
                desk.later(running(row))
            watch(news)

        instance = order.options.instance
        history = await desk.note(lambda s: s.memory.run_times(order.program, instance))
        following = Following(
            transport=desk.caller.transport,
            clock=desk.caller.clock,
            ticket=ticket,
            watch=show,
            history=history or (),
            titles=order.titles,
            nodes=order.nodes,
            time_limit=order.time_limit,
            ran=0.0 if rejoined is None else await self._ran(rejoined, order),
        )
        report = await self._until_over(following, ticket.task_id)
        seconds = following.seconds
        if seconds > 0 and rejoined is None:  # else its start was not seen
            await desk.note(lambda s: s.memory.remember_run(order.program, instance, seconds))
        return report, seconds

    async def _ran(self, row: OrderRow, order: Order) -> float:
        """Running seconds that passed before this start.

        A limit of them ends a task that is paid for, so there the service's clock is asked:
        this machine's may have been set meanwhile.
        """
        started, task_id, now = row.started, row.task_id, None
        if started is None:
            return 0.0
        if order.time_limit and task_id:
            with contextlib.suppress(RunningHubError):
                now = (await look(self.desk.caller.transport, task_id)).at
        if now is None:
            now = await self.desk.book.do(lambda s: s.now())
        return max(0.0, now - started)

    async def _until_over(self, following: Following, task_id: str) -> Report:
        leaving = asyncio.Event()
        followers = self._followers.setdefault(task_id, [])
        followers.append(leaving)
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
            followers.remove(leaving)
            if not followers:
                del self._followers[task_id]


def _order_of(row: OrderRow | None) -> Order:
    """What following a task wants to know of its order, as far as the book tells."""
    if row is None:
        return Order("")
    return Order("", name=row.workflow, options=TaskOptions(instance=row.instance))
