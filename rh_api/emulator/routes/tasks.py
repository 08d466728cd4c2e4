"""Handlers for workflows, apps and tasks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from .. import replies
from ..codes import Json, Refused
from ..tasks import lifecycle, webhooks
from ..tasks.task import Order, Task
from ..validation import orders, requests

if TYPE_CHECKING:
    from ..state import State


def _v1(data: object, *, msg: str = "success") -> web.Response:
    return web.json_response({"code": 0, "msg": msg, "data": data})


async def booked(state: State, order: Order) -> Task:
    """Create a task; a real ComfyUI is asked first whether it accepts the graph."""
    if state.comfyui is not None:
        try:
            verdict, hosted = await state.comfyui.place(order.graph, state.store.read_input)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
            raise Refused(500, f"ComfyUI does not answer: {problem}") from None
        orders.check_verdict(state, verdict)
        order = replace(order, verdict=verdict, hosted=hosted)
    return lifecycle.new_task(state, order)


async def create(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, account = requests.account_of_body(state, request, body)
    workflow_id = requests.positive_id(body, "workflowId", "workflowId must be greater than 0")
    order = orders.build_order(state, key, account, body, route="create", workflow_id=workflow_id)
    return _v1(replies.created(state, await booked(state, order)))


async def run_app(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, account = requests.account_of_body(state, request, body)
    app_id = requests.positive_id(body, "webappId", "webappId must be greater than 0")
    if "nodeInfoList" not in body:
        raise Refused(301, "nodeInfoList must not be blank")
    order = orders.build_app_order(state, key, account, body, route="ai-app", app_id=app_id)
    return _v1(replies.created(state, await booked(state, order)))


async def run_quick(state: State, request: web.Request) -> web.Response:
    """``POST /task/openapi/quick-ai-app/run``: the module's whole list, no options."""
    body = await requests.read_json(request)
    key, account = requests.account_of_body(state, request, body)
    order = orders.build_quick_order(state, key, account, body)
    return _v1(replies.created(state, await booked(state, order)))


async def workflow_json(state: State, request: web.Request) -> web.Response:
    """``POST /api/openapi/getJsonApiFormat``: the graph as JSON text; the message is upper case."""
    body = await requests.read_json(request)
    requests.account_of_body(state, request, body)
    workflow = orders.stored_workflow(state, requests.text_field(body, "workflowId"), body)
    prompt = json.dumps(workflow.graph, separators=(",", ":"), ensure_ascii=False)
    return web.json_response(
        {"code": 0, "msg": "SUCCESS", "data": {"prompt": prompt}, "errorMessages": None}
    )


def _visible(state: State, task_id: str, key: str) -> Task | None:
    """Return the account's task, or None while it is too new to be visible."""
    task = state.tasks.get(task_id)
    is_visible = task and task.key == key and state.clock() >= task.created + state.unknown_seconds
    return task if is_visible else None


def _task(state: State, body: Json, key: str) -> Task:
    task = _visible(state, requests.positive_id(body, "taskId", "taskId must be positive"), key)
    if task is None:
        raise Refused(state.unknown_task_code or 807)
    return task


def _polled(state: State, task: Task) -> Task:
    if replies.visible_status(state, task) == "SUCCESS":
        task.ends_seen += 1
    return task


async def cancel(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, _ = requests.account_of_body(state, request, body)
    task = _task(state, body, key)
    state.counters.cancels += 1
    if task.order.model is None or state.model_cancel == "works":
        await lifecycle.stop(state, task)
    elif state.model_cancel == "refused":
        raise Refused(807)
    return _v1(None)


async def status(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, _ = requests.account_of_body(state, request, body)
    msg, data = replies.status_data(_task(state, body, key))
    return _v1(data, msg=msg)


async def outputs(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, _ = requests.account_of_body(state, request, body)
    task = _polled(state, _task(state, body, key))
    return web.json_response(replies.outputs_reply(state, task))


async def query(state: State, request: web.Request) -> web.Response:
    key = requests.bearer(request)
    requests.account_of_key(state, key, 412)
    body = await requests.read_json(request)
    task_id = str(body.get("taskId") or "").strip()
    if not task_id.isdigit() or int(task_id) <= 0:
        raise Refused(1007, "taskId must be greater than 0")
    task = _visible(state, task_id, key)
    if task is None:
        raise Refused(state.unknown_task_code or 1004, task_id=task_id)
    return web.json_response(replies.query_reply(state, _polled(state, task)))


V2_CODES = {802: 1002, 803: 1101, 380: 404, 301: 1007, 433: 1007}
"""Codes that the V2 submit routes use in place of the older ones; others are unchanged."""


async def run_v2(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/run/workflow/{id}`` and ``…/run/ai-app/{id}``."""
    key = requests.bearer(request)
    kind, name = request.match_info["kind"], request.match_info["id"]
    try:
        account = requests.account_of_key(state, key, 802)
        body = await requests.read_json(request)
        if kind == "workflow":
            order = orders.build_order(state, key, account, body, route="v2", workflow_id=name)
        else:
            order = orders.build_app_order(state, key, account, body, route="v2", app_id=name)
        task = await booked(state, order)
    except Refused as refused:
        raise Refused(V2_CODES.get(refused.code, refused.code)) from None
    return web.json_response(replies.submitted(state, task))


async def webhook_detail(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, _ = requests.account_of_body(state, request, body)
    task_id = requests.text_field(body, "taskId")
    for webhook in state.webhooks.values():
        if webhook.task_id == task_id and webhook.key == key:
            return _v1(webhook.detail())
    raise Refused(1)


async def webhook_retry(state: State, request: web.Request) -> web.Response:
    body = await requests.read_json(request)
    key, _ = requests.account_of_body(state, request, body)
    webhook = state.webhooks.get(requests.text_field(body, "webhookId"))
    if webhook is None or webhook.key != key:
        raise Refused(1)
    webhook.url = str(body.get("webhookUrl") or webhook.url)
    state.spawn(webhooks.send(webhook, pause=state.webhook_retry_seconds))
    return _v1(None)
