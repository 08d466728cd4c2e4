"""Response bodies for a task, by API generation."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .codes import NO_USAGE, TEXTS, Json

if TYPE_CHECKING:
    from .object_store import Stored
    from .state import State
    from .tasks.task import Result, Status, Task


def task_number(state: State, task: Task) -> str | int:
    return int(task.id) if "numeric_ids" in state.variants else task.id


def reply_number(state: State, task: Task) -> str | int:
    """Return the task id in the reply to a create: a knob may replace it."""
    return task_number(state, task) if state.told_task_id is None else state.told_task_id


def prompt_tips(task: Task) -> str:
    # JSON with spaces: breaks clients that search for substrings instead of parsing.
    return json.dumps(task.order.verdict.tips())


def socket_url(state: State, task: Task) -> str | None:
    """Return ``netWssUrl``, or None: it exists only while the task runs."""
    if state.socket == "none" or task.status != "RUNNING" or task.order.model:
        return None
    if state.socket == "foreign":
        return state.foreign_socket_url.format(client_id=task.client_id)
    sign = {"userId": state.accounts[task.key].user_id, "signExpire": 0, "ts": 0, "sign": "x"}
    auth = base64.b64encode(json.dumps(sign, separators=(",", ":")).encode()).decode()
    base = state.base_url.replace("http", "ws", 1)
    return (
        f"{base}/ws/c_instance?c_host=10.0.0.1&c_port=80&clientId={task.client_id}"
        f"&workflowId={task.workflow_id}&Rh-Comfy-Auth={quote(auth, safe='=')}"
    )


def visible_status(state: State, task: Task) -> Status:
    """Return the status that query and outputs report: a success may lag."""
    now = asyncio.get_running_loop().time()
    lags = task.ended is not None and now < task.ended + state.result_lag
    return "RUNNING" if lags and task.status == "SUCCESS" else task.status


def created(state: State, task: Task) -> Json:
    """Return ``data`` of create and ai-app/run (RunningHub docs, "Start ComfyUI Task")."""
    return {
        "netWssUrl": None if state.socket == "late" else socket_url(state, task),
        "taskId": reply_number(state, task),
        "clientId": task.client_id,
        "taskStatus": task.status,
        "promptTips": "" if state.blank_prompt_tips else prompt_tips(task),
    }


def submitted(state: State, task: Task) -> Json:
    """Return the bare task object that answers V2 orders."""
    return {
        "taskId": reply_number(state, task),
        "status": task.status,
        "errorCode": task.error_code,
        "errorMessage": task.error_message,
        "results": None,
        "clientId": task.client_id,
        "promptTips": prompt_tips(task),
    }


def status_data(task: Task) -> tuple[str, str]:
    """Return (msg, data) of ``/task/openapi/status``, which has four states."""
    match task.status:
        case "CREATE" | "QUEUED":
            return "", "QUEUED"
        case "CANCEL":
            return "success", "FAILED"
        case status:
            return "success", status


def outputs_reply(state: State, task: Task) -> Json:
    """Return the whole reply of ``/task/openapi/outputs``: its code is the task's state."""
    return _outputs_reply(state, task, visible_status(state, task))


def _outputs_reply(state: State, task: Task, status: Status) -> Json:
    code, data = _outputs(state, task, status)
    return {"code": code, "msg": TEXTS[code], "data": data}


def webhook_outputs(state: State, task: Task) -> Json:
    """Like `outputs_reply` for a webhook, which does not lag: the running time is a number (docs,
    "Advanced task")."""
    reply = _outputs_reply(state, task, task.status)
    for item in reply["data"] if task.status == "SUCCESS" else ():
        item["taskCostTime"] = int(item["taskCostTime"])
    return reply


