"""Handlers of the native route: ComfyUI's own API, with the key in its path.

RunningHub docs, "Native ComfyUI API Integration Guide"; everything beyond is from reports of public
clients, and from ComfyUI's own server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import WSMsgType, web

from .. import native
from ..codes import Json, Refused
from ..graphs import Graph
from ..knobs import POLL_SECONDS
from ..tasks import lifecycle
from ..tasks.task import Order
from ..validation import orders, requests
from .files import serve_stored
from .tasks import booked

if TYPE_CHECKING:
    from ..state import State

Handler = Callable[["State", web.Request], Awaitable[web.StreamResponse]]


def _place(state: State, request: web.Request) -> tuple[str, str]:
    """Return the path's key and machine; refuses an unknown key."""
    key = request.match_info["key"]
    requests.account_of_key(state, key, 802)
    return key, native.MACHINES[request.match_info["proxy"]]


async def prompt(state: State, request: web.Request) -> web.StreamResponse:
    """``POST /prompt``: queued under the caller's id or, by a knob, under a new one."""
    key, machine = _place(state, request)
    body = await requests.read_json(request)
    graph = body.get("prompt")
    if not isinstance(graph, dict):
        text = "No prompt provided"
        error: Json = {"type": "no_prompt", "message": text, "details": text, "extra_info": {}}
        return web.json_response(native.refusal(error, {}), status=400)
    prompt_id = body.get("prompt_id")
    if prompt_id is not None and not native.is_canonical(prompt_id):
        error = {
            "type": "invalid_prompt_id",
            "message": "prompt_id must be a valid UUID",
            "details": "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
            "omit it to let the server generate one",
            "extra_info": {},
        }
        return web.json_response(native.refusal(error, {}), status=400)
    order = _order(state, key, machine, cast("Graph", graph), body)
    if not order.verdict.ok and state.comfyui is None:
        return _cannot_run(state, order)
    task = await booked(state, order)
    if task.is_over:
        return _cannot_run(state, task.order)
    return web.json_response(
        {
            "prompt_id": task.prompt_id,
            "number": len(state.tasks),
            "node_errors": task.order.verdict.node_errors,
        }
    )


def _order(state: State, key: str, machine: str, graph: Graph, body: Json) -> Order:
    blanks = (node for node in graph.values() if str(node.get("class_type")).startswith("Empty"))
    sizes = (node.get("inputs", {}).get("batch_size", 1) for node in blanks)
    if state.native_batch == "refused" and any(isinstance(n, int) and n > 1 for n in sizes):
        raise Refused(433, "batch size must be 1")
    prompt_id = body.get("prompt_id") if state.native_prompt_id == "given" else None
    return orders.build_native_order(
        state,
        key,
        machine,
        graph,
        prompt_id=prompt_id if isinstance(prompt_id, str) else None,
        client_id=str(body.get("client_id") or "") or None,
    )


def _cannot_run(state: State, order: Order) -> web.Response:
    report = native.refusal(order.verdict.error, order.verdict.node_errors)
    if state.native_invalid == "400":
        return web.json_response(report, status=400)
    text = json.dumps(report, separators=(",", ":"))
    raise Refused(433, f"VALIDATE_PROMPT_FAILED: {text}")


async def prompt_count(state: State, request: web.Request) -> web.Response:
    """``GET /prompt``: the number of unfinished prompts."""
    key, machine = _place(state, request)
    return web.json_response(_remaining(state, key, machine))


def _remaining(state: State, key: str, machine: str) -> Json:
    lines = native.queue(native.prompts(state, key, machine))
    return {"exec_info": {"queue_remaining": sum(len(line) for line in lines.values())}}


async def history(state: State, request: web.Request) -> web.Response:
    """``GET /history`` and ``GET /history/{id}``: an unknown id gives an empty object."""
    key, machine = _place(state, request)
    entries = native.history(state, native.prompts(state, key, machine))
    prompt_id = request.match_info.get("id")
    if prompt_id is not None:
        entries = {name: entry for name, entry in entries.items() if name == prompt_id}
    return web.json_response(entries)


async def queue(state: State, request: web.Request) -> web.Response:
    key, machine = _place(state, request)
    return web.json_response(native.queue(native.prompts(state, key, machine)))


async def change_queue(state: State, request: web.Request) -> web.Response:
    """``POST /queue``: deletes pending prompts; a running one stays."""
    key, machine = _place(state, request)
    body = await requests.read_json(request)
    tasks = native.prompts(state, key, machine)
    named = [*tasks] if body.get("clear") else body.get("delete") or []
    for prompt_id in named:
        task = tasks.get(prompt_id)
        if task is not None and task.started is None:
            await lifecycle.cancel(task)
    return web.Response()


