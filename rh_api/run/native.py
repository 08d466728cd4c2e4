"""A prompt of the native route under way: how it does, whether it is there, and its stop.

What is listed settles it. What is not listed proves nothing: a gateway, another instance or a
restart empties both lists.
"""

from __future__ import annotations

import logging

from ..errors import Fate, NotFound, Refused, RunningHubError, TaskNotFound
from ..wire.native import (
    INTERRUPTS_BY_ID,
    Lines,
    Prompt,
    core_version,
    dequeue,
    end_of,
    interrupt,
    lines,
)
from ..wire.orders import Ticket
from ..wire.tasks import Phase, Report
from .ports import Clock, Send

log = logging.getLogger("runninghub")

LOOKED_FOR = 3
"""Looks that find a prompt in no line before it is taken for taken out of it."""

LOOKS = (0.0, 1.0, 3.0, 6.0)
"""Seconds before each look for a prompt whose reply was lost."""


async def report(send: Send, task_id: str) -> Report:
    """How a prompt is doing. Raises TaskNotFound, with an unknown fate, where it is nowhere.

    The queue is asked first: ComfyUI moves a prompt from it to the history in one step.
    """
    prompt = Prompt.of(task_id)
    listed = await send(lines(prompt.machine))
    if prompt.prompt_id in listed.running:
        return Report(Phase.RUNNING, socket_url=prompt.socket_url)
    if prompt.prompt_id in listed.waiting:
        return Report(Phase.QUEUED, socket_url=prompt.socket_url)
    ended = await send(end_of(prompt))
    if ended is None:
        raise TaskNotFound("error.native_absent", fate=Fate.UNKNOWN, task_id=task_id)
    return ended


async def check_route(send: Send, task_id: str, host: str) -> None:
    """Refuse, with nothing sent, where there is no such route, or the key is not taken there."""
    try:
        await send(lines(Prompt.of(task_id).machine))
    except NotFound as error:
        remote = error.params.get("remote")
        raise Refused("error.native_missing", host=host, remote=remote) from error


async def find(send: Send, clock: Clock, task_id: str) -> Ticket | None:
    """The ticket of a prompt whose reply was lost; None where it was not seen, for whatever
    reason."""
    for pause in LOOKS:
        await clock.sleep(pause)
        try:
            current = await report(send, task_id)
        except RunningHubError as error:
            log.debug("looking for %s: %s", task_id, error)
        else:
            return Ticket(task_id, current.phase, Prompt.of(task_id).socket_url)
    return None


async def stop(send: Send, task_id: str) -> Report | None:
    """Take a prompt out of the queue, or interrupt it if it is the one that runs.

    Its report where the prompt was seen to end, by that or before; None where it may still run.
    Raises Refused where another prompt might be stopped in its place.
    """
    prompt = Prompt.of(task_id)
    listed = await send(lines(prompt.machine))
    if prompt.prompt_id in listed.waiting:
        await send(dequeue(prompt))
        for _ in range(LOOKED_FOR):  # by one of several instances, which may know of others
            listed = await send(lines(prompt.machine))
            if prompt.prompt_id in (*listed.running, *listed.waiting):
                break
        else:
            # One that never began is in no history.
            return await send(end_of(prompt)) or Report(Phase.CANCELLED)
    if prompt.prompt_id in listed.running:
        await _check_meant(send, prompt, listed)
        await send(interrupt(prompt))
    return None


async def _check_meant(send: Send, prompt: Prompt, listed: Lines) -> None:
    """Refuse to interrupt where that may reach another prompt, which began a moment ago."""
    if {*listed.running, *listed.waiting} == {prompt.prompt_id}:
        return
    try:
        version = await send(core_version(prompt.machine))
    except RunningHubError:
        version = ()
    if version < INTERRUPTS_BY_ID:
        refused = Refused("error.native_stop", fate=Fate.RUNNING, task_id=prompt.task_id)
        log.warning("%s", refused)
        raise refused
