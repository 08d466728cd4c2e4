"""Orders of before: equal ones are taken up or asked about, open ones are listed and settled."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import BadInput, RunningHubError, Uncertain
from ..journal import Identity, OrderRow, State
from ..journal.retention import age
from ..journal.rows import ORDERED_AGAIN
from ..wire.accounts import queue_status
from ..wire.orders import TaskOptions
from .cancellation import Canceller
from .context import AccountContext
from .limiter import tasks_told
from .orders import Order, is_model
from .progress import Progress
from .report_query import query_report

CREATE_SECONDS = 90.0  # longer than any create may take, its reply and its row included
QUESTIONS = (State.INTENDED, State.UNCERTAIN)
NodesOf = Callable[[str], Awaitable[Collection[str]]]
"""The ids of a workflow's nodes, none where nothing tells them."""
LOOK_AGAIN = 0.5  # seconds between two looks at an order that another process is placing


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not over.

    `order`: its number in the journal. `kind`: workflow, app, graph or model; `program`: its id or
    endpoint, for a graph the journal's name of its shape; `name`: what people call it, "" where
    that is not known. `task_id`: "" when none is known;
    then it is a question for `Client.settle_uncertain`.
    `placed_at`, `started_at`: unix seconds, the latter None unless it was seen running.
    `cancelling`: it was stopped, and that it stopped was not seen.
    `inputs`: its fields, with hashes in place of contents. `before`: tasks that the account had
    then, or None. `from_before`: an earlier start placed it. `followed`: somebody here waits for
    it; then `news` is how it is doing.
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
    name: str = ""
    instance: str = "default"
    news: Progress | None = None

    @property
    def kind_program(self) -> str:
        """The program as `client.costs.estimate` takes it."""
        return self.program if self.kind == "workflow" else f"{self.kind}/{self.program}"

    @property
    def is_uncertain(self) -> bool:
        return not self.task_id

    @classmethod
    def of(
        cls, row: OrderRow, last: int, *, followed: bool = False, news: Progress | None = None
    ) -> OpenOrder:
        """`last`: the number of the last order before this start."""
        before = row.what.get("before")
        return cls(
            order=row.id,
            kind=row.kind,
            program=row.program,
            name=row.name,
            instance=row.instance,
            news=news,
            task_id=row.task_id or "",
            state=row.state,
            placed_at=row.created,
            cancelling=row.cancel == "wanted",
            inputs=row.inputs,
            before=before if isinstance(before, int) else None,
            from_before=row.id <= last,
            started_at=row.started,
            followed=followed,
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """A look at an uncertain order. The service lists no tasks, so this is all there is to see.

    `before`, `now`: tasks of the account when it was sent and now, None when not known. `ours`:
    those of now that the journal knows. More tasks than before, or than ours, speak for a task that
    runs; fewer prove nothing, since it may be over.
    """

    before: int | None
    now: int | None
    ours: int


CANCELS = "cancels of earlier starts"
"""What of a context's work begins those."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Earlier orders of one account. `last`: the number of the last one before this start."""

    context: AccountContext
    canceller: Canceller
    last: int = 0

    # Of one identity

    async def find(self, identity: Identity) -> OrderRow | None:
        """The latest order of an identity."""
        journal, clock = self.context.journal, self.context.sender.clock
        row = await journal.find(identity)
        if row is None or row.state.is_over:
            return row
        # Stop was pressed a moment ago: what is being cancelled must not be taken up.
        await self.context.settle(row.id, identity.digest, CANCELS)
        row = await journal.find(identity)
        if row is not None and row.state is State.INTENDED:
            # Another process is placing it: its task can be followed, once it has one.
            waited = age(row.created, journal.now()) or 0.0
            until = clock.now() + min(CREATE_SECONDS, CREATE_SECONDS - waited)
            while row is not None and row.state is State.INTENDED and clock.now() < until:
                await clock.sleep(LOOK_AGAIN)
                row = await journal.find(identity)
        if row is not None and row.state in QUESTIONS and await self._is_listed(row):
            return await journal.find(identity)
        return row

    async def _is_listed(self, row: OrderRow) -> bool:
        """Whether an order's prompt is seen on the native route, which settles what it became."""
        task_id = row.what.get("prompt")
        if not isinstance(task_id, str):
            return False
        with contextlib.suppress(RunningHubError):
            await query_report(self.context.sender.send, task_id)
            await self.context.journal.place(row.id, task_id)
            return True
        return False

    async def check_lost_journal(self) -> None:
        """Raise Uncertain while a journal lies aside that may hold an equal order."""
        lost = await self.context.journal.lost_journal()
        if lost is not None:
            raise Uncertain(
                "error.book_set_aside", file=str(lost), origin=self.context.journal.origin
            )

    def question(self, row: OrderRow) -> Uncertain:
        """The error of an order of which nobody knows whether it was placed."""
        when = datetime.fromtimestamp(row.created, tz=timezone.utc).astimezone()
        before = row.what.get("before")
        return Uncertain(
            "error.uncertain_before",
            when=when.strftime("%Y-%m-%d %H:%M"),
            before=before,
            tasks=tasks_told(before, None),
            order=row.id,
            origin=self.context.journal.origin,
        )

    async def send_again(self, row: OrderRow) -> None:
        """A person's answer: whatever became of this one, another is ordered. It can be answered
        still, which frees or books what is held for it."""
        if row.state in QUESTIONS:
            await self.context.journal.record_failed(row.id, key=ORDERED_AGAIN)

    # Open ones

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Orders that nobody waits for, oldest first; `followed`: also those that somebody does.

        One that is being placed this moment is none.
        """
        listed = [
            OpenOrder.of(
                row,
                self.last,
                followed=row.task_id in self.context.followers,
                news=self.context.news.get(row.task_id or ""),
            )
            for row in await self.context.journal.unfinished()
            if row.id <= self.last or row.state is not State.INTENDED
        ]
        return [order for order in listed if followed or not order.followed]

    async def inspect_uncertain(self, order: int) -> Inspection:
        """What can be seen of an uncertain order; changes nothing."""
        open_order = OpenOrder.of(await self._question(order), self.last)
        rows = await self.context.journal.unfinished()
        try:
            load = await self.context.sender.send(queue_status())
        except RunningHubError:
            now = None
        else:
            now = load.running + load.queued
        return Inspection(open_order.before, now, sum(1 for row in rows if row.task_id))

    async def settle_as_task(
        self, order: int, task_id: str, nodes_of: NodesOf | None = None
    ) -> None:
        """An uncertain order became that task, which the service knows: it is one to take up.

        If it had been stopped before its task was known, it is cancelled now. Raises TaskNotFound,
        or BadInput when the task is another order's, or made what no node of this one makes.
        """
        question = await self._answerable(order)
        context = self.context
        twin = await context.journal.of_task(task_id)
        if twin is not None and twin.id != order:
            raise BadInput("error.task_of_other_order", id=task_id, order=twin.id)
        report = await query_report(context.sender.send, task_id)
        savers = {result.node_id for result in report.results or () if result.node_id}
        nodes: Collection[str] = question.graph.keys()
        if savers and question.kind == "workflow" and nodes_of is not None:
            nodes = await nodes_of(question.program)
        if savers and nodes and _outer(savers).isdisjoint(_outer(nodes)):
            named = ", ".join(sorted(savers))
            raise BadInput("error.task_of_other_program", id=task_id, order=order, nodes=named)
        if not await context.journal.settle(question, task_id):
            raise BadInput("error.order_twin", order=order)
        if question.cancel == "wanted":
            again = self.canceller.again
            context.spawn(again(order, task_id, is_model=is_model(question.workflow)), order)

    async def settle_as_not_started(self, order: int) -> None:
        """A person has seen that an uncertain order did not start: it may be ordered again.

        Not what it was said to be and was seen running since, maybe by a process that follows it.
        """
        row = await self._answerable(order)
        if row.state is State.RUNNING:
            raise BadInput("error.order_seen", order=order, id=row.task_id)
        if not await self.context.journal.settle(row, ""):
            raise BadInput("error.order_twin", order=order)

    async def cancel_again(self) -> None:
        """Begin the cancels that an earlier start asked for and could not confirm."""
        context, again = self.context, self.canceller.again
        for row in await context.if_readable(context.journal.unfinished()) or ():
            if row.id > self.last or row.cancel != "wanted":
                continue
            task_id = row.task_id or (await self._is_listed(row) and str(row.what["prompt"]))
            if task_id:
                context.spawn(again(row.id, task_id, is_model=is_model(row.workflow)), row.id)

    async def _question(self, order: int) -> OrderRow:
        journal = self.context.journal
        row = await journal.order(order)
        if (
            row is None
            or not row.is_answerable
            or (row.origin, row.account) != (journal.origin, journal.account)
        ):
            raise BadInput("error.order_settled", order=order)
        return row

    async def _answerable(self, order: int) -> OrderRow:
        """An order of whose fate a person may say something: not one that is on its way now."""
        row = await self._question(order)
        if row.task_id in self.context.followers:  # its end would be written down as this one's
            raise BadInput("error.order_twin", order=order)
        seconds = age(row.created, self.context.journal.now())
        if row.state is State.INTENDED and seconds is not None and seconds < CREATE_SECONDS:
            raise BadInput("error.order_being_made", order=order, seconds=int(CREATE_SECONDS))
        return row


def _outer(nodes: Collection[str]) -> set[str]:
    """The nodes of the canvas: `57` of `57:9`, which lies in the subgraph that it is."""
    return {node.partition(":")[0] for node in nodes}


def order_of(row: OrderRow | None) -> Order:
    """What following a task wants to know of its order, as far as the journal tells."""
    if row is None:
        return Order("")
    return Order("", name=row.workflow, options=TaskOptions(instance=row.instance))