async def interrupt(state: State, request: web.Request) -> web.Response:
    """``POST /interrupt``: stops what runs; a newer core only the named prompt, if one is named."""
    key, machine = _place(state, request)
    named = (await requests.read_json(request)).get("prompt_id")
    state.counters.cancels += 1
    for task in native.prompts(state, key, machine).values():
        is_meant = named is None or state.native_core == "old" or named == task.prompt_id
        if task.status == "RUNNING" and is_meant:
            await lifecycle.stop(state, task)
            break
    return web.Response()


async def view(state: State, request: web.Request) -> web.StreamResponse:
    """``GET /view``: a file of the output, temp or input folder."""
    key, _ = _place(state, request)
    folder, name = request.query.get("subfolder", ""), request.query.get("filename", "")
    name = f"{folder}/{name}" if folder else name
    kind = request.query.get("type", "output")
    user = state.accounts[key].user_id
    path = f"/input/{name}" if kind == "input" else f"/results/{user}/{kind}/{name}"
    stored = state.store.served(path)
    if stored is None:
        return web.Response(status=404)
    return serve_stored(state, request, stored)


async def object_info(state: State, request: web.Request) -> web.Response:
    """``GET /object_info``, which needs no valid key, and so proves none."""
    name = request.match_info.get("name")
    if state.comfyui is not None:
        classes = await _of_comfyui(state, "/object_info")
    else:
        classes = native.object_info(state)
    if name is not None:
        classes = {class_name: about for class_name, about in classes.items() if class_name == name}
    if state.native_info_bytes and name is None:
        classes["Padding"] = {"input": {}, "description": " " * state.native_info_bytes}
    return web.json_response(classes)


async def system_stats(state: State, request: web.Request) -> web.Response:
    """``GET /system_stats``, which reports the core's version."""
    _place(state, request)
    if state.native_core == "silent":
        raise web.HTTPNotFound
    if state.comfyui is not None:
        return web.json_response(await _of_comfyui(state, "/system_stats"))
    version = native.OLD_CORE if state.native_core == "old" else native.NEW_CORE
    return web.json_response({"system": {"comfyui_version": version}, "devices": []})


async def _of_comfyui(state: State, path: str) -> dict[str, Any]:
    if state.comfyui is None:
        raise web.HTTPNotFound
    try:
        async with state.comfyui.session() as session, session.get(path) as answer:
            return await answer.json()
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
        raise Refused(500, f"ComfyUI does not answer: {problem}") from None


async def socket(state: State, request: web.Request) -> web.StreamResponse:
    """``GET /ws?clientId=``: messages of this client's prompts, or a close with code 1011."""
    key, machine = _place(state, request)
    client_id = request.query.get("clientId", "")
    answer = web.WebSocketResponse(compress=False)
    try:
        await answer.prepare(request)
    except ConnectionResetError:
        return web.Response()
    if state.native_socket == "1011":
        await answer.close(code=1011)
        return answer
    state.counters.sockets += 1
    talking = asyncio.create_task(_talk(state, answer, (key, machine, client_id)))
    try:
        async for message in answer:
            if message.type in (WSMsgType.CLOSE, WSMsgType.ERROR):
                break
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    return answer


async def _talk(state: State, answer: web.WebSocketResponse, who: tuple[str, str, str]) -> None:
    key, machine, client_id = who
    status = {"status": _remaining(state, key, machine), "sid": client_id}
    watched: set[str] = set()
    opened = state.clock()
    try:
        await answer.send_json({"type": "status", "data": status})
        while True:
            tasks = native.prompts(state, key, machine).values()
            new = [task for task in tasks if task.client_id == client_id and task.id not in watched]
            for task in new:
                watched.add(task.id)
                # A client connected before the prompt gets all messages.
                is_early = task.created >= opened
                frames = task.progress.watch(replay=is_early or state.socket_replay)
                while (frame := await frames.get()) is not None:
                    send = answer.send_bytes if isinstance(frame, bytes) else answer.send_str
                    await send(cast("Any", frame))
            await asyncio.sleep(0 if new else POLL_SECONDS)
    except ConnectionError:
        return


_PATHS: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/prompt", prompt),
    ("GET", "/prompt", prompt_count),
    ("GET", "/history", history),
    ("GET", "/history/{id}", history),
    ("GET", "/queue", queue),
    ("POST", "/queue", change_queue),
    ("POST", "/interrupt", interrupt),
    ("GET", "/view", view),
    ("GET", "/object_info", object_info),
    ("GET", "/object_info/{name}", object_info),
    ("GET", "/system_stats", system_stats),
    ("GET", "/ws", socket),
)

NATIVE_ROUTES = tuple(
    (method, f"/{{proxy:proxy|proxy-plus}}/{{key}}{api}{path}", handler)
    for api in ("", "/api")
    for method, path, handler in _PATHS
)
"""Each served ComfyUI path, with and without the ``/api`` prefix."""
