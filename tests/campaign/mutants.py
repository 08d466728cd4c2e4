"""Faults put into our own code on purpose: a campaign that does not notice them proves nothing."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

from rh_api.errors import DiskFull
from rh_api.journal import Identity, Store
from rh_api.net import download
from rh_api.run.orders import ActiveOrder
from rh_api.run.result_delivery import ResultDelivery
from rh_api.run.results import Outcome
from rh_api.run.submit import Submitter
from rh_api.wire import tasks
from rh_api.wire.integrity import Verdict
from rh_api.wire.orders import Ticket
from rh_api.wire.tasks import RemoteResult, Report


@contextlib.contextmanager
def one_retry_too_many() -> Iterator[None]:
    """A create whose reply was lost is sent again like any other call."""
    plain = Submitter._create

    async def create(self: Submitter, *order: Any) -> Ticket:
        again = self.context.sender.retry
        return await again(lambda: plain(self, *order), repeatable=True)

    with mock.patch.object(Submitter, "_create", create):
        yield


@contextlib.contextmanager
def one_row_too_late() -> Iterator[None]:
    """An order's row is written when its task is known, and not before its request leaves."""
    intend, placed = Store.intend, Store.set_placed
    waiting: dict[int, tuple[Identity, dict[str, Any]]] = {}
    numbers = itertools.count(-1, -1)

    def remember(self: Store, identity: Identity, **facts: Any) -> int:
        number = next(numbers)
        waiting[number] = (identity, facts)
        return number

    def write(self: Store, order: int, task_id: str, announced: Iterable[str] = ()) -> bool:
        if order in waiting:  # the task is written once more with its end
            identity, facts = waiting.pop(order)
            order = intend(self, identity, **facts)
        return placed(self, order, task_id, announced)

    with mock.patch.multiple(Store, intend=remember, set_placed=write):
        yield


@contextlib.contextmanager
def a_cancel_not_recorded() -> Iterator[None]:
    """That an order is to be cancelled is known to its process alone."""

    def forget(self: Store, order: int) -> bool:
        return True

    with mock.patch.object(Store, "set_cancel_wanted", forget):
        yield


@contextlib.contextmanager
def a_gap_not_told() -> Iterator[None]:
    """A list that stayed in part is delivered as if it were the whole."""
    plain = ResultDelivery.deliver

    async def deliver(
        self: ResultDelivery,
        active: ActiveOrder,
        report: Report,
        seconds: float,
        missing: Sequence[str] = (),
    ) -> Outcome:
        return await plain(self, active, report, seconds)

    with mock.patch.object(ResultDelivery, "deliver", deliver):
        yield


@contextlib.contextmanager
def a_text_of_nothing() -> Iterator[None]:
    """A row without an address is taken for a text, which is empty."""
    plain = tasks._read_row

    def read(row: object) -> list[RemoteResult]:
        return [file if file.url or file.text else replace(file, text="") for file in plain(row)]

    with mock.patch.object(tasks, "_read_row", read):
        yield


@contextlib.contextmanager
def a_cut_not_seen() -> Iterator[None]:
    """A file is whole when it has the length that was announced."""
    with mock.patch.object(download, "judge", return_value=Verdict.WHOLE):
        yield


@contextlib.contextmanager
def no_room_forgets() -> Iterator[None]:
    """An order whose results find no room is no longer known."""
    plain = ResultDelivery.deliver

    async def deliver(self: ResultDelivery, active: ActiveOrder, *rest: Any) -> Outcome:
        try:
            return await plain(self, active, *rest)
        except DiskFull:
            journal: Any = self.context.journal
            gone = "DELETE FROM orders WHERE id = ?"
            await journal(journal.store._file.change, gone, (active.order_id,))
            raise

    with mock.patch.object(ResultDelivery, "deliver", deliver):
        yield


MUTANTS = {
    "one retry too many": (one_retry_too_many, "twice"),
    "one row too late": (one_row_too_late, "twice"),
    "a cancel not recorded": (a_cancel_not_recorded, "unstopped"),
    "a gap not told": (a_gap_not_told, "missing"),
    "a text of nothing": (a_text_of_nothing, "missing"),
    "a cut not seen": (a_cut_not_seen, "half"),
    "no room forgets": (no_room_forgets, "twice"),
}
