"""Recovery of earlier orders: finding one of the same identity, listing and settling open ones."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import cast

from ..errors import BadInput, RunningHubError, Uncertain
from ..journal import Identity, OrderRow, State
from ..journal.clock import age
from ..journal.rows import ORDERED_AGAIN
from ..wire.accounts import queue_status
from ..wire.orders import TaskOptions
from .cancellation import Canceller
from .context import AccountContext
from .orders import Order
from .progress import Progress
from .report_query import look

CREATE_SECONDS = 90.0  # upper bound of a create call, reply and journal write included
TASK_UNKNOWN = (State.INTENDED, State.UNCERTAIN)
NodesOf = Callable[[str], Awaitable[Collection[str]]]
"""Returns the node ids of a workflow id; empty if unknown."""
PLACING_POLL_SECONDS = 0.5  # poll interval for an order that another process is placing


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not over.

    `order`: its number in the journal. `kind`: as of `OrderRow`; `program`: its id or
    endpoint, for a graph a digest of its structure; `name`: display name, "" if unknown.
    `task_id`: "" if unknown; then `Client.settle_uncertain` settles it.
    `placed_at`, `started_at`: unix seconds, the latter None unless it was seen running.
    `cancelling`: a cancel was requested and is not confirmed.
    `inputs`: its fields, with content hashes in place of contents. `before`: the account's number
    of tasks when it was placed, or None. `from_before`: an earlier process placed it. `followed`:
    it has a follower in this process; `news` is then its latest progress.
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
    def program_key(self) -> str:
        """The program as `client.costs.estimate` takes it."""
        return self.program if self.kind == "workflow" else f"{self.kind}/{self.program}"

    @property
    def is_uncertain(self) -> bool:
        return not self.task_id

    @classmethod
    def of(
        cls, row: OrderRow, last_before_start: int, *, followed: bool, news: Progress | None
    ) -> OpenOrder:
        """Read a journal row. `last_before_start`: see `Recovery`."""
        before = row.what.get("before")
        return cls(
            order=row.id,
            kind=row.kind,
            program=row.program_id,
            name=row.display_name,
            instance=row.instance,
            news=news,
            task_id=row.task_id or "",
            state=row.state,
            placed_at=row.created,
            cancelling=row.cancel == "wanted",
            inputs=row.inputs,
            before=before if isinstance(before, int) else None,
            from_before=row.id <= last_before_start,
            started_at=row.started,
            followed=followed,
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """Evidence on an uncertain order. The service cannot list tasks, so there is no more.

    `before`, `now`: number of the account's tasks when it was sent and now, None if unknown.
    `ours`: unfinished tasks in the journal. More tasks than before, or than ours, suggest that it
    runs; fewer prove nothing, since it may be over.
    """

    before: int | None
    now: int | None
    ours: int


CANCELS = "cancels of earlier starts"
"""Key (`about`) of the background task that starts those."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Earlier orders of one account. `last_before_start`: number of the last order before this
    process started."""

    context: AccountContext
    canceller: Canceller
    last_before_start: int = 0

    # By identity

    async def by_contents(self, order: Order) -> Order:
        """Look the order up by file contents when its files are only known by their remote names.

        Return it with contents in place of names or URLs if the journal has such an order, else
        unchanged. Inputs from the history have the names.
        """
        names = {text for value in order.inputs.values() for text in _names_in(value)}
        journal = self.context.journal
        who = journal.owner
        hashes = (
            await journal(journal.store.caches.contents_of, *journal.owner, names) if names else {}
        )
        if not hashes or _counts(await journal(journal.store.find, order.identity(*who).digest)):
            return order
        same = replace(order, inputs=_with_contents(order.inputs, hashes))
        return (
            same
            if _counts(await journal(journal.store.find, same.identity(*who).digest))
            else order
        )

    async def find(self, identity: Identity) -> OrderRow | None:
        """Return `Store.find` of an identity, after waiting for a cancel of it in this process,
        and up to CREATE_SECONDS for another process placing it. Settles it if it is listed."""
        journal, clock = self.context.journal, self.context.sender.clock
        row = await journal(journal.store.find, identity.digest)
        if row is None or row.state.is_over:
            return row
        # Wait for a cancel in progress: a task that is being cancelled must not be resumed.
        await self.context.wait_for_background(row.id, identity.digest, CANCELS)
        row = await journal(journal.store.find, identity.digest)
        if row is not None and row.state is State.INTENDED:
            # Another process may be placing it: its task can be followed, once it has one.
            waited = age(row.created, journal.now()) or 0.0
            until = clock.now() + min(CREATE_SECONDS, CREATE_SECONDS - waited)
            while row is not None and row.state is State.INTENDED and clock.now() < until:
                await clock.sleep(PLACING_POLL_SECONDS)
                row = await journal(journal.store.find, identity.digest)
        if row is not None and row.state in TASK_UNKNOWN and await self._settle_if_listed(row):
            return await journal(journal.store.find, identity.digest)
        return row

    async def _settle_if_listed(self, row: OrderRow) -> bool:
        """Settle an uncertain order if the native route lists its prompt; return whether it did."""
        task_id = row.expected_task_id
        if not task_id:
            return False
        with contextlib.suppress(RunningHubError):
            await look(self.context.sender.send, task_id)
            await self.context.journal.set_task(row.id, task_id)
            return True
        return False

    async def check_lost_journal(self) -> None:
        """Raise Uncertain while a journal that was set aside may hold an equal order."""
        lost = await self.context.journal(self.context.journal.store.lost_journal)
        if lost is not None:
            raise Uncertain(
                "error.book_set_aside", file=str(lost), origin=self.context.journal.origin
            )

    def uncertain_error(self, row: OrderRow) -> Uncertain:
        """Return the error of an order whose fate is unknown."""
        when = datetime.fromtimestamp(row.created, tz=timezone.utc).astimezone()
        before = row.what.get("before")
        return Uncertain(
            "error.uncertain_before",
            when=when.strftime("%Y-%m-%d %H:%M"),
            before=before,
            tasks=Uncertain.describe_tasks(before, None),
            order=row.id,
            origin=self.context.journal.origin,
        )

    async def supersede(self, row: OrderRow) -> None:
        """Close an uncertain order because the user orders again. It can still be settled, which
        releases or books its hold."""
        if row.state in TASK_UNKNOWN:
            await self.context.journal.record_failed(row.id, key=ORDERED_AGAIN)

    # Open ones

    async def open_orders(self, *, followed: bool = False) -> list[OpenOrder]:
        """Return unfinished orders, oldest first; with `followed` also those followed here. Omits
        INTENDED ones since this start, which are mostly being placed right now."""
        journal = self.context.journal
        listed = [
            OpenOrder.of(
                row,
                self.last_before_start,
                followed=row.task_id in self.context.followers,
                news=self.context.news.get(row.task_id or ""),
            )
            for row in await journal(journal.store.unfinished, *journal.owner)
            if row.id <= self.last_before_start or row.state is not State.INTENDED
        ]
        return [order for order in listed if followed or not order.followed]

    async def inspect_uncertain(self, order: int) -> Inspection:
        """Return the evidence on an uncertain order; read-only. BadInput if it is settled."""
        uncertain = await self._unsettled_row(order)
        open_order = OpenOrder.of(uncertain, self.last_before_start, followed=False, news=None)
        journal = self.context.journal
        rows = await journal(journal.store.unfinished, *journal.owner)
        try:
            load = await self.context.sender.send(queue_status())
        except RunningHubError:
            now = None
        else:
            now = load.running + load.queued
        return Inspection(open_order.before, now, sum(1 for row in rows if row.task_id))

    async def settle_as_task(
        self, order: int, task_id: str, nodes_of: NodesOf | None = None
    ) -> bool:
        """Settle an uncertain order as that task, after checking it with the service.

        If a cancel was requested before the task was known, it starts now, and True is returned.
        Raises TaskNotFound, or BadInput if the task is another order's, or has results only of
        nodes this one lacks.
        """
        row = await self._row_to_settle(order)
        context = self.context
        twin = await context.journal(context.journal.store.of_task, *context.journal.owner, task_id)
        if twin is not None and twin.id != order:
            raise BadInput("error.task_of_other_order", id=task_id, order=twin.id)
        report = await look(context.sender.send, task_id)
        savers = {result.node_id for result in report.results or () if result.node_id}
        nodes: Collection[str] = row.graph.keys()
        if savers and row.kind == "workflow" and nodes_of is not None:
            nodes = await nodes_of(row.program_id)
        if savers and nodes and _outer(savers).isdisjoint(_outer(nodes)):
            named = ", ".join(sorted(savers))
            raise BadInput("error.task_of_other_program", id=task_id, order=order, nodes=named)
        if not await context.journal.settle(row, task_id):
            raise BadInput("error.order_twin", order=order)
        is_unwanted = row.cancel == "wanted"
        if is_unwanted:
            repeat = self.canceller.repeat_cancel
            context.spawn(repeat(order, task_id, is_model=row.kind == "model"), order)
        return is_unwanted

    async def settle_as_not_started(self, order: int) -> None:
        """Settle an uncertain order as never started, on the user's word: its row is deleted.
        BadInput if it was settled as a task that was seen running since, in whatever process."""
        row = await self._row_to_settle(order)
        if row.state is State.RUNNING:
            raise BadInput("error.order_seen", order=order, id=row.task_id)
        if not await self.context.journal.settle(row, ""):
            raise BadInput("error.order_twin", order=order)

    async def repeat_cancels(self) -> None:
        """Start the cancels that an earlier process requested and could not confirm."""
        context, repeat = self.context, self.canceller.repeat_cancel
        for row in (
            await context.if_readable(
                context.journal(context.journal.store.unfinished, *context.journal.owner)
            )
            or ()
        ):
            if row.id > self.last_before_start or row.cancel != "wanted":
                continue
            task_id = row.task_id or (await self._settle_if_listed(row) and row.expected_task_id)
            if task_id:
                context.spawn(repeat(row.id, task_id, is_model=row.kind == "model"), row.id)

    async def _unsettled_row(self, order: int) -> OrderRow:
        journal = self.context.journal
        row = await journal(journal.store.order, order)
        if row is None or not row.is_answerable or (row.origin, row.account) != journal.owner:
            raise BadInput("error.order_settled", order=order)
        return row

    async def _row_to_settle(self, order: int) -> OrderRow:
        """Return an order that the user may settle; BadInput if it is being placed or followed."""
        row = await self._unsettled_row(order)
        if row.task_id in self.context.followers:  # the follower would record its end here
            raise BadInput("error.order_twin", order=order)
        seconds = age(row.created, self.context.journal.now())
        if row.state is State.INTENDED and seconds is not None and seconds < CREATE_SECONDS:
            raise BadInput("error.order_being_made", order=order, seconds=int(CREATE_SECONDS))
        return row


def _outer(nodes: Collection[str]) -> set[str]:
    """Return top-level node ids: `57` for `57:9`, a node inside subgraph node 57."""
    return {node.partition(":")[0] for node in nodes}


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _names_in(value: object) -> Iterator[str]:
    """Yield what looks like a file's name or URL rather than a text, also from a list."""
    for item in _items(value):
        if isinstance(item, str) and "." in item and not any(map(str.isspace, item)):
            yield item


def _with_contents(inputs: Mapping[str, object], hashes: Mapping[str, str]) -> dict[str, object]:
    """Replace names by contents; the items of a list then have a key each, as those of files do."""
    values: dict[str, object] = {}
    for name, value in inputs.items():
        items = _items(value)
        files = [{"sha256": hashes[i]} if isinstance(i, str) and i in hashes else i for i in items]
        if isinstance(value, list) and files != items:
            values |= {f"{name}.{number}": file for number, file in enumerate(files, 1)}
        else:
            values[name] = value if isinstance(value, list) else files[0]
    return values


def _counts(row: OrderRow | None) -> bool:
    """Return whether an equal order keeps a new one from being placed."""
    return row is not None and row.state not in (State.FAILED, State.CANCELLED)


def order_of(row: OrderRow | None) -> Order:
    """Return an Order for following a task, with what its row tells; empty without a row."""
    if row is None:
        return Order("")
    return Order("", key_override=row.program_key, options=TaskOptions(instance=row.instance))
