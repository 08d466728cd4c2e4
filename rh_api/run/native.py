"""Polling, finding and cancelling a prompt of the native route.

Being listed in queue or history is proof. Not being listed proves nothing: a gateway, another
instance or a restart empties both lists.
"""

from __future__ import annotations

import logging

from ..errors import Fate, NotFound, Refused, RunningHubError, TaskNotFound
from ..wire.native import (
    INTERRUPTS_BY_ID,
    NativeQueue,
    Prompt,
    core_version,
    dequeue,
    end_of,
    interrupt,
    native_queue,
)
from ..wire.orders import Ticket
from ..wire.tasks import Phase, Report
from .ports import Clock, Send

log = logging.getLogger("runninghub")

DEQUEUED_AFTER_READS = 3
"""Consecutive queue reads without the prompt after which it counts as dequeued."""

FIND_PAUSES_SECONDS = (0.0, 1.0, 3.0, 6.0)
"""Pauses before each poll for a prompt whose reply was lost."""


async def report(send: Send, task_id: str) -> Report:
    """Return a prompt's state. Raises TaskNotFound with fate UNKNOWN if it is listed nowhere.

    The queue is read before the history: ComfyUI moves a prompt from one to the other atomically.
    """
    prompt = Prompt.of(task_id)
    listed = await send(native_queue(prompt.machine))
    if prompt.prompt_id in listed.running:
        return Report(Phase.RUNNING, socket_url=prompt.socket_url)
    if prompt.prompt_id in listed.waiting:
        return Report(Phase.QUEUED, socket_url=prompt.socket_url)
    ended = await send(end_of(prompt))
    if ended is None:
        raise TaskNotFound("error.native_absent", fate=Fate.UNKNOWN, task_id=task_id)
    return ended


async def check_route(send: Send, task_id: str, host: str) -> None:
    """Raise Refused before an order is sent if the route does not exist, or refuses the key."""
    try:
        await send(native_queue(Prompt.of(task_id).machine))
    except NotFound as error:
        remote = error.params.get("remote")
        raise Refused("error.native_missing", host=host, remote=remote) from error


async def find(send: Send, clock: Clock, task_id: str) -> Ticket | None:
    """Look for a prompt whose reply was lost; return its ticket, or None if it was not seen or
    could not be queried."""
    for pause in FIND_PAUSES_SECONDS:
        await clock.sleep(pause)
        try:
            current = await report(send, task_id)
        except RunningHubError as error:
            log.debug("looking for %s: %s", task_id, error)
        else:
            return Ticket(task_id, current.phase, Prompt.of(task_id).socket_url)
    return None


async def stop(send: Send, task_id: str) -> Report | None:
    """Dequeue a waiting prompt, or interrupt it if it is running.

    Returns its report if its end was confirmed, None if it may still run. Raises Refused if the
    interrupt might hit another prompt.
    """
    prompt = Prompt.of(task_id)
    listed = await send(native_queue(prompt.machine))
    if prompt.prompt_id in listed.waiting:
        await send(dequeue(prompt))
        for _ in range(DEQUEUED_AFTER_READS):  # each may reach an instance with its own queue
            listed = await send(native_queue(prompt.machine))
            if prompt.prompt_id in (*listed.running, *listed.waiting):
                break
        else:
            # A prompt that never started has no history entry.
            return await send(end_of(prompt)) or Report(Phase.CANCELLED)
    if prompt.prompt_id in listed.running:
        await _check_meant(send, prompt, listed)
        await send(interrupt(prompt))
    return None


async def _check_meant(send: Send, prompt: Prompt, listed: NativeQueue) -> None:
    """Raise Refused if an interrupt might hit another prompt that has just started."""
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
