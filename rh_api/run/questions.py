"""What earlier starts left open: tasks that still run, and orders of which nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import BadInput, RunningHubError
from ..store import OrderRow, State
from ..wire.accounts import queue_status
from .engine import Engine


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not over.

    `order`: its number in the book. `kind`: workflow, app or graph; `program`: the id of the
    workflow or app, for a graph the book's name of its shape. `task_id`: "" when none is known;
    then it is a question for `Client.settle_uncertain`.
    `placed_at`, `started_at`: unix seconds, the latter None unless it was seen running.
    `cancelling`: it was stopped, and that it stopped was not seen.
    `inputs`: its fields, with hashes in place of contents. `before`: tasks that the account had
    then, or None. `from_before`: an earlier start placed it. `followed`: somebody here waits for
    it.
    """

    order: int
    kind: str
    program: str
    task_id: str
    state: State
    placed_at: float
    cancelling: bool
    inputs: Mapping[str, object]
    before: int | None = None
    from_before: bool = True
    started_at: float | None = None
    followed: bool = False

    @property
    def is_uncertain(self) -> bool:
        return not self.task_id

    @classmethod
    def of(cls, row: OrderRow, last: int, *, followed: bool = False) -> OpenOrder:
        """`last`: the number of the last order before this start."""
        kind, _, program = row.workflow.rpartition("/")
        inputs, before = row.what.get("inputs"), row.what.get("before")
        return cls(
            order=row.id,
            kind=kind or "workflow",
            program=program,
            task_id=row.task_id or "",
            state=row.state,
            placed_at=row.created,
            cancelling=row.cancel == "wanted",
            inputs=inputs if isinstance(inputs, Mapping) else {},  # pyright: ignore[reportUnknownArgumentType]
            before=before if isinstance(before, int) else None,
            from_before=row.id <= last,
            started_at=row.started,
            followed=followed,
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """A look at an uncertain order. The service lists no tasks, so this is all there is to see.

    `before`, `now`: tasks of the account when it was sent and now, None when not known. `ours`:
    those of now that the book knows. More tasks than before, or than ours, speak for a task that
    runs; fewer prove nothing, since it may be over.
    """

    before: int | None
    now: int | None
    ours: int


@dataclass(frozen=True, slots=True)
class Questions:
    """The open orders of one account. `last`: the number of the last one before this start."""

    engine: Engine
    last: int

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Those that nobody waits for, oldest first; `followed`: also those that somebody does.

        One that is being placed this moment is none.
        """
        listed = [
            OpenOrder.of(row, self.last, followed=self.engine.is_followed(row.task_id))
            for row in await self._unfinished()
            if row.id <= self.last or row.state is not State.INTENDED
        ]
        return [one for one in listed if followed or not one.followed]

    async def look_again(self, order: int) -> Sight:
        """What can be seen of an uncertain order; changes nothing."""
        asked = OpenOrder.of(await self._question(order), self.last)
        rows = await self._unfinished()
        caller = self.engine.desk.caller
        try:
            load = await caller.retrying(lambda: caller.transport.send(queue_status()))
        except RunningHubError:
            now = None
        else:
            now = load.running + load.queued
        return Sight(asked.before, now, sum(1 for row in rows if row.task_id))

    async def is_task(self, order: int, task_id: str) -> None:
        """An uncertain order became that task, which the service knows: it is one to take up.

        If it had been stopped before its task was known, it is cancelled now. Raises TaskNotFound,
        or BadInput when the task is another order's.
        """
        question = await self._question(order)
        desk = self.engine.desk
        twin = await desk.book.do(lambda s: s.of_task(desk.origin, desk.account, task_id))
        if twin is not None:
            raise BadInput("error.task_of_other_order", task_id=task_id)
        await self.engine.report(task_id)
        await desk.book.do(lambda s: s.placed(order, task_id))
        if question.cancel == "wanted":
            desk.later(self.engine.cancelling.again(order, task_id))

    async def not_started(self, order: int) -> None:
        """A person has seen that an uncertain order did not start: it may be ordered again."""
        await self._question(order)
        await self.engine.desk.book.do(lambda s: s.dropped(order))

    async def cancel_again(self) -> None:
        """Cancels that an earlier start asked for and could not confirm."""
        again = self.engine.cancelling.again
        rows = await self._unfinished()
        wanted = [row for row in rows if row.id <= self.last and row.cancel == "wanted"]
        await asyncio.gather(*(again(row.id, row.task_id) for row in wanted if row.task_id))

    async def _unfinished(self) -> list[OrderRow]:
        desk = self.engine.desk
        return await desk.book.do(lambda s: s.unfinished(desk.origin, desk.account))

    async def _question(self, order: int) -> OrderRow:
        desk = self.engine.desk
        row = await desk.book.do(lambda s: s.order(order))
        if (
            row is None
            or row.state not in (State.INTENDED, State.UNCERTAIN)
            or (row.origin, row.account) != (desk.origin, desk.account)
        ):
            raise BadInput("error.order_settled", order=order)
        return row
