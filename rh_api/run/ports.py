"""What the engine asks of the world: time, the line and the journal."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..wire.call import Call, Response
from ..wire.filetypes import FileType, Verdict
from ..wire.tasks import Report, Usage

if TYPE_CHECKING:
    from ..journal import Address, Committed, FileStamp, Hold, Identity, OrderRow, ResultRow, Rules
    from ..money.amounts import Sums

T = TypeVar("T")


class Clock(Protocol):
    """Monotonic seconds and waiting. Wall time is nobody's business here."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Transport(Protocol):
    """Control calls and the progress socket, over one long-lived session."""

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """One try of one call. `fresh`: on a connection that cannot have died unnoticed.

        Raises the reader's errors, and Unreachable with fate NOT_STARTED only when no byte of
        the request left this machine.
        """
        ...

    def expect(self, count: int) -> None:
        """So many fresh calls are near: open for them what takes a while. Returns at once."""
        ...

    def socket(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[str | bytes]]:
        """Frames of a progress socket until it ends; raises Unreachable or HostRefused."""
        ...


class Send(Protocol):
    """Sends a call: a transport once, a sender with tries."""

    async def __call__(self, call: Call[T], /) -> T: ...


@dataclass(slots=True)
class Meter:
    """Progress and stop of a transfer. `moved` is called on the loop, `stop` seen by its thread."""

    moved: Callable[[int, int | None], None] = lambda done, total: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete file: `path` holds `size` bytes whose first ones prove `type` (None: unknown).

    All that was announced is here; `verdict` is what its own structure says of that.
    """

    path: Path
    size: int
    type: FileType | None
    verdict: Verdict = Verdict.CANNOT_TELL


class Bulk(Protocol):
    """Big bodies. Every method blocks its caller's coroutine, never its loop; one try each."""

    def expect(self, url: str, count: int) -> None:
        """So many transfers with the host of `url`, "" for the own origin, are near: open for
        them what takes a while. Returns at once."""
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
        """POST a multipart form to `path` of the own origin, with the key where it belongs."""
        ...

    async def put(self, url: str, file: Path, meter: Meter) -> None:
        """PUT a file's bytes to a presigned address, without the key."""
        ...

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        """Fetch a result to the file `into` (suffix added), resuming `into`.part if it is there.
        Its folder is made."""
        ...

    async def forget(self, into: Path) -> None:
        """Remove what an earlier download left of `into`, unless one is under way."""
        ...


