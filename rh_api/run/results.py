"""Results and outcome of an order, as value objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..wire.filetypes import FileType
from ..wire.integrity import Verdict
from ..wire.orders import Tips
from ..wire.tasks import Usage
from .progress import Progress

TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a larger text file is not read as text


@dataclass(frozen=True, slots=True)
class Result:
    """One delivered result of an order.

    `path`: the complete local file, None for a text without one. `name`: its file name in the
    cloud."""

    node_id: str
    name: str
    path: Path | None
    type: FileType | None
    size: int = 0
    text: str | None = None
    url: str = field(default="", repr=False)
    verdict: Verdict | None = None
    """Completeness of the file; None: not judged yet, or to be downloaded once more."""
    index: int = 0
    """Its index in the service's list."""

    def read_text(self) -> str | None:
        """Return its text, or its file's, as UTF-8; None without either, or above TEXT_LIMIT."""
        if self.text is not None:
            return self.text
        if self.path is None or self.size > TEXT_LIMIT:
            return None
        return self.path.read_text("utf-8-sig", errors="replace")

    @property
    def is_truncated(self) -> bool:
        """Whether its file is truncated."""
        return self.verdict is Verdict.CUT

    @property
    def may_be_truncated(self) -> bool:
        """Whether its file is truncated, or not known to be complete (no verdict)."""
        return self.path is not None and self.verdict in (None, Verdict.CUT)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about an outcome that is no failure: text key in `texts.py`, and its params."""

    key: str
    params: Mapping[str, object]

    @classmethod
    def of(cls, news: Progress) -> Notice:
        """Return the notice with a progress event's text."""
        return cls(news.stage.value, news.params)


@dataclass(frozen=True, slots=True)
class Lost:
    """A listed result that could not be downloaded; `notice` states the reason."""

    node_id: str
    name: str
    index: int
    notice: Notice
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished order: its task, results in the service's order, costs, and running seconds.

    `kept`: results are local, from an earlier equal order; nothing was paid now. `taken_up`: its
    task existed already; nothing was ordered now. `shared`: another caller waits for the same
    order, and its outcome carries the cost.
    `missing`: expected nodes for which the service listed nothing fetchable.
    `warned`: notices from before it was placed. `unfetched`: listed, but not downloadable.
    """

    task_id: str
    results: tuple[Result, ...]
    usage: Usage
    tips: Tips
    seconds: float
    kept: bool = False
    missing: tuple[str, ...] = ()
    shared: bool = False
    warned: tuple[Notice, ...] = ()
    taken_up: bool = False
    unfetched: tuple[Lost, ...] = ()

    @property
    def listed(self) -> list[Result | Lost]:
        """All listed results in the service's order; lost ones keep their nodes' outputs."""
        return sorted((*self.results, *self.unfetched), key=lambda result: result.index)

    @property
    def is_paid(self) -> bool:
        """Whether sums over outcomes include this one's cost: an order's cost counts once."""
        return not self.kept and not self.shared

    @property
    def notices(self) -> tuple[Notice, ...]:
        """All warnings for the user, about inputs and results."""
        return (*self.warned, *self.gaps)

    @property
    def gaps(self) -> tuple[Notice, ...]:
        """Warnings about results that were paid for and are missing or truncated."""
        cut = [r.name or str(r.index) for r in self.results if r.may_be_truncated]
        notices: list[Notice] = []
        if cut:
            params = {"names": ", ".join(cut), "task_id": self.task_id}
            notices.append(Notice("progress.looks_cut", params))
        if self.missing:
            nodes = ", ".join(self.missing)
            notices.append(Notice("progress.incomplete", {"nodes": nodes, "task_id": self.task_id}))
        return (*notices, *(lost.notice for lost in self.unfetched))
