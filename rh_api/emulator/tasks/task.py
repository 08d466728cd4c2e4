"""What was ordered, the task that it became, and what a task leaves behind."""

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
    """A standard model with the body of its run, and what the preview of it says."""

    model: Model
    body: dict[str, Any]
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, checked and complete."""

    key: str
    workflow_id: str
    graph: Graph
    verdict: Verdict = field(default_factory=lambda: Verdict(outputs=["1"]))
    """What is no graph has one output."""
    route: Route = "create"
    node_info: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    inline: bool = False
    add_metadata: bool = True
    machine: str = "default"
    webhook_url: str | None = None
    use_personal_queue: bool = False
    retain_seconds: int | None = None
    model: ModelRun | None = None
    """What runs in place of a graph."""
    hosted: Hosted | None = None
    """Where it runs, when that is a real ComfyUI."""
    prompt_id: str | None = None
    client_id: str | None = None
    """What a caller of the native route called itself and its prompt, where that counts."""


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
    """A task. Times are seconds of the loop's clock."""

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
    """How many polls were told that it ended well."""
    runner: asyncio.Task[None] | None = None
    ending: bool = False
    """The emulator stops serving: the task is neither cancelled nor over."""

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
        """What its socket calls it; never its own id."""
        return self.progress.prompt_id

    @property
    def key(self) -> str:
        return self.order.key

    @property
    def is_over(self) -> bool:
        return self.status in ("SUCCESS", "FAILED", "CANCEL")

    @property
    def seconds(self) -> float:
        """Billed run time so far known."""
        if self.started is None or self.ended is None:
            return 0.0
        return self.ended - self.started