class Journal(Protocol):
    """What was ordered and what became of it, of one account on one site. Its disk must not hold
    up the loop.

    `record_…` is about what has happened already: what cannot be written is warned of, since a
    full disk must not lose a running task. All others raise StoreUnavailable. A change does
    nothing where the row is gone or already past it, so that two processes may follow one task.
    Times are unix seconds; `order` is an order's number.
    """

    @property
    def origin(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def folder(self) -> Path:
        """Where it lies, and results beside it."""
        ...

    def now(self) -> float:
        """By the clock that dates the rows."""
        ...

    async def find(self, identity: Identity) -> OrderRow | None:
        """Of the orders of an identity the one that is not over, else the latest that succeeded,
        else the latest."""
        ...

    async def order(self, order: int) -> OrderRow | None:
        """The order of a number, of any account."""
        ...

    async def of_task(self, task_id: str) -> OrderRow | None:
        """The order that became a task; None for one made elsewhere."""
        ...

    async def unfinished(self) -> list[OrderRow]:
        """Orders that are not over, oldest first."""
        ...

    async def last_done(self, program: str, instance: str) -> list[OrderRow]:
        """The latest orders of a program that succeeded; newest first."""
        ...

    async def results(self, order: int) -> list[ResultRow]: ...

    async def result_url(self) -> str:
        """Where the latest result of the site's was fetched; "" where that is not known."""
        ...

    async def silent_nodes(self, program: str) -> frozenset[str]:
        """Nodes that gave nothing in a program's two latest successes that were waited for."""
        ...

    async def others_wait(self) -> bool:
        """Whether an order of the account waits for a place in another process."""
        ...

    async def in_line(self) -> tuple[int, int, bool]:
        """Say that one waits here, and hear how many tasks of the account are under way in all
        processes, how many with those that are being sent, and `others_wait`."""
        ...

    async def has_placed(self) -> bool:
        """Whether the site is known to have taken an order, of any account."""
        ...

    async def ordered_by_v2(self) -> bool:
        """Whether the site took its latest order, of any account, by V2 (`what["submit"]`)."""
        ...

    async def lost_journal(self) -> Path | None:
        """A file that was set aside and whose orders may still run; None when there is none."""
        ...

    async def intend(
        self,
        identity: Identity,
        *,
        instance: str,
        what: Mapping[str, object],
        hold: Hold = ...,
        webhook: Address | None = None,
        after: int | None = None,
    ) -> int:
        """Write down an order that is about to be sent; on the disk when this returns.

        `what`: JSON values that repeating or explaining it needs; `hold`: what is reserved for
        it; `webhook`: its address. Raises LimitReached, LimitsChanged; OrderExists while an
        order of the same identity is unfinished, in any process, or where one was made since that
        of the number `after`, 0 for none.
        """
        ...

    async def place(self, order: int, task_id: str) -> None:
        """A later look found the task of an uncertain order."""
        ...

    async def settle(self, prior: OrderRow, task_id: str) -> bool:
        """A person says which task an order became; "": it never started, and the row goes.

        Changes nothing unless the row is still as in `prior`, or while an equal order is not over.
        """
        ...

    async def prune(self) -> list[int]:
        """Forget expired uploads and old orders; the numbers of these."""
        ...

    async def record_placed(self, order: int, task_id: str, announced: Iterable[str] = ()) -> int:
        """The service named the task; `announced`: the nodes that it says it will run for output.

        Gives the number of another order that is this task already, which then stays the only
        one; else 0.
        """
        ...

    async def record_dropped(self, order: int, *, for_good: bool = False) -> None:
        """It provably never started: the row goes. One with a task id stays.

        `for_good`: and nobody sends it again, so that nothing stays held for it.
        """
        ...

    async def record_uncertain(self, order: int, *, key: str) -> None:
        """Its request may have arrived and no task id came back; `key`: of the error."""
        ...

    async def record_lost(self, order: int, *, key: str) -> None:
        """Its task is listed nowhere any more, which proves nothing: it is a question again."""
        ...

    async def record_running(self, order: int, at: float | None) -> None:
        """Seen running, `at` by the service's clock where that is known."""
        ...

    async def record_done(
        self, order: int, report: Report, missing: Sequence[str] | None = None
    ) -> None:
        """It succeeded, as the report says: from now on its results are owed.

        `missing`: nodes whose results were waited for in vain, also where its end is known.
        """
        ...

    async def record_failed(
        self, order: int, *, key: str, code: int | None = None, usage: Usage | None = None
    ) -> None:
        """`usage`: what it did cost, as far as the service has told."""
        ...

    async def record_cancelled(self, order: int, usage: Usage | None = None) -> None: ...

    async def record_cancel_wanted(self, order: int) -> bool:
        """It is to be cancelled, whatever happens to this process; False where that could not be
        written."""
        ...

    async def record_wanted_again(self, order: int) -> None:
        """What could not be cancelled shall run on."""
        ...

    async def record_results(
        self, order: int, rows: Sequence[ResultRow], *, whole: bool = False
    ) -> None:
        """Add results; one of a known node and index takes the place of that one, and a `whole`
        list that of all that were listed before."""
        ...

    async def promised(self, order: int) -> bool | None:
        """Whether a delivery will tell the end of an order; None where it carries no address."""
        ...

    async def heard(self, orders: Collection[int]) -> set[int]:
        """The orders whose webhook was called: a reason to ask, and no more."""
        ...

    currency: str
    """What the account's money is counted in."""

    async def rules(self) -> Rules:
        """What the person set for this key."""
        ...

    async def set_rule(self, scope: str, sums: Sums) -> None:
        """Set or remove a limit, the floor, or what a program without a bound may cost."""
        ...

    async def committed(self, scope: str, at: float | None) -> Committed:
        """What counts against the limits of a prompt or command, and of the day of `at`."""
        ...

    async def reserve(self, program: str, hold: Hold) -> int:
        """Hold a sum for an order of a program, and say its number; raises LimitReached."""
        ...

    async def held(self, order: int) -> Hold | None:
        """What is held for an order; None once its cost is booked."""
        ...

    async def hold_instead(self, hold: Hold) -> bool:
        """Hold other sums for the order of a reservation's number, `at` that time; LimitReached
        where a limit is in the way, False when its cost is booked."""
        ...

    async def record_released(self, hold: int) -> None:
        """No order came of it. One that has an order stays."""
        ...

    async def record_cost(self, order: int, usage: Usage) -> bool:
        """What an order did cost, once; False where it is not told, or was booked before."""
        ...

    async def record_free(self, order: int) -> None:
        """It is taken to have cost nothing."""
        ...

    async def ran_alone(self, order: int, since: float) -> bool:
        """Whether no other order of the account was open or ended since then, unix seconds."""
        ...

    async def unbooked(self, seconds: float) -> list[OrderRow]:
        """Orders that ended within so many seconds and whose cost is not told, oldest first."""
        ...

    async def open_holds(self) -> list[tuple[OrderRow, float | None]]:
        """Orders that are not over and that something is held for, with the seconds of running
        that it pays for; None where time does not bound them."""
        ...

    async def paces(self, instance: str) -> list[tuple[str | None, ...]]:
        """Coins, money and seconds of the latest runs on a machine, as the service prints them."""
        ...

    async def costs(self, program: str, instance: str) -> list[dict[str, int]]:
        """What the latest successes of a program did cost, newest first."""
        ...

    async def upload(self, sha256: str, lasts: float = 0.0) -> tuple[str, str] | None:
        """Name and URL of a content that the service still has, `lasts` seconds from now too."""
        ...

    async def record_upload(self, sha256: str, name: str, url: str, seconds: float) -> None:
        """The service keeps a content for `seconds` from now."""
        ...

    async def forget_upload(self, sha256: str) -> None: ...

    async def file_hash(self, path: Path, stamp: FileStamp, algorithm: str) -> str | None:
        """The hash of a file that has not changed since."""
        ...

    async def record_file_hash(
        self, path: Path, stamp: FileStamp, algorithm: str, hexdigest: str
    ) -> None: ...

    async def paths_of(self, algorithm: str, hexdigest: str) -> list[Path]:
        """Files that had a content when they were hashed."""
        ...

    async def run_times(self, program: str, instance: str) -> list[float]:
        """Seconds that past runs took, newest first."""
        ...

    async def record_run(self, program: str, instance: str, seconds: float) -> None: ...
