"""Requests about workflows, apps and tasks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from . import replies, strict
from .codes import Json, Refused
from .tasks import Order, Task, new_task

if TYPE_CHECKING:
    from .world import Emulator


def _v1(data: object, *, msg: str = "success") -> web.Response:
    return web.json_response({"code": 0, "msg": msg, "data": data})


async def _booked(emulator: Emulator, order: Order) -> Task:
    """A new task; a real ComfyUI is asked first whether it takes the graph."""
    if emulator.comfyui is not None:
        try:
            verdict, hosted = await emulator.comfyui.place(order.graph, emulator.store.read_input)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
            raise Refused(500, f"ComfyUI does not answer: {problem}") from None
        strict.check_verdict(emulator, verdict)
        order = replace(order, verdict=verdict, hosted=hosted)
    return new_task(emulator, order)


async def create(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, account = strict.account_of_body(emulator, body)
    workflow_id = strict.positive_id(body, "workflowId", "workflowId must be greater than 0")
    order = strict.build_order(
        emulator, key, account, body, route="create", workflow_id=workflow_id
    )
    return _v1(replies.created(emulator, await _booked(emulator, order)))


async def run_app(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, account = strict.account_of_body(emulator, body)
    app_id = strict.positive_id(body, "webappId", "webappId must be greater than 0")
    if "nodeInfoList" not in body:
        raise Refused(301, "nodeInfoList must not be blank")
    order = strict.build_app_order(emulator, key, account, body, route="ai-app", app_id=app_id)
    return _v1(replies.created(emulator, await _booked(emulator, order)))


async def call_demo(emulator: Emulator, request: web.Request) -> web.Response:
    """``GET /api/webapp/apiCallDemo``: the only request with the key in its query."""
    query = dict(request.query)
    strict.account_of_body(emulator, query)
    app = emulator.apps.get(strict.text_field(query, "webappId"))
    if app is None:
        raise Refused(901)
    if emulator.call_demo == "address":
        return _v1({"url": f"{emulator.base_url}/call-api/api-detail/{app.id}"})
    counts = dict.fromkeys(("likeCount", "downloadCount", "useCount", "pv", "collectCount"), "0")
    body = json.dumps({"webappId": app.id, "apiKey": query["apiKey"], "nodeInfoList": app.fields})
    return _v1(
        {
            # The site does repeat the key here: a client must not show or keep it.
            "curl": "curl --location --request POST "
            f"'{emulator.base_url}/task/openapi/ai-app/run' --data-raw '{body}'",
            "accessEncrypted": app.password is not None,
            "webappName": app.name,
            "statisticsInfo": counts,
            "nodeInfoList": app.fields,
            "covers": [],
            "tags": [],
            **app.published,
        }
    )


async def workflow_json(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /api/openapi/getJsonApiFormat``: the graph is text, the message upper case."""
    body = await strict.read_json(request)
    strict.account_of_body(emulator, body)
    workflow = strict.stored_workflow(emulator, strict.text_field(body, "workflowId"), body)
    prompt = json.dumps(workflow.graph, separators=(",", ":"), ensure_ascii=False)
    return web.json_response(
        {"code": 0, "msg": "SUCCESS", "data": {"prompt": prompt}, "errorMessages": None}
    )


def _task(emulator: Emulator, body: Json, key: str) -> Task:
    task_id = strict.positive_id(body, "taskId", "taskId must be positive")
    task = emulator.tasks.get(task_id)
    if task is None or task.key != key:
        raise Refused(emulator.unknown_task_code or 807)
    return task


async def cancel(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, _ = strict.account_of_body(emulator, body)
    task = _task(emulator, body, key)
    emulator.counters.cancels += 1
    await emulator.cancel(task)
    return _v1(None)


async def status(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, _ = strict.account_of_body(emulator, body)
    msg, data = replies.status_data(_task(emulator, body, key))
    return _v1(data, msg=msg)


async def outputs(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, _ = strict.account_of_body(emulator, body)
    return web.json_response(replies.outputs_reply(emulator, _task(emulator, body, key)))


async def query(emulator: Emulator, request: web.Request) -> web.Response:
    key = strict.bearer(request)
    strict.account_of_key(emulator, key, 412)
    body = await strict.read_json(request)
    task_id = str(body.get("taskId") or "").strip()
    if not task_id.isdigit() or int(task_id) <= 0:
        raise Refused(1007, "taskId must be greater than 0")
    task = emulator.tasks.get(task_id)
    if task is None or task.key != key:
        raise Refused(emulator.unknown_task_code or 1004, task_id=task_id)
    return web.json_response(replies.query_reply(emulator, task))


V2_CODES = {802: 1002, 803: 1101, 380: 404, 301: 1007, 433: 1007}
"""What the V2 submit routes call the older codes; others keep their number."""


async def run_v2(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /openapi/v2/run/workflow/{id}`` and ``…/run/ai-app/{id}``."""
    key = strict.bearer(request)
    kind, name = request.match_info["kind"], request.match_info["id"]
    try:
        account = strict.account_of_key(emulator, key, 802)
        body = await strict.read_json(request)
        if kind == "workflow":
            order = strict.build_order(emulator, key, account, body, route="v2", workflow_id=name)
        else:
            order = strict.build_app_order(emulator, key, account, body, route="v2", app_id=name)
        task = await _booked(emulator, order)
    except Refused as refused:
        raise Refused(V2_CODES.get(refused.code, refused.code)) from None
    return web.json_response(replies.submitted(emulator, task))


async def webhook_detail(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, _ = strict.account_of_body(emulator, body)
    task_id = strict.text_field(body, "taskId")
    for webhook in emulator.webhooks.values():
        if webhook.task_id == task_id and webhook.key == key:
            return _v1(webhook.detail())
    raise Refused(1)


async def webhook_retry(emulator: Emulator, request: web.Request) -> web.Response:
    body = await strict.read_json(request)
    key, _ = strict.account_of_body(emulator, body)
    webhook = emulator.webhooks.get(strict.text_field(body, "webhookId"))
    if webhook is None or webhook.key != key:
        raise Refused(1)
    webhook.url = str(body.get("webhookUrl") or webhook.url)
    emulator.redeliver(webhook)
    return _v1(None)
