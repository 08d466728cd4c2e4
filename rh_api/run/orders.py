"""An order as a value; equal orders have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from ..journal import OrderRow
from ..money.quotes import Quote
from ..wire import run_v2
from ..wire.apps import run_app
from ..wire.call import Call
from ..wire.models import create as create_model
from ..wire.native import Prompt, queue_prompt
from ..wire.orders import NodeInfo, TaskOptions, Ticket, create
from ..wire.quick import run_quick
from ..wire.tasks import Usage
from .progress import Watch

_MODEL_PAGE = "model/"  # begins what the journal calls a standard model

Payload = tuple[NodeInfo, ...] | str | dict[str, object]
"""What goes out with an order once its uploads have names: its fields, a whole graph's text, or
the body of a model's call, or what a module of Quick Create adds to it."""

Price = Callable[[Mapping[str, object] | None], Awaitable[Quote]]
"""What an order will cost: with the body that goes out, what the service says of that; without,
what can be told before anything of the person's has left."""


async def no_price(body: Mapping[str, object] | None) -> Quote:
    """Nothing tells it."""
    return Quote()


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that one create call needs, and what following it wants to know.

    `program_id`: of the workflow, with `is_app` of the AI app, with `is_model` a model's endpoint,
    with `example` `<webappId>/<quickCreateCode>`. `name`: what the journal calls it, where that is
    not by its id. `graph`: JSON text of a whole graph that replaces the stored one, or None.
    `graph_hash`: of the stored workflow's JSON or app's form (a changed one is another order).
    `inputs`: fields as they make up the order's identity, with hashes in place of contents.
    `shows`: nodes whose class shows what it is given and saves nothing. `title`: what people call
    the program, "" where nobody said. `titles`: node id to what a person calls it. `nodes`: how
    many there are, 0 if not known. `time_limit`: seconds of running time, 0 for none. `scope`: the
    prompt or command whose limit of cost it counts for. `price`: asks what a model's order costs.
    `is_free_of_others`: asks whether its graph is known to hold no node that others are paid for.
    `own_values`: of a whole graph what the journal keeps of it, to find and repeat it. `example`:
    of a module of Quick Create its call example without a key, which alone can order it again.
    `prompt`: by the native route its task's name, "" by others; `measure`: tells by that name what
    the task cost.
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
    shows: frozenset[str] = frozenset()
    is_model: bool = False
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    title: str = ""
    scope: str = ""
    price: Price = field(default=no_price, compare=False)
    is_free_of_others: Callable[[], bool] | None = field(default=None, compare=False)
    own_values: Mapping[str, object] = field(default_factory=dict[str, object])
    example: str = ""
    prompt: str = ""
    measure: Callable[[str], Awaitable[Usage | None]] | None = field(default=None, compare=False)

    @property
    def program(self) -> str:
        """What is run, as the journal names it."""
        return self.name or self.page

    @property
    def page(self) -> str:
        """What the site knows it as: ids of workflows, apps and models are apart."""
        if self.is_model:
            return model_page(self.program_id)
        if self.example:
            return f"quick/{self.program_id}"
        return f"app/{self.program_id}" if self.is_app else self.program_id

    @property
    def takes_webhook(self) -> bool:
        """Whether the service can be given an address to call; Quick Create and the native route
        have no such option."""
        return not (self.example or self.prompt)

    def with_payload(self, payload: Payload) -> Order:
        """The order with what goes out."""
        if isinstance(payload, str):
            return replace(self, graph=payload)
        if isinstance(payload, dict):
            return replace(self, body=payload)
        return replace(self, node_info=payload)

    @property
    def has_v2(self) -> bool:
        """Whether the V2 routes know another way to order it."""
        return not (self.is_model or self.example or self.prompt)

    def call_v2(self, access_password: str) -> Call[Ticket]:
        """The create call by V2."""
        about = (self.program_id, self.node_info, self.options)
        if self.is_app:
            return run_v2.run_app(*about, access_password=access_password)
        return run_v2.run_workflow(*about, graph=self.graph, access_password=access_password)

    def call(self, access_password: str) -> Call[Ticket]:
        """The create call, which alone may start the task."""
        if self.is_model:
            webhook = {"webhookUrl": self.options.webhook_url} if self.options.webhook_url else {}
            return create_model(self.program_id, {**self.body, **webhook})
        if self.example:
            app_id, _, code = self.program_id.partition("/")
            return run_quick(app_id, code, self.body)
        if self.prompt:
            return queue_prompt(Prompt.of(self.prompt), self.graph or "")
        args = (self.program_id, self.node_info, self.options)
        if self.is_app:
            return run_app(*args, access_password=access_password)
        return create(*args, graph=self.graph, access_password=access_password)

    @property
    def described(self) -> dict[str, object]:
        """What repeating or finding it needs, as the journal keeps it."""
        options = {
            "no_metadata": not self.options.add_metadata,
            "personal_queue": self.options.personal_queue,
            "retain_seconds": self.options.retain_seconds,
            "time_limit": self.time_limit,
        }
        options = {name: value for name, value in options.items() if value}
        own = {**self.own_values, "example": self.example, "prompt": self.prompt}
        more = {name: value for name, value in own.items() if value}
        return {"inputs": dict(self.inputs), "name": self.title, "options": options, **more}

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
class ActiveOrder:
    """An order whose task runs or is over, on the way to its results.

    `row`: its number in the journal; None for a task that was ordered elsewhere. `earlier`: the
    row that it was taken up from; None when it was placed just now, or elsewhere.
    """

    order: Order
    ticket: Ticket
    watch: Watch
    row: int | None = None
    earlier: OrderRow | None = None
    asked_at: float | None = None
    """Seconds by the engine's clock when its create left: its task runs no longer than since."""


def model_page(endpoint: str) -> str:
    """What the journal calls a standard model."""
    return f"{_MODEL_PAGE}{endpoint}"


def is_model(program: str) -> bool:
    """Whether what the journal calls a program is a standard model."""
    return program.startswith(_MODEL_PAGE)


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
