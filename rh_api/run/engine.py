"""One order from a person's wish to its results: take up or place, follow, deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ..errors import Fate, NoOutput, RunningHubError, TaskCancelled, TimeLimit, Uncertain
from ..store import Identity, OrderExists, OrderRow, ResultRow, State
from ..store.tidy import RESULTS
from ..wire import tasks
from ..wire.tasks import NodeInfo, Phase, Report, Ticket
from .cancelling import Cancelling
from .desk import Desk
from .following import Following
from .kept import look_up, rows_of
from .orders import Order, Outcome
from .placing import Placing
from .ports import Progress, Stage, Watch
from .transfers import Transfers

Prepare = Callable[[], Awaitable[tuple[NodeInfo, ...]]]


@dataclass(slots=True)
class Engine:
    """Orders of one account on one site. `folder`: the store's, for results."""

    desk: Desk
    transfers: Transfers
    placing: Placing
    cancelling: Cancelling
    folder: Path

    @classmethod
    def of(cls, desk: Desk, transfers: Transfers, folder: Path) -> Engine:
        cancelling = Cancelling(desk)
        return cls(desk, transfers, Placing(desk, cancelling), cancelling, folder)

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
        known = await desk.book.do(lambda s: s.find(identity.digest))
        if known is not None and not known.state.is_over:
            # Stop was pressed a moment ago: what is being cancelled must not be taken up.
            await desk.settle()
            known = await desk.book.do(lambda s: s.find(identity.digest))
        if known is not None and again and known.state not in (State.PLACED, State.RUNNING):
            await self._settle_old(known)
        elif known is not None:
            taken_up = await self._take_up(known, order, watch, serve=serve)
            if taken_up is not None:
                return taken_up
        order = replace(order, node_info=await prepare())
        try:
            row, ticket = await self.placing.place(order, identity, watch)
        except OrderExists as exists:
            # Another process was faster: its task is followed, once it has one.
            taken_up = await self._take_up(exists.row, order, watch, serve=True)
            if taken_up is None:
                raise self._asked_before(exists.row) from exists
            return taken_up
        return await self._see_through(row, ticket, order, watch)

    # An order that the book knows

    async def _take_up(
        self, known: OrderRow, order: Order, watch: Watch, *, serve: bool
    ) -> Outcome | None:
        """What an earlier order of the same inputs gives; None when it gives nothing more."""
        if known.state in (State.INTENDED, State.UNCERTAIN):
            raise self._asked_before(known)
        if known.state in (State.PLACED, State.RUNNING) and known.task_id:
            self.placing.slots.seize()
            ticket = Ticket(known.task_id, Phase.OTHER)
            return await self._see_through(known.id, ticket, order, watch)
        if known.state is not State.DONE or not known.task_id:
            return None
        left = await self.desk.book.do(lambda s: look_up(s, known))
        if isinstance(left, Report):  # never delivered: it is owed, whoever asks
            ticket = Ticket(known.task_id, Phase.SUCCESS)
            return await self._deliver(known.id, ticket, left, 0.0, watch)
        return left if serve else None

    def _asked_before(self, row: OrderRow) -> Uncertain:
        when = datetime.fromtimestamp(row.created, tz=timezone.utc).astimezone()
        return Uncertain(
            "error.uncertain_before",
            when=when.strftime("%Y-%m-%d %H:%M"),
            origin=self.desk.origin,
        )

    async def _settle_old(self, known: OrderRow) -> None:
        if known.state in (State.INTENDED, State.UNCERTAIN):
            await self.desk.note(lambda s: s.failed(known.id, key="error.uncertain", code=None))

    # From the ticket to the results

    async def _see_through(self, row: int, ticket: Ticket, order: Order, watch: Watch) -> Outcome:
        """Follow a placed order and deliver; gives its slot back as soon as the task is over."""
        watch(Progress(Stage.ORDERING, 1.0, {"task_id": ticket.task_id}))
        note = self.desk.note
        try:
            report, seconds = await self._follow(row, ticket, order, watch)
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
            self.placing.slots.leave()
        return await self._deliver(row, ticket, report, seconds, watch)

    async def _follow(
        self, row: int, ticket: Ticket, order: Order, watch: Watch
    ) -> tuple[Report, float]:
        desk = self.desk
        rejected = tasks.rejected_nodes(ticket)
        if rejected is not None and not ticket.tips.outputs:
            desk.later(self.cancelling.order(row, ticket.task_id))
            raise rejected
        await desk.note(lambda s: s.running(row))
        instance = order.options.instance
        history = await desk.note(lambda s: s.run_times(order.program, instance))
        following = Following(
            transport=desk.caller.transport,
            clock=desk.caller.clock,
            ticket=ticket,
            watch=watch,
            history=history or (),
            titles=order.titles,
            nodes=order.nodes,
            time_limit=order.time_limit,
        )
        report = await following.until_over()
        seconds = following.seconds
        if seconds > 0 and ticket.phase is not Phase.OTHER:  # else its start was not seen
            await desk.note(lambda s: s.remember_run(order.program, instance, seconds))
        return report, seconds

    async def _deliver(
        self, row: int, ticket: Ticket, report: Report, seconds: float, watch: Watch
    ) -> Outcome:
        listed = report.results or ()
        usage = report.usage
        pending = [ResultRow(r.node_id, i, "", r.url, text=r.text) for i, r in enumerate(listed)]
        await self.desk.note(
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
        folder = self.folder / RESULTS / str(row)
        fetched = await self.transfers.fetch(listed, folder, ticket.task_id, watch)
        await self.desk.note(lambda s: s.save_results(row, rows_of(fetched, self.folder)))
        return Outcome(ticket.task_id, fetched, usage, ticket.tips, seconds)
