"""An order as a value object; equal orders have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from ..journal import Identity, OrderRow
from ..journal.program_keys import program_key
from ..journal.rows import EXPECTED_TASK_ID, SCOPE
from ..money.quotes import Price, PriceRatio, Quote
from ..wire import run_v2
from ..wire.apps import run_app
from ..wire.call import Call
from ..wire.models import create as create_model
from ..wire.native import Prompt, queue_prompt
from ..wire.orders import NodeInfo, TaskOptions, Ticket, create
from ..wire.quick import run_quick
from .progress import Watch

Payload = tuple[NodeInfo, ...] | str | dict[str, object]
"""An order's payload, with the remote names of its uploads: fields, JSON text of a whole graph, or
the body of a model's call (of Quick Create: its `nodeInfoList`)."""


async def no_price(body: Mapping[str, object] | None) -> Quote:
    """Return an empty quote."""
    return Quote()


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that the create call needs, and that following the task needs.

    `program_id`: workflow id; with `is_app` the app's id, with `is_model` a model's endpoint, with
    `example` `<webappId>/<quickCreateCode>`; "" for an order that is only followed or quoted.
    `key_override`: its `program_key` if that does not follow from the id, as for whole graphs.
    `node_info`, `graph`, `body`: the payload, see `Payload`; `graph` replaces the stored one.
    `options`: of the run, such as the instance. `item`: its place among equal orders of a batch.
    `graph_hash`: of the stored workflow's JSON or app's form (a changed one is another order).
    `inputs`: fields as part of its identity, with content hashes. `shows`: its display-only nodes.
    `display_name`: of the program, "" if unknown. `titles`: by node id. `nodes`: their number or 0.
    `rerolls`: its seeds are drawn anew, so that it has none of those stored in the program.
    `time_limit`: seconds of running time, 0 for none. `scope`: the prompt or command whose cost
    limit it counts against. `price`: quotes a model's order. `price_ratio`: see `PriceRatio`.
    `is_free_of_others`: returns whether the graph is known to hold no node billed by third parties.
    `own_values`: what the journal keeps of a whole graph, to find and repeat it. `example`:
    call example of a Quick Create module, without the key; needed to order it again.
    `number`: its number in the journal if the caller took one, else 0.
    `native_task_id`: task id of a native-route order, "" for others. `measure`: measures the cost
    of the task with that id.
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
    rerolls: bool = False
    is_app: bool = False
    key_override: str = ""
    shows: frozenset[str] = frozenset()
    is_model: bool = False
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    display_name: str = ""
    scope: str = ""
    price: Price = field(default=no_price, compare=False)
    price_ratio: PriceRatio | None = field(default=None, compare=False)
    is_free_of_others: Callable[[], bool] | None = field(default=None, compare=False)
    own_values: Mapping[str, object] = field(default_factory=dict[str, object])
    example: str = ""
    native_task_id: str = ""
    number: int = field(default=0, compare=False)

    @property
    def program_key(self) -> str:
        """The program in the journal: id with a prefix per kind, such as `app/12`."""
        return self.key_override or self.page

    @property
    def page(self) -> str:
        """The program's id on the site, with a prefix per kind, since their ids may collide."""
        if self.is_model:
            return program_key("model", self.program_id)
        if self.example:
            return program_key("quick", self.program_id)
        return program_key("app", self.program_id) if self.is_app else self.program_id

    def with_payload(self, payload: Payload) -> Order:
        """Return the order with its payload, by type: graph, body or node_info."""
        if isinstance(payload, str):
            return replace(self, graph=payload)
        if isinstance(payload, dict):
            return replace(self, body=payload)
        return replace(self, node_info=payload)

    def call(self, access_password: str, *, v2: bool = False) -> Call[Ticket]:
        """Return the create call, the only call that may start the task; `v2`: of a workflow or an
        app by the V2 route."""
        if self.is_model:
            webhook = {"webhookUrl": self.options.webhook_url} if self.options.webhook_url else {}
            return create_model(self.program_id, {**self.body, **webhook})
        if self.example:
            app_id, _, code = self.program_id.partition("/")
            return run_quick(app_id, code, self.body)
        if self.native_task_id:
            return queue_prompt(Prompt.of(self.native_task_id), self.graph or "")
        args = (self.program_id, self.node_info, self.options)
        if self.is_app:
            run = run_v2.run_app if v2 else run_app
            return run(*args, access_password=access_password)
        order = run_v2.run_workflow if v2 else create
        return order(*args, graph=self.graph, access_password=access_password)

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
        more = {"example": self.example, EXPECTED_TASK_ID: self.native_task_id, SCOPE: self.scope}
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
