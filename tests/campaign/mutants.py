"""Faults put into our own code on purpose: a campaign that does not notice them proves nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from rh_api.run.caller import Caller
from rh_api.store import Identity, Store


@contextlib.contextmanager
def one_retry_too_many() -> Iterator[None]:
    """A create whose reply was lost is sent again like any other call."""
    plain = Caller.retrying

    async def retrying(
        self: Caller,
        attempt: Callable[[], Awaitable[Any]],
        *,
        repeatable: bool = True,
        tries: int = 3,
    ) -> Any:
        return await plain(self, attempt, repeatable=True, tries=tries)

    with mock.patch.object(Caller, "retrying", retrying):
        yield


@contextlib.contextmanager
def one_row_too_late() -> Iterator[None]:
    """An order's row is written when its task is known, and not before its request leaves."""
    intend, placed = Store.intend, Store.placed
    waiting: dict[int, tuple[Identity, str, Mapping[str, object]]] = {}

    def remember(
        self: Store, identity: Identity, *, instance: str, what: Mapping[str, object]
    ) -> int:
        number = -1 - len(waiting)
        waiting[number] = (identity, instance, what)
        return number

    def write(self: Store, order: int, task_id: str) -> bool:
        if order in waiting:
            identity, instance, what = waiting[order]
            order = intend(self, identity, instance=instance, what=what)
        return placed(self, order, task_id)

    with mock.patch.multiple(Store, intend=remember, placed=write):
        yield


@contextlib.contextmanager
def a_cancel_not_recorded() -> Iterator[None]:
    """That an order is to be cancelled is known to its process alone."""

    def forget(self: Store, order: int) -> bool:
        return True

    with mock.patch.object(Store, "want_cancel", forget):
        yield


MUTANTS = {
    "one retry too many": (one_retry_too_many, "twice"),
    "one row too late": (one_row_too_late, "twice"),
    "a cancel not recorded": (a_cancel_not_recorded, "unstopped"),
}
