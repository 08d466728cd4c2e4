"""The async journal of one account on one site."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ..errors import StoreUnavailable
from ..money.amounts import Sums, costs_of, currency_of
from ..texts import english
from ..wire.tasks import Report, Usage
from .caches import FileStamp
from .history import Spent
from .ledger import NO_HOLD, Hold
from .retention import RESULTS, ResultFolders, Retention, check_writable
from .rows import Identity, OrderRow, ResultRow
from .store import NO_USAGE, Store

log = logging.getLogger("runninghub")

P = ParamSpec("P")
T = TypeVar("T")

BATCH_SECONDS = 0.002  # seconds that the first call of a batch waits for the commit

_Answer = tuple[asyncio.Future[Any], object, BaseException | None]


class SqliteJournal:
    """A store on its own thread, so that fsync does not block the event loop.

    Calls run in FIFO order; used from one event loop at a time. What only reads is called on
    `store`: `await journal(journal.store.find, digest)`.

    `record_…` is about what has happened already: if it cannot be written, a warning is logged,
    since a full disk must not lose a running task. All others raise StoreUnavailable. A change
    does nothing if the row is deleted or already past it, so that two processes may follow one
    task. Times are unix seconds; `order` is an order's id.
    """

    def __init__(
        self, store: Store, origin: str, account: str, thread: Executor | None = None
    ) -> None:
        self.store = store
        self.origin = origin
        self.account = account
        self.folder = store.folder
        # Of the account's money: CNY or USD; before `learn_currency` that of its site.
        self.currency = currency_of(origin)
        self._booked_in = ""  # the currency, once the account was asked for it
        # Asks the account for it, for a moment; called where a cost in money waits for it.
        self.ask_currency: Callable[[], Awaitable[object]] | None = None
        self._queue: deque[tuple[asyncio.Future[Any], Callable[[], object]]] = deque()
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="runninghub-journal")
        self.last_order = store.last_order()  # the latest at opening, of any account

    @classmethod
    def open(cls, folder: Path, origin: str, account: str) -> SqliteJournal:
        """Open the journal in `folder`, created if missing. Raises StoreUnavailable."""
        store = Store.open(folder)
        if lost := store.set_aside or store.lost_journal():
            log.warning("%s", english("cli.journal_lost", {"file": lost}))
        return cls(store, origin, account)

    async def close(self) -> None:
        await asyncio.wrap_future(self._thread.submit(self.store.close))
        self._thread.shutdown()

    async def __call__(self, work: Callable[P, T], *values: P.args, **more: P.kwargs) -> T:
        """Run a method of `store` on the journal's thread."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((done, partial(work, *values, **more)))
        if len(self._queue) == 1:
            try:
                self._thread.submit(self._drain)
            except RuntimeError:  # the journal is closed
                self._queue.clear()
                raise
        return await done

    def _drain(self) -> None:
        """Run queued calls, on the journal's thread, until the queue is empty. In batches: a thread
        wake-up costs more than most reads, a commit more than most writes."""
        while self._queue:
            answers = self._run_batch()
            _deliver(answers)
            # Removed only when done: a caller that finds the queue non-empty submits no drain.
            for _ in answers:
                self._queue.popleft()

    def _run_batch(self) -> list[_Answer]:
        """Run the calls of BATCH_SECONDS in one transaction, or, if one fails, each by itself."""
        if len(self._queue) == 1:
            return [_answer(*self._queue[0])]
        answers: list[_Answer] = []
        until = time.monotonic() + BATCH_SECONDS
        try:
            with self.store.together():
                while not answers or (len(answers) < len(self._queue) and time.monotonic() < until):
                    answers.append(_answer(*self._queue[len(answers)]))
                    if error := answers[-1][-1]:
                        raise error
        except Exception:  # noqa: BLE001 - all was rolled back: each is run by itself
            return [_answer(*self._queue[number]) for number in range(len(answers))]
        return answers

    async def _record(self, work: Callable[P, T], *values: P.args, **more: P.kwargs) -> T | None:
        try:
            return await self(work, *values, **more)
        except StoreUnavailable as error:
            log.warning("%s", error.with_context("error.store_meanwhile"))
            return None

    @property
    def owner(self) -> tuple[str, str]:
        """`origin` and `account`."""
        return self.origin, self.account

    def now(self) -> float:
        """Unix seconds by the clock that dates the rows."""
        return self.store.now()

    # History

    async def read_words(self) -> None:
        """Index the texts for the next search, in batches that let other calls in between."""
        while await self(self.store.history.read_words):
            pass

    async def spent(
        self,
        periods: Sequence[tuple[float, float]],
        *,
        by_program: bool = False,
        everyone: bool = False,
    ) -> list[Spent]:
        """Cost of the orders that ended in each period; no entry for a period without orders."""
        spent, own = self.store.history.spent, None if everyone else self.owner
        answers = [await self(spent, own, *span, by_program=by_program) for span in periods]
        return [total for totals in answers for total in totals]

    async def delete(self, orders: Iterable[int]) -> list[int]:
        """Delete ended orders: of each its results before its row. Returns the ids."""
        ended = await self(self.store.history.deletable, orders)
        await asyncio.to_thread((await self.result_folders()).delete, ended)
        return await self(self.store.history.delete, ended)

    # Orders: written

    async def intend(
        self,
        identity: Identity,
        *,
        instance: str,
        what: Mapping[str, object],
        hold: Hold = NO_HOLD,
        after: int | None = None,
        number: int = 0,
    ) -> int:
        """Insert an order that is about to be sent; durable on return. Returns its id, which is
        `number` where that was taken for it (`Store.take_number`).

        `what`: JSON values needed to repeat or explain it. `hold`: what is reserved for it. Raises
        LimitReached, LimitsChanged. Raises OrderExists while an order of the same identity is
        unfinished, in any process. It also does if one with an id above `after` has succeeded (0:
        any, None: no such check).
        """
        intend = partial(self.store.intend, identity, instance=instance, what=what, hold=hold)
        return await self(intend, after=after, number=number)

    async def take_number(self) -> int:
        return await self(self.store.take_number)

    async def set_task(self, order: int, task_id: str) -> None:
        """Record the task of an uncertain order, found by a later lookup."""
        await self(self.store.set_placed, order, task_id)

    async def settle(self, prior: OrderRow, task_id: str) -> bool:
        """The user says which task an order became; "": it never started, delete row and hold.

        Changes nothing unless the row is still as in `prior`, or while an equal order is not over.
        """
        if task_id:
            return await self(self.store.settle_as_task, prior, task_id)
        return await self(self.store.settle_as_not_started, prior)

    async def prune(self) -> None:
        """Delete what `Retention` keeps no longer: of each order its results before its row."""
        keep, now, old_orders = (
            Retention.read(self.folder),
            self.now(),
            self.store.history.old_orders,
        )
        old = await self(old_orders, now, keep.days, keep.orders, emptied=True)
        await asyncio.to_thread((await self.result_folders()).delete, old)
        await self(self.store.prune, now, old)

    async def check_results_folder(self) -> None:
        """Raise BadInput if no result could be written."""
        await self(check_writable, self.folder / RESULTS)

    async def result_folders(self) -> ResultFolders:
        """Return the folders that hold results of orders, of all accounts."""
        formerly = await self(self.store.history.formerly_kept)
        return ResultFolders(self.folder, formerly)

    async def record_placed(self, order: int, task_id: str, told: Iterable[str] = ()) -> int | None:
        """Record the task; `told`: the nodes that the service says it will run for output.

        Returns the id of another order that has this task already, which then stays its only
        one; else 0; None if it was not written.
        """
        return await self._record(self.store.place_or_twin, order, self.origin, task_id, told)

    async def record_dropped(self, order: int, *, for_good: bool = False) -> None:
        """Delete an order that provably never started; one with a task id stays.

        `for_good`: it is not sent again, so its reservation is deleted too.
        """
        await self._record(self.store.drop, order, for_good=for_good)

    async def record_uncertain(self, order: int, *, key: str) -> None:
        """Its request may have arrived and no task id was received; `key`: of the error."""
        await self._record(self.store.set_uncertain, order, key=key)

    async def record_uncertain_again(self, order: int, *, key: str) -> None:
        """Its task is no longer listed anywhere, which proves nothing: uncertain again."""
        await self._record(self.store.set_uncertain_again, order, key=key)

    async def record_running(self, order: int, at: float | None) -> None:
        """It runs, since `at` by the service's clock, None for now."""
        await self._record(self.store.set_running, order, at)

    async def record_done(
        self, order: int, report: Report, missing: Sequence[str] | None = None
    ) -> None:
        """It succeeded, as the report says; from now on its results are to be delivered.

        `missing`: nodes whose results were awaited in vain; updated also if it is done already.
        """
        usage, listed = report.usage, enumerate(report.results or ())
        costs = self._costs(usage)
        was_open = await self._record(
            self.store.set_done,
            order,
            usage,
            results=[ResultRow(r.node_id, i, "", r.url, text=r.text) for i, r in listed],
            missing=missing or (),
            costs=costs,
        )
        await self._book_in_currency(costs)
        if was_open is False and missing is not None:
            await self._record(self.store.save_missing, order, missing)

    async def record_failed(
        self, order: int, *, key: str, code: int | None = None, usage: Usage | None = None
    ) -> None:
        """It failed. `usage`: its cost, None if the service has not reported it yet."""
        costs, usage, end = self._costs(usage), usage or NO_USAGE, self.store.set_failed
        await self._record(end, order, key=key, code=code, costs=costs, usage=usage)
        await self._book_in_currency(costs)

    async def record_cancelled(self, order: int, usage: Usage | None = None) -> None:
        costs, usage = self._costs(usage), usage or NO_USAGE
        await self._record(self.store.set_cancelled, order, costs=costs, usage=usage)
        await self._book_in_currency(costs)

    async def record_cancel_wanted(self, order: int) -> bool:
        """It is to be cancelled, even if this process dies; False if that was not written."""
        return await self._record(self.store.set_cancel_wanted, order) is not None

    async def record_cancel_withdrawn(self, order: int) -> None:
        """Withdraw a cancel that is not confirmed."""
        await self._record(self.store.withdraw_cancel, order)

    async def record_results(
        self, order: int, rows: Sequence[ResultRow], *, whole: bool = False
    ) -> None:
        """Upsert results by (node, index); a `whole` list replaces all."""
        await self._record(self.store.save_results, order, rows, whole=whole)

    # Money

    def _costs(self, usage: Usage | None) -> dict[str, int] | None:
        if usage is None:
            return None
        paid = (usage.coins, usage.money, usage.third_party_money)
        return costs_of(*paid, currency=self._booked_in)

    async def _book_in_currency(self, costs: Sums | None) -> None:
        """Ask for the currency that recorded costs wait for; who answers it calls
        `learn_currency`."""
        if costs and costs.get("") and self.ask_currency is not None:
            await self.ask_currency()

    async def learn_currency(self, currency: str) -> None:
        """The account told its currency: money is booked in it, also what has waited for it."""
        self.currency = self._booked_in = currency
        await self._record(self.store.ledger.book_waiting, *self.owner, currency)

    async def set_rule(self, scope: str, sums: Sums) -> None:
        """Set (or remove, by {}) a limit, the floor, or a program's allowance; see `Ledger`."""
        await self(self.store.ledger.set_rule, *self.owner, scope, sums)

    async def reserve(self, program_key: str, hold: Hold) -> int:
        """Reserve `hold` for an order of a program; return its id. Raises LimitReached."""
        reserve = self.store.ledger.reserve
        return await self(reserve, *self.owner, program_key, hold)

    async def replace_hold(self, hold: Hold) -> bool:
        """Replace amounts and seconds of the reservation `hold.number`; LimitReached if they would
        exceed a limit, False if there is no such reservation."""
        return await self(self.store.ledger.replace_hold, hold)

    async def record_released(self, hold: int) -> None:
        """Delete a reservation, unless it is bound to an order."""
        await self._record(self.store.ledger.release, hold)

    async def record_cost(self, order: int, usage: Usage) -> bool:
        """Book the cost of an order once; False if not reported, booked before, or not written."""
        costs, book = self._costs(usage), self.store.ledger.book
        is_told = costs is not None and bool(await self._record(book, order, costs, usage))
        await self._book_in_currency(costs)
        return is_told

    async def record_free(self, order: int) -> None:
        """Book a cost of nothing."""
        await self._record(self.store.ledger.book, order, {}, NO_USAGE)

    # Caches

    async def record_upload(self, sha256: str, name: str, url: str, seconds: float) -> None:
        """The service keeps the content for `seconds` from now."""
        record, expires = self.store.caches.remember_upload, self.now() + seconds
        await self._record(record, *self.owner, sha256, name, url, expires)

    async def forget_upload(self, sha256: str) -> None:
        await self(self.store.caches.forget_upload, *self.owner, sha256)

    async def record_file_hash(
        self, path: Path, stamp: FileStamp, algorithm: str, hexdigest: str
    ) -> None:
        await self._record(self.store.caches.remember_hash, path, stamp, algorithm, hexdigest)

    async def record_run(self, program_key: str, instance: str, seconds: float) -> None:
        await self._record(self.store.caches.remember_run, program_key, instance, seconds)

    async def record_node_end(self, graph: str, node: str, end: str) -> None:
        await self._record(self.store.caches.remember_node_end, graph, node, end)


def _answer(done: asyncio.Future[Any], work: Callable[[], object]) -> _Answer:
    try:
        return done, None if done.cancelled() else work(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where the call is awaited
        return done, None, error


def _deliver(answers: Sequence[_Answer]) -> None:
    for loop in {done.get_loop() for done, _, _ in answers}:
        own = [answer for answer in answers if answer[0].get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller is left
            loop.call_soon_threadsafe(_resolve, own)


def _resolve(answers: Sequence[_Answer]) -> None:
    for done, result, error in answers:
        if done.done():
            continue
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
