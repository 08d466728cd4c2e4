"""A task as each generation of the API shows it."""

from __future__ import annotations

import asyncio
import base64
import json
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .codes import NO_USAGE, TEXTS, Json

if TYPE_CHECKING:
    from .objects import Stored
    from .tasks import Result, Status, Task
    from .world import Emulator


def task_number(emulator: Emulator, task: Task) -> str | int:
    return int(task.id) if emulator.numeric_ids else task.id


def socket_url(emulator: Emulator, task: Task) -> str | None:
    """``netWssUrl``: there is one only while the task runs."""
    if emulator.socket == "none" or task.status != "RUNNING":
        return None
    if emulator.socket == "foreign":
        return emulator.foreign_socket_url.format(client_id=task.client_id)
    sign = {"userId": emulator.accounts[task.key].user_id, "signExpire": 0, "ts": 0, "sign": "x"}
    auth = base64.b64encode(json.dumps(sign, separators=(",", ":")).encode()).decode()
    base = emulator.base_url.replace("http", "ws", 1)
    return (
        f"{base}/ws/c_instance?c_host=10.0.0.1&c_port=80&clientId={task.client_id}"
        f"&workflowId={task.workflow_id}&Rh-Comfy-Auth={quote(auth, safe='=')}"
    )


def visible_status(emulator: Emulator, task: Task) -> Status:
    """The state that query and outputs admit to: they may lag behind."""
    now = asyncio.get_running_loop().time()
    lags = task.ended is not None and now < task.ended + emulator.result_lag
    return "RUNNING" if lags and task.status == "SUCCESS" else task.status


def created(emulator: Emulator, task: Task) -> Json:
    """``data`` of create and ai-app/run (RunningHub docs, "Start ComfyUI Task")."""
    tips = json.dumps(task.order.verdict.tips(), separators=(",", ":"))
    return {
        "netWssUrl": socket_url(emulator, task) if emulator.expose_socket_on_create else None,
        "taskId": task_number(emulator, task),
        "clientId": task.client_id,
        "taskStatus": task.status,
        "promptTips": "" if emulator.blank_prompt_tips else tips,
    }


def submitted(emulator: Emulator, task: Task) -> Json:
    """The bare task object of ``/openapi/v2/run/…``."""
    return {
        "taskId": task_number(emulator, task),
        "status": task.status,
        "errorCode": task.error_code,
        "errorMessage": task.error_message,
        "results": None,
        "clientId": "",
        "promptTips": "",
    }


def status_data(task: Task) -> tuple[str, str]:
    """(msg, data) of ``/task/openapi/status``, which knows four states."""
    match task.status:
        case "CREATE" | "QUEUED":
            return "", "QUEUED"
        case "CANCEL":
            return "success", "FAILED"
        case status:
            return "success", status


def outputs_reply(emulator: Emulator, task: Task) -> Json:
    """The whole reply of ``/task/openapi/outputs``: its code is the task's state."""
    code, data = _outputs(emulator, task, visible_status(emulator, task))
    return {"code": code, "msg": TEXTS[code], "data": data}


def _outputs(emulator: Emulator, task: Task, status: Status) -> tuple[int, Any]:
    match status:
        case "CREATE":
            return 0, None
        case "QUEUED":
            return 813, None
        case "RUNNING":
            url = None if task.is_over else socket_url(emulator, task)
            return 804, {"netWssUrl": url} if url else None
        case "FAILED" if task.failed_reason:
            return 805, {"failedReason": failed_reason(emulator, task)}
        case "FAILED" | "CANCEL":
            return 805, None
        case "SUCCESS":
            return 0, [
                _output_item(emulator, task, result, result.file)
                for result in task.results
                if result.file
            ]


def failed_reason(emulator: Emulator, task: Task) -> Json:
    reason: Json = dict(task.failed_reason or {})
    if reason and emulator.traceback_list:
        reason["traceback"] = json.loads(reason["traceback"])
    return reason


def file_url(emulator: Emulator, path: str) -> str:
    return (emulator.result_base or emulator.base_url) + quote(path)


def _result_url(emulator: Emulator, file: Stored) -> str:
    url = file_url(emulator, file.path)
    if emulator.result_name is None:
        return url
    return url.rpartition("/")[0] + "/" + quote(emulator.result_name, safe="")


def _usage(task: Task) -> Json:
    def text(amount: object) -> str | None:
        return None if amount is None else str(amount)

    paid_here = task.coins is not None or task.money is not None
    return {
        "consumeMoney": text(task.money),
        "consumeCoins": text(task.coins),
        "taskCostTime": str(ceil(task.seconds)) if paid_here else "0",
        "thirdPartyConsumeMoney": text(task.third_party_money),
    }


def _output_item(emulator: Emulator, task: Task, result: Result, file: Stored) -> Json:
    usage = _usage(task)
    item: Json = {
        "fileUrl": _result_url(emulator, file),
        "fileType": result.extension,
        "taskCostTime": usage["taskCostTime"],
        "nodeId": result.node_id,
        "thirdPartyConsumeMoney": usage["thirdPartyConsumeMoney"],
        "consumeMoney": usage["consumeMoney"],
        "consumeCoins": usage["consumeCoins"],
    }
    if not emulator.outputs_node_id:
        del item["nodeId"]
    if emulator.storage_fields:
        key = file.path.removeprefix("/results/")
        item |= {"storageType": "COS", "bucket": "emulated", "objectKey": key}
    return item


def query_reply(emulator: Emulator, task: Task) -> Json:
    """The whole reply of ``/openapi/v2/query`` (RunningHub docs, "Query V2")."""
    status = visible_status(emulator, task)
    shown = emulator.cancelled_status if status == "CANCEL" else status
    reply: Json = {
        "taskId": task_number(emulator, task),
        "status": shown,
        "errorCode": task.error_code if status == "FAILED" else "",
        "errorMessage": task.error_message if status == "FAILED" else "",
        "results": None,
        "clientId": "",
        "promptTips": "",
    }
    if status == "CREATE":
        return reply
    if status == "SUCCESS" and task.results:
        reply["results"] = [_result_item(emulator, result) for result in task.results]
    over = status not in ("QUEUED", "RUNNING")
    reply["failedReason"] = failed_reason(emulator, task) if status == "FAILED" else {}
    reply["usage"] = _usage(task) if over else dict(NO_USAGE)
    if emulator.usage_list and over:
        reply["parentTaskId"] = None
        reply["taskUsageList"] = [
            {
                "taskId": int(task.id),
                "parentTaskId": None,
                "taskStatus": shown,
                "usage": dict(reply["usage"]),
            }
        ]
    return reply


def _result_item(emulator: Emulator, result: Result) -> Json:
    url = _result_url(emulator, result.file) if result.file else None
    item: Json = {
        emulator.query_url_field: url,
        "nodeId": result.node_id,
        "outputType": result.extension,
        "text": result.text,
    }
    if not emulator.outputs_node_id:
        del item["nodeId"]
    return item
