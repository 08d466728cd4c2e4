"""An order, the task that it becomes, and its results."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from ..graphs import Graph, Verdict

if TYPE_CHECKING:
    from ..comfyui import Hosted
    from ..models.catalogue import Model
    from ..object_store import Stored
    from .progress import Progress

Status = Literal["CREATE", "QUEUED", "RUNNING", "SUCCESS", "FAILED", "CANCEL"]
Route = Literal["create", "ai-app", "quick", "v2", "native"]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """A standard model, the body of its run, and its preview price."""

    model: Model
    body: dict[str, Any]
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An order, validated and complete."""

    key: str
    workflow_id: str
    graph: Graph
    verdict: Verdict = field(default_factory=lambda: Verdict(outputs=["1"]))
    """Orders without a graph count as having one output."""
    route: Route = "create"
    node_info: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    inline: bool = False
    add_metadata: bool = True
    machine: str = "default"
    webhook_url: str | None = None
    use_personal_queue: bool = False
    retain_seconds: int | None = None
    model: ModelRun | None = None
    """What runs instead of a graph."""
    hosted: Hosted | None = None
    """The prompt on a real ComfyUI, if one runs it."""
    prompt_id: str | None = None
    client_id: str | None = None
    """Ids that a caller of the native route chose, if a knob honours them."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result: a stored file, or a text without a file."""

    node_id: str
    extension: str
    file: Stored | None
    text: str | None = None
    temporary: bool = False


@dataclass
class Task:
    """A task. Times are in seconds of the loop's clock."""

    id: str
    order: Order
    status: Status
    created: float
    client_id: str
    progress: Progress
    started: float | None = None
    ended: float | None = None
    results: list[Result] = field(default_factory=list[Result])
    failed_reason: dict[str, str] | None = None
    error_code: str = ""
    error_message: str = ""
    coins: int | None = None
    money: Decimal | None = None
    third_party_money: Decimal | None = None
    ends_seen: int = 0
    """Number of polls that reported its success."""
    runner: asyncio.Task[None] | None = None
    ending: bool = False
    """The emulator is stopping: the task is neither cancelled nor over."""

    @property
    def node_info(self) -> list[dict[str, Any]]:
        return self.order.node_info

    @property
    def graph(self) -> Graph:
        return self.order.graph

    @property
    def workflow_id(self) -> str:
        return self.order.workflow_id

    @property
    def prompt_id(self) -> str:
        """The prompt id in socket messages; differs from the task's id."""
        return self.progress.prompt_id

    @property
    def key(self) -> str:
        return self.order.key

    @property
    def results_bytes(self) -> int:
        return sum(len(result.file.data) for result in self.results if result.file)

    @property
    def is_over(self) -> bool:
        return self.status in ("SUCCESS", "FAILED", "CANCEL")

    @property
    def seconds(self) -> float:
        """Run time in seconds, 0 until it has ended."""
        if self.started is None or self.ended is None:
            return 0.0
        return self.ended - self.started
