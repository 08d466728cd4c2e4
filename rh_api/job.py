"""What a person asks for: a program, its fields, and how it shall run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .graph.check import Declared, Options, nothing_known
from .graph.prompt import Graph
from .graph.ranges import Ranges
from .wire.orders import TaskOptions


@dataclass(frozen=True, slots=True)
class Job:
    """What a person asks for.

    `workflow` or, in its place, `app`: an id or a link. `graph`: a whole graph in API format
    that runs instead of the saved one; then `workflow` may be "". `fields`:
    `<nodeId>.<fieldName>` to a plain value, a Source, a LazySource of one, or a LoraFile.
    `model`, in place of a workflow: a standard model's endpoint, name or link; then `fields` are
    by parameter, lists of files among them, and `extra` holds keys that the catalogue does not
    know. `schema`: the model as a node kept it (`models.stored.model_json`), whatever became of it
    in the catalogue since. `send_anyway`: also what only the catalogue speaks against.
    `quick`, in place of a workflow: what the site's "call API" button gives on the page of a
    module of Quick Create, JSON or a curl line; its key is dropped. It takes no options.
    `time_limit`: seconds of running time, 0 for none. `title`: what a person calls it in the
    history; "": the program's own name.
    `choices`, `declared`: what a local node class offers for a field and which type it declares.
    `ranges`: the numbers that it takes for one; a saved workflow's values beyond them are ordered
    with a notice, since the class in the cloud may be newer. `again`: order anew, even if it may
    cost twice.
    `route`, of a graph: one of `graph.extra_data.ROUTES`, "" for the settings'.
    `scope`: the prompt or command whose limit of cost it counts for; "" for one of its own.
    `ordered`: what this job was given in one run of whoever asks, filled here, and handed in again
    when that run repeats it: it is served then, also where each run shall order anew.
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
    quick: str = field(default="", repr=False)  # what is pasted may hold a key
    model: str = ""
    extra: object = None
    schema: object = None
    send_anyway: bool = False
    title: str = ""
    scope: str = ""
    route: str = ""
    ordered: dict[str, tuple[int, bool]] | None = field(default=None, repr=False, compare=False)
