"""Protocols through which the engine gets its clock, its transports and the journal."""

from __future__ import annotations

import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from ..wire.call import Call, Response
from ..wire.filetypes import FileType
from ..wire.integrity import Verdict
from ..wire.tasks import Report, Usage

if TYPE_CHECKING:
    from ..journal import Committed, FileStamp, Hold, Identity, OrderRow, ResultRow, Store
    from ..journal.retention import ResultFolders
    from ..money.amounts import Sums

P = ParamSpec("P")
T = TypeVar("T")


class Clock(Protocol):
    """Monotonic seconds, and sleeping. No wall time."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Transport(Protocol):
    """Calls, uploads and the progress WebSocket: what needs the API key."""

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """One attempt of a call, no retry. `fresh`: on no connection that was idle for longer than
        a quarter of a second, as it may be dead.

        Raises the reader's errors, and Unreachable, with fate NOT_STARTED only when no byte of
        the request left this machine.
        """
        ...

    async def upload(
        self,
        path: str,
        body: bytes | Path,
        name: str,
        mime: str,
        fields: Mapping[str, str],
        meter: Meter,
    ) -> Response:
        """POST a multipart form to `path` of the own origin. One attempt, no retry."""
        ...

    def socket(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[str | bytes]]:
        """Frames of a progress WebSocket until it closes; raises Unreachable or HostRefused."""
        ...


class Send(Protocol):
    """Sends a call: a transport once, a sender with retries."""

    async def __call__(self, call: Call[T], /) -> T: ...


@dataclass(slots=True)
class Meter:
    """Progress and cancel of a transfer: `moved` runs on the event loop, a thread polls `stop`."""

    moved: Callable[[int, int | None], None] = lambda done, total: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete download: `size` bytes at `path`; `type` by their magic bytes (None: unknown).

    All announced bytes were received; `verdict`: whether the file's own structure agrees.
    """

    path: Path
    size: int
    type: FileType | None
    verdict: Verdict = Verdict.CANNOT_TELL


class Bulk(Protocol):
    """Files from and to storage, in threads: no method blocks the event loop, none retries."""

    async def put(self, url: str, file: Path, meter: Meter) -> None:
        """PUT a file's bytes to a presigned URL, without the API key."""
        ...

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        """Download a result to the file `into` plus a suffix, resuming `into`.part if it exists.
        Creates the folder."""
        ...

    async def forget(self, into: Path) -> None:
        """Delete the partial download of `into`, unless a download is under way."""
        ...


