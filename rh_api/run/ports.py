"""What the engine asks of the world: time, the line, the order book, and somebody who watches."""

from __future__ import annotations

import enum
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..wire.call import Call, Response
from ..wire.filetypes import FileType

if TYPE_CHECKING:
    from ..store import Store

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

    def socket(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[str | bytes]]:
        """Frames of a progress socket until it ends; raises Unreachable or HostRefused."""
        ...


@dataclass(slots=True)
class Meter:
    """Progress and stop of one transfer. `moved` is called on the loop, `stop` seen by its thread."""

    moved: Callable[[int, int | None], None] = lambda done, total: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete file: `path` holds `size` bytes whose first ones prove `type` (None: unknown)."""

    path: Path
    size: int
    type: FileType | None


class Bulk(Protocol):
    """Big bodies. Every method blocks its caller's coroutine, never its loop; one try each."""

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
        """Fetch a result to the file `into` (suffix added), resuming `into`.part if it is there."""
        ...


class Book(Protocol):
    """The order book, whose disk must not hold up the loop."""

    async def do(self, work: Callable[[Store], T]) -> T:
        """Run `work` on the store, after everything that was asked of it before."""
        ...


class Stage(enum.Enum):
    """What an order is doing; the value is the key of its sentence."""

    PREPARING = "progress.preparing"
    UPLOADING = "progress.uploading"
    WAITING_SLOT = "progress.waiting_slot"
    WAITING_FOREIGN = "progress.waiting_foreign"
    ORDERING = "progress.ordering"
    QUEUED = "progress.queued"
    RUNNING = "progress.running"
    DOWNLOADING = "progress.downloading"
    BATCH = "progress.batch"
    CANCELLING = "progress.cancelling"
    DONE = "progress.done"


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of news. `fraction` is of its stage, 0 to 1; None when unknown.

    `params` fill the sentence of `stage`; `preview` is a JPEG or PNG of the remote sampler.
    """

    stage: Stage
    fraction: float | None = None
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    node_id: str = ""
    preview: bytes | None = field(default=None, repr=False)

    @property
    def overall(self) -> float:
        """Share of the whole order, 0 to 1: most of it is the running."""
        start, end = _SPANS.get(self.stage, (0.0, 0.0))
        return start + (end - start) * (self.fraction or 0.0)


_SPANS = {
    Stage.UPLOADING: (0.0, 0.1),
    Stage.ORDERING: (0.1, 0.1),
    Stage.WAITING_SLOT: (0.1, 0.1),
    Stage.WAITING_FOREIGN: (0.1, 0.1),
    Stage.QUEUED: (0.1, 0.1),
    Stage.RUNNING: (0.1, 0.95),
    Stage.DOWNLOADING: (0.95, 1.0),
    Stage.BATCH: (0.0, 1.0),
    Stage.DONE: (1.0, 1.0),
}

Watch = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Stopped:
    """An order that its last waiter left. `confirmed`: it was seen not to run any more.

    `task_id` is "" when no id came back: then nobody can tell whether there is a task.
    `from_before`: an earlier start had stopped it, and this one saw to it again.
    """

    task_id: str
    confirmed: bool
    from_before: bool = False


def unheard(_: Stopped) -> None:
    """For callers who do not ask what became of orders that were stopped."""


def unwatched(_: Progress) -> None:
    """For callers who do not want to know."""
