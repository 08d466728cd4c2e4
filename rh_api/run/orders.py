"""An order as a value object; equal orders have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from ..journal import Identity, OrderRow
from ..journal.program_keys import program_key
from ..journal.rows import EXPECTED_TASK_ID, SCOPE
from ..money.quotes import Price, PriceRatio, Quote
from ..wire import run_v2
from ..wire.call import Call
from ..wire.orders import NodeInfo, TaskOptions, Ticket, create
from .progress import Watch

Payload = tuple[NodeInfo, ...] | str | dict[str, object]
"""An order's payload, with the remote names of its uploads: fields, JSON text of a whole graph, or
the body of a model's call (of Quick Create: its `nodeInfoList`)."""


async def no_price(body: Mapping[str, object] | None) -> Quote:
    """Return an empty quote."""
    return Quote()


class CreateCall(Protocol):
    """Makes the create call of an order with its payload; `v2`: by the V2 route, if it has one."""

    def __call__(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]: ...


def workflow_call(order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
    """Return the create call of a workflow, or of a graph under a workflow's id."""
    run = run_v2.run_workflow if v2 else create
    args = (order.program_id, order.node_info, order.options)
    return run(*args, graph=order.graph, access_password=access_password)


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that the create call needs, and that following the task needs.

    `program_id`: id of a program of that `kind` (see `program_key`). For a whole graph it is the
    workflow id that it is sent under, and "" for an order that is only followed or quoted.
    `create_call`: makes the only call that may start its task. `key_override`: its `program_key` if
    that does not follow from the id, as for whole graphs. `node_info`, `graph`, `body`: the
    payload, see `Payload`; `graph` replaces the stored one. `options`: of the run, such as the
    instance. `item`: its place among equal orders of a batch. `graph_hash`: of the stored
    workflow's JSON or app's form (a changed one is another order). `inputs`: fields as part of its
    identity, with content hashes. `shows`: its display-only nodes. `display_name`: of the program,
    "" if unknown. `titles`: by node id. `nodes`: their number or 0. `rerolls`: its seeds are drawn
    anew, so that it has none of those stored in the program. `time_limit`: seconds of running time,
    0 for none. `scope`: the prompt or command whose cost limit it counts against. `price`: quotes a
    model's order. `price_ratio`: see `PriceRatio`. `is_free_of_others`: returns whether the graph
    is known to hold no node billed by third parties. `own_values`: what the journal keeps of its
    kind alone, to find and repeat it. `number`: its number in the journal if the caller took one,
    else 0. `native_task_id`: task id of a native-route order, "" for others. `measure`: measures
    the cost of the task with that id.
    """

    program_id: str
    kind: str = "workflow"
    node_info: tuple[NodeInfo, ...] = ()
    options: TaskOptions = field(default_factory=TaskOptions)
    graph: str | None = None
    graph_hash: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    nodes: int = 0
    time_limit: float = 0.0
    item: int = 0
    rerolls: bool = False
    key_override: str = ""
    shows: frozenset[str] = frozenset()
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    display_name: str = ""
    scope: str = ""
    create_call: CreateCall = field(default=workflow_call, compare=False)
    price: Price = field(default=no_price, compare=False)
    price_ratio: PriceRatio | None = field(default=None, compare=False)
    is_free_of_others: Callable[[], bool] | None = field(default=None, compare=False)
    own_values: Mapping[str, object] = field(default_factory=dict[str, object])
    native_task_id: str = ""
    number: int = field(default=0, compare=False)

    @property
    def is_model(self) -> bool:
        return self.kind == "model"

    @property
    def program_key(self) -> str:
        """The program in the journal: id with a prefix per kind, such as `app/12`."""
        return self.key_override or self.page

    @property
    def page(self) -> str:
        """The program's id on the site, with a prefix per kind, since their ids may collide."""
        return program_key(self.kind, self.program_id)

    def with_payload(self, payload: Payload) -> Order:
        """Return the order with its payload, by type: graph, body or node_info."""
        if isinstance(payload, str):
            return replace(self, graph=payload)
        if isinstance(payload, dict):
            return replace(self, body=payload)
        return replace(self, node_info=payload)

    @property
    def described(self) -> dict[str, object]:
        """Return what the journal stores of it, as JSON values, to find and repeat it."""
        options = {
            "no_metadata": not self.options.add_metadata,
            "personal_queue": self.options.personal_queue,
            "retain_seconds": self.options.retain_seconds,
            "time_limit": self.time_limit,
            "reroll_seeds": self.rerolls,
        }
        options = {name: value for name, value in options.items() if value}
        more = {EXPECTED_TASK_ID: self.native_task_id, SCOPE: self.scope}
        more = {name: value for name, value in {**self.own_values, **more}.items() if value}
        return {"inputs": dict(self.inputs), "name": self.display_name, "options": options, **more}

    def identity(self, origin: str, account: str) -> Identity:
        """Return what makes it equal to another order of that account."""
        content = (self.program_key, self.graph_hash, self.inputs_hash, self.item)
        return Identity(origin, account, *content)

    @property
    def inputs_hash(self) -> str:
        """Digest of inputs, graph and options; stable across runs and platforms."""
        options = asdict(self.options)
        del options["webhook_url"]  # who is told of the end changes no result
        return digest({"inputs": dict(self.inputs), "graph": self.graph, "options": options})


@dataclass(frozen=True, slots=True)
class ActiveOrder:
    """An order whose task exists, until its results are delivered.

    `order_id`: its number in the journal; None for a task that was ordered elsewhere. `earlier`:
    the row that it was resumed from; None if it was placed just now, or elsewhere.
    """

    order: Order
    ticket: Ticket
    watch: Watch
    order_id: int | None = None
    earlier: OrderRow | None = None
    asked_at: float | None = None
    """When the create call was sent, by the engine's clock: the earliest start of the task."""


def digest(value: object) -> str:
    """Return the SHA-256 (hex) of a value's canonical JSON: sorted keys, no whitespace, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
