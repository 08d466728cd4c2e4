"""Requests about the account: balance, queue, keys, models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import strict
from .catalog import LORAS
from .codes import Json, Refused
from .replies import submitted
from .tasks import new_task

if TYPE_CHECKING:
    from .accounts import Account
    from .world import Emulator


async def account_status(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /uc/openapi/accountStatus``: its field is ``apikey``, unlike everywhere else."""
    body = await strict.read_json(request)
    key, account = strict.account_of_body(emulator, body, field="apikey")
    count = len(emulator.open_tasks(key)) + emulator.foreign_tasks
    data: Json = {
        "remainCoins": str(account.coins),
        "currentTaskCounts": str(count),
        "remainMoney": None if account.money is None else str(account.money),
        "currency": account.currency,
        "apiType": account.kind,
    }
    if emulator.account_numbers:
        data = {"remainCoins": account.coins, "currentTaskCounts": count}
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _account(emulator: Emulator, request: web.Request) -> tuple[str, Account]:
    key = strict.bearer(request)
    return key, strict.account_of_key(emulator, key, 412)


async def queue_status(emulator: Emulator, request: web.Request) -> web.Response:
    key, account = _account(emulator, request)
    tasks = emulator.open_tasks(key)
    running = sum(task.status == "RUNNING" for task in tasks) + emulator.foreign_tasks
    queued = sum(task.status != "RUNNING" for task in tasks)
    data = {
        "apiKeyType": account.kind,
        "concurrentLimit": account.limit,
        "runningCount": str(running),
        "queuedCount": str(queued),
        "totalCurrentTasks": str(running + queued),
    }
    return web.json_response({"code": 0, "msg": "success", "data": data})


async def api_key_list(emulator: Emulator, request: web.Request) -> web.Response:
    key, _ = _account(emulator, request)
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


async def resource_list(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /openapi/v2/resource/list``: public models by kind and part of their name."""
    _account(emulator, request)
    body = await strict.read_json(request)
    kind = body.get("resourceType")
    names = {"CHECKPOINT": emulator.checkpoints, "LORA": LORAS}.get(str(kind), ())
    if kind not in ("UNET", "CHECKPOINT", "LORA", "GGUF"):
        raise Refused(301)
    wanted = str(body.get("resourceName") or "")
    size, current = int(body.get("size") or 10), int(body.get("current") or 1)
    if not 1 <= size <= 50:
        raise Refused(301, "size must be between 1 and 50")
    found = [name for name in names if wanted in name]
    start = (current - 1) * size
    records = [_resource(str(kind), name) for name in found[start : start + size]]
    pages = -(-len(found) // size)
    data: Json = {
        "records": records,
        "size": size,
        "current": current,
        "total": len(found),
        "pages": pages,
        "hasNext": current < pages,
        "hasPrevious": current > 1,
    }
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _resource(kind: str, name: str) -> Json:
    return {
        "id": "1900000000000000501",
        "resourceName": name.partition("_")[0],
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


MODEL_WORKFLOW = "1900000000000000101"
"""Standard models are played by the text-to-image workflow: only their envelope matters here."""


async def run_model(emulator: Emulator, request: web.Request) -> web.Response:
    """Any standard model: shared enterprise keys only, 1014 for the others."""
    key, account = _account(emulator, request)
    if account.kind != "SHARED":
        raise Refused(1014)
    body = await strict.read_json(request)
    prompt = {"nodeId": "6", "fieldName": "text", "fieldValue": strict.text_field(body, "prompt")}
    order = strict.build_order(
        emulator,
        key,
        account,
        {"nodeInfoList": [prompt]},
        route="v2",
        workflow_id=MODEL_WORKFLOW,
    )
    return web.json_response(submitted(emulator, new_task(emulator, order)))


async def price_preview(emulator: Emulator, request: web.Request) -> web.Response:
    _account(emulator, request)
    return web.json_response(
        {
            "errorCode": "",
            "errorMessage": "",
            "estimatedPrice": 0.05,
            "currency": "CNY",
            "priceText": "0.05",
            "priceTextEn": "0.05",
            "freeLimit": False,
            "freeLimitCount": None,
            "remainingFreeLimitCount": None,
            "isFreeThisCall": False,
        }
    )


async def user_token_only(_emulator: Emulator, _request: web.Request) -> web.Response:
    """Paths of the website itself: an API key is no user token."""
    raise Refused(412)
