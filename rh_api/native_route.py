"""The choice of a graph's route: as a task, or as a prompt of the native route."""

from __future__ import annotations

from dataclasses import replace

from .errors import BadInput
from .graph.extra_data import NATIVE, TASK
from .graph.prompt import read_nodes
from .job import Job
from .programs import InlineGraph, Program
from .run.engine import Engine
from .wire.native import MACHINES
from .wire.orders import TaskOptions


def check_native(job: Job, program: Program) -> None:
    """Raise BadInput, before any cost, for what the native route does not support."""
    if not isinstance(program, InlineGraph):
        raise BadInput("error.native_graph_only")
    options, plain = job.options, TaskOptions()
    if options.instance not in MACHINES:
        raise BadInput("error.native_ultra")
    for name in ("personal_queue", "retain_seconds"):
        if getattr(options, name) != getattr(plain, name):
            raise BadInput("error.native_option", name=name)
    for node_id, node in read_nodes(program.graph).items():
        count = node.inputs.get("batch_size")
        # Only for classes that create an empty batch; others group their inputs.
        if node.class_type.startswith("Empty") and isinstance(count, int) and count > 1:
            raise BadInput("error.native_batch", node=node_id, count=count)


async def routed(job: Job, program: InlineGraph, engine: Engine, default: str) -> Job:
    """Return the graph's job with the default route set. A graph that the native route does not
    support, though it is the default, goes as a task."""
    fits = default != NATIVE or await may_go_natively(job, program, engine)
    return replace(job, route=default if fits else TASK)


async def may_go_natively(job: Job, program: Program, engine: Engine) -> bool:
    """Return whether the native route supports the job and no cost limit is in force; for jobs
    whose user did not choose that route explicitly."""
    try:
        check_native(job, program)
    except BadInput:
        return False
    return not engine.budget.in_force(await engine.context.journal.rules())
