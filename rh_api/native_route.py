"""By which route a graph goes out: as a task, or as a prompt of the native route."""

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
    """Refuse what the native route is not able to do, before any cost."""
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
        # Of a class that makes something out of nothing; others group what they are given.
        if node.class_type.startswith("Empty") and isinstance(count, int) and count > 1:
            raise BadInput("error.native_batch", node=node_id, count=count)


async def routed(job: Job, program: InlineGraph, engine: Engine, default: str) -> Job:
    """The job of a graph with the settings' route, where it says none. It is for what can go by
    it: a graph that the native route is not for is a task."""
    fits = default != NATIVE or await may_go_natively(job, program, engine)
    return replace(job, route=default if fits else TASK)


async def may_go_natively(job: Job, program: Program, engine: Engine) -> bool:
    """Whether the native route can do it and no limit of cost holds, where nobody asked for that
    route itself."""
    try:
        check_native(job, program)
    except BadInput:
        return False
    return not engine.budget.in_force(await engine.context.journal.rules())
