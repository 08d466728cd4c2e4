"""Single flight: concurrent callers of one key share a task, cancelled with its last waiter."""

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
    """Shared tasks by key. Every waiter gets the progress; none can cancel it for the others."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    def __contains__(self, key: Hashable) -> bool:
        """Return whether a task of `key` is running."""
        return key in self._flights

    async def join(self, key: Hashable, start: Callable[[Watch], Awaitable[T]], watch: Watch) -> T:
        """Return the result of the task of `key`, created by `start` unless one is running.
        Cancelling the caller detaches it; the last one to leave cancels the task, without waiting
        for its cleanup."""
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
                # The next caller of this key starts a new task: this one is being cancelled.
                self._flights.pop(key, None)
                flight.task.cancel()

    def _begin(self, key: Hashable, start: Callable[[Watch], Awaitable[T]]) -> _Flight[T]:
        async def run() -> T:
            return await start(flight.show)

        task = asyncio.ensure_future(run())
        flight: _Flight[T] = _Flight(task)
        self._flights[key] = flight
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._on_done(key, flight, done))
        return flight

    def _on_done(self, key: Hashable, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it without waiters

    async def wait_until_idle(self) -> None:
        """Wait until all tasks, cancelled ones included, have ended."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))


class SequenceNumbers:
    """Sequence numbers for concurrent work with equal keys that must not be deduplicated."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, set[int]] = {}

    @contextlib.contextmanager
    def number(self, key: Hashable) -> Generator[int]:
        """Reserve the lowest number from 0 that is free for `key`, while the context is open."""
        numbers = self._numbers.setdefault(key, set())
        number = next(free for free in range(len(numbers) + 1) if free not in numbers)
        numbers.add(number)
        try:
            yield number
        finally:
            numbers.discard(number)
            if not numbers:
                del self._numbers[key]
