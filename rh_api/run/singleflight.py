"""Single flight: equal work under way is done once, and stops when its last waiter leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .progress import Progress, Watch

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    watchers: list[Watch] = field(default_factory=list[Watch])
    last: Progress | None = None

    def show(self, news: Progress) -> None:
        self.last = news
        for watch in tuple(self.watchers):
            watch(news)


class SingleFlight(Generic[T]):
    """Work by key. Each waiter sees the progress; none can stop it for the others."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._landing: set[asyncio.Task[T]] = set()

    def __contains__(self, key: Hashable) -> bool:
        """Whether the work of `key` is under way."""
        return key in self._flights

    async def join(self, key: Hashable, start: Callable[[Watch], Awaitable[T]], watch: Watch) -> T:
        """The result of the work of `key`, begun by `start` when nobody does it yet.

        Cancelling the caller leaves; when nobody is left the work is cancelled, and this does
        not wait for its cleaning up.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._begin(key, start)
        flight.watchers.append(watch)
        try:
            if flight.last is not None:
                watch(flight.last)
            return await asyncio.shield(flight.task)
        finally:
            flight.watchers.remove(watch)
            if not flight.watchers and not flight.task.done():
                # From now on the same key is new work: this one is on its way out.
                self._flights.pop(key, None)
                flight.task.cancel()

    def _begin(self, key: Hashable, start: Callable[[Watch], Awaitable[T]]) -> _Flight[T]:
        async def fly() -> T:
            return await start(flight.show)

        task = asyncio.ensure_future(fly())
        flight: _Flight[T] = _Flight(task)
        self._flights[key] = flight
        self._landing.add(task)
        task.add_done_callback(lambda done: self._landed(key, flight, done))
        return flight

    def _landed(self, key: Hashable, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        self._landing.discard(task)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # its waiters have it; nobody else needs a warning

    async def settle(self) -> None:
        """Wait until all work, also what is being cancelled, has come to its end."""
        while self._landing:
            await asyncio.wait(tuple(self._landing))


class Twins:
    """Numbers that tell equal work apart which is under way at once and shall not be one."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, set[int]] = {}

    @contextlib.contextmanager
    def number(self, key: Hashable) -> Generator[int]:
        """The lowest from 0 that no other work of `key` has meanwhile."""
        numbers = self._numbers.setdefault(key, set())
        number = next(free for free in range(len(numbers) + 1) if free not in numbers)
        numbers.add(number)
        try:
            yield number
        finally:
            numbers.discard(number)
            if not numbers:
                del self._numbers[key]
