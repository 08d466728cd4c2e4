"""What came of an order, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..wire.filetypes import FileType, Verdict
from ..wire.orders import Tips
from ..wire.tasks import Usage
from .progress import Progress

TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a larger text is a file alone


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that an order made, on this machine.

    `path`: the complete file, None for a text without one. `name`: its name in the cloud.
    """

    node_id: str
    name: str
    path: Path | None
    type: FileType | None
    size: int = 0
    text: str | None = None
    url: str = field(default="", repr=False)
    verdict: Verdict | None = None
    """What its file was judged; None: still to be judged, or to be fetched once more."""
    index: int = 0
    """Its place in the service's list."""

    def read_text(self) -> str | None:
        """The text that it is, or that its file holds; None without either, or over TEXT_LIMIT."""
        if self.text is not None:
            return self.text
        if self.path is None or self.size > TEXT_LIMIT:
            return None
        return self.path.read_text("utf-8-sig", errors="replace")

    @property
    def is_cut(self) -> bool:
        """Its file ends in the middle."""
        return self.verdict is Verdict.CUT

    @property
    def looks_cut(self) -> bool:
        """Its file ends in the middle, as far as could be seen."""
        return self.path is not None and self.verdict in (None, Verdict.CUT)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about an outcome that is no failure: its key in `texts.py`, and what fills it."""

    key: str
    params: Mapping[str, object]

    @classmethod
    def of(cls, news: Progress) -> Notice:
        """News that shall stay."""
        return cls(news.stage.value, news.params)


@dataclass(frozen=True, slots=True)
class Lost:
    """A result that the service listed and that did not come; `notice` says why."""

    node_id: str
    name: str
    index: int
    notice: Notice


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished order: its task, results in the service's order, costs, and running seconds.

    `kept`: the results were here from an earlier equal order, and nothing was paid now.
    `taken_up`: its task was there already, and nothing was ordered now. `shared`: another caller
    waited for the same order and is the one who is told what it cost.
    `missing`: nodes of whose results the service listed nothing that could be fetched.
    `warned`: what there was to say before it was ordered.
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
        """All that the service listed, in its order: a node that lost its file keeps its output."""
        return sorted((*self.results, *self.unfetched), key=lambda result: result.index)

    @property
    def is_paid(self) -> bool:
        """Whether its cost counts where this outcome is told: an order's cost counts once."""
        return not self.kept and not self.shared

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person must know of inputs or results that are not as they should be."""
        return (*self.warned, *self.gaps)

    @property
    def gaps(self) -> tuple[Notice, ...]:
        """What was paid and did not come, or not whole."""
        cut = [result.name or str(result.index) for result in self.results if result.looks_cut]
        notices: list[Notice] = []
        if cut:
            params = {"names": ", ".join(cut), "task_id": self.task_id}
            notices.append(Notice("progress.looks_cut", params))
        if self.missing:
            nodes = ", ".join(self.missing)
            notices.append(Notice("progress.incomplete", {"nodes": nodes, "task_id": self.task_id}))
        return (*notices, *(lost.notice for lost in self.unfetched))
