"""What a cloud node's own inputs ask for, checked, since a link may bring anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..rh_api.client import Client, Job, Program
from ..rh_api.errors import BadInput, RunningHubError
from ..rh_api.graph.check import Promised
from ..rh_api.graph.kinds import FieldKind
from ..rh_api.graph.outputs import read_output_ids
from ..rh_api.graph.wishes import AGAIN
from ..rh_api.wire.orders import TaskOptions
from . import local_classes
from .defaults import EACH, FIRST, INSTANCES, MAX_ORDERS, RETAIN
from .sources import Media, Pack, Sources
from .values import Inputs, names, orders, promised

T = TypeVar("T", str, int, bool)


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything but the fields. `first`: of a batch the first item goes alone. `profile`: name
    of the account, "" for the default one.

    `workflow`, or in its place `app`: an id or a link.
    """

    workflow: str
    app: str
    options: TaskOptions
    outputs: str
    first: bool
    max_orders: int
    time_limit: float
    reroll_seeds: bool
    again: bool
    profile: str

    def job(self, fields: Mapping[str, object]) -> Job:
        return Job(
            self.workflow,
            fields,
            self.options,
            reroll_seeds=self.reroll_seeds,
            time_limit=self.time_limit,
            choices=local_classes.choices,
            declared=local_classes.declared,
            again=self.again,
            app=self.app,
        )


def read_asked(inputs: Inputs, named: str = "workflow") -> Asked:
    """The inputs by name, with their defaults where they are left out or not known yet.

    `named`: the input that says what to run, `workflow` or `app`. Raises BadInput for what no
    order can have.
    """
    retain = _read(inputs, "retain_seconds", 0)
    if retain and not RETAIN[0] <= retain <= RETAIN[1]:
        raise BadInput("node.bad_retain", value=retain, low=RETAIN[0], high=RETAIN[1])
    max_orders = _read(inputs, "max_orders", MAX_ORDERS)
    time_limit = _read(inputs, "timeout", 0)
    for name, value, least in (("max_orders", max_orders, 1), ("timeout", time_limit, 0)):
        if value < least:
            raise BadInput("node.too_small", name=name, value=value, least=least)
    program = _read(inputs, named, "")
    if named == "app" and not program.strip() and not is_linked(inputs, named):
        raise BadInput("error.app_blank")  # to the client a blank app is a workflow
    return Asked(
        workflow=program if named == "workflow" else "",
        app=program if named == "app" else "",
        options=TaskOptions(
            instance=_chosen(inputs, "instance", INSTANCES),
            add_metadata=_read(inputs, "add_metadata", True),
            personal_queue=_read(inputs, "use_personal_queue", False),
            retain_seconds=retain or None,
        ),
        outputs=_read(inputs, "outputs", ""),
        first=_chosen(inputs, "batch", (EACH, FIRST)) == FIRST,
        max_orders=max_orders,
        time_limit=float(time_limit),
        reroll_seeds=_read(inputs, "reroll_seeds", False),
        again=_read(inputs, AGAIN, False),
        profile=_read(inputs, "profile", "").strip(),
    )


def is_linked(inputs: Inputs, name: str) -> bool:
    """Whether an input's value is not known yet, because a link will bring it."""
    return list(inputs.get(name, ())) == [None]


def _read(inputs: Inputs, name: str, default: T) -> T:
    values = inputs.get(name, ())
    value = values[0] if values else None
    if value is None:
        return default
    # A link of type * may bring anything; True is no number here.
    if type(value) is not type(default):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def _chosen(inputs: Inputs, name: str, choices: Sequence[str]) -> str:
    value = _read(inputs, name, choices[0])
    if value not in choices:
        raise BadInput("node.bad_choice", name=name, value=value[:80], choices=", ".join(choices))
    return value


async def check_early(client: Client, asked: Asked, inputs: Inputs) -> None:
    """Refuse before the graph runs what the program's fields, if they are at hand, tell.

    They may be read again, when a field is not in the copy at hand.
    """
    known = client.known_program(asked.job({}))
    if known is not None:
        await client.check(asked.job(promised(inputs)))
        await _output_ids(client, asked, known)
    else:
        read_output_ids(asked.outputs)


async def prepare(
    client: Client, asked: Asked, inputs: Inputs, sources: Sources
) -> tuple[list[Job], Program, tuple[str, ...]]:
    """The jobs, what they run, and the remote nodes that the outputs shall carry.

    Nothing is encoded yet, and what can be refused now is.
    """
    # Reads the program again when a field is not in the copy at hand.
    await client.check(asked.job({name: Promised() for name in names(inputs)}))
    program = await client.program(asked.job({}))
    wanted = await _output_ids(client, asked, program)
    zips = {field.full_name for field in program.fields() if field.kind is FieldKind.ZIP}
    every = orders(inputs, zips, first=asked.first, most=asked.max_orders)

    def ready(name: str, value: object) -> object:
        return sources.draft(value, name) if isinstance(value, (Media, Pack)) else value

    jobs = [asked.job({name: ready(name, v) for name, v in fields.items()}) for fields in every]
    return jobs, program, wanted


async def _output_ids(client: Client, asked: Asked, program: Program) -> tuple[str, ...]:
    """The listed output nodes; the program is read again before one is refused as unknown."""
    try:
        return read_output_ids(asked.outputs, program.graph)
    except RunningHubError as error:
        if error.key != "error.outputs_unknown":
            raise
    fresh = await client.program(asked.job({}), fresh=True)
    return read_output_ids(asked.outputs, fresh.graph)
