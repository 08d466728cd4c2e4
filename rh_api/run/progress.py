"""Progress events of an order, and the result of its cancellation."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..texts import Words
from ..wire.tasks import Usage

log = logging.getLogger("runninghub")


class Stage(enum.Enum):
    """Kind of a progress event; the value is the key of its text."""

    PREPARING = "progress.preparing"
    UPLOADING = "progress.uploading"
    WAITING_COSTS = "progress.waiting_costs"
    WAITING_SLOT = "progress.waiting_slot"
    WAITING_OWN = "progress.waiting_own"
    WAITING_FOREIGN = "progress.waiting_foreign"
    ORDERING = "progress.ordering"
    QUEUED = "progress.queued"
    NO_NEWS = "progress.no_news"
    KEY_REFUSED = "progress.key_refused"
    RUNNING = "progress.running"
    DOWNLOADING = "progress.downloading"
    BATCH = "progress.batch"
    BALANCE_LOW = "progress.balance_low"
    COST_BOUND = "progress.cost_bound"
    COST_WARNING = "progress.cost_warning"
    NATIVE_TAKEN = "progress.native_taken"
    DONE = "progress.done"
    READING = "progress.reading"


@dataclass(frozen=True, slots=True)
class Progress:
    """One progress event. `fraction`: share of its stage, 0 to 1; None if unknown.

    `params` fill the text of `stage`; `elapsed` of them: seconds gone before the event, from which
    a display counts on. `preview`: JPEG or PNG bytes from the remote sampler.
    """

    stage: Stage
    fraction: float | None = None
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    node_id: str = ""
    preview: bytes | None = field(default=None, repr=False)

    @property
    def overall(self) -> float:
        """Share of the whole order, 0 to 1; running takes 0.1 to 0.95."""
        start, end = _SPANS.get(self.stage, (0.0, 0.0))
        return start + (end - start) * (self.fraction or 0.0)


_SPANS = {
    Stage.UPLOADING: (0.0, 0.1),
    Stage.ORDERING: (0.1, 0.1),
    Stage.WAITING_SLOT: (0.1, 0.1),
    Stage.WAITING_OWN: (0.1, 0.1),
    Stage.WAITING_FOREIGN: (0.1, 0.1),
    Stage.QUEUED: (0.1, 0.1),
    Stage.NO_NEWS: (0.1, 0.1),
    Stage.KEY_REFUSED: (0.1, 0.1),
    Stage.RUNNING: (0.1, 0.95),
    Stage.COST_WARNING: (0.1, 0.1),
    Stage.DOWNLOADING: (0.95, 1.0),
    Stage.BATCH: (0.0, 1.0),
    Stage.DONE: (1.0, 1.0),
    Stage.READING: (1.0, 1.0),
}

Watch = Callable[[Progress], None]
LARGE = 10**7  # total bytes of results from which on megabytes are reported


@dataclass(slots=True)
class Arrivals:
    """Download progress of a task's results: how many of `total` have arrived, and megabytes of
    large ones once the sizes of all `files` are known."""

    task_id: str
    total: int
    files: int
    watch: Watch
    _here: int = 0
    _bytes: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    _moved: set[int] = field(default_factory=set[int])

    def moved(self, index: int, done: int, size: int | None) -> None:
        if size:
            self._bytes[index] = done, size
        # Report when a file moves a second time: parallel files report no more often than one.
        if index in self._moved and sum(size for _, size in self._bytes.values()) >= LARGE:
            self.tell()
        self._moved.add(index)

    def tell(self, arrived: int = 0) -> None:
        self._here += arrived
        self._moved.clear()
        done = sum(done for done, _ in self._bytes.values())
        size = sum(size for _, size in self._bytes.values())
        share = max(self._here, len(self._bytes) * done / (size or 1)) / self.total
        params: dict[str, object] = {"done": self._here, "total": self.total}
        params |= {"task_id": self.task_id, "mb": done // 10**6, "all": size // 10**6}
        is_told = size >= LARGE and len(self._bytes) == self.files
        large = Words.of(lambda say: say("progress.megabytes", params)) if is_told else ""
        self.watch(Progress(Stage.DOWNLOADING, share, {**params, "size": large}))


@dataclass(frozen=True, slots=True)
class Stopped:
    """Result of cancelling an order. `confirmed`: its task was seen to be over.

    `task_id`: "" if the create call returned no id, so nobody knows whether a task exists. `order`:
    its number in the journal, for `Client.settle_uncertain`; 0 where the task id is enough.
    `from_before`: requested by an earlier process, or before the task was known. `goes_on`: a
    standard model's task, which the service does not stop: it is billed, and the next equal order
    gets its result. `too_late`: the task had succeeded, and its results can be fetched. `usage`:
    its cost, as far as known. `is_recorded`: the intent is in the journal; without it (disk full)
    the next process does not repeat the cancel.
    """

    task_id: str
    confirmed: bool
    from_before: bool = False
    goes_on: bool = False
    too_late: bool = field(default=False, compare=False)
    usage: Usage = field(default_factory=Usage, compare=False)
    is_recorded: bool = field(default=True, compare=False)
    order: int = field(default=0, compare=False)


def unheard(_: Stopped) -> None:
    """Ignore the results of cancellations."""


def unwatched(_: Progress) -> None:
    """Ignore progress."""


def guarded(watch: Watch) -> Watch:
    """Wrap `watch`: its exceptions do not fail the order; the first is logged by its type."""
    has_failed = False

    def show(news: Progress) -> None:
        nonlocal has_failed
        try:
            watch(news)
        except Exception as error:  # noqa: BLE001 - whatever a caller's function raises
            if not has_failed:
                log.warning("progress cannot be told (%s); the order goes on", type(error).__name__)
            has_failed = True

    return show
