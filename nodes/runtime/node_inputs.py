"""Parses and validates the inputs of cloud nodes; a link may provide values of any type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import TypeVar

from ...rh_api.client import Client, Job, Program
from ...rh_api.errors import BadField, BadInput, RunningHubError
from ...rh_api.graph.check import Promised
from ...rh_api.graph.constants import INSTANCES
from ...rh_api.graph.extra_data import AGAIN
from ...rh_api.graph.fields import FieldKind, looks_like_field
from ...rh_api.graph.nearest import listed
from ...rh_api.graph.node_options import EACH, FIRST, MAX_ORDERS, PROGRAM, RETAIN
from ...rh_api.graph.outputs import read_output_ids
from ...rh_api.models.names import input_name
from ...rh_api.wire.call_example import without_key
from ...rh_api.wire.orders import TaskOptions
from ..values.adapters.adapter import Media
from ..values.field_values import Inputs, check_count, orders, promised
from ..values.upload_sources import Pack, Sources
from . import local_classes, model_inputs

T = TypeVar("T", str, int, bool)

WORKFLOW, APP, MODEL, MODULE = "workflow", "app", "model", "module"
"""The inputs that name what to run; a node has one of them."""


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """A node's inputs except the fields. `first`: only the first item of a batch is ordered.
    `profile`: name of the account, "" for the default one.

    `named`: the kind of program (WORKFLOW …). `program`: an id, an endpoint, a name, a link, or a
    module's call example without its key. `template`: the node's job without fields.
    `fit_pictures`: shrink or convert images that exceed a model's size limit or have a format that
    it does not accept.
    """

    named: str
    program: str
    template: Job
    outputs: str
    first: bool
    max_orders: int
    profile: str
    fit_pictures: bool

    @property
    def is_app(self) -> bool:
        return self.named == APP

    @property
    def is_quick(self) -> bool:
        return self.named == MODULE

    @property
    def is_model(self) -> bool:
        return self.named == MODEL

    def job(self, fields: Mapping[str, object]) -> Job:
        return replace(self.template, fields=fields)


def read_node_request(inputs: Inputs, named: str = WORKFLOW) -> NodeRequest:
    """Parse the inputs, with defaults for those that are missing or still to come by a link.

    `named`: the input that names the program. Raises BadInput for an invalid value.
    """
    retain = read_input(inputs, "retain_seconds", 0)
    if retain and not RETAIN[0] <= retain <= RETAIN[1]:
        raise BadInput("node.bad_retain", value=retain, low=RETAIN[0], high=RETAIN[1])
    max_orders = read_input(inputs, "max_orders", MAX_ORDERS)
    time_limit = read_input(inputs, "timeout", 0)
    for name, value, least in (("max_orders", max_orders, 1), ("timeout", time_limit, 0)):
        if value < least:
            raise BadInput("node.too_small", name=name, value=value, least=least)
    program = read_input(inputs, named, "")
    if named == MODULE:
        program = without_key(program)
    if named in _BLANK_ERRORS and not program.strip() and not is_linked(inputs, named):
        raise BadInput(_BLANK_ERRORS[named])
    form = read_input(inputs, "form", "")
    if model_inputs.is_unread(form):
        raise BadInput("node.unread", program=program[:200])
    if model_inputs.is_unprepared(form):
        raise BadInput("node.unprepared")
    template = Job(
        program if named == WORKFLOW else "",
        options=TaskOptions(
            instance=_chosen(inputs, "instance", INSTANCES),
            add_metadata=read_input(inputs, "add_metadata", True),
            personal_queue=read_input(inputs, "use_personal_queue", False),
            retain_seconds=retain or None,
        ),
        reroll_seeds=read_input(inputs, "reroll_seeds", False),
        time_limit=float(time_limit),
        choices=local_classes.choices,
        declared=local_classes.declared,
        ranges=local_classes.bounds,
        again=read_input(inputs, AGAIN, False),
        app=program if named == APP else "",
        quick=program if named == MODULE else "",
    )
    if named == MODEL:
        template = replace(
            template,
            model=program,
            extra=read_input(inputs, "extra", ""),
            schema=model_inputs.schema_of(form),
            send_anyway=read_input(inputs, "send_anyway", False),
        )
    return NodeRequest(
        named=named,
        program=program,
        template=template,
        outputs=read_input(inputs, "outputs", ""),
        first=_chosen(inputs, "batch", (EACH, FIRST)) == FIRST,
        max_orders=max_orders,
        profile=read_input(inputs, "profile", "").strip(),
        fit_pictures=named == MODEL and read_input(inputs, "fit_pictures", False),
    )


# Refused here, since the client takes a job with a blank one of these for a workflow's.
_BLANK_ERRORS = {APP: "error.app_blank", MODULE: "error.quick_blank", MODEL: "error.model_blank"}


def is_linked(inputs: Inputs, name: str) -> bool:
    """Whether an input's value is unknown until its link is executed."""
    return list(inputs.get(name, ())) == [None]


