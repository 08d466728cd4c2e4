"""What a cloud node's own inputs ask for, checked, since a link may bring anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..rh_api.client import Client, Job, RemoteWorkflow
from ..rh_api.errors import BadInput, RunningHubError
from ..rh_api.graph.outputs import read_output_ids
from ..rh_api.wire.tasks import TaskOptions
from . import local_classes
from .defaults import EACH, FIRST, INSTANCES, MAX_ORDERS, RETAIN
from .values import Inputs, Worker, promised, read_fields

T = TypeVar("T", str, int, bool)


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything but the fields. `first`: of a batch the first item goes alone."""

    workflow: str
    options: TaskOptions
    outputs: str
    first: bool
    max_orders: int
    time_limit: float
    reroll_seeds: bool

    def job(self, fields: dict[str, object]) -> Job:
        return Job(
            self.workflow,
            fields,
            self.options,
            reroll_seeds=self.reroll_seeds,
            time_limit=self.time_limit,
            choices=local_classes.choices,
            declared=local_classes.declared,
        )


def read_asked(inputs: Inputs) -> Asked:
    """The inputs by name, with their defaults where they are left out or not known yet.

    Raises BadInput for what no order can have.
    """
    retain = _read(inputs, "retain_seconds", 0)
    if retain and not RETAIN[0] <= retain <= RETAIN[1]:
        raise BadInput("node.bad_retain", value=retain, low=RETAIN[0], high=RETAIN[1])
    profile = _read(inputs, "profile", "").strip()
    if profile:
        raise BadInput("node.no_profile", value=profile)
    max_orders = _read(inputs, "max_orders", MAX_ORDERS)
    time_limit = _read(inputs, "timeout", 0)
    for name, value, least in (("max_orders", max_orders, 1), ("timeout", time_limit, 0)):
        if value < least:
            raise BadInput("node.too_small", name=name, value=value, least=least)
    return Asked(
        workflow=_read(inputs, "workflow", ""),
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
    """Refuse before the graph runs what the workflow's JSON, if it is at hand, tells.

    It may be read again, when a field is not in the copy at hand.
    """
    known = client.known_program(asked.job({}))
    if known is not None:
        await client.check(asked.job(promised(inputs)))
        await output_ids(client, known, asked.outputs)
    else:
        read_output_ids(asked.outputs)


async def prepare(
    client: Client, asked: Asked, inputs: Inputs, worker: Worker
) -> tuple[Job, RemoteWorkflow, tuple[str, ...]]:
    """The job, its workflow, and the remote nodes that the outputs shall carry."""
    workflow = await client.workflow(asked.workflow)
    wanted = await output_ids(client, workflow, asked.outputs)
    fields = await read_fields(inputs, first=asked.first, worker=worker)
    return asked.job(fields), workflow, wanted


async def output_ids(client: Client, workflow: RemoteWorkflow, listed: str) -> tuple[str, ...]:
    """The listed output nodes; the workflow is read again before one is refused as unknown."""
    try:
        return read_output_ids(listed, workflow.graph)
    except RunningHubError as error:
        if error.key != "error.outputs_unknown":
            raise
    fresh = await client.workflow(workflow.workflow_id, fresh=True)
    return read_output_ids(listed, fresh.graph)
