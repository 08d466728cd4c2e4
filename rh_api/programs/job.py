"""The request for an order: a program, its fields, and how to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..graph.check import Declared, Options, nothing_known
from ..graph.prompt import Graph
from ..graph.ranges import Ranges
from ..run.results import Outcome
from ..wire.orders import TaskOptions


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asks for.

    `workflow` or `app` (exclusive): an id or a link. `graph`: a whole graph in API format that runs
    instead of the saved one; then `workflow` may be "". `fields`: maps `<nodeId>.<fieldName>` to a
    plain value, a Source, a LazySource of one, or a LoraFile.
    `model`, instead of a workflow: a standard model's endpoint, name or link; then `fields` are by
    parameter, with lists of files allowed, and `extra` holds keys that the catalogue lacks.
    `schema`: the model as a node stored it (`models.stored.model_json`), even if the catalogue has
    changed since. `send_anyway`: send values that only the catalogue rules out.
    `quick`, instead of a workflow: the call example from the "call API" button of a Quick Create
    module's page, JSON or a curl line; its key is dropped. It takes no options.
    `time_limit`: seconds of running time, 0 for none. `title`: the user's title in the history; ""
    for the program's own name.
    `choices`, `declared`: a local node class's options for a field, and its declared type.
    `ranges`: the class's numeric range of a field; a saved workflow's values outside it are sent
    with a notice, since the class in the cloud may be newer.
    `again`: order anew, even if that may cost twice; equal jobs of one `scope` are one order.
    `route`, of a graph: one of `graph.extra_data.ROUTES`, "" for the settings' default. `scope`:
    the prompt or command whose cost limit it counts against; "" for its own.
    `number`: what it is to have in the journal, from `Client.order_number`; 0: the next one.
    `memo`: outcomes by order digest in one run of the caller, filled by `Jobs.run`. A job that the
    run repeats gets the same task's results and cost, even with `again` or new seeds.
    """

    workflow: str = ""
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    options: TaskOptions = field(default_factory=TaskOptions)
    reroll_seeds: bool = False
    time_limit: float = 0.0
    choices: Options = nothing_known
    declared: Declared = nothing_known
    ranges: Ranges = nothing_known
    again: bool = False
    app: str = ""
    graph: Graph | None = None
    quick: str = field(default="", repr=False)  # pasted text may contain a key
    model: str = ""
    extra: object = None
    schema: object = None
    send_anyway: bool = False
    title: str = ""
    scope: str = ""
    route: str = ""
    number: int = field(default=0, compare=False)
    memo: dict[str, Outcome] | None = field(default=None, repr=False, compare=False)