class Journal(Protocol):
    """Orders and their outcomes, of one account on one site. No method blocks the event loop.

    What only reads is called on `store`: `await journal(journal.store.find, digest)`.

    `record_…` is about what has happened already: if it cannot be written, a warning is logged,
    since a full disk must not lose a running task. All others raise StoreUnavailable. A change
    does nothing if the row is deleted or already past it, so that two processes may follow one
    task. Times are unix seconds; `order` is an order's id.
    """

    @property
    def origin(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def owner(self) -> tuple[str, str]:
        """`origin` and `account`."""
        ...

    @property
    def store(self) -> Store:
        """What `journal(store.find, digest)` reads from."""
        ...

    async def __call__(self, work: Callable[P, T], *values: P.args, **more: P.kwargs) -> T:
        """Call a method of `store` without blocking the event loop."""
        ...

    @property
    def folder(self) -> Path:
        """Folder of the journal and of its results."""
        ...

    def now(self) -> float:
        """Unix seconds by the clock that dates the rows."""
        ...

    async def intend(
        self,
        identity: Identity,
        *,
        instance: str,
        what: Mapping[str, object],
        hold: Hold = ...,
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
        ...

    async def set_task(self, order: int, task_id: str) -> None:
        """Record the task of an uncertain order, found by a later lookup."""
        ...

    async def settle(self, prior: OrderRow, task_id: str) -> bool:
        """The user says which task an order became; "": it never started, delete row and hold.

        Changes nothing unless the row is still as in `prior`, or while an equal order is not over.
        """
        ...

    async def prune(self) -> None:
        """Delete expired uploads and old orders, of each its results before its row."""
        ...

    async def check_results_folder(self) -> None:
        """Raise BadInput if no result could be written."""
        ...

    async def result_folders(self) -> ResultFolders:
        """Return the folders that hold results of orders, of all accounts."""
        ...

    async def record_placed(self, order: int, task_id: str, told: Iterable[str] = ()) -> int | None:
        """Record the task; `told`: the nodes that the service says it will run for output.

        Returns the id of another order that has this task already, which then stays its only
        one; else 0; None if it was not written.
        """
        ...

    async def record_dropped(self, order: int, *, for_good: bool = False) -> None:
        """Delete an order that provably never started; one with a task id stays.

        `for_good`: it is not sent again, so its reservation is deleted too.
        """
        ...

    async def record_uncertain(self, order: int, *, key: str) -> None:
        """Its request may have arrived and no task id was received; `key`: of the error."""
        ...

    async def record_uncertain_again(self, order: int, *, key: str) -> None:
        """Its task is no longer listed anywhere, which proves nothing: uncertain again."""
        ...

    async def record_running(self, order: int, at: float | None) -> None:
        """It runs, since `at` by the service's clock, None for now."""
        ...

    async def record_done(
        self, order: int, report: Report, missing: Sequence[str] | None = None
    ) -> None:
        """It succeeded, as the report says; from now on its results are to be delivered.

        `missing`: nodes whose results were awaited in vain; updated also if it is done already.
        """
        ...

    async def record_failed(
        self, order: int, *, key: str, code: int | None = None, usage: Usage | None = None
    ) -> None:
        """It failed. `usage`: its cost, None if the service has not reported it yet."""
        ...

    async def record_cancelled(self, order: int, usage: Usage | None = None) -> None: ...

    async def record_cancel_wanted(self, order: int) -> bool:
        """It is to be cancelled, even if this process dies; False if that was not written."""
        ...

    async def record_cancel_withdrawn(self, order: int) -> None:
        """Withdraw a cancel that is not confirmed."""
        ...

    async def record_results(
        self, order: int, rows: Sequence[ResultRow], *, whole: bool = False
    ) -> None:
        """Upsert results by (node, index); a `whole` list replaces all."""
        ...

    currency: str
    """Of the account's money: CNY or USD; before `learn_currency` that of its site, "" if unknown.
    """

    ask_currency: Callable[[], Awaitable[object]] | None
    """Asks the account for its currency, for a moment; called where a cost in money waits for it.
    """

    async def learn_currency(self, currency: str) -> None:
        """The account told its currency: money is booked in it, also what has waited for it."""
        ...

    async def set_rule(self, scope: str, sums: Sums) -> None:
        """Set (or remove, by {}) a limit, the floor, or a program's allowance; see `Ledger`."""
        ...

    async def committed(self, scope: str, at: float | None) -> Committed:
        """What counts against the limits of a prompt or command, and of the day of `at`."""
        ...

    async def committed_without_running(
        self, scope: str, at: float | None, *, preparing: Collection[int], since: float
    ) -> Committed:
        """`committed` without what running orders hold; see `Ledger`."""
        ...

    async def reserve(self, program_key: str, hold: Hold) -> int:
        """Reserve `hold` for an order of a program; return its id. Raises LimitReached."""
        ...

    async def replace_hold(self, hold: Hold) -> bool:
        """Replace amounts and seconds of the reservation `hold.number`; LimitReached if they would
        exceed a limit, False if there is no such reservation."""
        ...

    async def record_released(self, hold: int) -> None:
        """Delete a reservation, unless it is bound to an order."""
        ...

    async def record_cost(self, order: int, usage: Usage) -> bool:
        """Book the cost of an order once; False if not reported, booked before, or not written."""
        ...

    async def record_free(self, order: int) -> None:
        """Book a cost of nothing."""
        ...

    async def costs(self, program_key: str, instance: str) -> dict[int, dict[str, int]]:
        """Booked costs of the latest successes of a program, by order, newest first."""
        ...

    async def cached_upload(self, sha256: str, lasts: float = 0.0) -> tuple[str, str] | None:
        """Name and URL of content that the service keeps for `lasts` seconds from now, or None."""
        ...

    async def record_upload(self, sha256: str, name: str, url: str, seconds: float) -> None:
        """The service keeps the content for `seconds` from now."""
        ...

    async def forget_upload(self, sha256: str) -> None: ...

    async def record_file_hash(
        self, path: Path, stamp: FileStamp, algorithm: str, hexdigest: str
    ) -> None: ...

    async def record_run(self, program_key: str, instance: str, seconds: float) -> None: ...
