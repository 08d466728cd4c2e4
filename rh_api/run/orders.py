"""An order and what came of it, as values; equal orders have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..wire.apps import run_app
from ..wire.call import Call
from ..wire.filetypes import FileType
from ..wire.orders import NodeInfo, TaskOptions, Ticket, Tips, create
from ..wire.tasks import Usage

Cargo = tuple[NodeInfo, ...] | str
"""What goes out with an order once its uploads have names: its fields, or a whole graph's text."""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that one create call needs, and what following it wants to know.

    `program_id`: of the workflow or, with `is_app`, of the AI app. `name`: what the order book
    calls it, where that is not by its id.
    `graph`: JSON text of a whole graph that replaces the stored one, or None.
    `graph_hash`: of the stored workflow's JSON or app's form (a changed one is another order).
    `inputs`: fields as they make up the order's identity, with hashes in place of contents.
    `titles`: node id to what a person calls it. `nodes`: how many there are, 0 if not known.
    `time_limit`: seconds of running time, 0 for none.
    """

    program_id: str
    node_info: tuple[NodeInfo, ...] = ()
    options: TaskOptions = field(default_factory=TaskOptions)
    graph: str | None = None
    graph_hash: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    nodes: int = 0
    time_limit: float = 0.0
    item: int = 0
    is_app: bool = False
    name: str = ""

    @property
    def program(self) -> str:
        """What is run, as the order book names it."""
        return self.name or self.page

    @property
    def page(self) -> str:
        """What the site knows it as: ids of workflows and apps are apart."""
        return f"app/{self.program_id}" if self.is_app else self.program_id

    def carrying(self, cargo: Cargo) -> Order:
        """The order with what goes out."""
        if isinstance(cargo, str):
            return replace(self, graph=cargo)
        return replace(self, node_info=cargo)

    def call(self, access_password: str) -> Call[Ticket]:
        """The create call, which alone may start the task."""
        if self.is_app:
            return run_app(
                self.program_id, self.node_info, self.options, access_password=access_password
            )
        return create(
            self.program_id,
            self.node_info,
            self.options,
            graph=self.graph,
            access_password=access_password,
        )

    @property
    def inputs_hash(self) -> str:
        """Digest of fields and options; deterministic over runs and platforms."""
        options = {
            "instance": self.options.instance,
            "add_metadata": self.options.add_metadata,
            "personal_queue": self.options.personal_queue,
            "retain_seconds": self.options.retain_seconds,
        }
        return digest({"inputs": dict(self.inputs), "graph": self.graph, "options": options})


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished order: its task, results in the service's order, costs, and running seconds.

    `kept`: the results were here from an earlier equal order, and nothing was paid now.
    """

    task_id: str
    results: tuple[Result, ...]
    usage: Usage
    tips: Tips
    seconds: float
    kept: bool = False


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
