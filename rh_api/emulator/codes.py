"""Error codes, and the response envelope of each family of paths."""

from __future__ import annotations

from enum import Enum
from typing import Any

from aiohttp import web

Json = dict[str, Any]

TEXTS: dict[int, str] = {
    0: "success",
    1: "webhook event not exists",
    301: "PARAMS_INVALID",
    380: "WORKFLOW_NOT_EXISTS",
    401: "ApiKey verification failed: API Key不存在",
    404: "NOT_FOUND",
    412: "TOKEN_INVALID",
    414: "TASK_CREATE_FAILED_BY_NOT_ENOUGH_POWER_VALUE",
    415: "TASK_INSTANCE_MAXED",
    416: "TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET",
    421: "TASK_QUEUE_MAXED",
    423: "TASK_NOT_FOUNED",
    433: "VALIDATE_PROMPT_FAILED",
    435: "TASK_USER_EXCLAPI_INSTANCE_NOT_FOUND",
    436: "TASK_USER_EXCLAPI_REQUIRED",
    500: "UNKNOWN_ERROR",
    605: "insufficient balance",
    801: "APIKEY_UNSUPPORTED_FREE_USER",
    802: "APIKEY_UNAUTHORIZED",
    803: "APIKEY_INVALID_NODE_INFO",
    804: "APIKEY_TASK_IS_RUNNING",
    805: "APIKEY_TASK_STATUS_ERROR",
    806: "APIKEY_USER_NOT_FOUND",
    807: "APIKEY_TASK_NOT_FOUND",
    808: "APIKEY_UPLOAD_FAILED",
    809: "APIKEY_FILE_SIZE_EXCEEDED",
    810: "WORKFLOW_NOT_SAVED_OR_NOT_RUNNING",
    811: "CORPAPIKEY_INVALID",
    812: "CORPAPIKEY_INSUFFICIENT_FUNDS",
    813: "APIKEY_TASK_IS_QUEUED",
    814: "PERSONAL_QUEUE_COUNT_LIMIT",
    901: "WEBAPP_NOT_EXISTS",
    1000: "unknown error",
    1001: "Invalid URL",
    1002: "Invalid API Key, please check your credentials",
    1003: "Rate limit exceeded, please slow down requests",
    1004: "Task not found, please check the task ID",
    1005: "Internal server error",
    1006: "Task execution timed out, please retry",
    1007: "Invalid parameters",
    1008: "File size limit exceeded",
    1009: "HTTP method not supported",
    1010: "Service unavailable",
    1011: "System busy",
    1012: "Upstream response error",
    1013: "File processing failed",
    1014: "Standard model API denied",
    1015: "Generation failed",
    1101: "Node info error",
    1501: "Content verification failed",
    1504: "Model timed out",
    1505: "Photorealistic real people are prohibited",
    1520: "TASK_USER_CONCURRENT_LIMIT",
    1601: "param apiKey is required",
    1620: "insufficient balance",
}
"""RunningHub docs, "API Error Code Reference"; 1, 414, 605, 1520, 1601 and 1620 from public
clients' logs."""


class Refused(Exception):
    """Raised to answer with a business code; ``task_id`` is repeated in a V2 task object."""

    def __init__(self, code: int, text: str = "", *, task_id: str = "") -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text or TEXTS.get(code, TEXTS[500])
        self.task_id = task_id


class Family(Enum):
    """Paths that share a response envelope."""

    V1 = "v1"
    UPLOAD = "upload"
    TASK = "task"
    MANAGEMENT = "management"
    OBJECT = "object"
    NATIVE = "native"
    SOCKET = "socket"


_FAMILIES = (
    ("/openapi/v2/media/upload", Family.UPLOAD),
    ("/openapi/v2/queue", Family.MANAGEMENT),
    ("/openapi/v2/api-key", Family.MANAGEMENT),
    ("/openapi/v2/resource", Family.MANAGEMENT),
    ("/openapi/v2/aiapp", Family.MANAGEMENT),
    ("/openapi/v2/", Family.TASK),
    ("/proxy/", Family.NATIVE),
    ("/proxy-plus/", Family.NATIVE),
    ("/results/", Family.OBJECT),
    ("/input/", Family.OBJECT),
    ("/api-lora-cn/", Family.OBJECT),
    ("/ws/", Family.SOCKET),
)


def family_of(path: str) -> Family:
    """Return a path's family; unknown paths use the oldest envelope."""
    return next((family for prefix, family in _FAMILIES if path.startswith(prefix)), Family.V1)


NO_USAGE: Json = {
    "consumeMoney": None,
    "consumeCoins": None,
    "taskCostTime": "0",
    "thirdPartyConsumeMoney": None,
}


def refusal_body(path: str, refused: Refused) -> Json | str:
    """Return the response body for ``refused``: JSON, or XML text for the object store."""
    code, text = refused.code, refused.text
    family = family_of(path)
    if code == 412 and family in (Family.UPLOAD, Family.TASK):
        family = Family.MANAGEMENT
    match family:
        case Family.UPLOAD:
            text = "FILE_SIZE_EXCEEDED" if code == 809 else text
            return {"code": code, "message": text, "data": None}
        case Family.MANAGEMENT | Family.NATIVE:
            return {"code": code, "msg": text}
        case Family.TASK:
            return _task_refusal(refused)
        case Family.OBJECT:
            return f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
        case _:
            return {"code": code, "msg": text, "data": None}


def _task_refusal(refused: Refused) -> Json:
    body: Json = {
        "taskId": refused.task_id,
        "status": "",
        "errorCode": str(refused.code),
        "errorMessage": refused.text,
        "results": None,
        "clientId": "",
        "promptTips": "",
    }
    if refused.code in (1004, 1007):
        body["failedReason"] = {}
    if refused.code == 1004:
        body["usage"] = dict(NO_USAGE)
    return body


def refusal(path: str, refused: Refused, *, status: int = 200) -> web.Response:
    """Return the response for ``refused``, by default with status 200 as nearly all refusals."""
    body = refusal_body(path, refused)
    if isinstance(body, str):
        return web.Response(
            status=status if status != 200 else 403, text=body, content_type="application/xml"
        )
    return web.json_response(body, status=status)
