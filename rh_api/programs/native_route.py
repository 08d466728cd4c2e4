"""The choice of a graph's route: as a task, or as a prompt of the native route."""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadInput
from ..graph.extra_data import NATIVE, TASK
from ..graph.native import check_native_graph
from ..run.engine import Engine
from .job import Job
from .library import InlineGraph, Program


def check_native(job: Job, program: Program) -> None:
    """Raise BadInput, before any cost, for what the native route does not support."""
    if not isinstance(program, InlineGraph):
        raise BadInput("error.native_graph_only")
    check_native_graph(program.graph, job.options)


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
    return not engine.budget.in_force(
        await engine.context.journal(
            engine.context.journal.store.ledger.rules, *engine.context.journal.owner
        )
    )