def _outputs(state: State, task: Task, status: Status) -> tuple[int, Any]:
    match status:
        case "CREATE":
            return 0, None
        case "QUEUED":
            return 813, None
        case "RUNNING":
            url = None if task.is_over else socket_url(state, task)
            return 804, {"netWssUrl": url} if url else None
        case "FAILED" if task.failed_reason:
            return 805, {"failedReason": failed_reason(state, task)}
        case "FAILED" | "CANCEL":
            return 805, None
        case "SUCCESS":
            return 0, [
                _output_item(state, task, result, result.file)
                for result in _in_order(state, seen_results(state, task))
                if result.file
            ]


def failed_reason(state: State, task: Task) -> Json:
    reason: Json = dict(task.failed_reason or {})
    if reason and "traceback_list" in state.variants:
        reason["traceback"] = json.loads(reason["traceback"])
    return reason


def file_url(state: State, path: str) -> str:
    return (state.result_base or state.base_url) + quote(path)


def seen_results(state: State, task: Task) -> list[Result]:
    """Return the results that this poll sees."""
    late = 0 < task.ends_seen <= state.late_results
    return task.results[: state.late_results_seen] if late else task.results


def _in_order(state: State, results: Sequence[Result]) -> Sequence[Result]:
    """Order the results as the older poll does, of which no source speaks."""
    return results[::-1] if state.strict else results


def _result_url(state: State, task: Task, file: Stored) -> str | None:
    first = next((result.file for result in task.results if result.file), None)
    lasts = state.missing_address_polls is None or task.ends_seen <= state.missing_address_polls
    if state.missing_address and lasts and file is first:
        return None if state.missing_address == "null" else ""
    url = file_url(state, file.path)
    if state.result_name is None:
        return url
    name = quote(state.result_name, safe="") if state.escapes_names else state.result_name
    return url.rpartition("/")[0] + "/" + name


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


def _output_item(state: State, task: Task, result: Result, file: Stored) -> Json:
    usage = _usage(task)
    item: Json = {
        "fileUrl": _result_url(state, task, file),
        "fileType": result.extension,
        "taskCostTime": usage["taskCostTime"],
        "nodeId": result.node_id,
        "thirdPartyConsumeMoney": usage["thirdPartyConsumeMoney"],
        "consumeMoney": usage["consumeMoney"],
        "consumeCoins": usage["consumeCoins"],
    }
    if not state.outputs_node_id:
        del item["nodeId"]
    if "storage_fields" in state.variants:
        key = file.path.removeprefix("/results/")
        item |= {"storageType": "COS", "bucket": "emulated", "objectKey": key}
    return item


def query_reply(state: State, task: Task, status: Status | None = None) -> Json:
    """Return the whole reply of ``/openapi/v2/query`` (RunningHub docs, "Query V2"); ``status``:
    None for the one that polls see."""
    status = status or visible_status(state, task)
    shown = state.cancelled_status if status == "CANCEL" else status
    reply: Json = {
        "taskId": task_number(state, task),
        "status": shown,
        "errorCode": task.error_code if shown == "FAILED" else "",
        "errorMessage": task.error_message if shown == "FAILED" else "",
        "results": None,
        "clientId": "",
        "promptTips": "",
    }
    if status == "CREATE":
        return reply
    if status == "SUCCESS" and (results := seen_results(state, task)):
        reply["results"] = [_result_item(state, task, result) for result in results]
    over = status not in ("QUEUED", "RUNNING")
    reply["failedReason"] = failed_reason(state, task)
    reply["usage"] = _usage(task) if over else dict(NO_USAGE)
    if "usage_list" in state.variants and over:
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


def _result_item(state: State, task: Task, result: Result) -> Json:
    text = result.text
    url = _result_url(state, task, result.file) if result.file else None
    if url == "" and state.missing_address == "blank":
        text = ""
    item: Json = {
        "url": url,
        "nodeId": result.node_id,
        "outputType": result.extension,
        "text": text,
    }
    if not state.outputs_node_id or task.order.model:
        del item["nodeId"]
    if task.order.model:
        item["outputType"] = _KINDS.get(result.extension, task.order.model.model.output)
    return item


_KINDS = {"png": "image", "jpg": "image", "webp": "image", "txt": "text"}
"""``outputType`` by extension, for files that accompany a model's own."""