def read_input(inputs: Inputs, name: str, default: T) -> T:
    """Return the first value of an input; `default` if it is missing or still to come by a link.

    Raises BadInput if its type is not that of `default`.
    """
    values = inputs.get(name, ())
    value = values[0] if values else None
    return default if value is None else require_type(name, value, default)


def require_type(name: str, value: object, like: T) -> T:
    """Return `value`. Raises BadInput if its type is not exactly that of `like`."""
    # A link of type * may bring any value; a bool is not accepted as an int.
    if type(value) is not type(like):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def _chosen(inputs: Inputs, name: str, choices: Sequence[str]) -> str:
    value = read_input(inputs, name, choices[0])
    if value not in choices:
        raise BadInput("node.bad_choice", name=name, value=value[:80], choices=", ".join(choices))
    return value


def fields_of(inputs: Inputs, asked: NodeRequest) -> Inputs:
    """Return the inputs that are fields of the program. Raises BadField for a mistyped name."""
    if asked.is_model:
        return model_inputs.fields_of(inputs, asked.template.schema)
    fields = {name: values for name, values in inputs.items() if looks_like_field(name)}
    for name in _non_fields(inputs):
        if name.lstrip()[:1].isdecimal():
            raise BadField("error.field_name", field=name[:80])
        if near := get_close_matches(name[:80].lower(), OPTIONS, 1, _MISTYPED_RATIO):
            raise BadField("node.mistyped", field=name[:80], near=near[0])
    return fields


OPTIONS = [option.name for option in PROGRAM]
_MISTYPED_RATIO = 0.85  # difflib ratio: `max_order` has 0.95; inputs of other packs must stay below


def _non_fields(inputs: Inputs) -> list[str]:
    """Return inputs that are no fields: own options, other packs' inputs, or mistyped names."""
    return [name for name in inputs if not looks_like_field(name) and input_name(name) == name]


def _refuse_unqualified(inputs: Inputs, program: Program) -> None:
    """Raise BadField for a field without its node id. Only checked without a `form`, that is for
    scripts: on the canvas other packs may add inputs of such names."""
    if "form" in inputs:
        return
    for name in _non_fields(inputs):
        last = name.rpartition(".")[2].lower()
        near = [field.full_name for field in program.fields() if field.name.lower() == last]
        if near:
            raise BadField("node.mistyped", field=name[:80], near=listed(near[:5]))


async def check_early(client: Client, asked: NodeRequest, inputs: Inputs) -> None:
    """Validate fields and outputs before the graph runs, if the program is cached or a model.

    The program is read again if a field is not in the cached copy.
    """
    fields = fields_of(inputs, asked)
    if asked.is_model:
        if not is_linked(inputs, "extra"):
            await client.check(asked.job(promised(fields)))
        return
    program = client.known_program(asked.job({}))
    if program is not None:
        _refuse_unqualified(inputs, program)
        await client.check(asked.job(promised(fields)))
        await _output_ids(client, asked, program)
    else:
        read_output_ids(asked.outputs)


async def prepare(
    client: Client, asked: NodeRequest, inputs: Inputs, sources: Sources
) -> tuple[list[Job], Program, tuple[str, ...]]:
    """Return the jobs, the program, and the ids of the remote nodes whose results to output.

    Validates all that can be; media are encoded lazily, by `sources`.
    """
    fields = fields_of(inputs, asked)
    # Reads the program again if a field is not in the cached copy.
    await client.check(asked.job({name: Promised() for name in fields}))
    program = await client.program(asked.job({}))
    if not asked.is_model:
        _refuse_unqualified(inputs, program)
    output_ids = await _output_ids(client, asked, program)
    zips = {field.full_name for field in program.fields() if field.kind is FieldKind.ZIP}
    lists = model_inputs.lists_of(program, fields)
    limits = model_inputs.limits_of(program, fields, fit_pictures=asked.fit_pictures)
    every = orders(fields, zips, lists, first=asked.first)
    if len(every) > asked.max_orders:
        alike = not (asked.template.reroll_seeds or asked.template.again)
        await sources.worker(partial(check_count, every, asked.max_orders, alike=alike))

    def ready(name: str, value: object) -> object:
        if isinstance(value, list):
            return [ready(name, item) for item in value]
        if not isinstance(value, (Media, Pack)):
            return value
        return sources.lazy_source(value, name, limits.get(name))

    jobs = [asked.job({name: ready(name, v) for name, v in fields.items()}) for fields in every]
    return jobs, program, output_ids


async def _output_ids(client: Client, asked: NodeRequest, program: Program) -> tuple[str, ...]:
    """Return the requested output nodes; reads the program again before refusing an unknown id."""
    try:
        return read_output_ids(asked.outputs, program.graph)
    except RunningHubError as error:
        if error.key != "error.outputs_unknown":
            raise
    fresh = await client.program(asked.job({}), fresh=True)
    return read_output_ids(asked.outputs, fresh.graph)
