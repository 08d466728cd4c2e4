"""Handlers for the account: balance, queue, keys, models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from ..catalog import LORAS
from ..codes import Json, Refused
from ..validation import requests

if TYPE_CHECKING:
    from ..accounts import Account
    from ..state import State

LISTS_PER_MINUTE = 20
"""Limit of the model lists (a comment in sanjusss/runninghub-skill)."""


async def account_status(state: State, request: web.Request) -> web.Response:
    """``POST /uc/openapi/accountStatus``: the field is ``apikey``, unlike on all other paths."""
    body = await requests.read_json(request)
    if not str(body.get("apikey") or "").strip():
        raise Refused(1601)
    key, account = requests.account_of_body(state, request, body, field="apikey")
    count = len(state.open_tasks(key)) + state.foreign_tasks
    data: Json = {
        "remainCoins": str(account.coins),
        "currentTaskCounts": str(count),
        "remainMoney": None if account.money is None else str(account.money),
        "currency": account.currency,
        "apiType": account.kind,
    }
    if "account_numbers" in state.variants:
        data = {"remainCoins": account.coins, "currentTaskCounts": count}
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _account(state: State, request: web.Request) -> tuple[str, Account]:
    key = requests.bearer(request)
    return key, requests.account_of_key(state, key, 412)


async def queue_status(state: State, request: web.Request) -> web.Response:
    key, account = _account(state, request)
    tasks = state.open_tasks(key)
    running = sum(task.status == "RUNNING" for task in tasks) + state.foreign_tasks
    queued = sum(task.status != "RUNNING" for task in tasks)
    data: Json = {
        "apiKeyType": account.kind,
        "concurrentLimit": account.limit,
        "runningCount": str(running),
        "queuedCount": str(queued),
        "totalCurrentTasks": str(running + queued),
    }
    if account.kind == "EXCLUSIVE":
        data["instanceCount"] = account.limit
    return web.json_response({"code": 0, "msg": "success", "data": data})


async def api_key_list(state: State, request: web.Request) -> web.Response:
    key, _ = _account(state, request)
    entry: Json = {
        "key": f"{key[:4]}****{key[-4:]}",
        "apiKeyName": "plugin",
        "status": 1,
        "quotaLimit": None,
        "quotaUsed": 0,
        "visible": True,
        "expireAt": None,
        "expireInMinute": None,
        "createdAt": "2026-01-01T00:00:00",
    }
    return web.json_response({"code": 0, "msg": "success", "data": [entry]})


async def resource_list(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/resource/list``: public models by kind and a substring of the title."""
    _account(state, request)
    now = asyncio.get_running_loop().time()
    state.resources_asked[:] = [at for at in state.resources_asked if at > now - 60]
    if len(state.resources_asked) >= LISTS_PER_MINUTE:
        raise Refused(1003)
    state.resources_asked.append(now)
    body = await requests.read_json(request)
    kind = body.get("resourceType")
    names = {"CHECKPOINT": state.checkpoints, "LORA": LORAS}.get(str(kind), ())
    if kind not in ("UNET", "CHECKPOINT", "LORA", "GGUF"):
        raise Refused(301)
    part = str(body.get("resourceName") or "")
    size, current = int(body.get("size") or 10), int(body.get("current") or 1)
    if not 1 <= size <= 50:
        raise Refused(301, "size must be between 1 and 50")
    by_title = state.resource_filter == "title"
    matches = [
        name
        for name in names
        if name not in state.unlisted and part in (state.title_of(name) if by_title else name)
    ]
    start = (current - 1) * size
    records = [
        _resource(str(kind), name, state.title_of(name)) for name in matches[start : start + size]
    ]
    pages = -(-len(matches) // size)
    data: Json = {
        "records": records,
        "size": size,
        "current": current,
        "total": len(matches),
        "pages": pages,
        "hasNext": current < pages,
        "hasPrevious": current > 1,
    }
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _resource(kind: str, name: str, title: str) -> Json:
    return {
        "id": "1900000000000000501",
        "resourceName": title,
        "resourceType": kind,
        "createTime": "2026-01-01T00:00:00",
        "desc": "",
        "nodeModelName": name,
        "posterUrl": "",
        "thumbnailUrl": "",
        "owner": {"name": "fake", "avatar": ""},
        "tags": [],
        "versions": [],
    }


async def user_token_only(_state: State, _request: web.Request) -> web.Response:
    """Paths of the website itself: they take a user token, not an API key."""
    raise Refused(412)
