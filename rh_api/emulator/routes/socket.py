"""The progress WebSocket, correct or faulty by the ``socket`` knob."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..connections import reset

if TYPE_CHECKING:
    from ..state import State
    from ..tasks.progress import Frame
    from ..tasks.task import Task

OTHER_PROMPT = "99999999-9999-4999-8999-999999999999"


def _find(state: State, request: web.Request) -> Task | None:
    client_id = request.query.get("clientId", "")
    return next((task for task in state.tasks.values() if task.client_id == client_id), None)


async def follow(state: State, request: web.Request) -> web.StreamResponse:
    """``/ws/c_instance``: messages until the task is over, then a normal close."""
    task = _find(state, request)
    if task is None or not request.query.get("Rh-Comfy-Auth") or state.socket == "refused":
        return web.Response(status=403, text="forbidden")
    socket = web.WebSocketResponse(compress=False)
    try:
        await socket.prepare(request)
    except ConnectionResetError:  # the client disconnected during the handshake
        return web.Response()
    state.counters.sockets += 1
    talking = asyncio.create_task(_talk(state, request, socket, task))
    try:
        async for message in socket:
            if message.type in (WSMsgType.CLOSE, WSMsgType.ERROR):
                break
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    return socket


async def _talk(
    state: State, request: web.Request, socket: web.WebSocketResponse, task: Task
) -> None:
    mode = state.socket
    if mode == "silent":
        return
    queue = task.progress.watch(replay=state.socket_replay)
    try:
        for frame in _false_messages(task) if mode == "lying" else ():
            await _send(socket, frame)
        sent = 0
        while mode == "flood":
            await _send(socket, _flood(task))
        while (frame := await queue.get()) is not None:
            await _send(socket, frame)
            sent += 1
            if mode == "dying" and sent >= state.socket_dies_after:
                reset(request)
                return
        await socket.close()
    except ConnectionError:
        return
    finally:
        task.progress.watchers.discard(queue)


async def _send(socket: web.WebSocketResponse, frame: Frame) -> None:
    if isinstance(frame, bytes):
        await socket.send_bytes(frame)
    else:
        await socket.send_str(frame)


def _false_messages(task: Task) -> list[Frame]:
    """Noise, another prompt's end, and a premature end of this prompt."""

    def message(kind: str, **data: object) -> str:
        return json.dumps({"type": kind, "data": data})

    nodes = sorted(task.graph)
    return [
        b"\x00\x00\x00\x01\x00\x00\x00\x01",
        "not json",
        message("unknown_future"),
        json.dumps(["a", "list"]),
        message("progress", value="many", max=None, node=None, prompt_id=task.prompt_id),
        message("progress", value=500, max=20, node="no such node", prompt_id=OTHER_PROMPT),
        message("execution_success", prompt_id=OTHER_PROMPT, timestamp=0),
        message("executing", node=None, prompt_id=OTHER_PROMPT),
        "x" * 70_000,
        message("execution_success", node=nodes[0], prompt_id=task.prompt_id),
        message("execution_success", prompt_id=task.prompt_id, timestamp=0),
        message("executing", node=None, prompt_id=task.prompt_id),
        message("execution_error", prompt_id=OTHER_PROMPT, node_id="1", exception_message="lie"),
    ]


def _flood(task: Task) -> Frame:
    """One true message of a kilobyte: the current node's progress, as a broken loop repeats it."""
    data = {"value": 1, "max": 20, "node": task.progress.current, "prompt_id": task.prompt_id}
    return json.dumps({"type": "progress", "data": data, "padding": "x" * 900})
